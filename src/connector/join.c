/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's side of joining (docs/protocol/wire.md 11): it asks a management point itself. */
#include "connector/join.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "join/ask.h"
#include "join/command.h"
#include "join/here.h"
#include "join/place.h"
#include "join/text.h"
#include "net/url.h"

struct options {
    struct join_options common;
    const char *certificate, *key;
};

static const struct opt opts[] = {
    {.name = "certificate",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, certificate),
     .value = "FILE",
     .help =
         "its PKI client certificate (PEM, or PKCS#12), where an https management point has pki clients: the one of "
         "cmg connector add --cert"},
    {.name = "key",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, key),
     .value = "FILE",
     .help = "the key of it (PEM)"},
    JOIN_OPTS(struct options, common),
    {0}};

/* Published endpoints may lead to this machine only where it is allowed; the management point may stand on it. */
static bool site_is_here(const struct join_string *s)
{
    const json_t *url;
    size_t i;
    json_array_foreach(json_object_get(s->content, "urls"), i, url) {
        struct net_url parsed;
        if (net_url_parse(slice_of(json_string_value(url)), &parsed, NULL) == OK &&
            join_here(parsed.host) == JOIN_LOOPBACK)
            return true;
    }
    return false;
}

/* The line of the configuration, malloc'ed; "" without a certificate. */
static char *client_certificate(struct join_report *report, const struct join_place *p, const struct options *o)
{
    enum { CERTIFICATE_MAX = 2 * PATH_MAX + 128 };
    char *line = mem_zalloc(CERTIFICATE_MAX), *certificate = o->certificate ? file_absolute(o->certificate) : NULL,
         *key = o->key ? file_absolute(o->key) : NULL;
    if (certificate)
        (void)snprintf(line, CERTIFICATE_MAX, "client_certificate: {certificate: \"%s\"%s%s%s}\n", certificate,
                       key ? ", key: \"" : "", key ? key : "", key ? "\"" : "");
    if (certificate)
        (void)join_place_readable(report, p, certificate);
    if (key)
        (void)join_place_readable(report, p, key);
    free(certificate);
    free(key);
    return line;
}

static enum result configure(struct join_report *report, const struct join_place *p, const struct join_string *s,
                             const struct options *o, struct error *err)
{
    enum { TEXT_MAX = 5 * PATH_MAX };
    char *text = mem_zalloc(TEXT_MAX), *certificate = client_certificate(report, p, o);
    (void)snprintf(text, TEXT_MAX,
                   "# Written by cmg-connector join. All keys: cmg-connector --reference\n"
                   "bootstrap: \"%s\"\n"
                   "state: \"%s\"\n"
                   "%s%s",
                   p->bootstrap, p->state, certificate,
                   site_is_here(s) ? "# The management point is on this machine.\nallow_targets: [loopback]\n" : "");
    enum result r = join_place_configure(report, p, text, err);
    free(certificate);
    free(text);
    return r;
}

static enum result ask(struct join_report *report, const struct join_place *p, const struct join_string *s,
                       struct error *err)
{
    EVP_PKEY *key;
    char *bootstrap = NULL;
    enum result r = join_place_key(p, &key, err);
    if (r != OK)
        return r;
    r = join_ask_site(report, s, key, &bootstrap, err);
    EVP_PKEY_free(key);
    if (r == OK)
        r = join_place_keep(report, p, bootstrap, err);
    if (bootstrap)
        mem_free_secret(bootstrap, strlen(bootstrap));
    return r;
}

static enum result join(struct join_report *report, const struct options *o, const char *argument,
                        const struct conf_daemon *daemon, struct join_string *s, struct error *err)
{
    struct join_place p;
    enum result r = join_text_read(report, argument, o->common.file, JOIN_CONNECTOR, clock_wall_s(), s, err);
    if (r == OK)
        r = join_place_open(report, "connector", o->common.dir, &p, err);
    if (r != OK)
        return r;
    r = ask(report, &p, s, err);
    if (r == OK)
        r = configure(report, &p, s, o, err);
    if (r == OK)
        join_finish(report, &o->common, daemon, &p);
    join_place_free(&p);
    return r;
}

int connector_join(const struct conf_daemon *daemon, int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg-connector join STRING [options]   (or: join -, join @FILE)",
        "Let this machine join a site as the connector of the string (cmg connector add ID --join).", opts, 0, 1};
    struct options o = {0};
    const char **args;
    size_t count;
    int code;
    if (!join_parse(&cmd, daemon->name, argc, argv, &o, &args, &count, &code))
        return code;
    struct join_report report;
    struct join_string s = {.kind = JOIN_CONNECTOR};
    struct error err;
    join_report_start(&report, daemon->name, o.common.json);
    enum result r = join(&report, &o, count ? args[0] : NULL, daemon, &s, &err);
    code = r == OK ? join_ended(&report, json_pack("{s:s, s:s}", "site", s.site, "id", s.id))
                   : join_failed(&report, &err, NULL);
    join_string_done(&s);
    return code;
}
