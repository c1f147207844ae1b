/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation: which CRLs are used, what they say, and what happens without them. */
#include <pthread.h>
#include <time.h>

#include <openssl/pem.h>

#include "world.h"

/* Root as anchor, sub as intermediate; CRLs are added by the test. */
static struct pki_trust *new_trust(const struct pki_trust_options *o)
{
    struct pki_trust *t = pki_trust_new(o);
    add_anchor(t, root.cert);
    add_intermediate(t, sub.cert);
    return t;
}

static struct slice empty_crl(const struct pair *issuer)
{
    return MAKE_CRL(.issuer = issuer);
}

/* One CRL of the root, judged on the root's leaf: the reason and the warnings. */
static enum verdict_reason with_crl(struct slice crl, X509 *cert, const char *warning)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, crl);
    char *warnings = seal(t);
    if (warning)
        assert_says(warnings, warning);
    else if (warnings)
        fail_msg("%s", warnings);
    free(warnings);
    enum verdict_reason reason = judge(t, cert).reason;
    pki_trust_unref(t);
    return reason;
}

static void a_revoked_leaf_is_refused_and_its_sister_is_not(void **state UNUSED)
{
    struct pair sister = MAKE(.cn = "sister", .issuer = &root);
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}));
    seal_quietly(t);
    struct pki_verdict v = judge(t, root_leaf.cert);
    assert_reason(v, REASON_CERT_REVOKED);
    assert_says(v.detail, "device-2");
    v = judge(t, sister.cert);
    assert_reason(v, REASON_OK);
    assert_int_equal(v.valid_until, NOW + DAY); /* the CRL's nextUpdate */
    pki_trust_unref(t);
    drop(&sister);
}

static void a_revoked_intermediate_takes_its_leaves_with_it(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {sub.cert}));
    add_crl(t, empty_crl(&sub));
    seal_quietly(t);
    struct pki_verdict v = judge(t, leaf.cert);
    assert_reason(v, REASON_CERT_REVOKED);
    assert_says(v.detail, "CN=Sub");
    pki_trust_unref(t);
}

static void every_issuer_of_the_chain_needs_a_crl(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, empty_crl(&sub));
    seal_quietly(t);
    struct pki_verdict v = judge(t, leaf.cert);
    assert_reason(v, REASON_CERT_CRL_UNAVAILABLE);
    assert_says(v.detail, "CN=Root");
    pki_trust_unref(t);
    t = new_trust(&checked_options);
    add_crl(t, empty_crl(&sub));
    add_crl(t, empty_crl(&root));
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_OK);
    pki_trust_unref(t);
}

static void without_a_crl_the_options_decide(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    pki_trust_unref(t);

    t = new_trust(&allowing_options);
    seal_quietly(t);
    struct pki_verdict v = judge(t, root_leaf.cert);
    assert_reason(v, REASON_OK);
    assert_true(v.unchecked);
    assert_says(v.detail, "CN=Root");
    assert_int_equal(v.valid_until, NOW + 30 * DAY);
    pki_trust_unref(t);

    t = new_trust(&unchecked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}));
    seal_quietly(t);
    v = judge(t, root_leaf.cert);
    assert_reason(v, REASON_OK);
    assert_false(v.unchecked);
    pki_trust_unref(t);
}

static void an_outdated_crl_is_told_and_still_revokes(void **state UNUSED)
{
    struct pair sister = MAKE(.cn = "sister", .issuer = &root);
    for (int allowing = 0; allowing < 2; allowing++) {
        struct pki_trust *t = new_trust(allowing ? &allowing_options : &checked_options);
        add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}, .from = NOW - 9 * DAY, .to = NOW - 1));
        seal_quietly(t);
        struct pki_verdict v = judge(t, sister.cert);
        assert_reason(v, allowing ? REASON_OK : REASON_CERT_CRL_EXPIRED);
        assert_int_equal(v.unchecked, allowing);
        assert_says(v.detail, "expired 2026-09-21T14:13:19Z");
        assert_reason(judge(t, root_leaf.cert), REASON_CERT_REVOKED);
        pki_trust_unref(t);
    }
    drop(&sister);
}

