/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg setup` says: what follows from an answer, the summary before anything is done, and in the end the lines for
 * the other machines with what is left. */
#include <stdlib.h>

#include "base/clock.h"
#include "ctl/out.h"
#include "ctl/wizard/wizard.h"
#include "join/here.h"

enum { WIDTH = 110 };

/* --- before --- */

static const char *const kind_words[] = {
    [CHOICES_RULES_OUT] = "no", [CHOICES_WHY] = "works", [CHOICES_REQUIRES] = "needs", [CHOICES_LIMITS] = "loses"};

void wizard_say_lines(const struct wizard *w, const struct wizard_lines *lines, const struct wizard_lines *but)
{
    for (unsigned kind = CHOICES_WHY; kind <= CHOICES_LIMITS; kind++) {
        for (size_t i = 0; i < lines->count; i++) {
            const struct choices_condition *c = lines->of[i];
            if (c->kind != kind || (but && wizard_lines_have(but, c)))
                continue;
            (void)fprintf(w->talk, "  %s: ", kind_words[kind]);
            ctl_wrap(w->talk, c->line.text, 9, WIDTH);
        }
    }
}

void wizard_summary(const struct wizard *w)
{
    struct wizard_lines lines;
    (void)fprintf(w->talk, "\n%sThis is to be set up in %s:%s\n", term_on(w->talk, TERM_BOLD), w->dir,
                  term_off(w->talk));
    for (unsigned id = 0; id < ASK_COUNT; id++) {
        if (wizard_wants(w, (enum wizard_id)id) && *wizard_text(w, (enum wizard_id)id))
            (void)fprintf(w->talk, "  %-16s %s\n", wizard_questions[id].name, w->text[id]);
    }
    (void)fputs("\nWhat that means:\n", w->talk);
    wizard_follows(w, &lines);
    wizard_say_lines(w, &lines, NULL);
}

/* --- after --- */

static void say_line(const struct wizard *w, const char *who, const char *command, const char *string, int64_t until)
{
    char text[CLOCK_TEXT_SIZE];
    clock_rfc3339(until, text);
    (void)fprintf(w->talk, "\n%s%s%s (the line is a secret, and counts until %s):\n\n  %s %s\n",
                  term_on(w->talk, TERM_BOLD), who, term_off(w->talk), text, command, string);
}

static void tell_gateway(struct wizard *w)
{
    char host[NET_HOST_MAX];
    uint16_t port;
    wizard_gateway(w, host, &port);
    if (*wizard_text(w, ASK_SERVER_CERT) == 'i')
        join_todo(
            &w->report,
            "get a server certificate for %s from your CA, and add its files to the gateway's line: --certificate "
            "FILE --key FILE (PEM; or say --certificate FILE.p12)",
            host);
    else
        join_todo(
            &w->report,
            "add to the gateway's line --acme --directory letsencrypt --email ADDRESS --agree-terms, and a public "
            "CA issues its certificate and each one after; or one that you have: --certificate FILE --key FILE");
    join_todo(&w->report, "%s %s an address record that leads to the gateway's machine; look: getent hosts %s",
              join_here(host) == JOIN_UNKNOWN ? "give" : "see that there is for", host, host);
    join_todo(&w->report,
              "let devices, and this machine's connector, reach port %u there; look, once it runs: cmg analyze %s:%u",
              (unsigned)port, host, (unsigned)port);
}

static void tell_devices(struct wizard *w)
{
    if (w->devices_line || (wizard_clients(w) & CHOICE_BIT(CHOICE_TOKEN)))
        return;
    join_todo(
        &w->report,
        "give devices what they must know of the site: cmg enrollment --out site.json; on each: cmg-client enroll "
        "site.json%s && cmg-client register && cmg-client policy",
        wizard_clients(w) & CHOICE_BIT(CHOICE_PKI) ? " && cmg-client set Certificate=FILE Key=FILE" : "");
}

static void tell_rest(struct wizard *w)
{
    if (w->gateway_line)
        tell_gateway(w);
    tell_devices(w);
    if (wizard_wants(w, ASK_CRL_URL) && !wizard_given(w, ASK_CRL_URL))
        join_todo(&w->report, "name the CRL's URL: cmg trust add --crl-source ID --url URL%s",
                  strcmp(wizard_text(w, ASK_CRL_RELAY), "on") == 0 ? " --via connector" : "");
    if (wizard_wants(w, ASK_TENANT) && !wizard_given(w, ASK_TENANT))
        join_todo(&w->report, "name the tenant: cmg tenant add ID --tenant GUID --audience TEXT");
    join_todo(&w->report, "move %s/offline/root.key to a safe place: it is needed only to make new signing keys",
              w->dir);
    if (!w->usual)
        join_todo(&w->report, "tell cmg where its socket is: export CMG_ADMIN_SOCKET=%s", w->socket);
}

static void say_lines_of_machines(const struct wizard *w)
{
    if (w->gateway_line)
        say_line(w, "On the gateway's machine, as root", "cmg-gateway join", w->gateway_line, w->gateway_until);
    if (w->devices_line)
        say_line(w, "On each device, as root, once the gateway runs", "cmg-client join", w->devices_line,
                 w->devices_until);
    if (w->gateway_line || w->devices_line)
        (void)fputs(
            "\nWhere others use those machines, give '-' in the place of the string, and the string on standard "
            "input.\n",
            w->talk);
}

static json_t *line_json(const char *command, const char *string, int64_t until)
{
    return string ? json_pack("{s:o, s:s, s:I}", "line", json_sprintf("%s %s", command, string), "join", string,
                              "expires", (json_int_t)until)
                  : json_null();
}

int wizard_announce(struct wizard *w)
{
    if (!w->incomplete && !w->report.json)
        say_lines_of_machines(w);
    if (w->incomplete) {
        join_todo(&w->report, "then run cmg setup again: it goes on from here");
    } else {
        if (!w->report.json)
            (void)fputs("\nWhat is left to do:\n", w->talk);
        tell_rest(w);
    }
    json_t *facts = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "site", wizard_text(w, ASK_SITE), "dir", w->dir,
                              "admin_socket", w->socket, "complete", (int)!w->incomplete, "gateway",
                              line_json("cmg-gateway join", w->gateway_line, w->gateway_until), "devices",
                              line_json("cmg-client join", w->devices_line, w->devices_until));
    (void)join_ended(&w->report, facts);
    (void)fflush(stdout);
    return w->incomplete ? CTL_FAILED : CTL_DONE;
}
