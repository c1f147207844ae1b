/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device in one set-up. It chooses by what it knows itself (choices_pick), then the conditions decide whether that
 * works: a device whose PKI certificate can't be checked for revocation is refused, it does not try the next method
 * (PROTOCOL 4).
 */
#include "plan/plan.h"

/* Values of each input that completes an unknown one; those at 1 stay unknown for the conditions to say. */
static const unsigned char completions[PLAN_INPUTS] = {
    [PLAN_JOIN] = 4,     [PLAN_CERTIFICATE] = 2, [PLAN_VERSION] = 2, [PLAN_CRL] = 4,
    [PLAN_SCENARIO] = 2, [PLAN_ROOT] = 1,        [PLAN_SIGN_IN] = 1, [PLAN_ALLOWED] = 1};

enum { COMPLETIONS_MAX = 4 * 2 * 2 * 4 * 2 };

const char *plan_fate_name(enum plan_fate fate)
{
    static const char *const others[] = {[PLAN_UNKNOWN] = "unknown", [PLAN_CUT_OFF] = "cut off"};
    return fate < PLAN_UNKNOWN ? choices_client_name((enum choice_client)fate) : others[fate];
}

plan_conditions plan_condition_bit(const char *id)
{
    const struct choices_condition *c, *wanted = choices_condition_find(slice_of(id));
    for (size_t i = 0; i < 64 && (c = choices_condition(i)) != NULL; i++) {
        if (c == wanted)
            return UINT64_C(1) << i;
    }
    return 0;
}

bool plan_setup_same(const struct plan_setup *a, const struct plan_setup *b)
{
    return a->modes == b->modes && a->clients == b->clients && a->server_cert == b->server_cert &&
           a->crl_check == b->crl_check && a->crl_relay == b->crl_relay && a->connector_cert == b->connector_cert;
}

static plan_conditions bits_of(const struct choices_list *list)
{
    plan_conditions bits = 0;
    for (size_t i = 0; i < list->count; i++)
        bits |= plan_condition_bit(list->lines[i].id);
    return bits;
}

static enum choice_tri tri(unsigned char value)
{
    return value == 0 ? CHOICE_UNKNOWN : value == 1 ? CHOICE_NO : CHOICE_YES;
}

/* --- with everything known --- */

static struct choices_question question(const struct plan_device *d, const struct plan_setup *s, enum choice_mp mode,
                                        enum choice_client client)
{
    const unsigned char *in = d->input;
    return (struct choices_question){
        .mp = mode,
        .client = client,
        .server_cert = s->server_cert,
        .client_version = in[PLAN_VERSION] == 1 ? CHOICES_TOKENS_SINCE - 1 : CHOICES_TOKENS_SINCE,
        .join = (enum choice_join)(in[PLAN_JOIN] - 1),
        .scenario = CHOICE_DEVICE,
        .crl = (enum choice_crl)(in[PLAN_CRL] - 1),
        .crl_check = s->crl_check,
        .crl_relay = s->crl_relay,
        .client_has_root = tri(in[PLAN_ROOT]),
        .connector_cert = s->connector_cert,
        .cmg_allowed = tri(in[PLAN_ALLOWED]),
        .user_sign_in = tri(in[PLAN_SIGN_IN]),
    };
}

/* The management point and method that the device takes, as cmg-client does: the preferred method wherever it is. */
static bool pick(const struct plan_device *d, const struct plan_setup *s, struct choices_question *ret)
{
    struct choices_device device = {.join = (enum choice_join)(d->input[PLAN_JOIN] - 1),
                                    .has_certificate = d->input[PLAN_CERTIFICATE] == 2,
                                    .has_token_way = true,
                                    .client_version =
                                        d->input[PLAN_VERSION] == 1 ? CHOICES_TOKENS_SINCE - 1 : CHOICES_TOKENS_SINCE,
                                    .allowed = s->clients};
    bool found = false;
    for (unsigned m = CHOICE_MP_HTTPS; m <= CHOICE_MP_EHTTP; m++) {
        struct choices_pick p;
        if ((s->modes & PLAN_MODE(m)) == 0)
            continue;
        choices_pick(&device, (enum choice_mp)m, &p);
        if (!p.found || (found && p.client >= ret->client))
            continue;
        *ret = question(d, s, (enum choice_mp)m, p.client);
        found = true;
    }
    return found;
}

