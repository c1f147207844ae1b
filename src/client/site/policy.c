/* SPDX-License-Identifier: Apache-2.0 */
/* Machine policy, and the policy of the user who signed in: fetched by version, believed only when the site signed it
 * for this device (and user), stored, and handed to the administrator's handler when it changed. */
#include "client/site/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/apart.h"
#include "client/session/refused.h"
#include "client/session/send.h"
#include "client/site/policy_state.h"
#include "client/site/token.h"
#include "client/site/user_token.h"
#include "client/state/documents.h"
#include "client/state/messages.h"
#include "client/state/state.h"
#include "digest/digest.h"

enum { HANDLER_LIMIT_S = 600, TAIL_MAX = 1536, WHY_MAX = CLIENT_MESSAGE_DETAIL_MAX - TAIL_MAX - 1 };

/* --- machine policy and user policy --- */

static const struct scenario {
    enum document_type type;
    const char *target, *plain, *handled; /* what is asked for; the file for the handler; its mark in the state */
    const char *kind;                     /* of the messages that tell what became of it */
    enum client_setting handler;
} scenarios[] = {
    [CHOICE_DEVICE] = {DOCUMENT_POLICY, "/SMS_MP/.sms_pol?MACHINE", "policy.json", "handled", "policy",
                       SETTING_POLICY_HANDLER},
    [CHOICE_USER] = {DOCUMENT_USER_POLICY, "/CCM_User/policy", "user-policy.json", "handled_user", "user_policy",
                     SETTING_USER_POLICY_HANDLER},
};

struct asking {
    struct client_session *s;
    const struct scenario *of;
    struct client_policies *policies;
    struct client_user user;               /* scenario user */
    char audience[DOCUMENT_AUDIENCE_SIZE]; /* whom the document must be for */
    struct client_reader who;
};

json_t *client_policy_stored(const struct client_reader *who, int64_t *ret_sequence)
{
    struct document d = {0};
    json_t *content = NULL;
    if (client_document_stored(who, DOCUMENT_POLICY, &d, NULL) != OK)
        return NULL;
    if (!client_document_ended(&d, clock_wall_s())) {
        content = json_incref(d.content);
        *ret_sequence = d.sequence;
    }
    document_done(&d);
    return content;
}

/* --- fetching --- */

static bool find_bearer(struct asking *a, const char **ret)
{
    if (a->of->type == DOCUMENT_USER_POLICY)
        return client_user_token(a->s, &a->user, ret);
    return client_access_token(a->s, ret);
}

/* A cached token that is no longer good (keys rolled, clock set) is replaced once. */
static bool replace_bearer(struct asking *a, const char **ret)
{
    if (a->of->type == DOCUMENT_USER_POLICY) {
        client_user_free(&a->user);
        return client_user_token_again(a->s, &a->user, ret);
    }
    client_access_token_drop(a->s);
    return client_access_token(a->s, ret);
}

static bool fetch_document(struct asking *a, const char *bearer, int64_t sequence, struct web_answer *ret)
{
    struct client_session *s = a->s;
    char etag[32];
    (void)snprintf(etag, sizeof etag, "\"%lld\"", (long long)sequence);
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "GET",
                               .target = a->of->target,
                               .if_none_match = sequence ? etag : NULL,
                               .bearer = bearer};
    bool ok = client_session_send(s, &call, ret);
    if (ok || !bearer || s->outcome.status != 401 || web_outcome_final(&s->outcome))
        return ok;
    web_answer_free(ret);
    *ret = (struct web_answer){0};
    if (!replace_bearer(a, &bearer))
        return false;
    call.bearer = bearer;
    return client_session_send(s, &call, ret);
}

/* Whole, of whatever number. Named is the one just below the highest that was taken; a site that stands there itself,
 * since its store went back, takes that for unchanged, and goes above the highest when it hears of that. */
static bool fetch_whole(struct asking *a, const char *bearer, struct web_answer *ret)
{
    int64_t below = client_document_below(&a->who, a->of->type);
    bool ok = fetch_document(a, bearer, below, ret);
    if (!ok || ret->status != 304 || !below)
        return ok;
    web_answer_free(ret);
    return fetch_document(a, bearer, below + 1, ret);
}