static void freshness_is_judged_at_use_not_at_load(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, empty_crl(&root));
    seal_quietly(t);
    struct pki_verdict v;
    pki_trust_judge(t, root_leaf.cert, NULL, NOW + DAY, &v);
    assert_reason(v, REASON_OK);
    pki_trust_judge(t, root_leaf.cert, NULL, NOW + DAY + 1, &v);
    assert_reason(v, REASON_CERT_CRL_EXPIRED);
    pki_trust_judge(t, root_leaf.cert, NULL, NOW - DAY - 3600, &v);
    assert_reason(v, REASON_CERT_NOT_YET_VALID);
    pki_trust_unref(t);
}

static void a_crl_from_the_future_is_not_at_hand_yet(void **state UNUSED)
{
    assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .from = NOW + 3600), root_leaf.cert, NULL),
                     REASON_CERT_CRL_UNAVAILABLE);
    assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .from = NOW + 60), root_leaf.cert, NULL), REASON_OK);
}

static void a_crl_signed_by_a_wrong_key_is_refused(void **state UNUSED)
{
    struct pair twin = MAKE(.cn = "Root", .ca = true);
    /* with a key identifier it is recognised as a stranger's, without one the signature is tried */
    assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .signer = twin.key), root_leaf.cert, "signature is wrong"),
                     REASON_CERT_CRL_UNAVAILABLE);
    assert_int_equal(with_crl(MAKE_CRL(.issuer = &twin, .ext = {{NID_authority_key_identifier, "keyid:always"}}),
                              root_leaf.cert, "upload the CA's certificate"),
                     REASON_CERT_CRL_UNAVAILABLE);
    drop(&twin);
}

static void a_namesake_has_its_own_revocations(void **state UNUSED)
{
    /* Both are anchors of one name; only the twin's CRL lists the serial of the root's leaf. */
    struct pair twin = MAKE(.cn = "Root", .ca = true);
    struct pki_trust *t = new_trust(&checked_options);
    add_anchor(t, twin.cert);
    add_crl(t, MAKE_CRL(.issuer = &twin, .revoked = {root_leaf.cert}));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    pki_trust_unref(t);
    drop(&twin);
}

static void a_serial_revoked_by_another_issuer_does_not_hit(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, empty_crl(&root));
    add_crl(t, MAKE_CRL(.issuer = &sub, .revoked = {root_leaf.cert}));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_OK);
    pki_trust_unref(t);
}

static void an_issuer_that_may_not_sign_crls_is_not_believed(void **state UNUSED)
{
    struct pair mute = MAKE(.cn = "Mute", .ca = true, .ext = {{NID_key_usage, "critical,keyCertSign"}});
    struct pair device = MAKE(.cn = "device", .issuer = &mute);
    struct pki_trust *t = pki_trust_new(&checked_options);
    add_anchor(t, mute.cert);
    add_crl(t, empty_crl(&mute));
    char *warnings = seal(t);
    assert_says(warnings, "may sign CRLs");
    assert_reason(judge(t, device.cert), REASON_CERT_CRL_UNAVAILABLE);
    free(warnings);
    pki_trust_unref(t);
    drop(&mute);
    drop(&device);
}

