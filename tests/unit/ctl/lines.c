/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lines.h"

struct fake_mp mp;
struct ran ran;

void run_line(const char *line)
{
    const char *words[32];
    char *copy = mem_strdup(line), *rest = copy, *word;
    size_t n = 0;
    while ((word = strsep(&rest, " ")) && n < 31)
        words[n++] = word;
    words[n] = NULL;
    mp.request[0] = '\0';
    run_cmg(&ran, &mp, words);
    free(copy);
}

json_t *sent(const char *request)
{
    char first[256];
    const char *end = strstr(mp.request, "\r\n\r\n");
    (void)snprintf(first, sizeof first, "%s HTTP/1.1\r\n", request);
    if (!end || !slice_starts(slice_of(mp.request), slice_of(first)))
        fail_msg("exit %d, sent\n%s\n%s", ran.code, mp.request, ran.err);
    return end ? json_loads(end + 4, 0, NULL) : NULL;
}

void expect_all(const struct expected *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fake_mp_set(&mp, fake_mp_answer(200, "{}"));
        run_line(cases[i].line);
        json_t *body = sent(cases[i].request), *wanted = json_loads(cases[i].body, 0, NULL);
        if (!json_equal(body, wanted))
            fail_msg("cmg %s sent %s", cases[i].line, strstr(mp.request, "\r\n\r\n") + 4);
        json_decref(body);
        json_decref(wanted);
    }
}

void refuse_all(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        run_line(cases[i].line);
        if (ran.code != cases[i].code || mp.request[0] || !strstr(ran.err, cases[i].told) || !strstr(ran.err, "remedy"))
            fail_msg("cmg %s: exit %d, sent '%s'\n%s", cases[i].line, ran.code, mp.request, ran.err);
    }
}
