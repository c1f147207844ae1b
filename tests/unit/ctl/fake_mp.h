/* SPDX-License-Identifier: Apache-2.0 */
/* A management point of one answer, or of one a request: a Unix socket in a temporary folder, a thread that takes
 * requests, keeps the last one and answers what the test says. And standard output and error of a command, caught. */
#ifndef TESTS_CTL_FAKE_MP_H
#define TESTS_CTL_FAKE_MP_H

#include <pthread.h>

#include "ctl/ctl.h"

/* What a request that begins so is answered with; the first row that fits counts. */
struct fake_row {
    const char *request; /* "GET /v1/gateways" */
    int status;
    const char *body;
};

struct fake_mp {
    char dir[64], socket[96];
    char request[65536]; /* the last one, head and body */
    char asked[8192];    /* the first lines of all since the rows were set, without their HTTP/1.1 */
    const char *answer;  /* set by fake_mp_set */
    const struct fake_row *rows;
    int listener;
    pthread_t thread;
};
/* From here to its stop, commands ask it (CMG_ADMIN_SOCKET). */
void fake_mp_start(struct fake_mp *mp);
void fake_mp_stop(struct fake_mp *mp);

/* What it answers from now on: raw HTTP, borrowed; NULL: it closes without one. */
void fake_mp_set(struct fake_mp *mp, const char *answer);

/* It answers by these rows, the last one's `request` NULL, borrowed; what none fits as before. */
void fake_mp_rows(struct fake_mp *mp, const struct fake_row *rows);

/* "HTTP/1.1 <status> …" with this body, kept until the next call. */
const char *fake_mp_answer(int status, const char *body);

void remove_tree(const char *path);

struct ran {
    int code;
    char out[65536], err[65536];
};
/* Runs `cmg` with these words, the last NULL; {dir} and {socket} are replaced when mp is given. */
void run_cmg(struct ran *ret, const struct fake_mp *mp, const char *const *words);
#define RUN(ret, mp, ...) run_cmg((ret), (mp), (const char *const[]){__VA_ARGS__, NULL})

#endif
