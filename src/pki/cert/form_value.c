/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions are decoded by OpenSSL's own templates, as strictly as the rest of the certificate was. */
#include "pki/cert/form_value.h"

#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "base/attr.h"
#include "base/slice.h"
#include "base/utf8.h"

enum { IPV4 = 4, IPV6 = 16, KEY_USAGE_BITS = 9, ASCII_MAX = 0x7f };

static struct slice text_of(const ASN1_STRING *s)
{
    return slice_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* --- alphabets --- */

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] > ASCII_MAX)
            return false;
    }
    return true;
}

/* X.680 41.4; and what old CAs write although it is not of it: they are told in docs/internals/certificates.md. */
static bool is_printable(struct slice text)
{
    return ascii_all_alnum_or(text, " '()+,-./:=?*&@_");
}

static bool is_numeric(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ' && !ascii_is_digit(text.ptr[i]))
            return false;
    }
    return true;
}

static bool is_utf8(struct slice text)
{
    size_t n = 1;
    while (text.len && (n = utf8_character(text)) > 0)
        text = slice_skip(text, n);
    return n > 0;
}

static const struct {
    int type;
    bool (*ok)(struct slice text);
    const char *wrong;
} alphabets[] = {
    {V_ASN1_PRINTABLESTRING, is_printable, "has a name with a PrintableString of other characters (RFC 5280 4.1.2.4)"},
    {V_ASN1_IA5STRING, is_ascii, "has a name with an IA5String that is no ASCII (RFC 5280 4.1.2.6)"},
    {V_ASN1_UTF8STRING, is_utf8, "has a name with a UTF8String that is no UTF-8 (RFC 5280 4.1.2.4)"},
    {V_ASN1_NUMERICSTRING, is_numeric, "has a name with a NumericString of other characters (RFC 5280 4.1.2.4)"},
};

static const char *string_fault(const ASN1_STRING *s)
{
    for (size_t i = 0; i < ARRAY_LEN(alphabets); i++) {
        if (ASN1_STRING_type(s) == alphabets[i].type)
            return alphabets[i].ok(text_of(s)) ? NULL : alphabets[i].wrong;
    }
    return NULL;
}

