/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as one text each, and what becomes of them: the request that is sent, or why nothing is. */
#ifndef TESTS_CTL_LINES_H
#define TESTS_CTL_LINES_H

#include "fake_mp.h"
#include "json/json.h"

extern struct fake_mp mp; /* the test starts and stops it */
extern struct ran ran;    /* what the last line did */

/* Runs `cmg` with the words of a line. */
void run_line(const char *line);

/* The body that was sent with this request line; NULL: none. The caller json_decref()s it. */
json_t *sent(const char *request);

struct expected {
    const char *line, *request, *body;
};
void expect_all(const struct expected *cases, size_t n);

struct refusal {
    const char *line;
    int code;
    const char *told;
};
/* Nothing is sent. */
void refuse_all(const struct refusal *cases, size_t n);

#endif
