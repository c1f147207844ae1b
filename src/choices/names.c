/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the choices, in and out: one table a type, the first name of a value is the one that is printed, the others
 * are synonyms (PROTOCOL 7 and the field's older words). And the versions of clients: YYMM, or builds 5.00.NNNN.
 */
#include "choices/choices.h"

struct name {
    const char *text;
    unsigned value;
};

static const struct name mp_names[] = {{"https", CHOICE_MP_HTTPS}, {"ehttp", CHOICE_MP_EHTTP}, {NULL, 0}};
static const struct name client_names[] = {{"pki", CHOICE_PKI},   {"entra", CHOICE_ENTRA}, {"token", CHOICE_TOKEN},
                                           {"aad", CHOICE_ENTRA}, {"haad", CHOICE_ENTRA},  {NULL, 0}};
static const struct name cert_names[] = {{"public", CHOICE_CERT_PUBLIC}, {"internal", CHOICE_CERT_INTERNAL}, {NULL, 0}};
static const struct name join_names[] = {
    {"none", CHOICE_JOIN_NONE},
    {"domain", CHOICE_JOIN_DOMAIN},
    {"hybrid", CHOICE_JOIN_HYBRID},
    {"entra", CHOICE_JOIN_ENTRA},
    {"workgroup", CHOICE_JOIN_NONE},
    {"ad", CHOICE_JOIN_DOMAIN},
    {"haad", CHOICE_JOIN_HYBRID},
    {"aad", CHOICE_JOIN_ENTRA},
    /* as the exports of Entra and Intune say it; a device that is only registered there has no device token */
    {"Hybrid Azure AD joined", CHOICE_JOIN_HYBRID},
    {"Microsoft Entra hybrid joined", CHOICE_JOIN_HYBRID},
    {"ServerAd", CHOICE_JOIN_HYBRID},
    {"Azure AD joined", CHOICE_JOIN_ENTRA},
    {"Microsoft Entra joined", CHOICE_JOIN_ENTRA},
    {"AzureAd", CHOICE_JOIN_ENTRA},
    {"Azure AD registered", CHOICE_JOIN_NONE},
    {"Microsoft Entra registered", CHOICE_JOIN_NONE},
    {"Workplace", CHOICE_JOIN_NONE},
    {NULL, 0}};
static const struct name scenario_names[] = {{"device", CHOICE_DEVICE}, {"user", CHOICE_USER}, {NULL, 0}};
static const struct name crl_names[] = {{"internet", CHOICE_CRL_INTERNET}, {"ad", CHOICE_CRL_AD},
                                        {"internal", CHOICE_CRL_INTERNAL}, {"none", CHOICE_CRL_NONE},
                                        {"ldap", CHOICE_CRL_AD},           {NULL, 0}};
static const struct name tri_names[] = {{"unknown", CHOICE_UNKNOWN}, {"no", CHOICE_NO},  {"yes", CHOICE_YES},
                                        {"off", CHOICE_NO},          {"on", CHOICE_YES}, {"false", CHOICE_NO},
                                        {"true", CHOICE_YES},        {NULL, 0}};
static const struct name certificate_names[] = {{"none", 0},  {"pki", 1},  {"no", 0}, {"yes", 1},
                                                {"false", 0}, {"true", 1}, {NULL, 0}};

static const char *name_of(const struct name *names, unsigned value)
{
    for (; names->text; names++) {
        if (names->value == value)
            return names->text;
    }
    return "?";
}

static bool find_name(const struct name *names, struct slice s, unsigned *ret)
{
    for (; names->text; names++) {
        if (slice_eq_nocase(s, slice_of(names->text))) {
            *ret = names->value;
            return true;
        }
    }
    return false;
}

#define NAME_FUNCTIONS(word, type)                                                                                     \
    const char *choices_##word##_name(type v)                                                                          \
    {                                                                                                                  \
        return name_of(word##_names, (unsigned)v);                                                                     \
    }                                                                                                                  \
    bool choices_##word##_parse(struct slice s, type *ret)                                                             \
    {                                                                                                                  \
        unsigned value;                                                                                                \
        if (!find_name(word##_names, s, &value))                                                                       \
            return false;                                                                                              \
        *ret = (type)value;                                                                                            \
        return true;                                                                                                   \
    }

NAME_FUNCTIONS(mp, enum choice_mp)
NAME_FUNCTIONS(client, enum choice_client)
NAME_FUNCTIONS(cert, enum choice_cert)
NAME_FUNCTIONS(join, enum choice_join)
NAME_FUNCTIONS(scenario, enum choice_scenario)
NAME_FUNCTIONS(crl, enum choice_crl)
NAME_FUNCTIONS(tri, enum choice_tri)

bool choices_certificate_parse(struct slice s, bool *ret)
{
    unsigned value;
    if (!find_name(certificate_names, s, &value))
        return false;
    *ret = value != 0;
    return true;
}

/* Builds of the field's releases, ascending. */
static const struct {
    unsigned build, version;
} builds[] = {
    {7711, 1203}, {7804, 1301}, {7958, 1310}, {8239, 1505}, {8325, 1511}, {8355, 1602}, {8412, 1606}, {8458, 1610},
    {8498, 1702}, {8540, 1706}, {8577, 1710}, {8634, 1802}, {8692, 1806}, {8740, 1810}, {8790, 1902}, {8853, 1906},
    {8913, 1910}, {8968, 2002}, {9012, 2006}, {9040, 2010}, {9049, 2103}, {9058, 2107}, {9068, 2111}, {9078, 2203},
    {9088, 2207}, {9096, 2211}, {9106, 2303}, {9122, 2309}, {9128, 2403}, {9132, 2409}, {9135, 2503},
};

/* "NNNN" or "NNNN.MMMM" behind "5.00.": the release with the highest build that is not above it. */
static bool build_parse(struct slice s, unsigned *ret)
{
    struct slice rest = s;
    uint64_t build, revision;
    if (!slice_to_u64(slice_cut(&rest, '.'), &build) || (rest.ptr && !slice_to_u64(rest, &revision)))
        return false;
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(builds) && builds[i].build <= build; i++) {
        *ret = builds[i].version;
        found = true;
    }
    return found && build <= 9999;
}

bool choices_version_parse(struct slice s, unsigned *ret)
{
    static const struct slice prefixes[] = {{"5.00.", 5}, {"5.0.", 4}};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (slice_starts(s, prefixes[i]))
            return build_parse(slice_skip(s, prefixes[i].len), ret);
    }
    uint64_t number;
    if (s.len != 4 || !slice_to_u64(s, &number))
        return false;
    if (number < 1200 || number % 100 < 1 || number % 100 > 12)
        return false;
    *ret = (unsigned)number;
    return true;
}