static void what_can_not_be_judged_rightly_is_refused_with_a_warning(void **state UNUSED)
{
    const struct {
        struct slice crl;
        const char *warning;
    } cases[] = {
        {MAKE_CRL(.issuer = &root, .number = "7", .delta_base = "3"), "delta"},
        {MAKE_CRL(.issuer = &root, .ext = {{NID_issuing_distribution_point, "[x]\nonlyAA=TRUE\n"}}), "attribute"},
        {MAKE_CRL(.issuer = &root, .ext = {{NID_certificate_policies, "critical,1.2.3.4"}}), "critical extension"},
        {MAKE_CRL(.issuer = &root, .to = -1), "no nextUpdate"},
        {MAKE_CRL(.issuer = &root, .md = "SHA1"), "too weak"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(with_crl(cases[i].crl, root_leaf.cert, cases[i].warning), REASON_CERT_CRL_UNAVAILABLE);
}

/* Judges root_leaf by these CRLs (without a warning, unless one is expected). */
static struct pki_verdict with_crls(const struct slice *crls, size_t count, const char *warning, X509 *cert)
{
    struct pki_trust *t = new_trust(&checked_options);
    for (size_t i = 0; i < count; i++)
        add_crl(t, crls[i]);
    char *warnings = seal(t);
    if (warning)
        assert_says(warnings, warning);
    else if (warnings)
        fail_msg("%s", warnings);
    free(warnings);
    struct pki_verdict v = judge(t, cert);
    pki_trust_unref(t);
    return v;
}
#define WITH_CRLS(cert, warning, ...)                                                                                  \
    with_crls((const struct slice[]){__VA_ARGS__}, sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice), \
              (warning), (cert))

enum { HOLD = 6, REMOVE = 8 };

static void a_delta_adds_to_its_complete_crl_and_takes_from_it(void **state UNUSED)
{
    struct slice base = MAKE_CRL(.issuer = &root, .number = "3");
    struct pki_verdict v = WITH_CRLS(
        root_leaf.cert, NULL, base,
        MAKE_CRL(.issuer = &root, .number = "5", .delta_base = "3", .revoked = {root_leaf.cert}, .to = NOW + 3600));
    assert_reason(v, REASON_CERT_REVOKED);
    v = WITH_CRLS(root_leaf.cert, NULL,
                  MAKE_CRL(.issuer = &root, .number = "3", .revoked = {root_leaf.cert}, .reason = HOLD + 1),
                  MAKE_CRL(.issuer = &root, .number = "5", .delta_base = "3", .revoked = {root_leaf.cert},
                           .reason = REMOVE + 1, .to = NOW + 3600));
    assert_reason(v, REASON_OK);
    assert_int_equal(v.valid_until, NOW + 3600); /* until the delta must be renewed */
    v = WITH_CRLS(root_leaf.cert, NULL,
                  MAKE_CRL(.issuer = &root, .number = "3", .revoked = {root_leaf.cert}, .reason = HOLD + 1),
                  MAKE_CRL(.issuer = &root, .number = "5", .delta_base = "3", .revoked = {root_leaf.cert},
                           .reason = REMOVE + 1, .from = NOW - 9 * DAY, .to = NOW - DAY));
    assert_reason(v, REASON_CERT_REVOKED); /* an outdated one takes nothing back */
}

static void a_fresh_delta_keeps_an_outdated_complete_crl_alive(void **state UNUSED)
{
    struct slice ended = MAKE_CRL(.issuer = &root, .number = "3", .from = NOW - 9 * DAY, .to = NOW - DAY);
    assert_reason(WITH_CRLS(root_leaf.cert, NULL, ended, MAKE_CRL(.issuer = &root, .number = "4", .delta_base = "2")),
                  REASON_OK);
}

static void a_delta_without_its_complete_crl_says_nothing(void **state UNUSED)
{
    static const char *const bases[] = {"4", "3"};
    static const char *const numbers[] = {"5", "3"};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) { /* it builds on a later one; it is not newer */
        struct pki_verdict v = WITH_CRLS(
            root_leaf.cert, "builds on", MAKE_CRL(.issuer = &root, .number = "3"),
            MAKE_CRL(.issuer = &root, .number = numbers[i], .delta_base = bases[i], .revoked = {root_leaf.cert}));
        assert_reason(v, REASON_OK);
    }
}

static void a_delta_that_fits_stays_when_one_comes_that_does_not(void **state UNUSED)
{
    for (int order = 0; order < 2; order++) {
        struct slice fits = MAKE_CRL(.issuer = &root, .number = "11", .delta_base = "10", .revoked = {root_leaf.cert});
        struct slice later = MAKE_CRL(.issuer = &root, .number = "13", .delta_base = "12", .from = NOW - 3600);
        struct pki_verdict v = WITH_CRLS(root_leaf.cert, "builds on", MAKE_CRL(.issuer = &root, .number = "10"),
                                         order ? later : fits, order ? fits : later);
        assert_reason(v, REASON_CERT_REVOKED);
    }
}

