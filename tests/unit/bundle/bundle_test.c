/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle: what wire.md shows is read as it says, lookups find what they should, and anything unclear is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/bundle.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define GUID "6f1c0000-1111-4222-8333-44445555abcd"

/* As in docs/protocol/wire.md section 5. */
static const char example[] =
    "{\"settings\":{\"crl_check\":false,\"on_unavailable\":\"allow\",\"bundle_max_age\":100,\"renewal_grace\":0},"
    "\"anchors_pem\":\"A\",\"intermediates_pem\":\"I\",\"crls\":[\"AAEC\",\"/w==\"],"
    "\"token_keys\":{\"keys\":[]},"
    "\"roles\":[{\"id\":\"720Ab\",\"mode\":\"https\",\"clients\":[\"pki\",\"entra\",\"token\"]},"
    "{\"id\":\"99\",\"mode\":\"ehttp\",\"clients\":[\"token\"]}],"
    "\"endpoints\":["
    "{\"id\":\"720Ab.ccm_sts\",\"role\":\"720Ab\",\"name\":\"CCM_STS\",\"auth\":[\"pki\",\"token\"],\"purpose\":"
    "\"sts\","
    "\"methods\":[\"POST\"],\"max_body\":65536,\"headers\":\"cmg\",\"management_point\":true},"
    "{\"id\":\"720Ab.reg\",\"role\":\"720Ab\",\"name\":\"CCM_Client/registration\",\"auth\":[\"pki\"],"
    "\"purpose\":\"registration\",\"methods\":[\"POST\",\"CCM_POST\"],\"max_body\":0,\"management_point\":true},"
    "{\"id\":\"git\",\"role\":\"git\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\","
    "\"max_body\":1073741824,\"headers\":\"puppet\",\"allow_encoded_slash\":true,\"answer_s\":120},"
    "{\"id\":\"git-admin\",\"role\":\"git\",\"name\":\"Admin\",\"auth\":[\"token\"],\"purpose\":\"general\"},"
    "{\"id\":\"git-deep\",\"role\":\"git\",\"name\":\"admin/users/x\",\"auth\":[\"token\"],\"purpose\":\"general\"},"
    "{\"id\":\"apt-host\",\"host\":\"APT.example.com\",\"auth\":[\"pki\",\"token\"],\"purpose\":\"general\","
    "\"headers\":\"hawkbit\",\"upgrade\":\"websocket\"}],"
    "\"blocks\":[{\"guid\":\"" GUID "\",\"spki\":[\"" HASH_A "\"],\"certificates\":[\"" HASH_B
    "\"],\"tokens\":[\"jti-1\"]},"
    "{\"tokens\":[\"bulk-9\"]}],"
    "\"revoked_roles\":[{\"kind\":\"connector\",\"id\":\"cp9\"},{\"kind\":\"mp\",\"id\":\"99\"},"
    "{\"kind\":\"connector\",\"id\":\"cp8\",\"until\":500}],"
    "\"connectors\":[{\"id\":\"cp1\"},{\"id\":\"cp2\"}],"
    "\"location\":\"a.b.c\",\"of_a_newer_site\":{\"x\":1}}";

static json_t *parsed(const char *text)
{
    json_error_t fault;
    json_t *o = json_loads(text, JSON_DECODE_ANY, &fault);
    if (!o)
        fail_msg("%s at %d: %s", fault.text, fault.position, text);
    return o;
}

/* Takes over the content. */
static enum result parse_content(json_t *content, struct bundle **ret, struct error *err)
{
    struct document d = {.type = DOCUMENT_BUNDLE, .sequence = 7, .issued = 100, .expires = 200, .content = content};
    enum result r = bundle_parse(&d, ret, err);
    document_done(&d);
    return r;
}

static int setup(void **state)
{
    struct bundle *b;
    struct error err = {.text = ""};
    if (parse_content(parsed(example), &b, &err) != OK)
        fail_msg("%s", err.text);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bundle_free(*state);
    return 0;
}

/* --- reading --- */

static void the_example_of_the_protocol_is_read(void **state)
{
    const struct bundle *b = *state;
    assert_true(b->sequence == 7 && b->issued == 100 && b->expires == 200);
    assert_false(b->settings.crl_check);
    assert_true(b->settings.allow_when_unavailable);
    assert_true(b->settings.max_age_s == 100 && b->settings.renewal_grace_s == 0);
    assert_string_equal(b->anchors_pem, "A");
    assert_string_equal(b->intermediates_pem, "I");
    assert_int_equal(b->crl_count, 2);
    assert_int_equal(b->crls[0].len, 3);
    assert_memory_equal(b->crls[0].ptr, "\0\1\2", 3);
    assert_int_equal(b->crls[1].len, 1);
    assert_int_equal(jose_keys_count(b->token_keys), 0);
    assert_int_equal(b->role_count, 2);
    assert_int_equal(b->endpoint_count, 6);
    assert_int_equal(b->connector_count, 2);
    assert_string_equal(b->connectors[1], "cp2");
    assert_string_equal(b->location, "a.b.c");
}

