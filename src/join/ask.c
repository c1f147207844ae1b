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

struct asking {
    struct web_http *http;
    const struct join_string *string;
    EVP_PKEY *key;
    struct slice request;
    bool refused; /* the string is: another management point would say the same */
};

/* --- one management point --- */

static enum result tell_refusal(struct asking *q, const struct web_answer *a, const char *url, struct error *err)
{
    json_t *problem = NULL;
    const char *reason = "";
    if (json_parse(buf_data(&a->body), JOIN_ANSWER_MAX, &problem, NULL) == OK)
        reason = json_opt_str(problem, "reason", "");
    q->refused = strcmp(reason, "join_refused") == 0;
    json_decref(problem);
    if (q->refused) {
        (void)error_set(err, R_DENIED,
                        "the site %s does not take this join string: it was used already, it expired, or another one "
                        "was made in its place",
                        q->string->site);
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

static enum result make_url(const char *base, char ret[URL_SIZE], struct error *err)
{
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    int size = snprintf(ret, URL_SIZE, "%.*s/.cmg/join", (int)len, base);
    return size < URL_SIZE ? OK : error_set(err, R_IO, "a URL in the string has more than %d octets", URL_SIZE - 1);
}

static enum result ask_one(struct asking *q, const char *base, char **ret, struct error *err)
{
    char url[URL_SIZE];
    struct web_answer answer;
    enum result r = make_url(base, url, err);
    if (r != OK)
        return r;
    const struct web_request request = {.method = "POST",
                                        .url = url,
                                        .headers = {"Content-Type: application/jose"},
                                        .body = q->request,
                                        .timeout_ms = TIMEOUT_MS,
                                        .sealed = true};
    if (web_http_do(q->http, &request, &answer, err) != WEB_FAULT_NONE) {
        r = R_IO;
        error_remedy(err,
                     "check that cmg-mp runs there, and that this machine reaches it: its name, port, the firewalls "
                     "and the proxy in between (https_proxy); then join again: the string was not used");
    } else if (answer.status != 200) {
        r = tell_refusal(q, &answer, url, err);
    } else {
        r = join_answer_read(buf_data(&answer.body), q->string, q->key, clock_wall_s(), ret, err);
        r = explain_clock(&answer, r, err);
    }
    web_answer_free(&answer);
    return r;
}

/* --- all of them --- */

/* What stands in between may answer anything: only the site's own word ends it. Of several faults one that an answer
 * had says more than that nobody was reached. */
static enum result ask_all(struct join_report *report, struct asking *q, char **ret, struct error *err)
{
    const json_t *urls = json_object_get(q->string->content, "urls");
    size_t count = json_array_size(urls) < URLS_MAX ? json_array_size(urls) : URLS_MAX;
    enum result r = error_set(err, R_IO, "the string names no management point");
    for (size_t i = 0; r != OK && !q->refused && i < TRIES * count; i++) {
        struct error fault;
        const char *url = json_string_value(json_array_get(urls, i % count));
        enum result one = url ? ask_one(q, url, ret, &fault) : error_set(&fault, R_IO, "a URL in the string is none");
        if (one == OK)
            join_did(report, "The site %s answered at %s, signed by its pinned root", q->string->site, url);
        if (one != R_IO || r == R_IO) {
            r = one;
            *err = fault;
        }
    }
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
    struct asking q = {web_http_new(), s, key, slice_of(request), false};
    r = ask_all(report, &q, ret, err);
    web_http_free(q.http);
    free(request);
    return r;
}
