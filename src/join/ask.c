/* SPDX-License-Identifier: Apache-2.0 */
/* The request over HTTPS. Whoever answers is believed by the site's signature alone, so the connection is not judged.
 */
#include "join/ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "web/http.h"

enum { URLS_MAX = BOOTSTRAP_LIST_MAX, TIMEOUT_MS = 20 * 1000, TRIES = 2, URL_SIZE = 2100 };

/* --- one management point --- */

static enum result refused(const struct web_answer *a, const struct join_string *s, const char *url, struct error *err)
{
    json_t *problem = NULL;
    const char *reason = "";
    if (json_parse(buf_data(&a->body), JOIN_ANSWER_MAX, &problem, NULL) == OK)
        reason = json_opt_str(problem, "reason", "");
    bool of_string = strcmp(reason, "join_refused") == 0;
    json_decref(problem);
    if (of_string) {
        (void)error_set(err, R_DENIED,
                        "the site %s does not take this join string: it was used already, it expired, or another one "
                        "was made in its place",
                        s->site);
        error_remedy(err,
                     "make another at the site: cmg connector add ID --join (with --renew where it has joined); if it "
                     "was used, and not by you, remove that role; the log of cmg-mp says why it was refused");
        return R_DENIED;
    }
    (void)error_set(err, R_IO, "%.300s answered %ld instead of the site's answer", url, a->status);
    error_remedy(err, "check that a cmg-mp of the site's version answers there, and nothing that stands in between");
    return R_IO;
}

/* A signature of another time may be a clock's fault. */
static enum result explain_clock(const struct web_answer *a, enum result r, struct error *err)
{
    char differ[128];
    if ((r != R_TIMEOUT && r != R_DENIED) || !web_clocks_differ(a->date, clock_wall_s(), differ, sizeof differ))
        return r;
    char was[ERROR_TEXT_MAX];
    (void)snprintf(was, sizeof was, "%.300s", err->text);
    (void)error_set(err, R_TIMEOUT, "%s (%s)", differ, was);
    error_remedy(err,
                 "set the clock that is wrong, and let both follow a time service (timedatectl set-ntp true); then "
                 "join again: the string still counts for this machine");
    return R_TIMEOUT;
}

static enum result ask_one(struct web_http *h, const char *base, struct slice request, const struct join_string *s,
                           EVP_PKEY *key, char **ret, struct error *err)
{
    char url[URL_SIZE];
    struct web_answer answer;
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    (void)snprintf(url, sizeof url, "%.*s/.cmg/join", (int)len, base);
    const struct web_request q = {.method = "POST",
                                  .url = url,
                                  .headers = {"Content-Type: application/jose"},
                                  .body = request,
                                  .timeout_ms = TIMEOUT_MS,
                                  .sealed = true};
    enum result r = OK;
    if (web_http_do(h, &q, &answer, err) != WEB_FAULT_NONE) {
        r = R_IO;
        error_remedy(err,
                     "check that cmg-mp runs there, and that this machine reaches it: its name, port, the firewalls "
                     "and the proxy in between (https_proxy); then join again: the string was not used");
    } else if (answer.status != 200) {
        r = refused(&answer, s, url, err);
    } else {
        r = join_answer_read(buf_data(&answer.body), s, key, clock_wall_s(), ret, err);
        r = explain_clock(&answer, r, err);
    }
    web_answer_free(&answer);
    return r;
}

/* --- all of them --- */

static enum result ask_all(struct join_report *report, const struct join_string *s, struct slice request, EVP_PKEY *key,
                           char **ret, struct error *err)
{
    const json_t *urls = json_object_get(s->content, "urls");
    size_t count = json_array_size(urls) < URLS_MAX ? json_array_size(urls) : URLS_MAX;
    struct web_http *h = web_http_new();
    enum result r = R_IO;
    for (size_t i = 0; r == R_IO && i < TRIES * count; i++) {
        const char *url = json_string_value(json_array_get(urls, i % count));
        r = url ? ask_one(h, url, request, s, key, ret, err) : error_set(err, R_IO, "a URL in the string is none");
        if (r == OK)
            join_did(report, "The site %s answered at %s, signed by its pinned root", s->site, url);
    }
    web_http_free(h);
    return r;
}

enum result join_ask_site(struct join_report *report, const struct join_string *s, EVP_PKEY *key, char **ret,
                          struct error *err)
{
    char *request;
    *ret = NULL;
    enum result r = join_request_sign(s, key, clock_wall_s(), &request, err);
    if (r != OK)
        return r;
    r = ask_all(report, s, slice_of(request), key, ret, err);
    free(request);
    return r;
}