static void what_an_older_delta_lists_stays_listed_until_a_newer_one_takes_it_back(void **state UNUSED)
{
    struct pki_verdict v =
        WITH_CRLS(root_leaf.cert, NULL, MAKE_CRL(.issuer = &root, .number = "10"),
                  MAKE_CRL(.issuer = &root, .number = "11", .delta_base = "10", .revoked = {root_leaf.cert}),
                  MAKE_CRL(.issuer = &root, .number = "12", .delta_base = "10"));
    assert_reason(v, REASON_CERT_REVOKED);
    v = WITH_CRLS(root_leaf.cert, NULL, MAKE_CRL(.issuer = &root, .number = "10"),
                  MAKE_CRL(.issuer = &root, .number = "12", .delta_base = "10", .revoked = {root_leaf.cert},
                           .reason = REMOVE + 1),
                  MAKE_CRL(.issuer = &root, .number = "11", .delta_base = "10", .revoked = {root_leaf.cert}));
    assert_reason(v, REASON_OK);
}

#define ONLY(reasons) .ext = {{NID_issuing_distribution_point, "[x]\nonlysomereasons=" reasons "\n"}}
#define ALL_BUT_ONE                                                                                                    \
    "CACompromise,affiliationChanged,superseded,cessationOfOperation,certificateHold,privilegeWithdrawn,AACompromise"

static void all_reasons_must_be_covered(void **state UNUSED)
{
    struct pki_verdict v = WITH_CRLS(root_leaf.cert, NULL, MAKE_CRL(.issuer = &root, ONLY("keyCompromise")));
    assert_reason(v, REASON_CERT_CRL_UNAVAILABLE);
    assert_says(v.detail, "not all reasons");
    v = WITH_CRLS(root_leaf.cert, NULL, MAKE_CRL(.issuer = &root, ONLY("keyCompromise")),
                  MAKE_CRL(.issuer = &root, ONLY(ALL_BUT_ONE), .to = NOW + 3600));
    assert_reason(v, REASON_OK);
    assert_int_equal(v.valid_until, NOW + 3600);
    v = WITH_CRLS(root_leaf.cert, NULL, MAKE_CRL(.issuer = &root, ONLY("keyCompromise"), .revoked = {root_leaf.cert}));
    assert_reason(v, REASON_CERT_REVOKED);
}

/* A second certificate of the CA's name, with a key that signs CRLs alone. */
static struct pki_verdict with_crl_key(const struct pair *crl_issuer, X509 *also_revoked)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_intermediate(t, crl_issuer->cert);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {also_revoked}));
    add_crl(t, MAKE_CRL(.issuer = crl_issuer));
    free(seal(t));
    struct pki_verdict v = judge(t, leaf.cert);
    pki_trust_unref(t);
    return v;
}