static void endpoints_come_with_all_that_was_said_of_them(void **state)
{
    const struct bundle *b = *state;
    const struct bundle_endpoint *sts = &b->endpoints[0], *git = &b->endpoints[2], *apt = &b->endpoints[5];
    assert_string_equal(sts->id, "720Ab.ccm_sts");
    assert_string_equal(sts->name, "CCM_STS");
    assert_int_equal(sts->auth, CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN));
    assert_int_equal(sts->purpose, PURPOSE_STS);
    assert_string_equal(sts->allow, "POST");
    assert_true(sts->max_body == 65536);
    assert_true(sts->management_point && sts->mp == &b->roles[0]);
    assert_int_equal(sts->mp->mode, CHOICE_MP_HTTPS);
    assert_null(sts->host);
    assert_string_equal(b->endpoints[1].allow, "POST, CCM_POST");
    assert_true(b->endpoints[1].max_body == 0);

    assert_true(git->allow_encoded_slash && git->answer_s == 120);
    assert_int_equal(git->headers, BUNDLE_HEADERS_PUPPET);
    assert_int_equal(git->method_count, 0);
    assert_string_equal(git->allow, "");
    assert_false(git->management_point);
    assert_null(git->mp);
    assert_true(b->endpoints[3].max_body == BUNDLE_BODY_DEFAULT && b->endpoints[3].answer_s == 0);
    assert_false(b->endpoints[3].allow_encoded_slash);

    assert_null(apt->role);
    assert_string_equal(apt->host, "apt.example.com");
    assert_string_equal(apt->name, "");
    assert_int_equal(apt->headers, BUNDLE_HEADERS_HAWKBIT);
    assert_true(apt->websocket);
}

static void methods_are_compared_as_they_are(void **state)
{
    const struct bundle *b = *state;
    assert_true(bundle_endpoint_takes(&b->endpoints[1], SLICE("CCM_POST")));
    assert_false(bundle_endpoint_takes(&b->endpoints[1], SLICE("ccm_post")));
    assert_false(bundle_endpoint_takes(&b->endpoints[1], SLICE("GET")));
    assert_false(bundle_endpoint_takes(&b->endpoints[1], SLICE("POS")));
    assert_false(bundle_endpoint_takes(&b->endpoints[1], SLICE_NONE));
    assert_true(bundle_endpoint_takes(&b->endpoints[2], SLICE("PROPFIND")));
}

static void what_is_not_said_is_the_safe_choice(void **state UNUSED)
{
    struct bundle *b;
    struct error err;
    assert_int_equal(parse_content(parsed("{\"token_keys\":{\"keys\":[]}}"), &b, &err), OK);
    assert_true(b->settings.crl_check);
    assert_false(b->settings.allow_when_unavailable);
    assert_true(b->settings.max_age_s == 86400 && b->settings.renewal_grace_s == 7776000);
    assert_string_equal(b->anchors_pem, "");
    assert_string_equal(b->location, "");
    assert_int_equal(b->endpoint_count, 0);
    assert_null(bundle_endpoint_by_path(b, SLICE("git"), SLICE("/x")));
    assert_null(bundle_endpoint_by_host(b, SLICE("apt.example.com")));
    assert_null(bundle_role_find(b, SLICE("git")));
    assert_false(bundle_blocks_guid(b, SLICE(GUID)));
    assert_false(bundle_role_revoked(b, "connector", "cp1", 1));
    bundle_free(b);
    bundle_free(NULL);
}

/* --- lookups --- */