static bool fetch_after(struct asking *a, const char *bearer, int64_t sequence, struct web_answer *ret)
{
    return sequence ? fetch_document(a, bearer, sequence, ret) : fetch_whole(a, bearer, ret);
}

bool client_policy_ask(struct client_session *s, const char *target, const struct client_reader *who, int64_t sequence,
                       struct web_answer *ret)
{
    const struct scenario of = {.type = DOCUMENT_SETTINGS, .target = target};
    struct asking a = {.s = s, .of = &of, .who = *who};
    const char *bearer;
    return find_bearer(&a, &bearer) && fetch_after(&a, bearer, sequence, ret);
}

static bool adopt_policies(struct asking *a, json_t *content, int64_t sequence)
{
    json_t *policies;
    struct error err;
    if (json_need_array(content, "policies", &policies, &err) != OK)
        return client_session_fail(a->s, "bad_policy", &err,
                                   "the management point and this client are of other versions");
    json_decref(a->policies->list);
    a->policies->list = json_incref(policies);
    a->policies->sequence = sequence;
    return true;
}

/* --- handing over --- */

/* The policy as the handler reads it: the verified content, without the signature around it. */
static enum result write_plain(const struct asking *a, const char *path, struct error *err)
{
    const char *user = a->of->type == DOCUMENT_USER_POLICY ? a->user.name : NULL;
    json_t *o = json_pack("{s:I, s:s*, s:O}", "sequence", (json_int_t)a->policies->sequence, "user", user, "policies",
                          a->policies->list);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    if (!text)
        fatal("the policy can't be put into JSON");
    enum result r = file_write(path, slice_of(text), 0600, err);
    free(text);
    json_decref(o);
    return r;
}

static void make_fingerprint(const struct asking *a, char ret[PKI_HASH_HEX])
{
    struct buf b;
    char *text = json_dumps(a->policies->list, JSON_COMPACT | JSON_SORT_KEYS);
    buf_init(&b, WEB_ANSWER_MAX + sizeof a->user.name);
    if (!text || buf_printf(&b, "%s%s", a->user.name, text) != OK)
        fatal("the policy can't be digested");
    digest_hex_of(buf_data(&b), ret);
    buf_free(&b);
    free(text);
}

/* *ret_said: malloc'ed, the end of what it said; NULL: nothing. */
static enum result run_handler(const char *program, const char *path, char **ret_said, struct error *err)
{
    return client_apart_command(
        &(struct program){
            .path = program, .argument = path, .limit_s = HANDLER_LIMIT_S, .output_max = TAIL_MAX, .tail = true},
        ret_said, err);
}

/* What the site is told: why it failed, then what the handler said. */
static void tell(const struct asking *a, enum result r, const char *said, const struct error *err)
{
    struct buf b;
    buf_init(&b, CLIENT_MESSAGE_DETAIL_MAX);
    if ((r != OK && buf_printf(&b, "%.*s%s", WHY_MAX, err->text, said && *said ? "\n" : "") != OK) ||
        buf_append_str(&b, said ? said : "") != OK)
        fatal("what a handler said is longer than it may be");
    client_policy_tell(
        a->s->c, &(struct client_policy_end){
                     .kind = a->of->kind, .policies = a->policies->list, .applied = r == OK, .detail = buf_data(&b)});
    buf_free(&b);
}

/* What the handler did last is remembered by the policy's fingerprint: one that failed is run again next time, and so
 * is one whose file was lost. */
static bool is_handled(const struct asking *a, const char *hash, const char *path)
{
    char done[PKI_HASH_HEX];
    client_state_handled(a->s->c->dir, a->of->handled, done);
    return strcmp(hash, done) == 0 && file_exists(path);
}

