/* SPDX-License-Identifier: Apache-2.0 */
/* What was told last of each policy is remembered by its fingerprint, so that a handler which fails at each run fills
 * neither the queue nor the site. */
#include "client/site/policy_state.h"

#include <stdlib.h>

#include "base/buf.h"
#include "client/state/messages.h"
#include "client/state/state.h"
#include "digest/digest.h"

enum { TOLD_MAX = CLIENT_MESSAGE_DETAIL_MAX + 256 };

static void fingerprint(const struct client_message *m, char ret[PKI_HASH_HEX])
{
    struct buf b;
    struct slice detail = m->detail;
    if (detail.len > CLIENT_MESSAGE_DETAIL_MAX)
        detail = slice_skip(detail, detail.len - CLIENT_MESSAGE_DETAIL_MAX);
    buf_init(&b, TOLD_MAX);
    if (buf_printf(&b, "%lld %s ", (long long)m->version, m->state) != OK || buf_append(&b, detail) != OK)
        fatal("what is told of a policy can't be digested");
    digest_hex_of(buf_data(&b), ret);
    buf_free(&b);
}

void client_policy_tell(const struct client *c, const struct client_policy_end *end)
{
    json_t *before = client_state_told(c->dir, end->kind), *now = json_object(), *policy;
    struct client_message list[CLIENT_MESSAGES_MAX];
    struct error err;
    size_t i, count = 0;
    json_array_foreach(end->policies, i, policy) {
        char hash[PKI_HASH_HEX];
        struct client_message m = {.kind = end->kind,
                                   .subject = json_opt_str(policy, "name", ""),
                                   .state = end->applied ? "applied" : "failed",
                                   .detail = end->detail,
                                   .version = json_opt_int(policy, "version", 0)};
        fingerprint(&m, hash);
        if (json_object_set_new(now, m.subject, json_string(hash)) != 0)
            fatal("what is told of policies can't be kept");
        if (strcmp(json_opt_str(before, m.subject, ""), hash) != 0 && count < ARRAY_LEN(list))
            list[count++] = m;
    }
    enum result r = count ? client_messages_add(c->dir, list, count, &err) : OK;
    if (r == OK && !json_equal(before, now))
        r = client_state_set_told(c->dir, end->kind, now, &err);
    if (r != OK)
        client_logf(&c->logs, CLIENT_LOG_POLICY, LOG_WARN, "The site will not be told: %s", err.text);
    json_decref(before);
    json_decref(now);
}
