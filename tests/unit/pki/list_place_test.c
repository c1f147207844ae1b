/* SPDX-License-Identifier: Apache-2.0 */
/* Where a certificate says that its lists are: what is followed, what is told instead, and how many. */
#include "world.h"

#include "pki/cert/list_place.h"

static X509 *pointing(const char *points, const char *freshest)
{
    struct pair p = MAKE(.cn = "device", .issuer = &root,
                         .ext = {{NID_crl_distribution_points, points}, {freshest ? NID_freshest_crl : 0, freshest}});
    EVP_PKEY_free(p.key);
    return p.cert;
}

static struct pki_list_places places_of(const char *points)
{
    struct pki_list_places places = {.count = 0};
    X509 *cert = pointing(points, NULL);
    pki_list_places_add(&places, cert, root.cert);
    X509_free(cert);
    return places;
}

static int setup(void **state)
{
    (void)state;
    make_world();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drop_world();
    return 0;
}

static void a_list_by_http_is_followed_and_known_by_its_anchor(void **state)
{
    unsigned char anchor[PKI_SHA256];
    (void)state;
    struct pki_list_places p = places_of("URI:http://a.example/root.crl");
    pki_cert_sha256(root.cert, anchor);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.list[0].url, "http://a.example/root.crl");
    assert_null(p.list[0].unfollowed);
    assert_memory_equal(p.list[0].anchor, anchor, sizeof anchor);
}

static void a_certificate_without_pointers_has_none(void **state)
{
    struct pki_list_places p = {.count = 0};
    (void)state;
    pki_list_places_add(&p, leaf.cert, root.cert);
    assert_int_equal(p.count, 0);
}

static void other_schemes_are_told_each_with_what_to_do(void **state)
{
    static const struct {
        const char *url, *says, *command;
    } cases[] = {
        {"https://a.example/x", "https is not followed", " --url 'https://a.example/x'"},
        {"ldap:///CN=x?list?base", "ldap is not followed", " --via connector --url 'ldap:///CN=x?list?base'"},
        {"ldap://a.example/x", "ldap is not followed", " --via connector --url 'ldap://a.example/x'"},
        {"LDAPS://a.example/x", "ldaps is not followed", " --via connector --url 'LDAPS://a.example/x'"},
        {"http://a.example/it's a#b.crl", "it holds blanks", " --url 'http://a.example/it%27s%20a%23b.crl'"},
        {"http://a.example/a%20 b.crl", "it holds blanks", " --url 'http://a.example/a%20%20b.crl'"},
        {"ftp://a.example/x", "only http is followed", NULL},
        {"file:/etc/passwd", "only http is followed", NULL},
    };
    char told[400];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char points[80];
        (void)snprintf(points, sizeof points, "URI:%s", cases[i].url);
        struct pki_list_places p = places_of(points);
        assert_int_equal(p.count, 1);
        assert_says(p.list[0].unfollowed, cases[i].says);
        pki_list_place_way_out(&p.list[0], told, sizeof told);
        assert_says(told, cases[i].says);
        assert_int_equal(strstr(told, ": cmg trust add --crl-source crl-") != NULL, cases[i].command != NULL);
        if (cases[i].command)
            assert_string_equal(told + strlen(told) - strlen(cases[i].command), cases[i].command);
    }
}

static void where_there_is_no_room_for_the_url_it_is_cut_and_the_command_is_not(void **state)
{
    char told[300];
    struct pki_list_place p = {.unfollowed = "ldap is not followed"};
    (void)state;
    (void)snprintf(p.url, sizeof p.url, "ldap:///CN=%0*d", 200, 0);
    pki_list_place_way_out(&p, told, sizeof told);
    assert_says(told, "it points to ldap:///CN=000");
    assert_says(told, "cmg trust add --crl-source ID --via connector --url URL");
}

static void the_scheme_s_case_does_not_matter(void **state)
{
    (void)state;
    assert_null(places_of("URI:HTTP://a.example/x").list[0].unfollowed);
}

static void what_no_url_holds_is_not_followed(void **state)
{
    (void)state;
    assert_says(places_of("URI:http://a.example/a b").list[0].unfollowed, "holds blanks");
    struct pki_list_places p = places_of("URI:http://a.example/\x01x");
    assert_says(p.list[0].unfollowed, "holds blanks");
    assert_null(strchr(p.list[0].url, '\x01')); /* it is shown to people */
}

static void a_url_of_511_characters_is_followed_and_a_longer_one_is_not(void **state)
{
    char points[PKI_LIST_URL_SIZE + 16] = "URI:http://a.example/";
    (void)state;
    size_t len = strlen(points), most = 4 + PKI_LIST_URL_SIZE - 1;
    memset(points + len, 'x', most - len);
    points[most] = '\0';
    struct pki_list_places p = places_of(points);
    assert_null(p.list[0].unfollowed);
    assert_int_equal(strlen(p.list[0].url), PKI_LIST_URL_SIZE - 1);
    points[most] = 'x';
    points[most + 1] = '\0';
    assert_says(places_of(points).list[0].unfollowed, "longer than 511 characters");
}

static void pointers_to_deltas_count_too_and_each_once(void **state)
{
    struct pki_list_places p = {.count = 0};
    (void)state;
    X509 *cert = pointing("URI:http://a.example/x", "URI:http://a.example/delta");
    pki_list_places_add(&p, cert, root.cert);
    pki_list_places_add(&p, cert, root.cert);
    assert_int_equal(p.count, 2);
    assert_string_equal(p.list[1].url, "http://a.example/delta");
    pki_list_places_add(&p, cert, sub.cert); /* below another anchor it is another place */
    assert_int_equal(p.count, 4);
    X509_free(cert);
}

static void what_is_no_uri_points_nowhere(void **state)
{
    (void)state;
    assert_int_equal(places_of("DNS:a.example,URI:http://a.example/x").count, 1);
}

static void there_are_eight_places_and_no_more(void **state)
{
    struct pki_list_places p = {.count = 0};
    (void)state;
    for (int i = 0; i < PKI_LIST_PLACES_MAX + 2; i++) {
        char points[64];
        (void)snprintf(points, sizeof points, "URI:http://a.example/%d", i);
        X509 *cert = pointing(points, NULL);
        pki_list_places_add(&p, cert, root.cert);
        X509_free(cert);
    }
    assert_int_equal(p.count, PKI_LIST_PLACES_MAX);
    assert_string_equal(p.list[PKI_LIST_PLACES_MAX - 1].url, "http://a.example/7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_by_http_is_followed_and_known_by_its_anchor),
        cmocka_unit_test(a_certificate_without_pointers_has_none),
        cmocka_unit_test(other_schemes_are_told_each_with_what_to_do),
        cmocka_unit_test(the_scheme_s_case_does_not_matter),
        cmocka_unit_test(where_there_is_no_room_for_the_url_it_is_cut_and_the_command_is_not),
        cmocka_unit_test(what_no_url_holds_is_not_followed),
        cmocka_unit_test(a_url_of_511_characters_is_followed_and_a_longer_one_is_not),
        cmocka_unit_test(pointers_to_deltas_count_too_and_each_once),
        cmocka_unit_test(what_is_no_uri_points_nowhere),
        cmocka_unit_test(there_are_eight_places_and_no_more),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