static enum result handle_policy(const struct asking *a, const char *hash, const char *path, struct error *err)
{
    const struct client *c = a->s->c;
    const char *handler = client_setting(&c->settings, a->of->handler);
    char *said = NULL;
    enum result r = write_plain(a, path, err);
    if (r == OK && handler) {
        client_logf(&c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Running the policy handler %s", handler);
        r = run_handler(handler, path, &said, err);
    }
    tell(a, r, said, err);
    mem_free_secret(said, said ? strlen(said) : 0);
    if (r == OK)
        r = client_state_set_handled(c->dir, a->of->handled, hash, err);
    client_logf(&c->logs, CLIENT_LOG_POLICY, r == OK ? LOG_INFO : LOG_ERROR, "%s",
                r == OK ? "The policy is in force" : err->text);
    return r;
}

static bool hand_over(struct asking *a)
{
    char hash[PKI_HASH_HEX], *path = file_join(a->s->c->dir, a->of->plain);
    struct error err;
    make_fingerprint(a, hash);
    enum result r = is_handled(a, hash, path) ? OK : handle_policy(a, hash, path, &err);
    free(path);
    return r == OK || client_session_fail(a->s, "policy_handler", &err,
                                          "correct the handler; it runs again with the next request");
}

/* --- the whole --- */

static bool accept_answer(struct asking *a, const struct web_answer *answer)
{
    struct client_session *s = a->s;
    struct document d = {0};
    struct error err;
    if (client_document_accept(&a->who, buf_data(&answer->body), a->of->type, clock_wall_s(), &d, &err) != OK) {
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "The policy is refused, the last good one stays: %s",
                    err.text);
        const struct client_refused refused = {buf_data(&answer->body), a->of->type, a->who, "policy_untrusted",
                                               CLIENT_DOCUMENT_REMEDY};
        return client_session_fail_document(s, &refused, &err);
    }
    bool ok = adopt_policies(a, d.content, d.sequence);
    document_done(&d);
    return ok;
}

static void log_policies(const struct asking *a)
{
    const struct client_logs *logs = &a->s->c->logs;
    size_t i;
    json_t *p;
    client_logf(logs, CLIENT_LOG_POLICY, LOG_INFO, "Policy %lld%s%s verified: %zu policies, %s",
                (long long)a->policies->sequence, *a->user.name ? " of user " : "", a->user.name,
                json_array_size(a->policies->list), a->policies->changed ? "changed" : "unchanged");
    json_array_foreach(a->policies->list, i, p)
        client_logf(logs, CLIENT_LOG_POLICY, LOG_INFO, "Policy '%.128s' version %lld", json_opt_str(p, "name", ""),
                    (long long)json_opt_int(p, "version", 0));
}

static bool obtain_policies(struct asking *a)
{
    struct client_session *s = a->s;
    const char *guid = client_session_registration(s)->guid, *bearer;
    struct web_answer answer = {0};
    struct document kept = {0};
    if (!find_bearer(a, &bearer))
        return false;
    if (a->of->type == DOCUMENT_USER_POLICY)
        document_user_audience(guid, a->user.name, a->audience);
    else
        (void)snprintf(a->audience, sizeof a->audience, "%s", guid);
    (void)snprintf(s->user, sizeof s->user, "%s", a->user.name);
    a->who = client_session_reader(s, s->choice.method, a->audience);
    bool current =
        client_document_stored(&a->who, a->of->type, &kept, NULL) == OK && !client_document_aged(&kept, clock_wall_s());
    bool ok = fetch_after(a, bearer, current ? kept.sequence : 0, &answer);
    if (ok && answer.status == 304) {
        ok = current ? adopt_policies(a, kept.content, kept.sequence) : client_session_fail_unasked(s);
    } else if (ok) {
        ok = accept_answer(a, &answer);
        a->policies->changed = ok && !json_equal(a->policies->list, json_object_get(kept.content, "policies"));
    }
    web_answer_free(&answer);
    document_done(&kept);
    return ok;
}

bool client_policy(struct client_session *s, enum choice_scenario whose)
{
    struct asking a = {.s = s, .of = &scenarios[whose], .policies = &s->policies[whose]};
    const struct client_registration *r = client_session_registration(s);
    if (r->pending) { /* by its GUID: the name may be another device's, which is why it waits */
        char remedy[160];
        (void)snprintf(remedy, sizeof remedy, "at the site: cmg device show %s says why; cmg device approve %s",
                       r->guid, r->guid);
        web_outcome_local(&s->outcome, "approval_pending", "the device waits for approval at the site", remedy);
        return false;
    }
    bool ok = obtain_policies(&a);
    if (ok)
        log_policies(&a);
    else
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "Policy request failed: %s %s: %s", s->outcome.code,
                    s->outcome.reason, s->outcome.detail);
    ok = ok && hand_over(&a);
    client_user_free(&a.user);
    return ok;
}
