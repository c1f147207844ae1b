/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choices (SPEC 2): client authentication, CMG authentication, management point mode, how they depend on each
 * other, and the conditions around them. Tables and pure functions, no I/O: the command line, the daemons'
 * start-up checks and the gateway's decision per request all ask here.
 */
#ifndef CHOICES_CHOICES_H
#define CHOICES_CHOICES_H

#include "base/slice.h"

enum choice_mp { CHOICE_MP_HTTPS, CHOICE_MP_EHTTP };
enum choice_client { CHOICE_PKI, CHOICE_ENTRA, CHOICE_TOKEN, CHOICE_CLIENTS }; /* in the order of preference */
enum choice_cert { CHOICE_CERT_PUBLIC, CHOICE_CERT_INTERNAL };
enum choice_join { CHOICE_JOIN_NONE, CHOICE_JOIN_DOMAIN, CHOICE_JOIN_HYBRID, CHOICE_JOIN_ENTRA };
enum choice_scenario { CHOICE_DEVICE, CHOICE_USER };
enum choice_crl { CHOICE_CRL_INTERNET, CHOICE_CRL_AD, CHOICE_CRL_INTERNAL, CHOICE_CRL_NONE };
enum choice_tri { CHOICE_UNKNOWN, CHOICE_NO, CHOICE_YES };

/* One bit a method: CHOICE_BIT(CHOICE_PKI) … */
#define CHOICE_BIT(client) (1u << (client))

/* --- the matrix --- */

/* Does this method work with a management point of this mode? The gateway asks it for every request. */
bool choices_mode_allows(enum choice_mp mode, enum choice_client client);
unsigned choices_mode_clients(enum choice_mp mode); /* all bits it allows */

/* Does the connector need a client certificate of its own? Exactly when https and some clients use pki. */
bool choices_connector_needs_certificate(enum choice_mp mode, unsigned clients);

/* --- one combination --- */

enum { CHOICES_TOKENS_SINCE = 2002 }; /* the first client version that takes tokens of the site */

struct choices_question {
    enum choice_mp mp;
    enum choice_client client;
    enum choice_cert server_cert;
    unsigned client_version; /* YYMM: 1910, 2002 (CHOICES_TOKENS_SINCE); 0: unknown */
    enum choice_join join;
    enum choice_scenario scenario;
    enum choice_crl crl;
    bool crl_check, crl_relay;
    enum choice_tri client_has_root, connector_cert;
    enum choice_tri cmg_allowed;  /* the resultant client setting */
    enum choice_tri user_sign_in; /* with Entra, on the device */
};

struct choices_line {
    const char *id;   /* stable: "ehttp-forbids-pki" */
    const char *text; /* what and why and what to do */
};

enum { CHOICES_LINES_MAX = 16 };
struct choices_list {
    struct choices_line lines[CHOICES_LINES_MAX];
    size_t count;
};

struct choices_answer {
    bool supported;
    struct choices_list reasons;      /* why not (or, when supported, why it works) */
    struct choices_list requirements; /* what must be there for it */
    struct choices_list limitations;  /* what is lost */
};
void choices_check(const struct choices_question *q, struct choices_answer *ret);

/* --- the conditions themselves, for tools that list and explain them --- */

enum choices_kind { CHOICES_RULES_OUT, CHOICES_WHY, CHOICES_REQUIRES, CHOICES_LIMITS };
struct choices_condition {
    struct choices_line line;
    const char *title; /* what is found, in a few words: "the client is older than version 2002, which tokens need" */
    enum choices_kind kind;
};
/* The index-th condition, NULL behind the last. */
const struct choices_condition *choices_condition(size_t index);
const struct choices_condition *choices_condition_find(struct slice id); /* NULL: no such condition */
/* When it applies: "mp=ehttp client=pki"; "always" for a condition without conditions. Cut to size. */
void choices_condition_when(const struct choices_condition *c, char *ret, size_t size);

/* Does it name this value of this input ("client", "pki")? Not when it says nothing about the input. */
bool choices_condition_about(const struct choices_condition *c, const char *input, const char *value);

/* --- the values themselves, as words that tools explain --- */

struct choices_term {
    const char *input, *value; /* "client", "pki" */
    const char *text;
};
/* The index-th term, NULL behind the last. */
const struct choices_term *choices_term(size_t index);

/* --- what daemons ask of their settings at start-up --- */

const struct choices_line *choices_forbids_gateway(size_t server_certificates); /* how many it has */
/* `own_certificate`: one of an internal CA is configured. https needs it, in ehttp the site issues it. */
const struct choices_line *choices_forbids_mp_certificate(enum choice_mp mode, bool own_certificate);

/* Returns the rule (id and text) that rules the settings out, or NULL. `clients`: bits that the site lets in there. */
const struct choices_line *choices_forbids_mp(enum choice_mp mode, unsigned clients);
const struct choices_line *choices_forbids_connector(enum choice_mp mode, unsigned clients, bool has_certificate);

/* --- a device's registration --- */

/* The rule that keeps a client of this version (YYMM; 0: unknown) from using the method there, or NULL. */
const struct choices_line *choices_forbids_client(enum choice_mp mode, enum choice_client client, unsigned version);

/* --- which method a device uses (SPEC 2.1, PROTOCOL 4) --- */

struct choices_device {
    enum choice_join join;
    bool has_certificate;    /* a usable unique client certificate of a PKI */
    bool has_token_way;      /* a device token, or a bulk token to get one */
    unsigned client_version; /* YYMM; 0: unknown, counts as new enough */
    unsigned allowed;        /* bits; collections can narrow it; ~0u: all */
};
struct choices_pick {
    bool found;
    enum choice_client client;
    /* For each method: NULL when it is the one, else why it was passed over ("no client certificate", …). */
    const char *passed_over[CHOICE_CLIENTS];
    /* The condition that rules it out or that the device does not meet; NULL for the order of preference, for methods
     * that are not allowed, and for the one that was found. */
    const struct choices_condition *unmet[CHOICE_CLIENTS];
};
void choices_pick(const struct choices_device *d, enum choice_mp mode, struct choices_pick *ret);

/* --- names; parsers take the synonyms of PROTOCOL 7 (workgroup, ad, yes, no, 5.00.NNNN …) --- */
const char *choices_mp_name(enum choice_mp v);
const char *choices_client_name(enum choice_client v);
const char *choices_cert_name(enum choice_cert v);
const char *choices_join_name(enum choice_join v);
const char *choices_scenario_name(enum choice_scenario v);
const char *choices_crl_name(enum choice_crl v);
const char *choices_tri_name(enum choice_tri v);
MUST_USE bool choices_mp_parse(struct slice s, enum choice_mp *ret);
MUST_USE bool choices_client_parse(struct slice s, enum choice_client *ret);
MUST_USE bool choices_cert_parse(struct slice s, enum choice_cert *ret);
MUST_USE bool choices_join_parse(struct slice s, enum choice_join *ret);
MUST_USE bool choices_scenario_parse(struct slice s, enum choice_scenario *ret);
MUST_USE bool choices_crl_parse(struct slice s, enum choice_crl *ret);
MUST_USE bool choices_tri_parse(struct slice s, enum choice_tri *ret); /* yes|no|unknown, on|off */
MUST_USE bool choices_certificate_parse(struct slice s, bool *ret);    /* pki|none, yes|no: has one */
/* "2002" and "5.00.8968[.NNNN]"; a build between two known ones counts as the older. */
MUST_USE bool choices_version_parse(struct slice s, unsigned *ret);

#endif
