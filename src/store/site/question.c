/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables question and answer. */
#include "store/site/question.h"

#include "store/row.h"
#include "store/sequence.h"

#define COLUMNS "SELECT id, gateway, certificates, caller, asked, expires, request FROM question "

static void read_question(struct store_reader *r, void *ret)
{
    struct store_question *q = ret;
    q->id = store_read_int(r, 0);
    q->gateway = store_read_text(r, 1);
    q->certificates = store_read_text(r, 2);
    q->caller = store_read_text(r, 3);
    q->asked = store_read_int(r, 4);
    q->expires = store_read_int(r, 5);
    q->request = store_read_text(r, 6);
}

/* Each kind has its room: readers may ask about requests, and are not to keep operators from asking. */
static enum result make_room(struct store *s, const char *request, int64_t now, struct error *err)
{
    int64_t open;
    enum result r = store_exec(s, "DELETE FROM question WHERE expires < $1",
                               STORE_PARAMS(STORE_N(now - STORE_QUESTION_KEEP_S)), NULL, err);
    if (r == OK)
        r = store_query_int(s,
                            *request ? "SELECT COUNT(*) FROM question WHERE expires >= $1 AND request <> ''"
                                     : "SELECT COUNT(*) FROM question WHERE expires >= $1 AND request = ''",
                            STORE_PARAMS(STORE_N(now)), &open, err);
    if (r == OK && open >= STORE_QUESTIONS_MAX)
        r = error_set(err, R_AGAIN, "%d questions to gateways are open; wait a minute", STORE_QUESTIONS_MAX);
    return r;
}

static enum result add(struct store *s, struct store_question *q, int64_t now, struct error *err)
{
    enum result r = make_room(s, q->request, now, err);
    if (r == OK)
        r = store_sequence_bump(s, STORE_SEQUENCE_QUESTION, err);
    if (r == OK)
        r = store_sequence_get(s, STORE_SEQUENCE_QUESTION, &q->id, NULL, err);
    q->asked = now;
    q->expires = now + STORE_QUESTION_LIVES_S;
    if (r == OK)
        r = store_exec(s,
                       "INSERT INTO question (id, gateway, certificates, caller, asked, expires, request) "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                       STORE_PARAMS(STORE_N(q->id), STORE_T(q->gateway), STORE_T(q->certificates), STORE_T(q->caller),
                                    STORE_N(q->asked), STORE_N(q->expires), STORE_T(q->request)),
                       NULL, err);
    return r == OK ? store_bump(s, 0, err) : r;
}

enum result store_question_add(struct store *s, struct store_question *q, int64_t now, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add(s, q, now, err), err) : r;
}

enum result store_question_get(struct store *s, struct arena *a, int64_t id, struct store_question *ret,
                               struct error *err)
{
    static const struct store_select select = {COLUMNS "WHERE id = $1", sizeof *ret, read_question};
    return store_select_one(s, &select, STORE_PARAMS(STORE_N(id)), a, ret, "question of this id", err);
}

enum result store_question_open(struct store *s, struct arena *a, const char *gateway, int64_t after, int64_t now,
                                struct store_question **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        COLUMNS "WHERE id > $1 AND expires >= $2 AND (gateway = '' OR gateway = $3) AND NOT EXISTS "
                "(SELECT 1 FROM answer WHERE answer.question = question.id AND answer.gateway = $3) ORDER BY id",
        sizeof **ret, read_question};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(after), STORE_N(now), STORE_T(gateway)), a, ret, ret_count,
                            err);
}

/* --- answers --- */

/* A connector says which gateway answers, so it must be one; names with a blank are the site's own words for who proved
 * to be that part. */
enum result store_answer_put(struct store *s, int64_t question, const struct store_answer *x, int64_t now,
                             struct error *err)
{
    return store_change(s,
                        "INSERT INTO answer (question, gateway, answered, verdict) "
                        "SELECT id, $2, $3, $4 FROM question WHERE id = $1 AND expires >= $3 AND "
                        "(gateway = '' OR gateway = $2) AND ($2 LIKE '% %' OR EXISTS "
                        "(SELECT 1 FROM gateway WHERE gateway.id = $2)) "
                        "ON CONFLICT (question, gateway) DO NOTHING",
                        STORE_PARAMS(STORE_N(question), STORE_T(x->gateway), STORE_N(now), STORE_T(x->verdict)),
                        "open question of this id", err);
}

static void read_answer(struct store_reader *r, void *ret)
{
    struct store_answer *x = ret;
    x->gateway = store_read_text(r, 0);
    x->verdict = store_read_text(r, 1);
    x->answered = store_read_int(r, 2);
}

enum result store_answer_list(struct store *s, struct arena *a, int64_t question, struct store_answer **ret,
                              size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT gateway, verdict, answered FROM answer WHERE question = $1 ORDER BY gateway", sizeof **ret,
        read_answer};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(question)), a, ret, ret_count, err);
}
