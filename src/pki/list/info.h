/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation list as it is told of and compared by those who keep lists: whose it is, of what scope, how old. Two
 * lists are of one place when issuer, signing key, scope (the issuing distribution point) and kind (complete or delta)
 * are the same; nothing else may take a list's place. */
#ifndef PKI_LIST_INFO_H
#define PKI_LIST_INFO_H

#include "pki/cert/cert.h"

enum { PKI_LIST_NUMBER_MAX = 31 }; /* octets; RFC 5280 5.2.3 has 20 at most */

struct pki_list_age {
    int64_t this_update;                        /* wall seconds */
    char number[HEX_SIZE(PKI_LIST_NUMBER_MAX)]; /* cRLNumber, hex without leading zero octets; "": it has none */
};

/* Has the CA gone back from `present` to `fresh`: an earlier thisUpdate or a lower cRLNumber (RFC 5280 5.2.3)? */
bool pki_list_is_older(const struct pki_list_age *fresh, const struct pki_list_age *present);
/* Is the cRLNumber of `a` the higher one? Both have one. */
bool pki_list_number_above(const struct pki_list_age *a, const struct pki_list_age *b);
/* R_DENIED with both ages when it has; `what` it is older than. */
MUST_USE enum result pki_list_not_older(const struct pki_list_age *fresh, const struct pki_list_age *present,
                                        const char *what, struct error *err);
/* Decimal; "none". */
enum { PKI_LIST_NUMBER_TEXT = 80 };
void pki_list_number_text(const char *number, char ret[PKI_LIST_NUMBER_TEXT]);

struct pki_list_info {
    char issuer[256];
    char scope[320]; /* "all certificates", "devices, http://…", "delta to 10, …" */
    bool delta;
    struct pki_list_age age;
    int64_t next_update; /* wall seconds */
    size_t entries;
    /* SHA-256 of issuer, key and scope; of a delta that of the complete list that it adds to. `place`: by the key that
     * signed it, all zero when nobody here is known to have; `claimed`: by the key that it names itself. */
    unsigned char place[PKI_SHA256], claimed[PKI_SHA256];
};

/* One that came, before it is taken (pki_trust_check_crl). */
struct pki_crl_news {
    struct pki_list_info list;
    bool unchanged; /* the very list that is in use */
};

struct pki_crl;
/* Internal to src/pki: of one that was read, at least. */
void pki_list_tell(const struct pki_crl *c, struct pki_list_info *ret);

#endif
