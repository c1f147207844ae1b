/* SPDX-License-Identifier: Apache-2.0 */
/* Machine policy: fetched by version, believed only when the site signed it for this device, stored, and handed to the
 * administrator's handler when it changed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/client.h"
#include "client/command.h"
#include "client/documents.h"
#include "client/state.h"

enum { HANDLER_LIMIT_S = 600 };

json_t *client_policy_stored(const char *dir, const unsigned char pin[PKI_SHA256], const char *guid,
                             int64_t *ret_sequence)
{
    struct document d = {0};
    if (client_document_stored(dir, DOCUMENT_POLICY, pin, guid, &d, NULL) != OK)
        return NULL;
    json_t *content = json_incref(d.content);
    *ret_sequence = d.sequence;
    document_done(&d);
    return content;
}

static bool fetch(struct client_session *s, int64_t sequence, struct web_answer *ret)
{
    char etag[32];
    (void)snprintf(etag, sizeof etag, "\"%lld\"", (long long)sequence);
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "GET",
                               .target = "/SMS_MP/.sms_pol?MACHINE",
                               .if_none_match = sequence ? etag : NULL};
    const char *token;
    if (!client_access_token(s, &token))
        return false;
    call.bearer = token;
    bool ok = client_session_send(s, &call, ret);
    if (ok || !token || s->outcome.status != 401 || web_outcome_final(&s->outcome))
        return ok;
    /* a cached token that is no longer good (keys rolled, clock set) is replaced once */
    web_answer_free(ret);
    *ret = (struct web_answer){0};
    client_access_token_drop(s);
    if (!client_access_token(s, &token))
        return false;
    call.bearer = token;
    return client_session_send(s, &call, ret);
}

static bool adopt(struct client_session *s, json_t *content, int64_t sequence)
{
    json_t *policies;
    struct error err;
    if (json_need_array(content, "policies", &policies, &err) != OK)
        return client_session_fail(s, "bad_policy", &err, "the management point and this client are of other versions");
    json_decref(s->policies);
    s->policies = json_incref(policies);
    s->policy_sequence = sequence;
    return true;
}

/* The policy as the handler reads it: the verified content, without the signature around it. */
static enum result write_plain(const struct client_session *s, char **ret_path, struct error *err)
{
    json_t *o = json_pack("{s:I, s:O}", "sequence", (json_int_t)s->policy_sequence, "policies", s->policies);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    if (!text)
        fatal("the policy can't be put into JSON");
    *ret_path = file_join(s->c->dir, "policy.json");
    enum result r = file_write(*ret_path, slice_of(text), 0600, err);
    free(text);
    json_decref(o);
    return r;
}

static void fingerprint(const json_t *policies, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    char *text = json_dumps(policies, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text || EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
        fatal("the policy can't be digested");
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
    free(text);
}

static enum result run_handler(const char *program, const char *path, struct error *err)
{
    char *nothing;
    return client_command_run(
        &(struct client_command){.program = program, .argument = path, .limit_s = HANDLER_LIMIT_S}, &nothing, err);
}

/* What the handler did last is remembered by the policy's fingerprint: one that failed is run again next time. */
static bool hand_over(struct client_session *s)
{
    const char *handler = client_setting(&s->c->settings, SETTING_POLICY_HANDLER);
    char now_hash[PKI_HASH_HEX], done_hash[PKI_HASH_HEX], *path = NULL;
    struct error err;
    fingerprint(s->policies, now_hash);
    client_state_handled(s->c->dir, done_hash);
    if (strcmp(now_hash, done_hash) == 0)
        return true;
    enum result r = write_plain(s, &path, &err);
    if (r == OK && handler) {
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Running the policy handler %s", handler);
        r = run_handler(handler, path, &err);
    }
    if (r == OK)
        r = client_state_set_handled(s->c->dir, now_hash, &err);
    free(path);
    client_logf(&s->c->logs, CLIENT_LOG_POLICY, r == OK ? LOG_INFO : LOG_ERROR, "%s",
                r == OK ? "The policy is in force" : err.text);
    if (r == OK)
        return true;
    return client_session_fail(s, "policy_handler", &err, "correct the handler; it runs again with the next request");
}

static bool accept_answer(struct client_session *s, const struct web_answer *a)
{
    const char *guid = client_session_registration(s)->guid;
    struct document d = {0};
    struct error err;
    if (client_document_accept(s->c->dir, buf_data(&a->body), DOCUMENT_POLICY, s->pin, guid, clock_wall_s(), &d,
                               &err) != OK) {
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "The policy is refused, the last good one stays: %s",
                    err.text);
        return client_session_fail(s, "policy_untrusted", &err,
                                   "compare SiteKey with the pin that `cmg status` shows; an older sequence means a "
                                   "management point with an old store");
    }
    bool ok = adopt(s, d.content, d.sequence);
    document_done(&d);
    return ok;
}

static void log_policies(const struct client_session *s)
{
    size_t i;
    json_t *p;
    client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Policy %lld verified: %zu policies, %s",
                (long long)s->policy_sequence, json_array_size(s->policies),
                s->policy_changed ? "changed" : "unchanged");
    json_array_foreach(s->policies, i, p)
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Policy '%.128s' version %lld",
                    json_opt_str(p, "name", ""), (long long)json_opt_int(p, "version", 0));
}

bool client_policy(struct client_session *s)
{
    struct client_registration *reg = client_session_registration(s);
    struct web_answer answer = {0};
    int64_t sequence = 0;
    if (reg->pending) {
        web_outcome_local(&s->outcome, "approval_pending", "the device waits for approval at the site",
                          "cmg device approve NAME");
        return false;
    }
    json_t *stored = client_policy_stored(s->c->dir, s->pin, reg->guid, &sequence);
    bool ok = fetch(s, sequence, &answer);
    if (ok && answer.status == 304) {
        ok = stored && adopt(s, stored, sequence);
    } else if (ok) {
        ok = accept_answer(s, &answer);
        s->policy_changed = ok && !json_equal(s->policies, json_object_get(stored, "policies"));
    }
    web_answer_free(&answer);
    json_decref(stored);
    if (ok)
        log_policies(s);
    else
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "Policy request failed: %s %s: %s", s->outcome.code,
                    s->outcome.reason, s->outcome.detail);
    return ok && hand_over(s);
}
