/* SPDX-License-Identifier: Apache-2.0 */
/* Asking management points directly: which there are, in turn, each for a short time. Who answers is judged in
 * session/mp.c, what it answers in document.c. */
#include "client/location/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/name.h"
#include "client/location/document.h"
#include "client/session/refused.h"
#include "net/url.h"

enum { ASK_MS = 3000, ASK_ALL_MS = 6000, ANCHORS_MAX = 4 * 1024 * 1024 };

#define TARGET "/SMS_MP/.sms_aut?MPLIST"

/* --- which there are --- */

static struct client_mp *find_mp(struct client_inside *in, const struct client_fqdn *at)
{
    for (size_t i = 0; i < in->count; i++) {
        if (client_fqdn_same(&in->items[i].at, at))
            return &in->items[i];
    }
    return NULL;
}

static struct client_mp *add_mp(struct client_session *s, const struct client_fqdn *at)
{
    struct client_mp *mp = find_mp(&s->way.inside, at);
    if (mp || s->way.inside.count == CLIENT_MPS_MAX)
        return mp;
    mp = &s->way.inside.items[s->way.inside.count++];
    *mp = (struct client_mp){.at = *at};
    memcpy(mp->pin, s->pin, sizeof mp->pin);
    return mp;
}

/* What the site says of them. One that lives on this very machine says nothing of the network, unless the
 * administrator named it. */
static void add_told(struct client_session *s, const json_t *location)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(location, "mps"), i, o) {
        const char *id = json_opt_str(o, "id", ""), *anchors = json_opt_str(o, "anchors_pem", NULL);
        struct client_fqdn at;
        if (client_fqdn_parse_url(slice_of(json_opt_str(o, "url", "")), &at, NULL) != OK ||
            !name_valid(NAME_ROLE, slice_of(id)))
            continue;
        struct client_mp *mp = find_mp(&s->way.inside, &at);
        if (!mp && !net_host_loopback(slice_of(at.host)))
            mp = add_mp(s, &at);
        if (!mp)
            continue;
        (void)snprintf(mp->at.role, sizeof mp->at.role, "%s", id);
        mp->by_root = strcmp(json_opt_str(o, "mode", ""), choices_mp_name(CHOICE_MP_EHTTP)) == 0;
        free(mp->anchors);
        mp->anchors = anchors ? mem_strdup(anchors) : NULL;
    }
}

bool client_inside_collect(struct client_session *s, const json_t *location)
{
    const struct client_settings *set = &s->c->settings;
    const char *urls = client_setting(set, SETTING_MP_URLS), *ca = client_setting(set, SETTING_MP_CA);
    struct slice rest = slice_of(urls ? urls : "");
    struct error err;
    size_t len;
    while (rest.ptr) {
        struct slice url = slice_trim(slice_cut(&rest, ';'));
        struct client_fqdn at;
        if (url.len && client_fqdn_parse_url(url, &at, NULL) == OK)
            (void)add_mp(s, &at);
    }
    add_told(s, location);
    if (s->way.inside.count && ca && file_read_text(ca, ANCHORS_MAX, &s->way.inside.anchors, &len, &err) != OK)
        return client_session_fail(s, "mp_ca", &err, "check the file that MPCA names");
    return true;
}

/* --- asking --- */

static bool rule_out_mp(struct client_session *s, struct client_mp *mp, const char *word, const char *text)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(&mp->at, authority);
    (void)snprintf(mp->why, sizeof mp->why, "%.40s: %.200s", word, text);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "Failed to reach the management point %s directly: %s",
                authority, mp->why);
    return false;
}

static bool take_location(struct client_session *s, struct client_mp *mp, const struct web_answer *a)
{
    char status[32];
    (void)snprintf(status, sizeof status, "status %ld", a->status);
    if (a->status != 200)
        return rule_out_mp(s, mp, "no_location", *a->status_text ? a->status_text : status);
    struct web_outcome before = s->outcome;
    char *text = slice_dup(buf_data(&a->body));
    bool ok = client_location_take(s, text);
    free(text);
    if (!ok)
        (void)rule_out_mp(s, mp, s->outcome.reason, s->outcome.detail);
    s->outcome = before;
    return ok;
}

/* Nothing of the device's is shown: who answers is not known yet. */
static bool ask_mp(struct client_session *s, struct client_mp *mp, long timeout_ms)
{
    char url[CLIENT_AUTHORITY_SIZE + 64], authority[CLIENT_AUTHORITY_SIZE];
    struct web_answer answer;
    struct error err;
    struct web_request r = {.method = "GET", .url = url, .timeout_ms = timeout_ms};
    client_fqdn_authority(&mp->at, authority);
    (void)snprintf(url, sizeof url, "https://%s" TARGET, authority);
    client_mp_trust(&s->way.inside, mp, &r);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO, "Asking management point %s directly", authority);
    enum web_fault fault = web_http_do(s->http, &r, &answer, &err);
    mp->answered = fault == WEB_FAULT_NONE ? take_location(s, mp, &answer)
                                           : rule_out_mp(s, mp, web_fault_info(fault)->word, err.text);
    if (mp->answered) {
        add_told(s, s->location);
        if (!*mp->at.role && *mp->proven)
            (void)snprintf(mp->at.role, sizeof mp->at.role, "%.*s", WEB_ROLE_MAX, mp->proven);
        if (mp->by_root && !*mp->proven) /* it is one of those, as is known only now */
            (void)rule_out_mp(s, mp, "tls_untrusted", CLIENT_MP_NOT_BY_ROOT);
        else if (!*mp->at.role)
            (void)rule_out_mp(s, mp, "unknown",
                              "no management point in the site's location data has this address; write "
                              "MPUrls as `cmg status` shows it");
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO, "Management point %s (%s) answered in %ld ms",
                    authority, *mp->at.role ? mp->at.role : "of unknown id", answer.millis);
    }
    web_answer_free(&answer);
    return mp->answered;
}

bool client_inside_find(struct client_session *s)
{
    uint64_t now = clock_mono_ms(), until = now + ASK_ALL_MS;
    for (size_t i = 0; i < s->way.inside.count && !web_http_stopped(); i++, now = clock_mono_ms()) {
        struct client_mp *mp = &s->way.inside.items[i];
        if (now >= until)
            (void)snprintf(mp->why, sizeof mp->why, "not asked: others took too long");
        else if (ask_mp(s, mp, until - now < ASK_MS ? (long)(until - now) : ASK_MS))
            return true;
    }
    return false;
}

struct client_mp *client_inside_role(struct client_session *s, const char *role)
{
    for (size_t i = 0; i < s->way.inside.count; i++) {
        struct client_mp *mp = &s->way.inside.items[i];
        if (slice_eq_nocase(slice_of(mp->at.role), slice_of(role)) && !*mp->why &&
            (mp->answered || ask_mp(s, mp, ASK_MS)))
            return mp;
    }
    return NULL;
}

void client_inside_why(const struct client_inside *in, char *ret, size_t size)
{
    size_t used = 0;
    *ret = '\0';
    for (size_t i = 0; i < in->count && used < size; i++) {
        char authority[CLIENT_AUTHORITY_SIZE];
        client_fqdn_authority(&in->items[i].at, authority);
        int n = snprintf(ret + used, size - used, "%s%.100s: %s", used ? "; " : "", authority,
                         *in->items[i].why ? in->items[i].why : "it does not serve this device");
        used += n > 0 ? (size_t)n : 0;
    }
}
