/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories: columns by name, synonyms, unknowns, and every bad row told by line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "plan/inventory.h"

#define HEADER "name,join,certificate,version,crl,scenario\n"

static enum result give(void *user, char *to, size_t max, size_t *ret_len, struct error *err)
{
    struct slice *text = user;
    (void)err;
    *ret_len = text->len < max ? text->len : max;
    memcpy(to, text->ptr, *ret_len);
    *text = slice_skip(*text, *ret_len);
    return OK;
}

static enum result read_text(const char *text, struct inventory *ret, struct error *err)
{
    struct slice s = slice_of(text);
    return inventory_read(ret, give, &s, err);
}

static struct inventory must_read(const char *text)
{
    struct inventory i;
    struct error err = {OK, ""};
    if (read_text(text, &i, &err) != OK)
        fail_msg("%s", err.text);
    return i;
}

static void expect_device(const struct inventory *i, size_t index, const char *name, const char *inputs)
{
    struct plan_device d;
    char got[PLAN_INPUTS + 1] = "";
    plan_fleet_get(i->fleet, index, &d);
    assert_true(slice_eq(d.name, slice_of(name)));
    for (size_t in = 0; in < PLAN_INPUTS; in++)
        got[in] = (char)('0' + d.input[in]);
    assert_string_equal(got, inputs);
}

static void columns_are_found_by_name_in_any_order(void **state)
{
    (void)state;
    struct inventory i = must_read("\xef\xbb\xbfVersion,site,Name,scenario,crl,root,certificate,join,cmg_allowed\r\n"
                                   "1910,x,A,user,ad,yes,pki,hybrid,no\r\n");
    assert_int_equal(plan_fleet_count(i.fleet), 1);
    expect_device(&i, 0, "A", "32122201");
    assert_int_equal(i.ignored_count, 1);
    assert_string_equal(i.ignored[0], "site");
    inventory_end(&i);
}

static void synonyms_builds_and_unknowns_are_taken(void **state)
{
    (void)state;
    struct inventory i = must_read(HEADER "A,Workgroup,no,5.00.8913.1012,none,device\n"
                                          "B,AD,yes,5.00.8968,LDAP,user\n"
                                          "C,,,,,\n"
                                          "D,unknown,?,unknown,Unknown,?\n"
                                          " \"E \",entra,pki,2403,internal,device\n");
    /* A blank before a quote makes the quote a character of the field, which is a fault. */
    assert_int_equal(i.bad_rows, 1);
    assert_int_equal(plan_fleet_count(i.fleet), 4);
    expect_device(&i, 0, "A", "11141000");
    expect_device(&i, 1, "B", "22222000");
    expect_device(&i, 2, "C", "00000000");
    expect_device(&i, 3, "D", "00000000");
    inventory_end(&i);
}

static void exports_of_the_field_are_read_as_they_are(void **state)
{
    (void)state;
    struct inventory i = must_read(
        "#TYPE Selected.Microsoft.Graph.Device\r\nAll devices\r\n\r\n"
        "\"Device Name\";\"Join Type\";\"Certificate\";\"ClientVersion\";\"crl\";\"scenario\";\"Site, building\"\r\n"
        "A;Hybrid Azure AD joined;True;5.0.8913.1000;N/A;user;\"Berlin, A\"\r\n"
        "B;Microsoft Entra joined;False;NULL;-;device;\r\nC;Workplace;True;2403;ad;device;\r\n"
        "D;ServerAd;True;2403;ad;device;\r\nE;AzureAd;;;;;\r\nF;Microsoft Entra registered;;;;;\r\n");
    assert_int_equal(i.bad_rows, 0);
    assert_int_equal(i.headings, 2);
    expect_device(&i, 0, "A", "32102000");
    expect_device(&i, 1, "B", "41001000");
    expect_device(&i, 2, "C", "12221000");
    expect_device(&i, 3, "D", "32221000");
    expect_device(&i, 4, "E", "40000000");
    expect_device(&i, 5, "F", "10000000");
    inventory_end(&i);
}

