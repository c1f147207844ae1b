/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of administrators: to gateways, would you let this certificate in? To gateways, connectors and management
 * points, what did you do with the request of this id? And the answers, one a part of the site. Both are forgotten
 * soon. */
#ifndef STORE_SITE_QUESTION_H
#define STORE_SITE_QUESTION_H

#include "base/arena.h"
#include "store/store.h"

enum { STORE_QUESTION_LIVES_S = 60, STORE_QUESTION_KEEP_S = 300, STORE_QUESTIONS_MAX = 32 };

struct store_question {
    int64_t id;               /* grows; given by store_question_add */
    const char *gateway;      /* "": each gateway */
    const char *certificates; /* PEM, leaf first; "": it is about a request */
    const char *request;      /* its id; "": it is about certificates */
    const char *caller;
    int64_t asked, expires; /* wall seconds */
};

struct store_answer {
    const char *gateway; /* its id; or, of another part, which has a blank in it: "connector cp1" */
    const char *verdict; /* JSON */
    int64_t answered;
};

/* Sets id, asked (to `now`) and expires, and wakes who waits for questions. R_AGAIN: STORE_QUESTIONS_MAX of its
 * kind are open. */
MUST_USE enum result store_question_add(struct store *s, struct store_question *q, int64_t now, struct error *err);
/* R_NOTFOUND: never asked, or forgotten. */
MUST_USE enum result store_question_get(struct store *s, struct arena *a, int64_t id, struct store_question *ret,
                                        struct error *err);
/* Those that this gateway (or other part) may still answer, with an id over `after`, in their order. */
MUST_USE enum result store_question_open(struct store *s, struct arena *a, const char *gateway, int64_t after,
                                         int64_t now, struct store_question **ret, size_t *ret_count,
                                         struct error *err);

/* The first answer of a gateway counts. R_NOTFOUND: no such question is open for it, or there is no such gateway. */
MUST_USE enum result store_answer_put(struct store *s, int64_t question, const struct store_answer *answer, int64_t now,
                                      struct error *err);
MUST_USE enum result store_answer_list(struct store *s, struct arena *a, int64_t question, struct store_answer **ret,
                                       size_t *ret_count, struct error *err);

#endif