static void a_key_for_crls_is_believed_when_the_same_ca_certified_it(void **state UNUSED)
{
    struct extension usage = {NID_key_usage, "critical,cRLSign"};
    struct pair own = MAKE(.cn = "Sub", .issuer = &root, .ext = {usage});
    struct pair second = MAKE(.cn = "Second", .ca = true, .issuer = &root);
    struct pair namesake = MAKE(.cn = "Sub", .issuer = &second, .ext = {usage});
    struct pair ended = MAKE(.cn = "Sub", .issuer = &root, .ext = {usage}, .from = NOW - 9 * DAY, .to = NOW - DAY);
    assert_reason(with_crl_key(&own, NULL), REASON_OK);
    struct pki_verdict v = with_crl_key(&own, own.cert);
    assert_reason(v, REASON_CERT_CRL_UNAVAILABLE);
    assert_says(v.detail, "not good");
    assert_reason(with_crl_key(&ended, NULL), REASON_CERT_CRL_UNAVAILABLE);
    struct pki_trust *t = new_trust(&checked_options);
    add_intermediate(t, second.cert);
    add_intermediate(t, namesake.cert);
    add_crl(t, empty_crl(&root));
    add_crl(t, empty_crl(&second));
    add_crl(t, MAKE_CRL(.issuer = &namesake));
    free(seal(t));
    assert_reason(judge(t, leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    pki_trust_unref(t);
    drop(&own);
    drop(&second);
    drop(&namesake);
    drop(&ended);
}

static void the_hash_of_an_rsa_pss_signature_counts_too(void **state UNUSED)
{
    static const struct {
        const char *md;
        enum verdict_reason reason;
    } cases[] = {{"PSS-SHA256", REASON_OK}, {"PSS-SHA1", REASON_CERT_CRL_UNAVAILABLE}};
    struct pair ca = MAKE(.cn = "RSA", .ca = true, .key = "RSA-2048");
    struct pair device = MAKE(.cn = "device", .issuer = &ca);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pki_trust *t = pki_trust_new(&checked_options);
        add_anchor(t, ca.cert);
        add_crl(t, MAKE_CRL(.issuer = &ca, .md = cases[i].md));
        free(seal(t));
        assert_reason(judge(t, device.cert), cases[i].reason);
        pki_trust_unref(t);
    }
    drop(&ca);
    drop(&device);
}

static void an_entry_with_an_unknown_critical_extension_refuses_the_crl(void **state UNUSED)
{
    struct slice der = MAKE_CRL(.issuer = &root, .revoked = {leaf.cert}, .critical_entry_oid = "1.3.6.1.4.1.55555.1");
    struct pki_trust *t = new_trust(&checked_options);
    struct error err = {0};
    assert_int_equal(pki_trust_add_crl(t, der, &err), R_DENIED);
    assert_says(err.text, "critical extension");
    free((void *)(uintptr_t)der.ptr);
    seal_quietly(t);
    pki_trust_unref(t);
}

static void reasons_of_entries_are_read(void **state UNUSED)
{
    enum { KEY_COMPROMISE = 1 };
    assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}, .reason = KEY_COMPROMISE + 1),
                              root_leaf.cert, NULL),
                     REASON_CERT_REVOKED);
    assert_int_equal(
        with_crl(MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}, .reason = HOLD + 1), root_leaf.cert, NULL),
        REASON_CERT_REVOKED);
    assert_int_equal(
        with_crl(MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}, .reason = REMOVE + 1), root_leaf.cert, NULL),
        REASON_CERT_REVOKED); /* only a delta takes back */
}

static void a_crl_for_users_does_not_speak_for_cas(void **state UNUSED)
{
    struct slice users = MAKE_CRL(.issuer = &root, .ext = {{NID_issuing_distribution_point, "[x]\nonlyuser=TRUE\n"}});
    struct slice cas = MAKE_CRL(.issuer = &root, .ext = {{NID_issuing_distribution_point, "[x]\nonlyCA=TRUE\n"}});
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, users);
    add_crl(t, empty_crl(&sub));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_OK);
    assert_reason(judge(t, leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    pki_trust_unref(t);
    t = new_trust(&checked_options);
    add_crl(t, cas);
    add_crl(t, empty_crl(&sub));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    assert_reason(judge(t, leaf.cert), REASON_OK);
    pki_trust_unref(t);
}

static void a_crl_of_one_distribution_point_speaks_for_its_certificates(void **state UNUSED)
{
    struct pair here =
        MAKE(.cn = "here", .issuer = &root, .ext = {{NID_crl_distribution_points, "URI:http://crl.example/1.crl"}});
    struct pair there =
        MAKE(.cn = "there", .issuer = &root, .ext = {{NID_crl_distribution_points, "URI:http://crl.example/2.crl"}});
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root,
                        .ext = {{NID_issuing_distribution_point, "[x]\nfullname=URI:http://crl.example/1.crl\n"}}));
    seal_quietly(t);
    assert_reason(judge(t, here.cert), REASON_OK);
    assert_reason(judge(t, there.cert), REASON_CERT_CRL_UNAVAILABLE);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
    pki_trust_unref(t);
    drop(&here);
    drop(&there);
}