static void the_longest_name_of_whole_segments_wins(void **state)
{
    const struct bundle *b = *state;
    static const struct {
        const char *role, *path, *id; /* id NULL: nothing */
    } cases[] = {
        {"720Ab", "/CCM_STS", "720Ab.ccm_sts"},
        {"720aB", "/ccm_sts", "720Ab.ccm_sts"},
        {"720Ab", "CCM_STS", "720Ab.ccm_sts"},
        {"720Ab", "/CCM_STS/", "720Ab.ccm_sts"},
        {"720Ab", "/CCM_STS/more/of/it", "720Ab.ccm_sts"},
        {"720Ab", "/CCM_STS?x=/y", "720Ab.ccm_sts"},
        {"720Ab", "/CCM_STSx", NULL},
        {"720Ab", "/CCM_ST", NULL},
        {"720Ab", "/x/CCM_STS", NULL},
        {"720Ab", "/x?/CCM_STS", NULL},
        {"720Ab", "/", NULL},
        {"720Ab", "", NULL},
        {"720Ab", "/CCM_Client", NULL},
        {"720Ab", "/CCM_Client/registration", "720Ab.reg"},
        {"720Ab", "/ccm_client/REGISTRATION", "720Ab.reg"},
        {"720Ab", "/CCM_Client/registrations", NULL},
        {"720Ab", "/CCM_Client%2fregistration", "720Ab.reg"},
        {"720", "/CCM_STS", NULL},
        {"720Abc", "/CCM_STS", NULL},
        {"", "/CCM_STS", NULL},
        {"99", "/CCM_STS", NULL},
        {"git", "", "git"},
        {"git", "/", "git"},
        {"GIT", "/anything/at/all", "git"},
        {"git", "/admin", "git-admin"},
        {"git", "/ADMIN/users", "git-admin"},
        {"git", "/admin/users/x", "git-deep"},
        {"git", "/admin/users/x/y", "git-deep"},
        {"git", "/admin/users/xy", "git-admin"},
        {"git", "/adminx", "git"},
        {"git", "/x/admin", "git"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct bundle_endpoint *e = bundle_endpoint_by_path(b, slice_of(cases[i].role), slice_of(cases[i].path));
        if (cases[i].id && e)
            assert_string_equal(e->id, cases[i].id);
        if (!cases[i].id != !e)
            fail_msg("%s %s", cases[i].role, cases[i].path);
    }
    assert_null(bundle_endpoint_by_path(b, SLICE_NONE, SLICE_NONE));
}

static void another_spelling_does_not_reach_a_wider_endpoint(void **state)
{
    static const char *const spellings[] = {
        "/admin;x",       "/admin;x/users", "/;y/admin;x=1/z", "/%61dmin",           "/%41DMIN",
        "//admin",        "///admin//",     "/%2fadmin",       "/admin%2F",          "/admin//users",
        "/adm%69n/users", "/admin%2fusers", "/%2f%2fadmin/x",  "/admin/%75sers/y",   "/admin.",
        "/admin%20",      "/admin...",      "/admin.%20./x",   "/.../admin/users",   "/admin%2e",
        "/admin%3bx",     "/admin%3Bx/y",   "/%20/admin",      "/admin%20%2fusers.", "/%2561dmin",
        "/%252fadmin",    "/admin%25253bx", "/admin%252fx",
    };
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        const struct bundle_endpoint *e = bundle_endpoint_by_path(*state, SLICE("git"), slice_of(spellings[i]));
        if (!e || strcmp(e->id, "git-admin") != 0)
            fail_msg("%s leads to %s", spellings[i], e ? e->id : "nothing");
    }
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/admin/users./x%20"))->id, "git-deep");
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/.admin"))->id, "git");
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/ad.min"))->id, "git");
    /* An escaped question mark begins no query: this segment is another one. */
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/admin%3Fx"))->id, "git");
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/%"))->id, "git");
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/%6"))->id, "git");
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), SLICE("/admin%zz"))->id, "git");
}

static void very_long_paths_are_matched_by_their_beginning(void **state)
{
    enum { SIZE = 100000 };
    char *path = mem_zalloc(SIZE + 1);
    memset(path, 'a', SIZE);
    memcpy(path, "/admin/", 7);
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), slice_make(path, SIZE))->id, "git-admin");
    memset(path, '/', SIZE);
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), slice_make(path, SIZE))->id, "git");
    memcpy(path + SIZE - 5, "admin", 5);
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), slice_make(path, SIZE))->id, "git-admin");
    for (size_t i = 0; i + 1 < SIZE; i += 2)
        memcpy(path + i, "/a", 2);
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), slice_make(path, SIZE))->id, "git");
    memcpy(path, "/ADMIN/u", 8);
    assert_string_equal(bundle_endpoint_by_path(*state, SLICE("git"), slice_make(path, SIZE))->id, "git-admin");
    assert_null(bundle_endpoint_by_path(*state, slice_make(path, SIZE), SLICE("/x")));
    assert_null(bundle_endpoint_by_host(*state, slice_make(path, SIZE)));
    assert_null(bundle_role_find(*state, slice_make(path, SIZE)));
    free(path);
}

