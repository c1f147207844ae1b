/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions around the matrix (SPEC 2) as one table. A row applies when every input of the question is among the
 * values that the row lists; an input that it does not list may have any value. Rows of kind CHOICES_RULES_OUT decide
 * whether a combination is supported; nothing else does.
 */
#include <stdio.h>

#include "choices/choices.h"

/* The inputs of a question, each a small number, so that a row is a mask of accepted values an input. */
enum input {
    IN_MP,
    IN_CLIENT,
    IN_CERT,
    IN_VERSION,
    IN_JOIN,
    IN_SCENARIO,
    IN_CRL,
    IN_CHECK,
    IN_RELAY,
    IN_ROOT,
    IN_CONNECTOR,
    IN_ALLOWED,
    IN_SIGN_IN,
    INPUTS
};

enum version_class { VERSION_UNKNOWN, VERSION_OLD, VERSION_NEW };

struct row {
    struct choices_condition condition; /* first: choices_condition_when() finds the row by it */
    unsigned char accepts[INPUTS];      /* bit v: value v; 0: any */
};

#define ONE(v) (1u << (v))
#define EITHER(a, b) (ONE(a) | ONE(b))
#define HTTPS [IN_MP] = ONE(CHOICE_MP_HTTPS)
#define EHTTP [IN_MP] = ONE(CHOICE_MP_EHTTP)
#define PKI [IN_CLIENT] = ONE(CHOICE_PKI)
#define ENTRA [IN_CLIENT] = ONE(CHOICE_ENTRA)
#define TOKEN [IN_CLIENT] = ONE(CHOICE_TOKEN)
#define INTERNAL_CA [IN_CERT] = ONE(CHOICE_CERT_INTERNAL)
#define ALWAYS [IN_MP] = 0
#define OLD [IN_VERSION] = ONE(VERSION_OLD)
#define JOINED [IN_JOIN] = EITHER(CHOICE_JOIN_HYBRID, CHOICE_JOIN_ENTRA)
#define NOT_JOINED [IN_JOIN] = EITHER(CHOICE_JOIN_NONE, CHOICE_JOIN_DOMAIN)
#define DEVICE [IN_SCENARIO] = ONE(CHOICE_DEVICE)
#define USER [IN_SCENARIO] = ONE(CHOICE_USER)
#define CHECK_ON [IN_CHECK] = ONE(1)
#define CHECK_OFF [IN_CHECK] = ONE(0)
#define RELAY_ON [IN_RELAY] = ONE(1)
#define RELAY_OFF [IN_RELAY] = ONE(0)

