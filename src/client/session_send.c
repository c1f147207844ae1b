/* SPDX-License-Identifier: Apache-2.0 */
/* One signed request through the gateway: address, credential, signature (RFC 9421), the clock's difference, and what
 * the answer means. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "jose/httpsig.h"

enum { URL_MAX = 2048, HEADER_MAX = 20 * 1024, SKEW_S = 60 };

/* The header lines of one request; all are freed and wiped together. */
struct lines {
    char *items[CLIENT_HEADERS_MAX];
    size_t count;
};

static void add(struct lines *l, const char *name, const char *value)
{
    struct buf text;
    if (!value)
        return;
    buf_init(&text, HEADER_MAX);
    if (l->count == ARRAY_LEN(l->items) || buf_printf(&text, "%s: %s", name, value) != OK)
        fatal("a request has more or longer headers than it was made for");
    l->items[l->count++] = buf_take_str(&text);
    buf_free(&text);
}

static void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        mem_free_secret(l->items[i], strlen(l->items[i]));
}

static bool add_signature(struct client_session *s, const struct client_call *call, struct lines *l)
{
    struct httpsig_message m = {slice_of(call->verb), slice_of(call->target), call->body};
    struct httpsig_fields f = {0};
    struct error err;
    EVP_PKEY *key = client_session_credential(s, call->method)->key;
    if (httpsig_sign(key, &m, clock_wall_s() + s->offset, &f, &err) != OK)
        return client_session_fail(s, "signature", &err, "use a key of RSA 2048 or more, P-256, P-384 or Ed25519");
    add(l, "CMG-Target", f.cmg_target);
    add(l, "Content-Digest", f.content_digest);
    add(l, "Signature-Input", f.signature_input);
    add(l, "Signature", f.signature);
    httpsig_fields_free(&f);
    return true;
}

static bool make_lines(struct client_session *s, const struct client_call *call, struct lines *l)
{
    if (!add_signature(s, call, l))
        return false;
    add(l, "Content-Type", call->content_type);
    add(l, "If-None-Match", call->if_none_match);
    if (call->bearer) {
        struct buf value;
        buf_init(&value, HEADER_MAX);
        if (buf_printf(&value, "Bearer %s", call->bearer) != OK) {
            buf_free(&value);
            client_outcome_local(&s->outcome, "token_too_long", "the token is longer than a header may be", NULL);
            return false;
        }
        char *text = buf_take_str(&value);
        add(l, "Authorization", text);
        mem_free_secret(text, strlen(text));
        buf_free(&value);
    }
    return true;
}

static void make_url(const struct client_session *s, const struct client_call *call, char *ret, size_t size)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(s->gateway, authority);
    (void)snprintf(ret, size, "https://%s/%s%s%s%s", authority,
                   call->method == CHOICE_PKI ? "CCM_Proxy_MutualAuth" : "CCM_Proxy_ServerAuth", call->role ? "/" : "",
                   call->role ? call->role : "", call->target);
}

static bool unreachable(struct client_session *s, enum client_fault fault, const struct error *err)
{
    const struct client_fault_info *info = client_fault_info(fault);
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(s->gateway, authority);
    s->outcome = (struct client_outcome){.ending = CLIENT_UNREACHABLE};
    (void)snprintf(s->outcome.reason, sizeof s->outcome.reason, "%s", info->word);
    (void)snprintf(s->outcome.detail, sizeof s->outcome.detail, "%.150s: %.350s", authority, err->text);
    (void)snprintf(s->outcome.remedy, sizeof s->outcome.remedy, "%s", info->remedy);
    for (enum client_log log = CLIENT_LOG_LOCATION; log <= CLIENT_LOG_MESSAGING; log++) {
        if (log != CLIENT_LOG_REGISTRATION)
            client_logf(&s->c->logs, log, LOG_ERROR,
                        "Failed to reach the cloud management gateway %s: 0x87d00231, %s: %s", authority, info->word,
                        err->text);
    }
    return false;
}

static void log_answer(const struct client_session *s, const struct client_call *call, const char *url,
                       const struct client_answer *a)
{
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, a->status < 400 ? LOG_INFO : LOG_ERROR,
                "[CCMHTTP] %s %s StatusCode=%ld StatusText=%s Bytes=%zu Time=%ldms", call->verb, url, a->status,
                a->status_text, buf_len(&a->body), a->millis);
}

static bool attempt(struct client_session *s, const struct client_call *call, const char *url,
                    struct client_answer *ret)
{
    const struct client_credential *cred = client_session_credential(s, call->method);
    struct lines l = {0};
    struct error err;
    struct client_request r = {.method = call->verb,
                               .url = url,
                               .body = call->body,
                               .certificate_pem = slice_of(cred->certificate_pem),
                               .key_pem = slice_of(cred->key_pem),
                               .anchors_pem = slice_of(s->anchors)};
    bool ok = make_lines(s, call, &l);
    if (ok) {
        memcpy(r.headers, l.items, l.count * sizeof l.items[0]);
        enum client_fault fault = client_http_do(s->http, &r, ret, &err);
        ok = fault == CLIENT_FAULT_NONE || unreachable(s, fault, &err);
    }
    lines_free(&l);
    if (ok)
        log_answer(s, call, url, ret);
    return ok;
}

/* PROTOCOL 4: on 401 the answer's Date says by how much the clocks differ; the next signature takes it into account. */
static bool learn_offset(struct client_session *s, const struct client_answer *a)
{
    int64_t seen = a->date - (clock_wall_s() + s->offset);
    if (a->status != 401 || a->date == 0 || (seen <= SKEW_S && seen >= -SKEW_S))
        return false;
    s->offset = a->date - clock_wall_s();
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN,
                "This device's clock differs from the site's by %lld s; signing again with the site's time",
                (long long)s->offset);
    return true;
}

bool client_session_send(struct client_session *s, const struct client_call *call, struct client_answer *ret)
{
    char url[URL_MAX];
    *ret = (struct client_answer){0};
    make_url(s, call, url, sizeof url);
    if (!attempt(s, call, url, ret))
        return false;
    if (learn_offset(s, ret)) {
        client_answer_free(ret);
        if (!attempt(s, call, url, ret))
            return false;
    }
    if (ret->status < 300 || ret->status == 304)
        return true;
    client_outcome_answer(&s->outcome, ret->status, slice_of(ret->status_text), buf_data(&ret->body));
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_ERROR,
                "[CCMHTTP] ERROR INFO: StatusCode=%ld StatusText=%s Reason=%s Request=%s: %s", s->outcome.status,
                s->outcome.code, s->outcome.reason, s->outcome.request_id, s->outcome.detail);
    return false;
}
