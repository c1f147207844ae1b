/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which method a device uses (SPEC 2.1, PROTOCOL 4): of those that it fulfils and that the management point's mode
 * allows, the first in the order pki, entra, token; and why each of the others was passed over.
 */
#include "choices/choices.h"

enum { VERSION_WITH_TOKENS = 2002 };

static const char *lacks_pki(const struct choices_device *d)
{
    return d->has_certificate ? NULL : "no usable client certificate";
}

static const char *lacks_entra(const struct choices_device *d)
{
    bool joined = d->join == CHOICE_JOIN_HYBRID || d->join == CHOICE_JOIN_ENTRA;
    return joined ? NULL : "the device is neither Entra joined nor hybrid joined";
}

static const char *lacks_token(const struct choices_device *d)
{
    if (d->client_version != 0 && d->client_version < VERSION_WITH_TOKENS)
        return "the client is older than version 2002";
    return d->has_token_way ? NULL : "no device token and no bulk registration token";
}

static const struct {
    const char *(*lacks)(const struct choices_device *d);
    const char *comes_later; /* when this one was chosen, what is said of those behind it */
} methods[CHOICE_CLIENTS] = {
    [CHOICE_PKI] = {lacks_pki, "comes after pki in the order of preference"},
    [CHOICE_ENTRA] = {lacks_entra, "comes after entra in the order of preference"},
    [CHOICE_TOKEN] = {lacks_token, "comes after token in the order of preference"},
};

static const char *why_not(const struct choices_device *d, enum choice_mp mode, enum choice_client client)
{
    if (!choices_mode_allows(mode, client))
        return "the management point's mode (ehttp) does not take it";
    if ((d->allowed & CHOICE_BIT(client)) == 0)
        return "not among the methods allowed for this device";
    return methods[client].lacks(d);
}

void choices_pick(const struct choices_device *d, enum choice_mp mode, struct choices_pick *ret)
{
    *ret = (struct choices_pick){0};
    for (unsigned i = 0; i < CHOICE_CLIENTS; i++) {
        enum choice_client client = (enum choice_client)i;
        ret->passed_over[i] = why_not(d, mode, client);
        if (ret->passed_over[i])
            continue;
        if (ret->found) {
            ret->passed_over[i] = methods[ret->client].comes_later;
            continue;
        }
        ret->found = true;
        ret->client = client;
    }
}
