/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict/reason.h"

#include "verdict/remedy.h"

static const struct verdict_reason_info reasons[REASON_COUNT] = {[REASON_OK] = {"ok", 0, "let in", ""},
#define VERDICT_X(symbol, word, of, what, cure) [REASON_##symbol] = {word, REFUSAL_##of, what, cure},
                                                                 VERDICT_REASONS(VERDICT_X)
#undef VERDICT_X
};

static const struct verdict_refusal_info refusals[] = {
#define VERDICT_X(symbol, number, text) [REFUSAL_##symbol] = {number, text},
    VERDICT_REFUSALS(VERDICT_X)
#undef VERDICT_X
};

static const struct verdict_remedy_info remedies[] = {
#define VERDICT_X(symbol, of, when, text) [REMEDY_##symbol] = {REASON_##of, when, text},
    VERDICT_REMEDIES(VERDICT_X)
#undef VERDICT_X
};

const char *verdict_remedy(enum verdict_remedy remedy)
{
    return remedies[remedy].text;
}

const struct verdict_remedy_info *verdict_remedy_info(enum verdict_remedy remedy)
{
    return &remedies[remedy];
}

bool verdict_remedy_known(enum verdict_reason reason, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(remedies); i++) {
        if (remedies[i].reason == reason && strcmp(remedies[i].text, text) == 0)
            return true;
    }
    return false;
}

const struct verdict_reason_info *verdict_reason_info(enum verdict_reason reason)
{
    return &reasons[reason];
}

const struct verdict_refusal_info *verdict_refusal_info(enum verdict_refusal refusal)
{
    return &refusals[refusal];
}

bool verdict_reason_lacks_list(enum verdict_reason reason)
{
    return reason == REASON_CERT_CRL_UNAVAILABLE || reason == REASON_CERT_CRL_EXPIRED ||
           reason == REASON_CERT_OCSP_UNAVAILABLE;
}

bool verdict_refusal_passes(enum verdict_refusal refusal)
{
    int status = refusals[refusal].status;
    return status == 429 || status == 503 || status == 504;
}

enum verdict_reason verdict_reason_find(struct slice code, struct slice name)
{
    enum verdict_reason only = REASON_OK;
    unsigned of_code = 0;
    for (enum verdict_reason r = REASON_OK + 1; r < REASON_COUNT; r++) {
        if (!slice_eq(code, slice_of(refusals[reasons[r].refusal].code)))
            continue;
        if (slice_eq(name, slice_of(reasons[r].name)))
            return r;
        only = r;
        of_code++;
    }
    return name.len == 0 && of_code == 1 ? only : REASON_OK;
}