static void hosts_roles_and_ids_are_found(void **state)
{
    const struct bundle *b = *state;
    assert_ptr_equal(bundle_endpoint_by_host(b, SLICE("apt.example.com")), &b->endpoints[5]);
    assert_ptr_equal(bundle_endpoint_by_host(b, SLICE("Apt.Example.COM")), &b->endpoints[5]);
    assert_null(bundle_endpoint_by_host(b, SLICE("example.com")));
    assert_null(bundle_endpoint_by_host(b, SLICE("apt.example.com.")));
    assert_null(bundle_endpoint_by_host(b, SLICE_NONE));
    assert_ptr_equal(bundle_role_find(b, SLICE("720AB")), &b->roles[0]);
    assert_ptr_equal(bundle_role_find(b, SLICE("99")), &b->roles[1]);
    assert_null(bundle_role_find(b, SLICE("git")));
    assert_null(bundle_role_find(b, SLICE_NONE));
    assert_ptr_equal(bundle_endpoint_by_id(b, SLICE("720Ab.reg")), &b->endpoints[1]);
    assert_null(bundle_endpoint_by_id(b, SLICE("720AB.REG")));
}

static void blocks_are_found_however_they_are_written(void **state)
{
    const struct bundle *b = *state;
    assert_true(bundle_blocks_guid(b, SLICE(GUID)));
    assert_true(bundle_blocks_guid(b, SLICE("6F1C0000-1111-4222-8333-44445555ABCD")));
    assert_false(bundle_blocks_guid(b, SLICE("6f1c0000-1111-4222-8333-44445555abce")));
    assert_false(bundle_blocks_guid(b, SLICE("")));
    assert_true(bundle_blocks_spki(b, SLICE(HASH_A)));
    assert_true(bundle_blocks_spki(b, SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_false(bundle_blocks_spki(b, SLICE(HASH_B)));
    assert_true(bundle_blocks_certificate(b, SLICE(HASH_B)));
    assert_false(bundle_blocks_certificate(b, SLICE(HASH_A)));
    assert_false(bundle_blocks_certificate(b, SLICE("bb")));
    assert_true(bundle_blocks_token(b, SLICE("jti-1")));
    assert_true(bundle_blocks_token(b, SLICE("bulk-9")));
    assert_false(bundle_blocks_token(b, SLICE("bulk-")));
    assert_false(bundle_blocks_token(b, SLICE("")));
    assert_false(bundle_blocks_token(b, slice_make("jti-1\0", 6)));
}

static void withdrawn_roles_are_found(void **state)
{
    const struct bundle *b = *state;
    assert_true(bundle_role_revoked(b, "connector", "cp9", 1));
    assert_true(bundle_role_revoked(b, "mp", "99", 1));
    assert_false(bundle_role_revoked(b, "gateway", "cp9", 1));
    assert_false(bundle_role_revoked(b, "connector", "cp1", 1));
    assert_false(bundle_role_revoked(b, "connector", "", 1));
    assert_true(bundle_role_revoked(b, "connector", "cp9", INT64_MAX));
    assert_true(bundle_role_revoked(b, "connector", "cp8", 500));
    assert_false(bundle_role_revoked(b, "connector", "cp8", 501));
}

static void a_hundred_thousand_blocks_are_all_found(void **state UNUSED)
{
    enum { COUNT = 100000 };
    json_t *content = parsed("{\"token_keys\":{\"keys\":[]}}"), *blocks = json_array();
    char guid[GUID_SIZE];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(guid, sizeof guid, "%08x-0000-4000-8000-%012x", i * 7919, i);
        json_array_append_new(blocks, json_pack("{s:s}", "guid", guid));
    }
    json_object_set_new(content, "blocks", blocks);
    struct bundle *b;
    struct error err;
    assert_int_equal(parse_content(content, &b, &err), OK);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(guid, sizeof guid, "%08x-0000-4000-8000-%012x", i * 7919, i);
        assert_true(bundle_blocks_guid(b, slice_of(guid)));
        (void)snprintf(guid, sizeof guid, "%08x-0000-4000-8000-%012x", i * 7919, i + 1);
        assert_false(bundle_blocks_guid(b, slice_of(guid)));
    }
    bundle_free(b);
}

static const char *disallowed(const char *groups, const char *guid, unsigned char spki)
{
    static char by[64];
    json_t *content = parsed("{\"token_keys\":{\"keys\":[]}}");
    json_object_set_new(content, "disallowed", parsed(groups));
    struct bundle *b;
    struct error err;
    unsigned char certificate[PKI_SHA256] = {0}, key[PKI_SHA256];
    memset(key, spki, sizeof key);
    assert_int_equal(parse_content(content, &b, &err), OK);
    const char *found =
        bundle_disallows(b, &(struct bundle_sender){.guid = slice_of(guid), .certificate = certificate, .spki = key});
    (void)snprintf(by, sizeof by, "%s", found ? found : "nobody");
    bundle_free(b);
    return by;
}

