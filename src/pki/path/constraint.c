/* SPDX-License-Identifier: Apache-2.0 */
/* Whether names are well-formed where a constraint speaks of their form: OpenSSL compares the ends of texts, and has
 * done so before. */
#include "pki/path/constraint.h"

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "pki/cert/cert.h"

static struct slice text_of(const ASN1_STRING *s)
{
    return slice_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* --- well-formed names --- */

static bool is_label(struct slice label)
{
    return label.len > 0 && label.len <= 63 && ascii_all_alnum_or(label, "-_");
}

/* Labels between dots, none of them empty (RFC 1034 3.5; with the underscore that the field uses). */
static bool is_host(struct slice host)
{
    size_t labels = 0;
    for (struct slice rest = host; rest.ptr; labels++) {
        if (!is_label(slice_cut(&rest, '.')))
            return false;
    }
    return labels > 0 && host.len <= 253;
}

static bool is_dns(struct slice name)
{
    return is_host(slice_starts(name, SLICE("*.")) ? slice_skip(name, 2) : name);
}

static bool is_mail(struct slice name)
{
    struct slice rest = name, local = slice_cut(&rest, '@');
    return rest.ptr && local.len > 0 && is_host(rest);
}

static bool is_address(struct slice host)
{
    struct in_addr address;
    char text[64];
    return slice_to_cstr(host, text, sizeof text) && inet_pton(AF_INET, text, &address) == 1;
}

static bool ends_authority(char c)
{
    return c == '/' || c == '?' || c == '#';
}

/* The authority is a host's name and perhaps a port: constraints are of hosts, and an address is none. */
static bool is_uri(struct slice uri)
{
    size_t scheme = slice_find(uri, ':'), end = 0;
    struct slice authority = slice_skip(uri, scheme + 1);
    if (scheme == 0 || scheme >= uri.len || !slice_starts(authority, SLICE("//")))
        return false;
    authority = slice_skip(authority, 2);
    while (end < authority.len && !ends_authority(authority.ptr[end]))
        end++;
    struct slice port = slice_make(authority.ptr, end), host = slice_cut(&port, ':');
    uint64_t number;
    return is_host(host) && !is_address(host) && (!port.ptr || port.len == 0 || slice_to_u64(port, &number));
}

static const struct {
    int type;
    bool (*ok)(struct slice text);
} forms[] = {{GEN_DNS, is_dns}, {GEN_EMAIL, is_mail}, {GEN_URI, is_uri}};

static bool well_formed(int type, struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].type == type)
            return forms[i].ok(text);
    }
    return true; /* OpenSSL refuses addresses of odd lengths, and forms that it does not know */
}

/* --- constraints --- */

static bool has_subtree(const STACK_OF(GENERAL_SUBTREE) * trees, int type)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        if (sk_GENERAL_SUBTREE_value(trees, i)->base->type == type)
            return true;
    }
    return false;
}

/* May "*.example.com" stand for an excluded "a.example.com"? One that is excluded as a whole was seen by OpenSSL. */
static bool wildcard_reaches(const STACK_OF(GENERAL_SUBTREE) * excluded, struct slice name)
{
    struct slice below = slice_skip(name, 1);
    if (!slice_starts(name, SLICE("*.")))
        return false;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(excluded); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(excluded, i)->base;
        if (base->type != GEN_DNS)
            continue;
        struct slice text = text_of(base->d.dNSName);
        if (text.len > below.len && slice_eq_nocase(slice_skip(text, text.len - below.len), below))
            return true;
    }
    return false;
}

struct checking {
    const NAME_CONSTRAINTS *constraints;
    X509 *cert;
    struct pki_verdict *v;
};

static bool refuse(const struct checking *c, const char *what)
{
    c->v->reason = REASON_CERT_CONSTRAINT_VIOLATED;
    pki_path_detail(c->v, c->cert, "%s (RFC 5280 4.2.1.10)", what);
    return false;
}

static bool check_text(const struct checking *c, int type, const ASN1_STRING *s)
{
    const NAME_CONSTRAINTS *nc = c->constraints;
    if (!has_subtree(nc->permittedSubtrees, type) && !has_subtree(nc->excludedSubtrees, type))
        return true;
    if (!well_formed(type, text_of(s)))
        return refuse(c,
                      "has a name that is malformed, so that it can't be compared with an issuer's name constraints");
    if (type == GEN_DNS && wildcard_reaches(nc->excludedSubtrees, text_of(s)))
        return refuse(c, "has a wildcard that may stand for a name that an issuer's name constraints exclude");
    return true;
}

static bool check_alternative_names(const struct checking *c)
{
    bool ok = true;
    GENERAL_NAMES *names = X509_get_ext_d2i(c->cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && ok; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
            ok = check_text(c, name->type, name->d.ia5);
    }
    GENERAL_NAMES_free(names);
    return ok;
}

static bool check_subject_mail(const struct checking *c)
{
    const X509_NAME *subject = X509_get_subject_name(c->cert);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0;) {
        if (!check_text(c, GEN_EMAIL, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))
            return false;
    }
    return true;
}

static bool check_common_name(const struct checking *c)
{
    if (NAME_CONSTRAINTS_check_CN(c->cert, (NAME_CONSTRAINTS *)(uintptr_t)c->constraints) == X509_V_OK)
        return true;
    return refuse(c,
                  "has a common name that an issuer's name constraints do not permit, and it is the device's identity");
}

/* Self-issued certificates are not constrained unless they are the last one (6.1.4 (b)). */
static bool is_exempt(X509 *cert, int depth)
{
    return depth > 0 && pki_cert_self_issued(cert);
}

static int check_below(STACK_OF(X509) * chain, int above, const NAME_CONSTRAINTS *nc, bool identity,
                       struct pki_verdict *v)
{
    for (int i = 0; i < above; i++) {
        struct checking c = {nc, sk_X509_value(chain, i), v};
        if (is_exempt(c.cert, i))
            continue;
        if (!check_alternative_names(&c) || !check_subject_mail(&c) || (i == 0 && identity && !check_common_name(&c)))
            return i;
    }
    return -1;
}

int pki_constraint_check(STACK_OF(X509) * chain, bool identity, struct pki_verdict *v)
{
    int at = -1;
    ERR_set_mark();
    for (int above = 1; above < sk_X509_num(chain) && at < 0; above++) {
        NAME_CONSTRAINTS *nc = X509_get_ext_d2i(sk_X509_value(chain, above), NID_name_constraints, NULL, NULL);
        if (nc)
            at = check_below(chain, above, nc, identity, v);
        NAME_CONSTRAINTS_free(nc);
    }
    ERR_pop_to_mark();
    return at;
}
