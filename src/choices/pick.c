/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which method a device uses (SPEC 2.1, PROTOCOL 4): of those that it fulfils and that the management point's mode
 * allows, the first in the order pki, entra, token; and why each of the others was passed over. Modes, joins and
 * versions are asked of the conditions; what this adds is which credentials the device holds.
 */
#include "choices/choices.h"

static const char *const comes_later[CHOICE_CLIENTS] = {
    [CHOICE_PKI] = "comes after pki in the order of preference",
    [CHOICE_ENTRA] = "comes after entra in the order of preference",
    [CHOICE_TOKEN] = "comes after token in the order of preference",
};

struct passed {
    const char *why;
    const struct choices_condition *unmet;
};

/* The first condition that rules this method out for the device, by its mode, join and version alone. */
static const struct choices_condition *ruled_out(const struct choices_device *d, enum choice_mp mode,
                                                 enum choice_client client)
{
    struct choices_question q = {.mp = mode, .client = client, .client_version = d->client_version, .join = d->join};
    struct choices_answer a;
    choices_check(&q, &a);
    return a.supported ? NULL : choices_condition_find(slice_of(a.reasons.lines[0].id));
}

static struct passed unmet(const char *id, const char *why)
{
    return (struct passed){why, choices_condition_find(slice_of(id))};
}

static struct passed why_not(const struct choices_device *d, enum choice_mp mode, enum choice_client client)
{
    if ((d->allowed & CHOICE_BIT(client)) == 0 && choices_mode_allows(mode, client))
        return (struct passed){"not among the methods allowed for this device", NULL};
    const struct choices_condition *rule = ruled_out(d, mode, client);
    if (rule)
        return (struct passed){rule->title, rule};
    if (client == CHOICE_PKI && !d->has_certificate)
        return unmet("client-certificate", "no usable client certificate");
    if (client == CHOICE_TOKEN && !d->has_token_way)
        return unmet("token-start", "no device token and no bulk registration token");
    return (struct passed){NULL, NULL};
}

void choices_pick(const struct choices_device *d, enum choice_mp mode, struct choices_pick *ret)
{
    *ret = (struct choices_pick){0};
    for (unsigned i = 0; i < CHOICE_CLIENTS; i++) {
        struct passed p = why_not(d, mode, (enum choice_client)i);
        ret->passed_over[i] = p.why;
        ret->unmet[i] = p.unmet;
        if (p.why)
            continue;
        if (ret->found) {
            ret->passed_over[i] = comes_later[ret->client];
            continue;
        }
        ret->found = true;
        ret->client = (enum choice_client)i;
    }
}
