/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and the codes under which shared reasons are told. */
#include "mp/sender/refusal.h"

static const struct mp_refusal_info refusals[] = {
#define MP_X(symbol, status, code, reason, text, remedy) [MP_REFUSAL_##symbol] = {status, code, reason, text, remedy},
    MP_REFUSALS(MP_X)
#undef MP_X
};

const struct mp_refusal_info *mp_refusal_info(enum mp_refusal refusal)
{
    return &refusals[refusal];
}

struct mp_refusal_info mp_refusal_of_verdict(enum verdict_reason reason)
{
    static const struct {
        enum verdict_refusal refusal;
        const char *code;
    } codes[] = {
        {REFUSAL_INVALID_CLIENT_CERTIFICATE, "MP_Invalid_Client_Certificate"},
        {REFUSAL_INVALID_TOKEN, "MP_Invalid_Token"},
        {REFUSAL_NOT_ALLOWED, "MP_Not_Allowed"},
        {REFUSAL_CLIENT_CERTIFICATE_REQUIRED, "MP_Client_Certificate_Required"},
    };
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    const char *code = "MP_Bad_Request";
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].refusal == info->refusal)
            code = codes[i].code;
    }
    return (struct mp_refusal_info){verdict_refusal_info(info->refusal)->status, code, info->name, info->text,
                                    info->remedy};
}