#define ROW(kind, id, title, text, ...)                                                                                \
    {                                                                                                                  \
        {{(id), (text)}, (title), (kind)},                                                                             \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static const struct row rows[] = {
    /* What rules a combination out. */
    ROW(CHOICES_RULES_OUT, "ehttp-forbids-pki", "Enhanced HTTP takes no PKI client certificates",
        "A management point with Enhanced HTTP does not take PKI client certificates. Use an HTTPS management point "
        "(with a server certificate from an internal CA), or let these devices use entra or token.",
        EHTTP, PKI),
    ROW(CHOICES_RULES_OUT, "token-needs-2002", "the client is older than version 2002, which tokens need",
        "Tokens issued by the site need client version 2002 or newer. Update the client first, or let the device use "
        "pki (HTTPS management point) or entra (Entra or hybrid joined).",
        TOKEN, OLD),
    ROW(CHOICES_RULES_OUT, "ehttp-old-client",
        "Enhanced HTTP with a client older than 2002 that is neither Entra joined nor hybrid joined",
        "With Enhanced HTTP, clients older than 2002 work only on devices that are Entra or hybrid joined. Update the "
        "client to 2002 or newer (it is then given a token by itself) or join the device.",
        EHTTP, OLD, NOT_JOINED),
    ROW(CHOICES_RULES_OUT, "entra-needs-join", "the device is neither Entra joined nor hybrid joined",
        "Method entra works only on a device that is Entra joined or hybrid joined. Join the device, or let it use pki "
        "(HTTPS management point) or token.",
        ENTRA, NOT_JOINED),
    ROW(CHOICES_RULES_OUT, "user-needs-join", "user policy on a device that is neither Entra joined nor hybrid joined",
        "User policy is for devices that are Entra or hybrid joined, with a user signed in with Entra, whichever "
        "method the device itself uses; on any other device there is none. Join the device, or target the device "
        "instead of the user.",
        USER, NOT_JOINED),
    ROW(CHOICES_RULES_OUT, "root-missing", "the device lacks the root of the gateway's certificate",
        "The gateway's certificate is from an internal CA and the device does not have its root, so the TLS handshake "
        "fails. Hand the root certificate out first (group policy or MDM, or the enrolment file of 'cmg enrollment'), "
        "or take a certificate of a public CA.",
        INTERNAL_CA, [IN_ROOT] = ONE(CHOICE_NO)),
    ROW(CHOICES_RULES_OUT, "connector-certificate-missing", "the connector lacks a client certificate of its own",
        "The management point is HTTPS and clients use pki, so the connector needs a PKI client certificate of its own "
        "and has none. Issue one to its machine and register it: cmg connector add ID --cert FILE.",
        HTTPS, PKI, [IN_CONNECTOR] = ONE(CHOICE_NO)),
    ROW(CHOICES_RULES_OUT, "crl-unreachable", "the CRL is not on the Internet, and nobody relays it",
        "The CRL is not published on the Internet, so the gateway can't fetch it. Three ways out: let the connector "
        "relay it from inside (cmg trust add --crl-source ID --url URL --via connector), switch CRL checking off "
        "knowingly (cmg settings set crl_check off), or let the devices use entra or token.",
        PKI, CHECK_ON, RELAY_OFF, [IN_CRL] = EITHER(CHOICE_CRL_AD, CHOICE_CRL_INTERNAL)),
    ROW(CHOICES_RULES_OUT, "crl-nowhere", "the PKI publishes no CRL, but CRL checking is on",
        "The PKI publishes no CRL anywhere, so there is nothing to check against and nothing that the connector could "
        "relay. Publish one, switch CRL checking off knowingly (cmg settings set crl_check off), or let the devices "
        "use entra or token.",
        PKI, CHECK_ON, [IN_CRL] = ONE(CHOICE_CRL_NONE)),
    ROW(CHOICES_RULES_OUT, "user-not-signed-in", "nobody signs in with Entra on the device",
        "User policy needs a user who signed in with Entra on the device, whichever method the device itself uses. Let "
        "the user sign in (cmg-client sign-in), or target the device instead of the user.",
        USER, [IN_SIGN_IN] = ONE(CHOICE_NO)),
    ROW(CHOICES_RULES_OUT, "cmg-forbidden", "the device's client settings forbid the CMG",
        "The resultant client setting of this device forbids the CMG, whatever one custom setting says: the one of the "
        "highest priority decides (cmg settings resultant DEVICE shows which, and why). Allow it there, or take the "
        "device out of the collection that forbids it.",
        [IN_ALLOWED] = ONE(CHOICE_NO)),

    /* Why a supported one works. */
    ROW(CHOICES_WHY, "https-takes-all", "HTTPS takes all methods",
        "An HTTPS management point takes pki, entra and token.", HTTPS),
    ROW(CHOICES_WHY, "ehttp-takes-entra-token", "Enhanced HTTP takes entra and token",
        "A management point with Enhanced HTTP takes entra and token.", EHTTP),
    ROW(CHOICES_WHY, "any-server-certificate", "public and internal gateway certificates work alike",
        "A gateway certificate from a public CA and one from an internal CA work alike; they differ only in who trusts "
        "them already.",
        ALWAYS),
    ROW(CHOICES_WHY, "entra-comes-first", "entra comes before token",
        "A device that is Entra or hybrid joined uses entra before token, by the order of preference; it uses token "
        "only when entra is not allowed for it.",
        TOKEN, JOINED),

    /* What must be there. */
    ROW(CHOICES_REQUIRES, "server-certificate", "a server certificate that devices trust",
        "The gateway needs a TLS server certificate for its public name that every device trusts. This holds in every "
        "mode, with Enhanced HTTP too.",
        ALWAYS),
    ROW(CHOICES_REQUIRES, "client-root", "the internal CA's root on each device",
        "Each device needs the root of the internal CA that issued the gateway's certificate: hand it out by group "
        "policy or MDM, or with the enrolment file ('cmg enrollment').",
        INTERNAL_CA, [IN_ROOT] = EITHER(CHOICE_UNKNOWN, CHOICE_NO)),
    ROW(CHOICES_REQUIRES, "mp-certificate", "a server certificate for the management point",
        "The management point needs a TLS server certificate from an internal CA, and the connector that CA's root.",
        HTTPS),
    ROW(CHOICES_REQUIRES, "mp-ehttp", "Enhanced HTTP is on",
        "Enhanced HTTP must be on: the site issues the management point's certificate itself and renews it.", EHTTP),
    ROW(CHOICES_REQUIRES, "connector-certificate", "a client certificate for the connector",
        "The connector needs a PKI client certificate of its own, because the management point is HTTPS and clients "
        "use pki: cmg connector add ID --cert FILE.",
        HTTPS, PKI, [IN_CONNECTOR] = EITHER(CHOICE_UNKNOWN, CHOICE_NO)),
    ROW(CHOICES_REQUIRES, "client-certificate", "a unique client certificate on each device",
        "Each device needs a unique, valid client certificate with its private key and the client authentication "
        "usage; the site needs its PKI's root and intermediates: cmg trust add --anchor FILE.",
        PKI),
    ROW(CHOICES_REQUIRES, "entra-tenant", "the tenant is known to the site",
        "The Entra tenant (or other OpenID Connect issuer) of the device must be known to the site: cmg tenant add.",
        ENTRA),
    ROW(CHOICES_REQUIRES, "token-client", "client version 2002 or newer",
        "The client must be of version 2002 or newer; this one's version is unknown.",
        TOKEN, [IN_VERSION] = ONE(VERSION_UNKNOWN)),
    ROW(CHOICES_REQUIRES, "token-start", "a first token",
        "The device gets its first token by itself while it reaches the site; one that never does needs a bulk "
        "registration token: cmg token new.",
        TOKEN),
    ROW(CHOICES_REQUIRES, "user-sign-in", "the user's sign-in with Entra",
        "The user must sign in with Entra on the device (cmg-client sign-in), whichever method the device itself uses.",
        USER, JOINED, [IN_SIGN_IN] = EITHER(CHOICE_UNKNOWN, CHOICE_NO)),
    ROW(CHOICES_REQUIRES, "crl-internet", "the CRL can be fetched from the Internet",
        "The gateway must be able to fetch the CRL from the Internet, and be told where: cmg trust add --crl-source ID "
        "--url URL.",
        PKI, CHECK_ON, [IN_CRL] = ONE(CHOICE_CRL_INTERNET)),
    ROW(CHOICES_REQUIRES, "crl-relay", "the connector relays the CRL",
        "The connector must reach the CRL inside (Active Directory or an internal server) and relay it: cmg trust add "
        "--crl-source ID --url URL --via connector.",
        PKI, CHECK_ON, RELAY_ON, [IN_CRL] = EITHER(CHOICE_CRL_AD, CHOICE_CRL_INTERNAL)),
    ROW(CHOICES_REQUIRES, "cmg-allowed", "a client setting that allows the CMG",
        "The device's resultant client setting must allow the CMG: an allowing custom setting counts only when no "
        "setting of higher priority forbids it (cmg settings resultant DEVICE).",
        [IN_ALLOWED] = EITHER(CHOICE_UNKNOWN, CHOICE_NO)),
    ROW(CHOICES_REQUIRES, "cmg-known", "the device knows of the CMG",
        "The device must know of the CMG. One that cannot reach the site to learn it: set CMGFQDNs to the gateway's "
        "name and DisAllowCMG=0 on it, restart the client, read LocationServices.log.",
        ALWAYS),

    /* What is lost. */
    ROW(CHOICES_LIMITS, "workgroup-no-user-policy", "no user-targeted policy in workgroups and untrusted domains",
        "Devices in workgroups and in domains (untrusted ones too) work with this one management point by token; what "
        "is lost is user-targeted policy, which needs an Entra or hybrid joined device.",
        EHTTP, TOKEN, NOT_JOINED),
    ROW(CHOICES_LIMITS, "no-user-policy", "no user-targeted policy",
        "No user-targeted policy: that needs an Entra or hybrid joined device and a user signed in with Entra.", HTTPS,
        NOT_JOINED, DEVICE),
    ROW(CHOICES_LIMITS, "revocation-unchecked", "revoked certificates are accepted",
        "CRL checking is off: a revoked client certificate is accepted until it expires or the device is blocked (cmg "
        "device block).",
        PKI, CHECK_OFF),
    ROW(CHOICES_LIMITS, "crl-by-relay", "the CRL is as fresh as the relay",
        "While no connector can relay, the gateway's copy of the CRL expires at its nextUpdate; after that PKI clients "
        "are refused (on_unavailable: fail).",
        PKI, CHECK_ON, RELAY_ON, [IN_CRL] = EITHER(CHOICE_CRL_AD, CHOICE_CRL_INTERNAL)),
};

static const char *version_class_name(unsigned v)
{
    static const char *const names[] = {"unknown", "before 2002", "2002 or newer"};
    return v < ARRAY_LEN(names) ? names[v] : NULL;
}

static const char *on_off_name(unsigned v)
{
    static const char *const names[] = {"off", "on"};
    return v < ARRAY_LEN(names) ? names[v] : NULL;
}

static const char *name_of(enum input in, unsigned v)
{
    switch (in) {
    case IN_MP:
        return v <= CHOICE_MP_EHTTP ? choices_mp_name((enum choice_mp)v) : NULL;
    case IN_CLIENT:
        return v < CHOICE_CLIENTS ? choices_client_name((enum choice_client)v) : NULL;
    case IN_CERT:
        return v <= CHOICE_CERT_INTERNAL ? choices_cert_name((enum choice_cert)v) : NULL;
    case IN_VERSION:
        return version_class_name(v);
    case IN_JOIN:
        return v <= CHOICE_JOIN_ENTRA ? choices_join_name((enum choice_join)v) : NULL;
    case IN_SCENARIO:
        return v <= CHOICE_USER ? choices_scenario_name((enum choice_scenario)v) : NULL;
    case IN_CRL:
        return v <= CHOICE_CRL_NONE ? choices_crl_name((enum choice_crl)v) : NULL;
    case IN_CHECK:
    case IN_RELAY:
        return on_off_name(v);
    case IN_ROOT:
    case IN_CONNECTOR:
    case IN_ALLOWED:
    case IN_SIGN_IN:
        return v <= CHOICE_YES ? choices_tri_name((enum choice_tri)v) : NULL;
    case INPUTS:
        break;
    }
    return NULL;
}

static void question_inputs(const struct choices_question *q, unsigned char ret[INPUTS])
{
    ret[IN_MP] = (unsigned char)q->mp;
    ret[IN_CLIENT] = (unsigned char)q->client;
    ret[IN_CERT] = (unsigned char)q->server_cert;
    ret[IN_VERSION] = q->client_version == 0                     ? VERSION_UNKNOWN
                      : q->client_version < CHOICES_TOKENS_SINCE ? VERSION_OLD
                                                                 : VERSION_NEW;
    ret[IN_JOIN] = (unsigned char)q->join;
    ret[IN_SCENARIO] = (unsigned char)q->scenario;
    ret[IN_CRL] = (unsigned char)q->crl;
    ret[IN_CHECK] = q->crl_check;
    ret[IN_RELAY] = q->crl_relay;
    ret[IN_ROOT] = (unsigned char)q->client_has_root;
    ret[IN_CONNECTOR] = (unsigned char)q->connector_cert;
    ret[IN_ALLOWED] = (unsigned char)q->cmg_allowed;
    ret[IN_SIGN_IN] = (unsigned char)q->user_sign_in;
}

static bool row_applies(const struct row *row, const unsigned char inputs[INPUTS])
{
    for (size_t in = 0; in < INPUTS; in++) {
        if (row->accepts[in] != 0 && (row->accepts[in] & ONE(inputs[in])) == 0)
            return false;
    }
    return true;
}

static void list_add(struct choices_list *list, const struct choices_line *line)
{
    if (list->count < CHOICES_LINES_MAX)
        list->lines[list->count++] = *line;
}

static void collect(const unsigned char inputs[INPUTS], enum choices_kind kind, struct choices_list *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].condition.kind == kind && row_applies(&rows[i], inputs))
            list_add(ret, &rows[i].condition.line);
    }
}