static void expect_fault(const struct inventory *i, size_t n, unsigned line, unsigned column, const char *field,
                         const char *words)
{
    assert_true(n < i->fault_count);
    const struct inventory_fault *f = &i->faults[n];
    if (f->line != line || f->column != column || strcmp(f->field, field) != 0 || !strstr(f->text, words))
        fail_msg("fault %zu: line %llu, column %u, field '%s': %s", n, (unsigned long long)f->line, f->column, f->field,
                 f->text);
}

static void bad_rows_are_told_by_line_and_column_and_do_not_count(void **state)
{
    (void)state;
    struct inventory i = must_read(HEADER "A,none,none,2002,internet,device\n"
                                          "B,forest,none,2013,internet,device\n"
                                          ",none,none,2002,internet,device\n"
                                          "C,none,none\n"
                                          "D,none,none,2002,internet,device,7\n"
                                          "E,\"no\"ne,none,2002,internet,device\n"
                                          "F\x1b[31m,none,none,2002,web\x1b[31m,device\n"
                                          "G,none,none,2002,internet,device\n");
    assert_int_equal(i.rows, 8);
    assert_int_equal(i.bad_rows, 6);
    assert_int_equal(plan_fleet_count(i.fleet), 2);
    assert_int_equal(i.fault_count, 7);
    expect_fault(&i, 0, 3, 3, "join", "'forest' is no join; expected none (workgroup), domain (ad), hybrid, entra");
    expect_fault(&i, 1, 3, 15, "version", "'2013' is no version");
    expect_fault(&i, 2, 4, 1, "name", "a name");
    expect_fault(&i, 3, 5, 8, "", "3 fields where the header names 6 columns");
    expect_fault(&i, 4, 6, 34, "", "7 fields");
    expect_fault(&i, 5, 7, 7, "", "behind a closing quote");
    expect_fault(&i, 6, 8, 23, "crl", "'web?[31m' is no crl");
    inventory_end(&i);
}

static void faults_are_bounded_but_counted(void **state)
{
    (void)state;
    struct buf {
        char text[64 * 1024];
    } *b = test_malloc(sizeof *b);
    size_t n = (size_t)snprintf(b->text, sizeof b->text, HEADER);
    for (int i = 0; i < INVENTORY_FAULTS_MAX + 500; i++)
        n += (size_t)snprintf(b->text + n, sizeof b->text - n, "A,x,,,,\n");
    struct inventory i = must_read(b->text);
    assert_int_equal(i.bad_rows, INVENTORY_FAULTS_MAX + 500);
    assert_int_equal(i.fault_count, INVENTORY_FAULTS_MAX);
    assert_int_equal(plan_fleet_count(i.fleet), 0);
    inventory_end(&i);
    test_free(b);
}

/* At exactly as many as are kept, none is left off. */
static void faults_are_left_off_only_beyond_the_maximum(void **state)
{
    (void)state;
    char *text = test_malloc(64 * 1024);
    for (int more = 0; more < 2; more++) {
        size_t n = (size_t)snprintf(text, 64 * 1024, HEADER);
        for (int i = 0; i < INVENTORY_FAULTS_MAX + more; i++)
            n += (size_t)snprintf(text + n, 64 * 1024 - n, "A,x,,,,\n");
        struct inventory i = must_read(text);
        assert_int_equal(i.fault_count, INVENTORY_FAULTS_MAX);
        assert_int_equal(i.faults_left_off, more);
        inventory_end(&i);
    }
    test_free(text);
}

static void expect_refused(const char *text, const char *words)
{
    struct inventory i;
    struct error err = {OK, ""};
    assert_int_equal(read_text(text, &i, &err), R_INVALID);
    if (!strstr(err.text, words))
        fail_msg("%s", err.text);
    inventory_end(&i);
}