static void the_higher_number_wins_whichever_comes_first(void **state UNUSED)
{
    for (int order = 0; order < 2; order++) {
        struct slice old = MAKE_CRL(.issuer = &root, .number = "9");
        struct slice new = MAKE_CRL(.issuer = &root, .number = "10", .revoked = {root_leaf.cert});
        struct pki_trust *t = new_trust(&checked_options);
        add_crl(t, order ? new : old);
        add_crl(t, order ? old : new);
        char *warnings = seal(t);
        if (order)
            assert_says(warnings, "lower cRLNumber");
        else
            assert_null(warnings);
        free(warnings);
        assert_reason(judge(t, root_leaf.cert), REASON_CERT_REVOKED);
        pki_trust_unref(t);
    }
}

static void without_numbers_or_with_equal_ones_the_later_date_counts(void **state UNUSED)
{
    static const char *const numbers[] = {"", "5"};
    for (size_t n = 0; n < ARRAY_LEN(numbers); n++) {
        for (int order = 0; order < 2; order++) {
            struct slice old = MAKE_CRL(.issuer = &root, .number = numbers[n], .from = NOW - 9 * DAY);
            struct slice new = MAKE_CRL(.issuer = &root, .number = numbers[n], .revoked = {root_leaf.cert});
            struct pki_trust *t = new_trust(&checked_options);
            add_crl(t, order ? new : old);
            add_crl(t, order ? old : new);
            free(seal(t));
            assert_reason(judge(t, root_leaf.cert), REASON_CERT_REVOKED);
            pki_trust_unref(t);
        }
    }
}

static void of_two_lists_that_contradict_each_other_both_revoke(void **state UNUSED)
{
    struct pair sister = MAKE(.cn = "sister", .issuer = &root);
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .number = "9", .from = NOW - 9 * DAY, .revoked = {root_leaf.cert}));
    add_crl(t, MAKE_CRL(.issuer = &root, .number = "8", .revoked = {sister.cert}));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_REVOKED);
    assert_reason(judge(t, sister.cert), REASON_CERT_REVOKED);
    pki_trust_unref(t);
    drop(&sister);
}

static void a_number_beyond_64_bits_is_a_number(void **state UNUSED)
{
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .number = "0xff00000000000000000000000000000000000002"));
    add_crl(t, MAKE_CRL(.issuer = &root, .number = "0xff00000000000000000000000000000000000001",
                        .revoked = {root_leaf.cert}));
    char *warnings = seal(t);
    assert_says(warnings, "lower cRLNumber");
    free(warnings);
    assert_reason(judge(t, root_leaf.cert), REASON_OK);
    pki_trust_unref(t);
}

static void another_path_is_taken_when_an_intermediate_is_revoked(void **state UNUSED)
{
    struct pair second = MAKE(.cn = "Second root", .ca = true);
    struct pair cross = MAKE(.cn = "Sub", .ca = true, .issuer = &second, .reuse = sub.key);
    struct pki_trust *t = new_trust(&checked_options);
    add_anchor(t, second.cert);
    add_intermediate(t, cross.cert);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {sub.cert}));
    add_crl(t, empty_crl(&sub));
    add_crl(t, empty_crl(&second));
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_OK);
    pki_trust_unref(t);
    drop(&second);
    drop(&cross);
}

static void pem_with_several_crls_is_read(void **state UNUSED)
{
    struct slice ders[] = {empty_crl(&root), MAKE_CRL(.issuer = &sub, .revoked = {leaf.cert})};
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;
    for (size_t i = 0; i < ARRAY_LEN(ders); i++) {
        PEM_write_bio(pem, PEM_STRING_X509_CRL, "", (const unsigned char *)ders[i].ptr, (long)ders[i].len);
        free((void *)(uintptr_t)ders[i].ptr);
    }
    struct slice data = {.len = (size_t)BIO_get_mem_data(pem, &text)};
    data.ptr = text;
    struct pki_trust *t = new_trust(&checked_options);
    assert_int_equal(pki_trust_add_crl(t, data, NULL), OK);
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_CERT_REVOKED);
    assert_reason(judge(t, root_leaf.cert), REASON_OK);
    pki_trust_unref(t);
    BIO_free(pem);
}