const char *pki_form_name(const X509_NAME *name)
{
    const char *wrong = NULL;
    for (int i = 0; i < X509_NAME_entry_count(name) && !wrong; i++)
        wrong = string_fault(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
    return wrong;
}

/* --- general names (4.2.1.6) --- */

static const char *text_fault(const GENERAL_NAME *name)
{
    struct slice text = text_of(name->d.ia5);
    if (text.len == 0 || slice_eq(text, SLICE(" ")))
        return "has an empty name (RFC 5280 4.2.1.6)";
    return is_ascii(text) ? NULL : "has a name that is no IA5String, which is ASCII (RFC 5280 4.2.1.6)";
}

/* Scheme, colon and something behind it (RFC 3986 3.1). */
static const char *uri_fault(const GENERAL_NAME *name)
{
    struct slice rest = text_of(name->d.ia5), scheme = slice_cut(&rest, ':');
    bool ok = rest.ptr && rest.len && scheme.len && ascii_is_letter(scheme.ptr[0]);
    const char *wrong = text_fault(name);
    return wrong || ok ? wrong : "has a URI without a scheme (RFC 5280 4.2.1.6)";
}

static const char *address_fault(const GENERAL_NAME *name)
{
    int len = ASN1_STRING_length(name->d.iPAddress);
    return len == IPV4 || len == IPV6 ? NULL : "has an IP address of neither 4 nor 16 octets (RFC 5280 4.2.1.6)";
}

static const char *directory_fault(const GENERAL_NAME *name)
{
    return pki_form_name(name->d.directoryName);
}

/* A name in a constraint stands for those that it covers (4.2.1.10). */
static const char *constraint_text_fault(const GENERAL_NAME *base)
{
    return is_ascii(text_of(base->d.ia5)) ? NULL
                                          : "has a name that is no IA5String, which is ASCII (RFC 5280 4.2.1.10)";
}

/* A mailbox, a host, or a domain with a dot before it; nothing else excludes anybody. */
static const char *constraint_mail_fault(const GENERAL_NAME *base)
{
    struct slice text = text_of(base->d.ia5), host = text, local = slice_cut(&host, '@');
    bool mailbox = host.ptr != NULL;
    if (text.len == 0 || (mailbox && (local.len == 0 || host.len == 0)))
        return "has a mail constraint that is neither a mailbox nor a host nor a domain (RFC 5280 4.2.1.10)";
    return constraint_text_fault(base);
}

static const char *constraint_host_fault(const GENERAL_NAME *base)
{
    if (ASN1_STRING_length(base->d.ia5) == 0)
        return "has a URI constraint without a host (RFC 5280 4.2.1.10)";
    return constraint_text_fault(base);
}

/* Once a bit is 0, all after it are. */
static bool is_mask(const unsigned char *mask, size_t len)
{
    bool over = false;
    for (size_t bit = 0; bit < len * 8; bit++) {
        bool set = mask[bit / 8] >> (7 - bit % 8) & 1;
        if (set && over)
            return false;
        over = over || !set;
    }
    return true;
}

static const char *constraint_address_fault(const GENERAL_NAME *base)
{
    size_t len = text_of(base->d.iPAddress).len;
    if (len != 2 * IPV4 && len != 2 * IPV6)
        return "has an address constraint of neither 8 nor 32 octets (RFC 5280 4.2.1.10)";
    return is_mask(ASN1_STRING_get0_data(base->d.iPAddress) + len / 2, len / 2)
               ? NULL
               : "has an address constraint whose mask is not of one piece (RFC 5280 4.2.1.10, RFC 4632 3.1)";
}

typedef const char *name_fn(const GENERAL_NAME *name);

static const struct {
    int type;
    name_fn *name, *constraint;
} name_kinds[] = {
    {GEN_EMAIL, text_fault, constraint_mail_fault},  {GEN_DNS, text_fault, constraint_text_fault},
    {GEN_URI, uri_fault, constraint_host_fault},     {GEN_IPADD, address_fault, constraint_address_fault},
    {GEN_DIRNAME, directory_fault, directory_fault},
};

static const char *name_fault(const GENERAL_NAME *name, bool constraint)
{
    for (size_t i = 0; i < ARRAY_LEN(name_kinds); i++) {
        if (name_kinds[i].type == name->type)
            return (constraint ? name_kinds[i].constraint : name_kinds[i].name)(name);
    }
    return NULL;
}

static const char *names_fault(const void *value, bool critical UNUSED)
{
    const char *wrong = sk_GENERAL_NAME_num(value) > 0 ? NULL : "holds no name (RFC 5280 4.2.1.6)";
    for (int i = 0; i < sk_GENERAL_NAME_num(value) && !wrong; i++)
        wrong = name_fault(sk_GENERAL_NAME_value(value, i), false);
    return wrong;
}

/* --- what an extension holds --- */

static const char *subtrees_fault(const STACK_OF(GENERAL_SUBTREE) * trees)
{
    const char *wrong =
        !trees || sk_GENERAL_SUBTREE_num(trees) > 0 ? NULL : "has a list of subtrees without one (RFC 5280 4.2.1.10)";
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees) && !wrong; i++)
        wrong = name_fault(sk_GENERAL_SUBTREE_value(trees, i)->base, true);
    return wrong;
}

static const char *constraints_fault(const void *value, bool critical UNUSED)
{
    const NAME_CONSTRAINTS *nc = value;
    if (!nc->permittedSubtrees && !nc->excludedSubtrees)
        return "neither permits nor excludes anything (RFC 5280 4.2.1.10)";
    const char *wrong = subtrees_fault(nc->permittedSubtrees);
    return wrong ? wrong : subtrees_fault(nc->excludedSubtrees);
}

static const char *authority_fault(const void *value, bool critical UNUSED)
{
    const AUTHORITY_KEYID *id = value;
    if (!id->issuer != !id->serial)
        return "names an issuer without its serial number, or the reverse (RFC 5280 4.2.1.1)";
    return id->issuer ? names_fault(id->issuer, false) : NULL;
}

static const char *key_usage_fault(const void *value, bool critical UNUSED)
{
    for (int bit = 0; bit < KEY_USAGE_BITS; bit++) {
        if (ASN1_BIT_STRING_get_bit(value, bit))
            return NULL;
    }
    return "has no bit set (RFC 5280 4.2.1.3)";
}

static const char *basic_fault(const void *value, bool critical UNUSED)
{
    const BASIC_CONSTRAINTS *bc = value;
    bool negative = bc->pathlen && ASN1_STRING_type(bc->pathlen) & V_ASN1_NEG;
    return negative ? "has a negative path length (RFC 5280 4.2.1.9)" : NULL;
}

