/* SPDX-License-Identifier: Apache-2.0 */
/* cmg device: which devices a command means, page by page, and what is asked of the site for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "lines.h"

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    return 0;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* What a line asks of a site with these answers, a line a request. */
static const char *asked(const char *line, const struct fake_row *rows)
{
    static char text[sizeof mp.asked];
    fake_mp_rows(&mp, rows);
    run_line(line);
    memcpy(text, mp.asked, sizeof text);
    fake_mp_rows(&mp, NULL);
    return text;
}

/* Two pages: the second goes on behind the first's `next`. */
#define PAGES(first, second)                                                                                           \
    {"GET /v1/devices?after=n", 200, "{\"devices\":[" second "]}"},                                                    \
    {                                                                                                                  \
        "GET /v1/devices", 200, "{\"devices\":[" first "],\"next\":\"n\"}"                                             \
    }
#define PENDING(guid) "{\"guid\":\"" guid "\",\"state\":\"pending\"}"
#define REST                                                                                                           \
    {"", 200, "{\"device\":{\"guid\":\"g\"}}"},                                                                        \
    {                                                                                                                  \
        NULL, 0, NULL                                                                                                  \
    }

/* --- list --- */

static void a_list_is_asked_for_to_its_last_page(void **state UNUSED)
{
    static const struct fake_row rows[] = {PAGES("{\"name\":\"a\"}", "{\"name\":\"b\"}"), REST};
    assert_string_equal(asked("device list --json", rows), "GET /v1/devices\nGET /v1/devices?after=n\n");
    assert_string_equal(ran.out, "{\"devices\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n");
    assert_string_equal(asked("device list --limit 1 --json", rows), "GET /v1/devices\n");
    assert_string_equal(ran.out, "{\"devices\":[{\"name\":\"a\"}]}\n");
    (void)asked("device list", rows);
    const char *a = strstr(ran.out, "\na "), *b = strstr(ran.out, "\nb ");
    assert_true(a && b && a < b);
    assert_true(slice_starts(slice_of(ran.out), SLICE("NAME")));
    assert_null(strstr(ran.out + 1, "NAME")); /* one head for all pages */
}

static void devices_of_an_anchor_are_asked_for_by_it_on_every_page(void **state UNUSED)
{
    static const struct fake_row rows[] = {{"GET /v1/devices?anchor=a%2Fb&after=n", 200, "{\"devices\":[]}"},
                                           {"GET /v1/devices?anchor=a%2Fb", 200, "{\"devices\":[],\"next\":\"n\"}"},
                                           REST};
    assert_string_equal(asked("device list --anchor a/b", rows),
                        "GET /v1/devices?anchor=a%2Fb\nGET /v1/devices?anchor=a%2Fb&after=n\n");
    assert_string_equal(ran.out, "no device is known to have registered by a certificate of this anchor\n");
}

/* --- approve --- */

static void all_that_wait_are_approved_on_every_page(void **state UNUSED)
{
    static const struct fake_row rows[] = {PAGES(PENDING("1") ",{\"guid\":\"2\",\"state\":\"blocked\"}", PENDING("3")),
                                           REST};
    assert_string_equal(asked("device approve --all-pending --json", rows),
                        "GET /v1/devices\nPOST /v1/devices/1/approve\nGET /v1/devices?after=n\n"
                        "POST /v1/devices/3/approve\n");
    assert_int_equal(ran.code, CTL_DONE);
    assert_string_equal(ran.out, "{\"devices\":[{\"guid\":\"g\"},{\"guid\":\"g\"}]}\n");
}

static void approving_ends_where_the_site_refuses_one(void **state UNUSED)
{
    static const struct fake_row rows[] = {{"POST /v1/devices/1/approve", 409, "{\"detail\":\"not that one\"}"},
                                           PAGES(PENDING("1") "," PENDING("2"), PENDING("3")),
                                           REST};
    assert_string_equal(asked("device approve --all-pending", rows), "GET /v1/devices\nPOST /v1/devices/1/approve\n");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "not that one"));
    assert_string_equal(asked("device approve 2 1 3", rows),
                        "POST /v1/devices/2/approve\nPOST /v1/devices/1/approve\n");
    assert_int_equal(ran.code, CTL_FAILED);
}

