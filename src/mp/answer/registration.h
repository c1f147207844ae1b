/* SPDX-License-Identifier: Apache-2.0 */
/* A registration under way, shared by registration.c (what is asked, who vouches, the answer) and record.c (what
 * becomes of it). */
#ifndef MP_ANSWER_REGISTRATION_H
#define MP_ANSWER_REGISTRATION_H

#include "mp/answer/decision.h"
#include "mp/sender/device.h"

struct mp_request;

struct registration {
    struct mp_request *r; /* registration.c: to be answered */
    struct mp_sender *from;
    json_t *body;
    const char *name, *hardware_id; /* of the body: the device's own word */
    int64_t version;
    X509 *certificate;
    STACK_OF(X509) * chain; /* those above it, as the device tells; NULL: none told */
    char spki[PKI_HASH_HEX], sha256[PKI_HASH_HEX];
    char proven[PKI_HASH_HEX]; /* the device's own key, which has spoken for this one, or this one */
    char anchor[PKI_HASH_HEX]; /* BY_PKI: of the anchor that its certificate leads to; "": not known */
    enum registration_voucher voucher;
    struct token bulk;
    bool first_use;         /* this key did not use the bulk token before */
    bool name_in_scope;     /* the bulk token says what its devices are called */
    const char *collection; /* that the bulk token's devices join; NULL or "": none */
    struct entra_token entra;
    struct store_device device; /* as it stands in the end */
    bool known;                 /* it had a record before: `device` */
    bool crowded;               /* it was refused because too many wait */
    char guid[GUID_SIZE];
    int64_t now;
    char *token; /* the device token, to be told */
    int64_t expires;
};

/* The record of its key; of a certificate that was renewed with another key, that of its name which the same own key
 * spoke for. Sets g->known and g->device. */
MUST_USE enum result mp_registration_find(struct registration *g, struct error *err);

/* Makes or changes the record, in one transaction, and issues the device token. R_DENIED: blocked; R_LIMIT, R_TIMEOUT,
 * R_NOTFOUND: the bulk token (store/device/token.h), or g->crowded. */
MUST_USE enum result mp_registration_record(struct registration *g, struct error *err);

#endif