static void a_crl_cut_anywhere_is_refused(void **state UNUSED)
{
    struct slice der = MAKE_CRL(.issuer = &root, .revoked = {leaf.cert, sub.cert}, .reason = 2);
    struct pki_trust *t = new_trust(&checked_options);
    for (size_t len = 0; len < der.len; len++) {
        char *exact = mem_zalloc(len ? len : 1); /* so that a sanitizer sees a read behind the end */
        memcpy(exact, der.ptr, len);
        assert_int_equal(pki_trust_add_crl(t, slice_make(exact, len), NULL), R_INVALID);
        free(exact);
    }
    assert_int_equal(pki_trust_add_crl(t, (struct slice){0}, NULL), R_INVALID);
    assert_int_equal(pki_trust_add_crl(t, der, NULL), OK);
    seal_quietly(t);
    pki_trust_unref(t);
    free((void *)(uintptr_t)der.ptr);
}

static void a_crl_altered_anywhere_is_never_used(void **state UNUSED)
{
    struct slice der = MAKE_CRL(.issuer = &root, .revoked = {leaf.cert}, .reason = 2);
    for (size_t at = 0; at < der.len; at++) {
        char *bytes = mem_zalloc(der.len);
        memcpy(bytes, der.ptr, der.len);
        bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        struct pki_trust *t = new_trust(&checked_options);
        if (pki_trust_add_crl(t, slice_make(bytes, der.len), NULL) == OK) {
            char *warnings = seal(t);
            assert_non_null(warnings);
            free(warnings);
        } else {
            seal_quietly(t);
        }
        assert_reason(judge(t, root_leaf.cert), REASON_CERT_CRL_UNAVAILABLE);
        pki_trust_unref(t);
        free(bytes);
    }
    free((void *)(uintptr_t)der.ptr);
}

static void serials_that_begin_with_the_sign_bit_hit(void **state UNUSED)
{
    static const char *const serials[] = {"0", "1", "127", "128", "255", "0xff00000000000000000000000000000000000001"};
    for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
        struct pair device = MAKE(.cn = "device", .issuer = &root);
        ASN1_INTEGER *n = s2i_ASN1_INTEGER(NULL, serials[i]);
        assert_true(X509_set_serialNumber(device.cert, n) && X509_sign(device.cert, root.key, EVP_sha256()));
        ASN1_INTEGER_free(n);
        assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .revoked = {device.cert}), device.cert, NULL),
                         REASON_CERT_REVOKED);
        assert_int_equal(with_crl(MAKE_CRL(.issuer = &root, .revoked = {leaf.cert}), device.cert, NULL), REASON_OK);
        drop(&device);
    }
}

/* --- large --- */

enum { MANY = 200000 };

static struct slice large_crl(X509 *also)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(NOW - DAY)), *to = ASN1_TIME_set(NULL, (time_t)(NOW + DAY));
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(root.cert));
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, to);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    for (int64_t i = 0; i <= MANY; i++) {
        X509_REVOKED *e = X509_REVOKED_new();
        ASN1_INTEGER_set_int64(serial, INT64_C(0x6100000000000000) + i * 3);
        X509_REVOKED_set_serialNumber(e, i == MANY / 2 ? X509_get_serialNumber(also) : serial);
        X509_REVOKED_set_revocationDate(e, from);
        X509_CRL_add0_revoked(crl, e);
    }
    assert_true(X509_CRL_sign(crl, root.key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    char *copy = mem_zalloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_INTEGER_free(serial);
    X509_CRL_free(crl);
    return slice_make(copy, (size_t)len);
}

static void two_hundred_thousand_entries_are_found_and_only_they(void **state UNUSED)
{
    struct pair good = MAKE(.cn = "good", .issuer = &root);
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, large_crl(root_leaf.cert));
    seal_quietly(t);
    assert_reason(judge(t, root_leaf.cert), REASON_CERT_REVOKED);
    assert_reason(judge(t, good.cert), REASON_OK);
    /* Revoked serials are 0x61…0 + 3i: a sample of them, each with its innocent neighbour. */
    for (int64_t i = 1; i < MANY; i += 9973) {
        for (int innocent = 0; innocent < 2; innocent++) {
            ASN1_INTEGER_set_int64(X509_get_serialNumber(good.cert), INT64_C(0x6100000000000000) + i * 3 + innocent);
            assert_true(X509_sign(good.cert, root.key, EVP_sha256()) > 0);
            assert_reason(judge(t, good.cert), innocent ? REASON_OK : REASON_CERT_REVOKED);
        }
    }
    pki_trust_unref(t);
    drop(&good);
}