void choices_check(const struct choices_question *q, struct choices_answer *ret)
{
    unsigned char inputs[INPUTS];
    question_inputs(q, inputs);
    *ret = (struct choices_answer){0};
    collect(inputs, CHOICES_RULES_OUT, &ret->reasons);
    ret->supported = ret->reasons.count == 0;
    if (ret->supported)
        collect(inputs, CHOICES_WHY, &ret->reasons);
    collect(inputs, CHOICES_REQUIRES, &ret->requirements);
    collect(inputs, CHOICES_LIMITS, &ret->limitations);
}

const struct choices_condition *choices_condition(size_t index)
{
    return index < ARRAY_LEN(rows) ? &rows[index].condition : NULL;
}

const struct choices_condition *choices_condition_find(struct slice id)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (slice_eq_nocase(id, slice_of(rows[i].condition.line.id)))
            return &rows[i].condition;
    }
    return NULL;
}

static const char *const input_names[INPUTS] = {
    "mp",        "client",    "server-cert",     "client-version", "join",        "scenario",    "crl",
    "crl-check", "crl-relay", "client-has-root", "connector-cert", "cmg-allowed", "user-sign-in"};

bool choices_condition_about(const struct choices_condition *c, const char *input, const char *value)
{
    const struct row *row = container_of(c, const struct row, condition);
    for (unsigned in = 0; in < INPUTS; in++) {
        const char *name;
        if (strcmp(input_names[in], input) != 0)
            continue;
        for (unsigned v = 0; (name = name_of((enum input)in, v)) != NULL; v++) {
            if ((row->accepts[in] & ONE(v)) != 0 && strcmp(name, value) == 0)
                return true;
        }
    }
    return false;
}

/* Appends "name=a|b" for the values that the row accepts. */
static void when_input(enum input in, unsigned mask, char *ret, size_t size)
{
    size_t at = strlen(ret);
    int n = snprintf(ret + at, size - at, "%s%s=", at > 0 ? ", " : "", input_names[in]);
    const char *separator = "";
    for (unsigned v = 0; v < 8; v++) {
        if ((mask & ONE(v)) == 0 || n < 0 || (size_t)n >= size - at)
            continue;
        at += (size_t)n;
        n = snprintf(ret + at, size - at, "%s%s", separator, name_of(in, v));
        separator = "|";
    }
}

void choices_condition_when(const struct choices_condition *c, char *ret, size_t size)
{
    const struct row *row = container_of(c, const struct row, condition);
    if (size == 0)
        return;
    ret[0] = '\0';
    for (size_t in = 0; in < INPUTS; in++) {
        if (row->accepts[in] != 0)
            when_input((enum input)in, row->accepts[in], ret, size);
    }
    if (ret[0] == '\0')
        (void)snprintf(ret, size, "always");
}