/* Who can't make out what a critical policy says must refuse it (4.2.1.4). */
static const char *qualifiers_fault(const POLICYINFO *policy, bool critical)
{
    if (policy->qualifiers && sk_POLICYQUALINFO_num(policy->qualifiers) == 0)
        return "has a list of policy qualifiers without one (RFC 5280 4.2.1.4)";
    for (int i = 0; i < sk_POLICYQUALINFO_num(policy->qualifiers); i++) {
        int nid = OBJ_obj2nid(sk_POLICYQUALINFO_value(policy->qualifiers, i)->pqualid);
        if (critical && nid != NID_id_qt_cps && nid != NID_id_qt_unotice)
            return "is critical and has a policy qualifier that is not known (RFC 5280 4.2.1.4)";
    }
    return NULL;
}

static const char *policies_fault(const void *value, bool critical)
{
    const char *wrong = sk_POLICYINFO_num(value) > 0 ? NULL : "holds no policy (RFC 5280 4.2.1.4)";
    for (int i = 0; i < sk_POLICYINFO_num(value) && !wrong; i++)
        wrong = qualifiers_fault(sk_POLICYINFO_value(value, i), critical);
    return wrong;
}

static const char *mappings_fault(const void *value, bool critical UNUSED)
{
    return sk_POLICY_MAPPING_num(value) > 0 ? NULL : "maps nothing (RFC 5280 4.2.1.5)";
}

static bool is_negative(const ASN1_INTEGER *n)
{
    return n && ASN1_STRING_type(n) & V_ASN1_NEG;
}

static const char *policy_constraints_fault(const void *value, bool critical UNUSED)
{
    const POLICY_CONSTRAINTS *pc = value;
    if (!pc->requireExplicitPolicy && !pc->inhibitPolicyMapping)
        return "asks for nothing (RFC 5280 4.2.1.11)";
    return is_negative(pc->requireExplicitPolicy) || is_negative(pc->inhibitPolicyMapping)
               ? "counts below zero (RFC 5280 4.2.1.11)"
               : NULL;
}

static const char *usages_fault(const void *value, bool critical UNUSED)
{
    return sk_ASN1_OBJECT_num(value) > 0 ? NULL : "holds no usage (RFC 5280 4.2.1.12)";
}

static const char *points_fault(const void *value, bool critical UNUSED)
{
    for (int i = 0; i < sk_DIST_POINT_num(value); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(value, i);
        if (!point->distpoint && !point->CRLissuer)
            return "has a distribution point that says no place (RFC 5280 4.2.1.13)";
    }
    return sk_DIST_POINT_num(value) > 0 ? NULL : "holds no distribution point (RFC 5280 4.2.1.13)";
}

static const char *skip_fault(const void *value, bool critical UNUSED)
{
    return is_negative(value) ? "counts below zero (RFC 5280 4.2.1.14)" : NULL;
}

static const char *access_fault(const void *value, bool critical UNUSED)
{
    return sk_ACCESS_DESCRIPTION_num(value) > 0 ? NULL : "holds no access description (RFC 5280 4.2.2.1)";
}

typedef const char *value_fn(const void *value, bool critical);

/* Those of RFC 5280 4.2 that OpenSSL or this folder judges by. */
static const struct {
    int nid;
    value_fn *fault; /* NULL: any that can be read */
} known[] = {
    {NID_authority_key_identifier, authority_fault},
    {NID_subject_key_identifier, NULL},
    {NID_key_usage, key_usage_fault},
    {NID_certificate_policies, policies_fault},
    {NID_policy_mappings, mappings_fault},
    {NID_subject_alt_name, names_fault},
    {NID_basic_constraints, basic_fault},
    {NID_name_constraints, constraints_fault},
    {NID_policy_constraints, policy_constraints_fault},
    {NID_ext_key_usage, usages_fault},
    {NID_crl_distribution_points, points_fault},
    {NID_freshest_crl, points_fault},
    {NID_inhibit_any_policy, skip_fault},
    {NID_info_access, access_fault},
};

static const char *value_fault(X509_EXTENSION *extension, value_fn *fault)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(extension);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(extension);
    if (!method || !method->it)
        return NULL;
    const ASN1_ITEM *item = ASN1_ITEM_ptr(method->it);
    const unsigned char *at = ASN1_STRING_get0_data(octets), *end = at + ASN1_STRING_length(octets);
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, end - at, item);
    const char *wrong = value && at == end ? NULL : "can't be read (RFC 5280 4.2)";
    if (!wrong && fault)
        wrong = fault(value, X509_EXTENSION_get_critical(extension));
    ASN1_item_free(value, item);
    return wrong;
}

const char *pki_form_extension(X509_EXTENSION *extension)
{
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].nid == nid)
            return value_fault(extension, known[i].fault);
    }
    return NULL;
}