/* --- threads --- */

struct judging {
    struct pki_trust *trust;
    int wrong;
};

static void *judge_often(void *arg)
{
    struct judging *j = arg;
    for (int i = 0; i < 300; i++) {
        struct pki_trust *t = pki_trust_ref(j->trust);
        j->wrong += judge(t, leaf.cert).reason != REASON_OK;
        j->wrong += judge(t, root_leaf.cert).reason != REASON_CERT_REVOKED;
        pki_trust_unref(t);
    }
    return NULL;
}

static void many_threads_share_one_trust(void **state UNUSED)
{
    pthread_t threads[4];
    struct judging jobs[4];
    struct pki_trust *t = new_trust(&checked_options);
    add_crl(t, MAKE_CRL(.issuer = &root, .revoked = {root_leaf.cert}));
    add_crl(t, empty_crl(&sub));
    seal_quietly(t);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        jobs[i] = (struct judging){t, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &jobs[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    pki_trust_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_leaf_is_refused_and_its_sister_is_not),
        cmocka_unit_test(a_revoked_intermediate_takes_its_leaves_with_it),
        cmocka_unit_test(every_issuer_of_the_chain_needs_a_crl),
        cmocka_unit_test(without_a_crl_the_options_decide),
        cmocka_unit_test(an_outdated_crl_is_told_and_still_revokes),
        cmocka_unit_test(freshness_is_judged_at_use_not_at_load),
        cmocka_unit_test(a_crl_from_the_future_is_not_at_hand_yet),
        cmocka_unit_test(a_crl_signed_by_a_wrong_key_is_refused),
        cmocka_unit_test(a_namesake_has_its_own_revocations),
        cmocka_unit_test(a_serial_revoked_by_another_issuer_does_not_hit),
        cmocka_unit_test(an_issuer_that_may_not_sign_crls_is_not_believed),
        cmocka_unit_test(what_can_not_be_judged_rightly_is_refused_with_a_warning),
        cmocka_unit_test(a_delta_adds_to_its_complete_crl_and_takes_from_it),
        cmocka_unit_test(a_fresh_delta_keeps_an_outdated_complete_crl_alive),
        cmocka_unit_test(a_delta_without_its_complete_crl_says_nothing),
        cmocka_unit_test(a_delta_that_fits_stays_when_one_comes_that_does_not),
        cmocka_unit_test(what_an_older_delta_lists_stays_listed_until_a_newer_one_takes_it_back),
        cmocka_unit_test(all_reasons_must_be_covered),
        cmocka_unit_test(a_key_for_crls_is_believed_when_the_same_ca_certified_it),
        cmocka_unit_test(the_hash_of_an_rsa_pss_signature_counts_too),
        cmocka_unit_test(an_entry_with_an_unknown_critical_extension_refuses_the_crl),
        cmocka_unit_test(reasons_of_entries_are_read),
        cmocka_unit_test(a_crl_for_users_does_not_speak_for_cas),
        cmocka_unit_test(a_crl_of_one_distribution_point_speaks_for_its_certificates),
        cmocka_unit_test(the_higher_number_wins_whichever_comes_first),
        cmocka_unit_test(without_numbers_or_with_equal_ones_the_later_date_counts),
        cmocka_unit_test(of_two_lists_that_contradict_each_other_both_revoke),
        cmocka_unit_test(a_number_beyond_64_bits_is_a_number),
        cmocka_unit_test(another_path_is_taken_when_an_intermediate_is_revoked),
        cmocka_unit_test(pem_with_several_crls_is_read),
        cmocka_unit_test(a_crl_cut_anywhere_is_refused),
        cmocka_unit_test(a_crl_altered_anywhere_is_never_used),
        cmocka_unit_test(serials_that_begin_with_the_sign_bit_hit),
        cmocka_unit_test(two_hundred_thousand_entries_are_found_and_only_they),
        cmocka_unit_test(many_threads_share_one_trust),
    };
    make_world();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop_world();
    return failed;
}
