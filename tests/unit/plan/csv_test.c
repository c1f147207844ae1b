/* SPDX-License-Identifier: Apache-2.0 */
/* CSV by RFC 4180: what is taken, what is a fault and where, however the bytes are cut; hostile input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "plan/csv.h"

/* All records as "line:[field@column][…]" and all faults as "line:column!", fed in pieces of `piece` bytes. */
static char *read_pieces(struct slice text, size_t piece)
{
    struct csv *c = csv_new();
    struct csv_record *record = calloc(1, sizeof *record);
    struct buf out;
    struct error err;
    enum result r;
    buf_init(&out, 1 << 20);
    while ((r = csv_next(c, record, &err)) != R_EOF) {
        if (r == R_AGAIN) {
            size_t room;
            char *to = csv_room(c, &room);
            assert_true(room > 0);
            size_t n = text.len < piece ? text.len : piece;
            n = n < room ? n : room;
            memcpy(to, text.ptr, n);
            text = slice_skip(text, n);
            csv_came(c, n);
        } else if (r == OK) {
            assert_int_equal(buf_printf(&out, "%llu:", (unsigned long long)record->line), OK);
            for (size_t i = 0; i < record->count; i++)
                assert_int_equal(
                    buf_printf(&out, "[%" PRIslice "@%u]", SLICE_ARG(record->fields[i].text), record->fields[i].column),
                    OK);
            assert_int_equal(buf_append_str(&out, "\n"), OK);
        } else {
            assert_int_equal(buf_printf(&out, "%llu:%u!\n", (unsigned long long)record->line, record->fields[0].column),
                             OK);
        }
    }
    csv_free(c);
    free(record);
    return buf_take_str(&out);
}

static void expect(const char *text, const char *expected)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100000};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        char *got = read_pieces(slice_of(text), pieces[i]);
        assert_string_equal(got, expected);
        free(got);
    }
}

static void a_line_that_names_the_separator_is_obeyed_and_is_no_record(void **state)
{
    (void)state;
    expect("sep=;\r\na;b,c\r\n", "2:[a@1][b,c@3]\n");
    expect("\xef\xbb\xbfSEP=|\na|b\n", "2:[a@1][b@3]\n");
    expect("sep=x\na,b\n", "1:[sep=x@1]\n2:[a@1][b@3]\n"); /* no separator that anybody uses */
    expect("sep=;", "1:[sep=@1][@6]\n");                   /* not a line, and nothing behind it */
}

static void records_and_their_places_are_read(void **state)
{
    (void)state;
    expect("a,b,c\n1,,3\n", "1:[a@1][b@3][c@5]\n2:[1@1][@3][3@4]\n");
    expect("a,b\r\n1,2\r\n", "1:[a@1][b@3]\n2:[1@1][2@3]\n");
    expect("a,b\n1,2", "1:[a@1][b@3]\n2:[1@1][2@3]\n");
    expect("a,b\n1,", "1:[a@1][b@3]\n2:[1@1][@3]\n");
    expect("\n\r\na\n\n\nb\n", "3:[a@1]\n6:[b@1]\n");
    expect("\xef\xbb\xbf"
           "a,b\n",
           "1:[a@1][b@3]\n");
    expect("", "");
    expect("\n\n", "");
}

static void quotes_enclose_separators_line_ends_and_quotes(void **state)
{
    (void)state;
    expect("\"a,b\",c\n", "1:[a,b@1][c@7]\n");
    expect("\"a\"\"b\",\"\"\n", "1:[a\"b@1][@8]\n");
    expect("\"a\nb\",c\nd\n", "1:[a\nb@1][c@4]\n3:[d@1]\n");
    expect("\"a\r\nb\"\r\nd\n", "1:[a\r\nb@1]\n3:[d@1]\n");
    expect("\"a\"", "1:[a@1]\n");
}

static void the_first_line_decides_on_the_separator(void **state)
{
    (void)state;
    expect("a;b\n1;2,3\n", "1:[a@1][b@3]\n2:[1@1][2,3@3]\n");
    expect("a\tb\n1\t2\n", "1:[a@1][b@3]\n2:[1@1][2@3]\n");
    expect("a,b;c\n1,2\n", "1:[a@1][b;c@3]\n2:[1@1][2@3]\n");
    expect("\"a, of all\";b;c\n1;2;3,4\n", "1:[a, of all@1][b@13][c@15]\n2:[1@1][2@3][3,4@5]\n");
    expect("Devices\na;b\n", "1:[Devices@1]\n2:[a@1][b@3]\n");
}

