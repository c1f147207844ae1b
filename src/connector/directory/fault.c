/* SPDX-License-Identifier: Apache-2.0 */
/* Results of RFC 4511 4.1.9 and of libldap: the server's own diagnosticMessage, which names the cause where the code
 * does not, and what to do. */
#include "connector/directory/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/host/log.h"
#include "base/utf8.h"

#define SAY_WHO                                                                                                        \
    "it wants to know who asks: set 'directory' (servers, bind) in connector.yaml, and name the source without a "     \
    "host (ldap:///NAME)"

#define NO_ENTRY "there is no entry of the name in the URL"

/* `not_reached`: the fault is that server's, not the question's. */
static const struct {
    int code;
    enum result result;
    bool not_reached;
    const char *anonymous, *bound; /* what to do, by whether there was a bind */
} faults[] = {
    {LDAP_OPERATIONS_ERROR, R_IO, false, SAY_WHO, NULL}, /* Active Directory's word for it */
    {LDAP_INSUFFICIENT_ACCESS, R_DENIED, false, SAY_WHO,
     "the account of 'directory' in connector.yaml may not read it"},
    {LDAP_INAPPROPRIATE_AUTH, R_DENIED, false, SAY_WHO, "it takes no such bind: choose another in connector.yaml"},
    {LDAP_AUTH_METHOD_NOT_SUPPORTED, R_DENIED, false, SAY_WHO,
     "it takes no such bind: choose another in connector.yaml"},
    {LDAP_STRONG_AUTH_REQUIRED, R_DENIED, false, SAY_WHO, "use ldaps://, or start_tls: on"},
    {LDAP_CONFIDENTIALITY_REQUIRED, R_DENIED, false, "it wants TLS: use ldaps://", "use ldaps://, or start_tls: on"},
    {LDAP_UNWILLING_TO_PERFORM, R_DENIED, false, SAY_WHO, NULL},
    {LDAP_INVALID_CREDENTIALS, R_DENIED, false, NULL, "it does not take the bind of 'directory' in connector.yaml"},
    {LDAP_NO_SUCH_OBJECT, R_NOTFOUND, false, NO_ENTRY ", or " SAY_WHO, NO_ENTRY ", or none that this account may see"},
    {LDAP_REFERRAL, R_NOTFOUND, false, "another server has it: name that one", "another server has it: name that one"},
    {LDAP_LOCAL_ERROR, R_IO, true, NULL, "Kerberos gives no ticket for it"},
    {LDAP_AUTH_UNKNOWN, R_DENIED, false, NULL, "install libsasl2-modules-gssapi-mit"},
    {LDAP_TIMEOUT, R_TIMEOUT, true, NULL, NULL},
    {LDAP_SERVER_DOWN, R_IO, true, NULL, NULL},
    {LDAP_CONNECT_ERROR, R_IO, true, NULL, NULL},
    {LDAP_UNAVAILABLE, R_IO, true, NULL, NULL},
    {LDAP_BUSY, R_IO, true, NULL, NULL},
};

/* Active Directory's words for invalidCredentials, behind "data " (MS-ADTS 5.1.1.1). */
static const struct {
    const char *word;
    const char *means;
} of_active_directory[] = {
    {"data 525,", "no such account"},        {"data 52e,", "wrong name or password"},
    {"data 530,", "not at this time"},       {"data 531,", "not from this machine"},
    {"data 532,", "the password has ended"}, {"data 533,", "the account is disabled"},
    {"data 701,", "the account has ended"},  {"data 773,", "the password must be changed first"},
    {"data 775,", "the account is locked"},
};

static const char *meaning_of(int code, const char *said)
{
    for (size_t i = 0; code == LDAP_INVALID_CREDENTIALS && i < ARRAY_LEN(of_active_directory); i++) {
        if (strstr(said, of_active_directory[i].word))
            return of_active_directory[i].means;
    }
    return NULL;
}

/* Cut, and without what steers terminals. Not told are words that name servers: a referral's, and Kerberos's, which
 * stay in this program's log. */
static void read_diagnostic(const struct directory_session *s, int code, char *ret, size_t size)
{
    char *said = NULL;
    ret[0] = '\0';
    if (s->ld)
        (void)ldap_get_option(s->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, (void *)&said);
    if (said)
        utf8_escape(slice_of(said), ret, size);
    ldap_memfree(said);
    if (!ret[0] || (code != LDAP_REFERRAL && !slice_starts(slice_of(ret), SLICE("SASL("))))
        return;
    LOG_EVENT(LOG_WARN, "source", "the directory can't be asked", LOG_T("server", s->server), LOG_T("reason", ret));
    (void)snprintf(ret, size, "its words are in the connector's own log");
}

enum result directory_fault(struct directory_session *s, int code, struct error *err)
{
    enum result result = R_IO;
    bool bound = s->is_own && !directory_binds(s->question->settings, "none");
    const char *todo = NULL;
    char said[200];
    if (s->not_allowed)
        return error_set(err, R_DENIED,
                         "its address is loopback or link-local, which this connector does not allow (allow_targets)");
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].code != code)
            continue;
        result = faults[i].result;
        s->not_reached = faults[i].not_reached;
        todo = bound ? faults[i].bound : faults[i].anonymous;
    }
    read_diagnostic(s, code, said, sizeof said);
    const char *means = meaning_of(code, said);
    return error_set(err, result, "the directory can't be asked: %s%s%s%s%s%s%s%s", ldap_err2string(code),
                     said[0] ? " (" : "", said, said[0] ? ")" : "", means ? ": " : "", means ? means : "",
                     todo ? "; " : "", todo ? todo : "");
}