static void the_first_group_that_matches_disallows_a_device(void **state UNUSED)
{
    const char *own = "00000000-0000-4000-8000-000000000001", *other = "00000000-0000-4000-8000-000000000002";
    const char *one = "[{\"by\":\"one\",\"guids\":[\"00000000-0000-4000-8000-000000000001\"],"
                      "\"spki\":[\"0101010101010101010101010101010101010101010101010101010101010101\"]}]";
    assert_string_equal(disallowed("[]", own, 1), "nobody");
    assert_string_equal(disallowed(one, own, 9), "one");
    assert_string_equal(disallowed(one, "00000000-0000-4000-8000-00000000000A", 9), "nobody");
    assert_string_equal(disallowed(one, other, 1), "nobody"); /* a token's device is its GUID, whatever key it shows */
    assert_string_equal(disallowed(one, "", 1), "one");
    assert_string_equal(disallowed(one, "", 2), "nobody");
    const char *two = "[{\"by\":\"one\",\"guids\":[\"00000000-0000-4000-8000-000000000001\"]},"
                      "{\"by\":\"rest\",\"but\":true,\"guids\":[\"00000000-0000-4000-8000-000000000001\","
                      "\"00000000-0000-4000-8000-000000000002\"]}]";
    assert_string_equal(disallowed(two, own, 1), "one");
    assert_string_equal(disallowed(two, other, 1), "nobody");
    assert_string_equal(disallowed(two, "bulk:1", 1), "rest");
    assert_string_equal(disallowed(two, "", 1), "rest");
}

/* --- what is refused --- */

/* In the example's `list` item 0 (or the object itself, when it is none) gets the member; the error must hold `names`.
 */
static void refuses(const char *list, const char *name, const char *value, const char *names)
{
    json_t *content = parsed(example), *target = json_object_get(content, list);
    if (json_is_array(target))
        target = json_array_get(target, 0);
    if (!target)
        target = content;
    if (value)
        json_object_set_new(target, name, parsed(value));
    else
        json_object_del(target, name);
    struct bundle *b;
    struct error err = {.text = ""};
    enum result r = parse_content(content, &b, &err);
    if (r == OK) {
        bundle_free(b);
        fail_msg("%s: %s = %s was taken", list, name, value ? value : "(nothing)");
    }
    assert_null(b);
    if (!strstr(err.text, names))
        fail_msg("'%s' does not name '%s'", err.text, names);
}

static void settings_that_are_unclear_are_refused(void **state UNUSED)
{
    refuses("settings", "crl_check", "\"on\"", "settings: member 'crl_check'");
    refuses("settings", "crl_check", "1", "'crl_check'");
    refuses("settings", "on_unavailable", "\"Allow\"", "'on_unavailable'");
    refuses("settings", "on_unavailable", "true", "'on_unavailable'");
    refuses("settings", "bundle_max_age", "0", "'bundle_max_age'");
    refuses("settings", "bundle_max_age", "1.5", "'bundle_max_age'");
    refuses("settings", "bundle_max_age", "9223372036854775807", "'bundle_max_age'");
    refuses("settings", "renewal_grace", "-1", "'renewal_grace'");
    refuses("", "settings", "[]", "'settings'");
}

static void members_of_a_wrong_kind_are_refused(void **state UNUSED)
{
    static const char *const lists[] = {"crls", "roles", "endpoints", "blocks", "revoked_roles", "connectors"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        refuses("", lists[i], "{}", lists[i]);
        refuses("", lists[i], "\"x\"", lists[i]);
        refuses("", lists[i], "[1]", lists[i]);
        refuses("", lists[i], "[null]", lists[i]);
    }
    refuses("", "anchors_pem", "[]", "anchors_pem");
    refuses("", "location", "{}", "location");
    refuses("", "token_keys", NULL, "token_keys");
    refuses("", "token_keys", "{}", "token_keys");
    refuses("", "token_keys", "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\",\"d\":\"AA\"}]}", "token_keys: keys[0]");
    refuses("", "crls", "[\"AAE\"]", "crls[0]");
    refuses("", "crls", "[\"\"]", "crls[0]");
}