static void one_that_is_approved_is_told_as_one_and_several_as_a_list(void **state UNUSED)
{
    static const struct fake_row rows[] = {REST};
    (void)asked("device approve a --json", rows);
    assert_string_equal(ran.out, "{\"device\":{\"guid\":\"g\"}}\n");
    (void)asked("device approve a b --json", rows);
    assert_string_equal(ran.out, "{\"devices\":[{\"guid\":\"g\"},{\"guid\":\"g\"}]}\n");
}

/* --- remove --- */

static void without_a_word_nothing_is_removed_together(void **state UNUSED)
{
    static const struct fake_row rows[] = {{"GET /v1/devices?anchor=a", 200, "{\"devices\":[" PENDING("1") "]}"}, REST};
    assert_string_equal(asked("device remove --anchor a", rows), "GET /v1/devices?anchor=a\n");
    assert_int_equal(ran.code, CTL_USAGE);
    assert_non_null(strstr(ran.err, "1 devices that registered by certificates of this anchor would be removed"));
    assert_string_equal(asked("device remove --anchor a --json", rows), "GET /v1/devices?anchor=a\n");
    assert_int_equal(ran.code, CTL_USAGE);
}

static const struct fake_row anchored[] = {
    {"GET /v1/devices?anchor=a&after=n", 200, "{\"devices\":[{\"guid\":\"x/y\"}]}"},
    {"GET /v1/devices?anchor=a", 200, "{\"devices\":[{\"guid\":\"1\"}],\"next\":\"n\"}"},
    REST};

static void those_of_an_anchor_are_removed_one_by_one_when_all_are_known(void **state UNUSED)
{
    assert_string_equal(asked("device remove --anchor a --yes", anchored),
                        "GET /v1/devices?anchor=a\nGET /v1/devices?anchor=a&after=n\nDELETE /v1/devices/1\n"
                        "DELETE /v1/devices/x%2Fy\n");
    assert_string_equal(ran.out, "2 devices removed\n");
    (void)asked("device remove --anchor a --yes --forget --json", anchored);
    assert_non_null(strstr(mp.request, "DELETE /v1/devices/x%2Fy?forget HTTP/1.1"));
    assert_string_equal(ran.out, "{\"removed\":2}\n");
}

static void removing_ends_where_the_site_refuses_one(void **state UNUSED)
{
    const struct fake_row rows[] = {
        {"DELETE /v1/devices/1", 404, "{\"detail\":\"gone\"}"}, anchored[0], anchored[1], {NULL, 0, NULL}};
    assert_null(strstr(asked("device remove --anchor a --yes", rows), "x%2Fy"));
    assert_int_equal(ran.code, CTL_FAILED);
    assert_string_equal(ran.out, "");
}

/* A page that is refused: nobody is removed, for who is meant is not known. */
static void half_a_list_removes_nobody(void **state UNUSED)
{
    const struct fake_row rows[] = {
        {"GET /v1/devices?anchor=a&after=n", 503, "{\"detail\":\"later\"}"}, anchored[1], REST};
    assert_null(strstr(asked("device remove --anchor a --yes", rows), "DELETE"));
    assert_int_equal(ran.code, CTL_FAILED);
}

/* What has no GUID can't be named; the others can. */
static void a_device_without_a_guid_is_passed_over(void **state UNUSED)
{
    static const struct fake_row rows[] = {
        {"GET /v1/devices", 200, "{\"devices\":[{\"name\":\"a\"},{\"guid\":7},7,{\"guid\":\"1\"}]}"}, REST};
    assert_string_equal(asked("device remove --anchor a --yes", rows),
                        "GET /v1/devices?anchor=a\nDELETE /v1/devices/1\n");
    assert_string_equal(ran.out, "1 devices removed\n");
}

static void an_empty_list_needs_no_word(void **state UNUSED)
{
    static const struct fake_row none[] = {{"GET", 200, "{\"devices\":[]}"}, {NULL, 0, NULL}},
                                 nobody[] = {{"POST", 200, "{\"removed\":0,\"still_waiting\":3}"}, {NULL, 0, NULL}};
    assert_string_equal(asked("device remove --anchor a", none), "GET /v1/devices?anchor=a\n");
    assert_string_equal(ran.out, "0 devices removed\n");
    (void)asked("device remove --pending", nobody);
    assert_string_equal(ran.out, "0 devices removed; 3 still wait\n");
}