/* Why no method is left: what stands against all of them, else all that stands against any of them. */
static plan_conditions against_all(const struct plan_device *d, const struct plan_setup *s)
{
    plan_conditions common = ~UINT64_C(0), any = 0;
    for (unsigned n = 0; n < 2u * CHOICE_CLIENTS; n++) {
        enum choice_mp mode = (enum choice_mp)(n / CHOICE_CLIENTS);
        enum choice_client client = (enum choice_client)(n % CHOICE_CLIENTS);
        struct choices_question q = question(d, s, mode, client);
        struct choices_answer a;
        if ((s->modes & PLAN_MODE(mode)) == 0 ||
            ((s->clients & CHOICE_BIT(client)) == 0 && choices_mode_allows(mode, client)))
            continue;
        bool bare = client == CHOICE_PKI && d->input[PLAN_CERTIFICATE] != 2;
        if (bare) { /* what a certificate would run into is no cause while there is none */
            q.crl_check = false;
            q.connector_cert = CHOICE_YES;
        }
        choices_check(&q, &a);
        plan_conditions bits = a.supported ? 0 : bits_of(&a.reasons);
        if (bare && choices_mode_allows(mode, client))
            bits |= plan_condition_bit("client-certificate");
        common &= bits;
        any |= bits;
    }
    return common && any ? common & any : any;
}

static void judge_user(const struct plan_device *d, const struct choices_question *q, struct plan_outcome *ret)
{
    if (d->input[PLAN_SCENARIO] - 1 != CHOICE_USER) {
        ret->user = PLAN_USER_NOT_WANTED;
        return;
    }
    if (ret->fate == PLAN_CUT_OFF) {
        ret->user = PLAN_USER_NONE;
        ret->user_against = ret->against;
        return;
    }
    struct choices_question user = *q;
    struct choices_answer a;
    user.scenario = CHOICE_USER;
    choices_check(&user, &a);
    ret->user = a.supported ? PLAN_USER_WORKS : PLAN_USER_NONE;
    if (a.supported)
        ret->needs |= bits_of(&a.requirements);
    else
        ret->user_against = bits_of(&a.reasons);
}

static void judge_known(const struct plan_device *d, const struct plan_setup *s, struct plan_outcome *ret)
{
    struct choices_question q = {0};
    struct choices_answer a;
    *ret = (struct plan_outcome){.fate = PLAN_CUT_OFF};
    if (!pick(d, s, &q)) {
        ret->against = against_all(d, s);
    } else {
        choices_check(&q, &a);
        if (a.supported) {
            ret->fate = (enum plan_fate)q.client;
            ret->needs = bits_of(&a.requirements);
            ret->lost = bits_of(&a.limitations);
        } else {
            ret->against = bits_of(&a.reasons);
        }
    }
    judge_user(d, &q, ret);
}

/* --- with unknowns --- */

/* The n-th completion of d's unknown inputs; false when there is none. */
static bool complete(const struct plan_device *d, unsigned n, struct plan_device *ret)
{
    *ret = *d;
    for (size_t in = 0; in < PLAN_INPUTS; in++) {
        if (d->input[in] != 0 || completions[in] == 1)
            continue;
        ret->input[in] = (unsigned char)(1 + n % completions[in]);
        n /= completions[in];
    }
    return n == 0;
}

/* Which unknown inputs change the fate when they alone change. */
static unsigned find_depends(const struct plan_device *d, const unsigned char *fates, unsigned count)
{
    unsigned depends = 0, stride = 1;
    for (size_t in = 0; in < PLAN_INPUTS; in++) {
        if (d->input[in] != 0 || completions[in] == 1)
            continue;
        unsigned span = stride * completions[in];
        for (unsigned n = 0; n < count; n++) {
            unsigned first = n - n % span + n % stride;
            depends |= fates[n] != fates[first] ? 1u << in : 0;
        }
        stride = span;
    }
    return depends;
}

void plan_judge(const struct plan_device *d, const struct plan_setup *s, struct plan_outcome *ret)
{
    unsigned char fates[COMPLETIONS_MAX];
    struct plan_device known;
    struct plan_outcome one;
    unsigned count = 0;
    *ret = (struct plan_outcome){0};
    for (; count < COMPLETIONS_MAX && complete(d, count, &known); count++) {
        judge_known(&known, s, &one);
        fates[count] = (unsigned char)one.fate;
        if (count == 0)
            *ret = one;
        ret->fate = one.fate == ret->fate ? one.fate : PLAN_UNKNOWN;
        ret->user = one.user == ret->user ? one.user : PLAN_USER_UNKNOWN;
        ret->against |= one.against;
        ret->needs |= one.needs;
        ret->lost |= one.lost;
        ret->user_against |= one.user_against;
    }
    if (ret->fate == PLAN_UNKNOWN)
        ret->depends = find_depends(d, fates, count);
}
