/* SPDX-License-Identifier: Apache-2.0 */
/* Whose clock is wrong? The other side's time, by an answer that is believed in nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "web/http_curl.h"

enum { CLOCK_MS = 5000 };

/* A certificate that is out of its time here but not by the other side's clock: then a clock is wrong. The answer to
 * the question is believed in nothing else. */
enum web_fault web_curl_compare_clocks(const struct web_http *h, const struct web_request *r, enum web_fault fault,
                                       struct error *err)
{
    char authority[272], differ[128];
    struct slice rest = slice_skip(slice_of(r->url), strlen("https://"));
    if (r->unverified || r->sealed || !slice_to_cstr(slice_cut(&rest, '/'), authority, sizeof authority))
        return fault;
    int64_t there = web_http_peer_time(authority, r->timeout_ms && r->timeout_ms < CLOCK_MS ? r->timeout_ms : CLOCK_MS);
    if (!web_clocks_differ(there, clock_wall_s(), differ, sizeof differ) || there < h->tls_not_before ||
        there > h->tls_not_after)
        return fault;
    (void)error_set(err, R_IO, "%s: %s, and by that clock the certificate '%.120s' is in its time",
                    web_fault_info(WEB_FAULT_CLOCK)->text, differ, h->tls_subject);
    return WEB_FAULT_CLOCK;
}

int64_t web_http_peer_time(const char *authority, long timeout_ms)
{
    struct web_http *h = web_http_new();
    struct web_answer answer;
    struct error err;
    char url[400];
    (void)snprintf(url, sizeof url, "https://%s/CCM_Proxy_ServerAuth/ServiceMetadata", authority);
    struct web_request q = {.method = "GET", .url = url, .timeout_ms = timeout_ms, .unverified = true};
    int64_t date = web_http_do(h, &q, &answer, &err) == WEB_FAULT_NONE ? answer.date : 0;
    web_answer_free(&answer);
    web_http_free(h);
    return date;
}

bool web_clocks_differ(int64_t there, int64_t here, char *ret, size_t size)
{
    char text_there[CLOCK_TEXT_SIZE], text_here[CLOCK_TEXT_SIZE];
    ret[0] = '\0';
    if (there == 0 || (there - here <= WEB_SKEW_S && here - there <= WEB_SKEW_S))
        return false;
    clock_rfc3339(there, text_there);
    clock_rfc3339(here, text_here);
    (void)snprintf(ret, size, "here it is %s, there %s", text_here, text_there);
    return true;
}