static void faults_have_a_place_and_the_next_line_is_read(void **state)
{
    (void)state;
    expect("a,b\nx\"y,1\nc,d\n", "1:[a@1][b@3]\n2:2!\n3:[c@1][d@3]\n");
    expect("a,b\n1,\"x\"y\nc,d\n", "1:[a@1][b@3]\n2:6!\n3:[c@1][d@3]\n");
    expect("a,b\n1\r2\nc,d\n", "1:[a@1][b@3]\n2:2!\n3:[c@1][d@3]\n");
    /* A quote that is never closed costs its own line, not the rest of the file. */
    expect("a,b\n1,\"x\nc,d\n", "1:[a@1][b@3]\n2:3!\n3:[c@1][d@3]\n");
    expect("a,\"\"b\"\"\nc\n", "1:5!\n2:[c@1]\n");
}

static void a_line_that_is_too_long_is_one_fault_and_no_memory(void **state)
{
    (void)state;
    size_t len = 500000;
    char *text = malloc(len + 8);
    memset(text, 'x', len);
    memcpy(text + len, "\nb\n", 4);
    char *got = read_pieces(slice_make(text, len + 3), 4096);
    assert_string_equal(got, "1:1!\n2:[b@1]\n");
    free(got);
    text[0] = '"';
    got = read_pieces(slice_make(text, len + 3), 4096);
    assert_string_equal(got, "1:1!\n2:[b@1]\n");
    free(got);
    free(text);
}

static void the_longest_record_is_taken_and_one_byte_more_is_not(void **state)
{
    (void)state;
    char *text = malloc(CSV_RECORD_MAX + 8);
    memset(text, 'x', CSV_RECORD_MAX + 8);
    text[CSV_RECORD_MAX - 1] = '\n';
    char *got = read_pieces(slice_make(text, CSV_RECORD_MAX), 4096);
    assert_int_equal(strlen(got), strlen("1:[@1]\n") + CSV_RECORD_MAX - 1);
    free(got);
    text[CSV_RECORD_MAX - 1] = 'x';
    memcpy(text + CSV_RECORD_MAX, "\nb\n", 3);
    got = read_pieces(slice_make(text, CSV_RECORD_MAX + 3), 4096);
    assert_string_equal(got, "1:1!\n2:[b@1]\n");
    free(got);
    free(text);
}

static void too_many_columns_are_a_fault(void **state)
{
    (void)state;
    char text[2 * CSV_FIELDS_MAX + 8] = "";
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        memcpy(text + i, ",", 2);
    expect(text, "1:65!\n");
    text[CSV_FIELDS_MAX - 1] = '\0';
    char *got = read_pieces(slice_of(text), 10);
    assert_non_null(strstr(got, "[@64]"));
    free(got);
}

static void a_nul_byte_is_a_fault(void **state)
{
    (void)state;
    char *got = read_pieces(SLICE("a\0b,c\nd\n"), 3);
    assert_string_equal(got, "1:2!\n2:[d@1]\n");
    free(got);
    got = read_pieces(SLICE("\"a\0b\",c\nd\n"), 3);
    assert_string_equal(got, "1:3!\n2:[d@1]\n");
    free(got);
    got = read_pieces(SLICE("sep=\0\nd\n"), 3); /* no separator either: the line is not passed over */
    assert_string_equal(got, "1:5!\n2:[d@1]\n");
    free(got);
}

/* Whatever the bytes: it ends, and says the same however they were cut. */
static void any_bytes_are_read_to_the_end_alike(void **state)
{
    (void)state;
    static const char letters[] = {'a', ',', '"', '\n', '\r', ';', '\0', '\t'};
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char text[64];
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = letters[(seed >> 16) % sizeof letters];
        }
        char *one = read_pieces(slice_make(text, sizeof text), 1),
             *all = read_pieces(slice_make(text, sizeof text), 64);
        assert_string_equal(one, all);
        free(one);
        free(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_and_their_places_are_read),
        cmocka_unit_test(a_line_that_names_the_separator_is_obeyed_and_is_no_record),
        cmocka_unit_test(quotes_enclose_separators_line_ends_and_quotes),
        cmocka_unit_test(the_first_line_decides_on_the_separator),
        cmocka_unit_test(faults_have_a_place_and_the_next_line_is_read),
        cmocka_unit_test(a_line_that_is_too_long_is_one_fault_and_no_memory),
        cmocka_unit_test(the_longest_record_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(too_many_columns_are_a_fault),
        cmocka_unit_test(a_nul_byte_is_a_fault),
        cmocka_unit_test(any_bytes_are_read_to_the_end_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
