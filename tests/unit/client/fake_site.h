/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway and management point in one thread for the client's tests: signs real documents, checks every request's
 * signature by the key of the certificate shown in TLS, and does as its knobs say. */
#ifndef TESTS_CLIENT_FAKE_SITE_H
#define TESTS_CLIENT_FAKE_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "pki/cert/cert.h"

#define FAKE_GUID "6f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f00"
enum { FAKE_SEEN_MAX = 64 };

struct fake_refusal { /* where: a part of the target that is refused; NULL: none */
    const char *where;
    int status;
    const char *code, *reason;
};

struct fake_nonsense { /* a part of the target that is answered with 200 and this; NULL: none */
    const char *where, *body;
};

enum fake_answers { FAKE_SIGNED, FAKE_UNSIGNED, FAKE_REPLAYED }; /* replayed: that of the answer before */

struct fake_knobs {
    const char *location; /* content of the location document */
    struct fake_refusal refuse;
    const char *refuse_but; /* whom not: who shows this kind of token; NULL: nobody is spared */
    struct fake_nonsense nonsense;
    bool foreign_documents; /* signed by another site's root */
    int64_t sequence;       /* of location and policy */
    const char *policy;     /* JSON array */
    const char *settings;   /* content of the settings document; NULL: it knows of none (404) */
    const char *audience;   /* of the policy; NULL: FAKE_GUID */
    const char *guid;       /* that registration gives; NULL: FAKE_GUID */
    const char *key;        /* that documents are for; NULL: the one shown in TLS */
    enum fake_answers answers;
    bool never_modified;     /* 304, whatever was asked */
    int64_t documents_clock; /* documents are issued by our clock and this; they live for a day */
    int64_t clock;           /* the site's clock, in seconds from ours */
    bool pending;
    int64_t device_life; /* of device tokens, seconds from now */
};

struct fake_site;
struct fake_site *fake_site_start(void);
void fake_site_end(struct fake_site *s);
/* To be changed between requests only. */
struct fake_knobs *fake_site_knobs(struct fake_site *s);

unsigned fake_site_port(const struct fake_site *s);
const char *fake_site_pin(const struct fake_site *s);       /* hex */
const char *fake_site_server_ca(const struct fake_site *s); /* PEM for GatewayCA */
/* A PKI client certificate with its key behind it, as PEM; malloc'ed. */
char *fake_site_pki_client(struct fake_site *s, int64_t not_before, int64_t not_after);

/* What was asked, as "VERB target [bearer's kind]", since the last call of fake_site_forget. */
const char *fake_site_seen(const struct fake_site *s, size_t i); /* NULL behind the last */
void fake_site_forget(struct fake_site *s);
/* Requests whose signature, digest or target was wrong. */
unsigned fake_site_bad_signatures(const struct fake_site *s);

#endif