static void a_header_that_does_not_do_is_refused_with_what_is_missing(void **state)
{
    (void)state;
    expect_refused("", "empty");
    expect_refused("join,certificate,version,crl,scenario\n", "no column 'name'");
    expect_refused("name,join,certificate,version,scenario\n", "no column 'crl'");
    expect_refused("name,join,certificate,version,crl,scenario,JOIN\n", "column 44: the header names 'join' twice");
    expect_refused("\xff\xfen\0a\0m\0", "no column");
    expect_refused("Report of devices\nA,B\n", "which begin with 'Report of devices'");
    expect_refused("name\nA\nB\n", "no column");
    expect_refused("name,join\nA,none\n", "the header has no column 'certificate'"); /* two titles make a header */
    expect_refused("na\"me,join\n", "line 1, column 3");
}

static void a_report_has_less_than_twenty_lines_above_its_header(void **state)
{
    (void)state;
    char text[1024] = "";
    for (int lines = 19; lines <= 20; lines++) {
        size_t n = 0;
        for (int i = 0; i < lines; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "Line %d\n", i);
        (void)snprintf(text + n, sizeof text - n, HEADER "A,,,,,\n");
        if (lines == 20) {
            expect_refused(text, "in the first 20 lines, which begin with 'Line 0'");
        } else {
            struct inventory i = must_read(text);
            assert_int_equal(i.headings, 19);
            assert_int_equal(plan_fleet_count(i.fleet), 1);
            inventory_end(&i);
        }
    }
}

static void a_name_may_have_255_bytes_and_what_is_shown_is_cut_between_characters(void **state)
{
    (void)state;
    char text[1024], name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    (void)snprintf(text, sizeof text, HEADER "%s,,,,,\n%s,,,,,\nA,%.38s\xc3\xa4,,,,\nB,%.37s\xc3\xa4x,,,,\n", name + 1,
                   name, name, name);
    struct inventory i = must_read(text);
    assert_int_equal(plan_fleet_count(i.fleet), 1);
    expect_fault(&i, 0, 3, 1, "name", "at most 255 bytes");
    assert_int_equal(strlen(i.faults[0].value), 39);
    assert_int_equal(strlen(i.faults[1].value), 38); /* half of a letter would be no UTF-8 */
    assert_int_equal(strlen(i.faults[2].value), 39);
    inventory_end(&i);
}

static void names_that_stand_twice_are_counted(void **state)
{
    (void)state;
    struct inventory i = must_read(HEADER "A,,,,,\nB,,,,,\nA,,,,,\na,,,,,\nC,,,,,\n"); /* names know no case */
    assert_int_equal(plan_fleet_repeated(i.fleet), 2);
    assert_int_equal(plan_fleet_count(i.fleet), 5);
    plan_fleet_assume(i.fleet, PLAN_CRL, 2);
    expect_device(&i, 4, "C", "00020000");
    inventory_end(&i);
}

static void a_bad_row_over_several_lines_says_where_it_ends(void **state)
{
    (void)state;
    struct inventory i = must_read(HEADER "a,\"domain,pki,2203,ad,device\nb,domain,pki,2203,ad,device\n"
                                          "c,domain\",pki,2203,ad,device\nd,domain,pki,2203,ad,device\n");
    assert_int_equal(i.rows, 2);
    assert_int_equal(i.bad_rows, 1);
    assert_int_equal(i.fault_count, 2);
    assert_int_equal(i.faults[1].line, 2);
    assert_non_null(strstr(i.faults[1].text, "goes on to line 4"));
    inventory_end(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name_in_any_order),
        cmocka_unit_test(synonyms_builds_and_unknowns_are_taken),
        cmocka_unit_test(exports_of_the_field_are_read_as_they_are),
        cmocka_unit_test(bad_rows_are_told_by_line_and_column_and_do_not_count),
        cmocka_unit_test(faults_are_bounded_but_counted),
        cmocka_unit_test(faults_are_left_off_only_beyond_the_maximum),
        cmocka_unit_test(a_header_that_does_not_do_is_refused_with_what_is_missing),
        cmocka_unit_test(a_report_has_less_than_twenty_lines_above_its_header),
        cmocka_unit_test(a_name_may_have_255_bytes_and_what_is_shown_is_cut_between_characters),
        cmocka_unit_test(names_that_stand_twice_are_counted),
        cmocka_unit_test(a_bad_row_over_several_lines_says_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