static void a_gateway_fetches_over_http_alone_and_may_not_know_where_else(void **state UNUSED)
{
    refuses("", "sources", "[{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"ldap://dc/x\"}]", "use via connector");
    refuses("", "sources", "[{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"file:///x\"}]", "use via connector");
    json_t *content = json_pack("{s:[{s:s, s:s, s:s}], s:{s:[]}}", "sources", "id", "a", "kind", "crl", "via",
                                "connector", "token_keys", "keys");
    struct document d = {.type = DOCUMENT_BUNDLE, .sequence = 1, .content = content};
    struct bundle *b;
    assert_int_equal(bundle_parse(&d, &b, NULL), OK);
    assert_int_equal(b->source_count, 1);
    assert_null(b->sources[0].url);
    bundle_free(b);
    document_done(&d);
}

static void roles_that_are_unclear_are_refused(void **state UNUSED)
{
    refuses("roles", "id", NULL, "roles[0]: member 'id'");
    refuses("roles", "id", "\"\"", "'id'");
    refuses("roles", "id", "\"a/b\"", "'id'");
    refuses("roles", "id", "\"01234567890123456789012345678901234567890\"", "'id'");
    refuses("roles", "id", "720", "'id'");
    refuses("roles", "id", "\"99\"", "'99' stands twice");
    refuses("roles", "mode", NULL, "'mode'");
    refuses("roles", "mode", "\"HTTPS\"", "'mode'");
    refuses("roles", "mode", "\"http\"", "'mode'");
    refuses("roles", "clients", "[\"pki\",\"all\"]", "'clients'");
    refuses("roles", "clients", "[\"PKI\"]", "'clients'");
    refuses("roles", "clients", "\"pki\"", "'clients'");
}

#define FOREIGN(more)                                                                                                  \
    "[{\"id\":\"cm1\",\"issuer\":\"urn:x\",\"audience\":\"a\",\"key\":\"k\",\"endpoints\":[\"git\"]," more "}]"

#define ANCHOR "\"anchor\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""

static void hosts_to_fetch_from_count_for_their_anchor_alone(void **state UNUSED)
{
    static const unsigned char anchor[PKI_SHA256] = "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
                                                    "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
                               other[PKI_SHA256] = {0};
    struct bundle *b;
    json_t *content = parsed(example);
    json_object_set_new(content, "fetch_hosts", parsed("[{" ANCHOR ",\"hosts\":[\"a.example\",\"b.example:8080\"]}]"));
    assert_int_equal(parse_content(content, &b, NULL), OK);
    assert_true(bundle_may_fetch(b, anchor, SLICE("a.example")));
    assert_true(bundle_may_fetch(b, anchor, SLICE("b.example:8080")));
    assert_false(bundle_may_fetch(b, anchor, SLICE("b.example")));
    assert_false(bundle_may_fetch(b, anchor, SLICE("a.example b.example:8080")));
    assert_false(bundle_may_fetch(b, anchor, SLICE("")));
    assert_false(bundle_may_fetch(b, other, SLICE("a.example")));
    bundle_free(b);
    refuses("", "fetch_hosts", "{}", "'fetch_hosts'");
    refuses("", "fetch_hosts", "[{\"hosts\":[\"a\"]}]", "'anchor'");
    refuses("", "fetch_hosts", "[{\"anchor\":\"zz\",\"hosts\":[\"a\"]}]", "'anchor'");
    refuses("", "fetch_hosts", "[{" ANCHOR "}]", "'hosts'");
    refuses("", "fetch_hosts", "[{" ANCHOR ",\"hosts\":[\"a b\"]}]", "hosts");
}

static void foreign_sites_that_are_unclear_are_refused(void **state UNUSED)
{
    refuses("", "foreign", "{}", "'foreign'");
    refuses("", "foreign", "[7]", "foreign[0]");
    refuses("", "foreign", "[{\"id\":\"A B\"}]", "'id'");
    refuses("", "foreign", "[{\"id\":\"cm1\"}]", "'issuer'");
    refuses("", "foreign", FOREIGN("\"jwks\":{\"keys\":[]}"), "'header'");
    refuses("", "foreign", FOREIGN("\"header\":\"jku\",\"jwks\":{\"keys\":[]}"), "x5t or kid");
    refuses("", "foreign", FOREIGN("\"header\":\"x5t\""), "'jwks'");
    refuses("", "foreign", FOREIGN("\"header\":\"x5t\",\"jwks\":{}"), "'keys'");
    refuses("", "foreign",
            "[{\"id\":\"cm1\",\"issuer\":\"i\",\"audience\":\"a\",\"header\":\"x5t\",\"key\":\"k\",\"endpoints\":[]}]",
            "'endpoints'");
}

static void a_removed_device_is_told_from_a_blocked_one(void **state UNUSED)
{
    json_t *content = parsed(example);
    json_array_append_new(json_object_get(content, "blocks"),
                          parsed("{\"guid\":\"aaaaaaaa-1111-4222-8333-444455556666\",\"removed\":true}"));
    struct bundle *b;
    struct error err;
    assert_int_equal(parse_content(content, &b, &err), OK);
    assert_true(bundle_lacks_device(b, SLICE("AAAAAAAA-1111-4222-8333-444455556666")));
    assert_false(bundle_blocks_guid(b, SLICE("aaaaaaaa-1111-4222-8333-444455556666")));
    assert_false(bundle_lacks_device(b, SLICE(GUID)));
    bundle_free(b);
    refuses("blocks", "removed", "1", "'removed'");
}

static void endpoints_that_are_unclear_are_refused(void **state UNUSED)
{
    refuses("endpoints", "id", NULL, "endpoints[0]: member 'id'");
    refuses("endpoints", "id", "\"a b\"", "'id'");
    refuses("endpoints", "id", "\"Site\"", "reserved");
    refuses("endpoints", "id", "\"git\"", "'git' stands twice");
    refuses("endpoints", "role", NULL, "'role'");
    refuses("endpoints", "role", "\"a/b\"", "'role'");
    refuses("endpoints", "role", "\"100\"", "not in 'roles'");
    refuses("endpoints", "host", "\"a.example\"", "'host' or by 'role'");
    refuses("endpoints", "name", NULL, "'name'");
    refuses("endpoints", "name", "\"/CCM_STS\"", "'name'");
    refuses("endpoints", "name", "\"CCM_STS/\"", "'name'");
    refuses("endpoints", "name", "\"a//b\"", "'name'");
    refuses("endpoints", "name", "\"a/../b\"", "'name'");
    refuses("endpoints", "name", "\"a%2fb\"", "'name'");
    refuses("endpoints", "name", "\"a?b\"", "'name'");
    refuses("endpoints", "name", "\"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a\"", "'name'");
    refuses("endpoints", "name", "\"ccm_client/Registration\"", "stands twice");
    refuses("endpoints", "auth", NULL, "'auth'");
    refuses("endpoints", "auth", "[]", "'auth'");
    refuses("endpoints", "auth", "[\"none\"]", "'auth'");
    refuses("endpoints", "auth", "[1]", "'auth'");
    refuses("endpoints", "purpose", NULL, "'purpose'");
    refuses("endpoints", "purpose", "\"any\"", "'purpose'");
    refuses("endpoints", "methods", "[]", "'methods'");
    refuses("endpoints", "methods", "[\"GET,POST\"]", "'methods'");
    refuses("endpoints", "methods", "[\"CONNECT\"]", "CONNECT");
    refuses("endpoints", "methods", "\"GET\"", "'methods'");
    refuses("endpoints", "max_body", "-1", "'max_body'");
    refuses("endpoints", "max_body", "1e9", "'max_body'");
    refuses("endpoints", "max_body", "1099511627777", "'max_body'");
    refuses("endpoints", "headers", "\"x\"", "'headers'");
    refuses("endpoints", "upgrade", "\"h2c\"", "'upgrade'");
    refuses("endpoints", "management_point", "\"yes\"", "'management_point'");
    refuses("endpoints", "allow_encoded_slash", "0", "'allow_encoded_slash'");
    refuses("endpoints", "answer_s", "3601", "'answer_s'");
}

static void hosts_that_are_unclear_are_refused(void **state UNUSED)
{
    static const char *const hosts[] = {"", "a..b", ".a", "a.", "a:80", "a/b", "*.example.com", "a b", "[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "[{\"id\":\"a\",\"host\":\"%s\",\"auth\":[\"pki\"],\"purpose\":\"general\"}]",
                       hosts[i]);
        refuses("", "endpoints", text, "endpoints[0]: member 'host'");
    }
    refuses("", "endpoints",
            "[{\"id\":\"a\",\"host\":\"x.y\",\"auth\":[\"pki\"],\"purpose\":\"general\"},"
            "{\"id\":\"b\",\"host\":\"X.Y\",\"auth\":[\"pki\"],\"purpose\":\"general\"}]",
            "'x.y' stands twice");
    refuses("", "endpoints",
            "[{\"id\":\"a\",\"host\":\"x.y\",\"auth\":[\"pki\"],\"purpose\":\"general\",\"management_point\":true}]",
            "not in 'roles'");
}

static void blocks_that_are_unclear_are_refused(void **state UNUSED)
{
    refuses("blocks", "guid", "\"x\"", "blocks[0]: member 'guid'");
    refuses("blocks", "guid", "1", "'guid'");
    refuses("blocks", "spki", "[\"aa\"]", "'spki'");
    refuses("blocks", "certificates", "[\"zz\"]", "'certificates'");
    refuses("blocks", "certificates", "\"" HASH_A "\"", "'certificates'");
    refuses("blocks", "tokens", "[\"\"]", "'tokens'");
    refuses("blocks", "tokens", "[7]", "'tokens'");
    refuses("", "blocks", "[{}]", "blocks[0]: blocks nothing");
    refuses("", "disallowed", "{}", "'disallowed'");
    refuses("", "disallowed", "[1]", "disallowed[0]: member 'by'");
    refuses("", "disallowed", "[{\"by\":\"x\",\"guids\":[\"y\"]}]", "disallowed[0]: member 'guids'");
    refuses("", "disallowed", "[{\"by\":\"x\",\"but\":1}]", "'but'");
    refuses("", "disallowed", "[{\"by\":\"x\",\"spki\":[\"aa\"]}]", "'spki'");
    refuses("", "blocks", "[{\"spki\":[]}]", "blocks[0]: blocks nothing");
    refuses("revoked_roles", "kind", "\"device\"", "revoked_roles[0]: member 'kind'");
    refuses("revoked_roles", "id", "\"CP9\"", "'id'");
    refuses("revoked_roles", "id", NULL, "'id'");
    refuses("revoked_roles", "until", "0", "'until'");
    refuses("revoked_roles", "until", "\"soon\"", "'until'");
    refuses("connectors", "id", "\"cp_1\"", "connectors[0]: member 'id'");
}

static void more_than_the_maximum_is_refused(void **state UNUSED)
{
    static const struct {
        const char *name;
        size_t max;
    } lists[] = {
        {"roles", BUNDLE_ROLES_MAX},   {"endpoints", BUNDLE_ENDPOINTS_MAX},   {"crls", BUNDLE_CRLS_MAX},
        {"blocks", BUNDLE_BLOCKS_MAX}, {"connectors", BUNDLE_CONNECTORS_MAX}, {"revoked_roles", BUNDLE_REVOKED_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_t *content = parsed(example), *list = json_array();
        for (size_t n = 0; n <= lists[i].max; n++)
            json_array_append_new(list, json_null());
        json_object_set_new(content, lists[i].name, list);
        struct bundle *b;
        struct error err;
        assert_int_equal(parse_content(content, &b, &err), R_LIMIT);
        assert_non_null(strstr(err.text, lists[i].name));
    }
}

static void another_document_is_no_bundle(void **state UNUSED)
{
    struct bundle *b;
    struct error err;
    struct document d = {.type = DOCUMENT_CONNECTOR, .content = parsed(example)};
    assert_int_equal(bundle_parse(&d, &b, &err), R_INVALID);
    d.type = DOCUMENT_BUNDLE;
    document_done(&d);
    assert_int_equal(bundle_parse(&d, &b, &err), R_INVALID);
    assert_int_equal(bundle_parse(&d, &b, NULL), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_protocol_is_read),
        cmocka_unit_test(endpoints_come_with_all_that_was_said_of_them),
        cmocka_unit_test(methods_are_compared_as_they_are),
        cmocka_unit_test(what_is_not_said_is_the_safe_choice),
        cmocka_unit_test(the_longest_name_of_whole_segments_wins),
        cmocka_unit_test(another_spelling_does_not_reach_a_wider_endpoint),
        cmocka_unit_test(very_long_paths_are_matched_by_their_beginning),
        cmocka_unit_test(hosts_roles_and_ids_are_found),
        cmocka_unit_test(blocks_are_found_however_they_are_written),
        cmocka_unit_test(withdrawn_roles_are_found),
        cmocka_unit_test(a_hundred_thousand_blocks_are_all_found),
        cmocka_unit_test(settings_that_are_unclear_are_refused),
        cmocka_unit_test(members_of_a_wrong_kind_are_refused),
        cmocka_unit_test(a_gateway_fetches_over_http_alone_and_may_not_know_where_else),
        cmocka_unit_test(roles_that_are_unclear_are_refused),
        cmocka_unit_test(endpoints_that_are_unclear_are_refused),
        cmocka_unit_test(a_removed_device_is_told_from_a_blocked_one),
        cmocka_unit_test(hosts_to_fetch_from_count_for_their_anchor_alone),
        cmocka_unit_test(foreign_sites_that_are_unclear_are_refused),
        cmocka_unit_test(hosts_that_are_unclear_are_refused),
        cmocka_unit_test(blocks_that_are_unclear_are_refused),
        cmocka_unit_test(the_first_group_that_matches_disallows_a_device),
        cmocka_unit_test(more_than_the_maximum_is_refused),
        cmocka_unit_test(another_document_is_no_bundle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