static void who_waits_is_counted_before_and_removed_when_it_is_said(void **state UNUSED)
{
    static const struct fake_row rows[] = {{"POST", 200, "{\"removed\":2,\"still_waiting\":3}"}, {NULL, 0, NULL}};
    assert_string_equal(asked("device remove --pending --yes", rows),
                        "POST /v1/devices/remove-waiting\nPOST /v1/devices/remove-waiting\n");
    json_t *body = sent("POST /v1/devices/remove-waiting"),
           *wanted = json_loads("{\"older_than\":0,\"dry_run\":false}", 0, NULL);
    assert_true(json_equal(body, wanted));
    json_decref(body);
    json_decref(wanted);
    assert_string_equal(asked("device remove --pending", rows), "POST /v1/devices/remove-waiting\n");
    assert_int_equal(ran.code, CTL_USAGE);
}

static void options_that_mean_different_devices_are_refused(void **state UNUSED)
{
    static const struct refusal cases[] = {
        {"device remove", CTL_USAGE, "name the device"},
        {"device remove g --anchor a", CTL_USAGE, "name the device"},
        {"device remove --pending --anchor a", CTL_USAGE, "name the device"},
        {"device remove g h", CTL_USAGE, "h"},
        {"device remove --anchor a --older-than 1h", CTL_USAGE, "belong to --pending"},
        {"device remove --anchor a --name x", CTL_USAGE, "belong to --pending"},
        {"device remove --pending --forget", CTL_USAGE, "--forget is for one device"},
        {"device approve", CTL_USAGE, "name the devices"},
        {"device approve a --all-pending", CTL_USAGE, "name the devices"},
        {"device list --limit 0", CTL_USAGE, "limit"},
        {"device show", CTL_USAGE, "GUID"}};
    refuse_all(cases, ARRAY_LEN(cases));
}

/* --- show --- */

static void a_name_for_rules_is_shown_when_somebody_stands_for_it(void **state UNUSED)
{
    static const struct {
        const char *device, *shown;
    } rows[] = {{"{\"vouched\":{\"name\":\"pc\",\"name_by\":\"token\"}}", "pc, by token"},
                {"{\"vouched\":{\"name\":\"\",\"name_by\":\"token\"}}", "none: the device alone says"},
                {"{\"vouched\":{}}", "none: the device alone says"},
                {"{\"vouched\":7}", "none: the device alone says"},
                {"{}", "none: the device alone says"},
                {"{\"vouched\":{\"hardware_id_by\":\"certificate\"}}", "Hardware id by:  certificate"},
                {"{\"vouched\":{\"registration\":\"bulk token\"}}", "Let in by:       bulk token"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"device\":%s}", rows[i].device);
        const struct fake_row answers[] = {{"GET /v1/devices/a%20b", 200, body}, {NULL, 0, NULL}};
        fake_mp_rows(&mp, answers);
        RUN(&ran, &mp, "device", "show", "a b");
        fake_mp_rows(&mp, NULL);
        if (ran.code != CTL_DONE || !strstr(ran.out, rows[i].shown))
            fail_msg("%s: %s%s", rows[i].device, ran.out, ran.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_asked_for_to_its_last_page),
        cmocka_unit_test(devices_of_an_anchor_are_asked_for_by_it_on_every_page),
        cmocka_unit_test(all_that_wait_are_approved_on_every_page),
        cmocka_unit_test(approving_ends_where_the_site_refuses_one),
        cmocka_unit_test(one_that_is_approved_is_told_as_one_and_several_as_a_list),
        cmocka_unit_test(without_a_word_nothing_is_removed_together),
        cmocka_unit_test(those_of_an_anchor_are_removed_one_by_one_when_all_are_known),
        cmocka_unit_test(removing_ends_where_the_site_refuses_one),
        cmocka_unit_test(half_a_list_removes_nobody),
        cmocka_unit_test(a_device_without_a_guid_is_passed_over),
        cmocka_unit_test(an_empty_list_needs_no_word),
        cmocka_unit_test(who_waits_is_counted_before_and_removed_when_it_is_said),
        cmocka_unit_test(options_that_mean_different_devices_are_refused),
        cmocka_unit_test(a_name_for_rules_is_shown_when_somebody_stands_for_it),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
