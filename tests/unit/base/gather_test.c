/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that peers cause: each address so many, all together so many, and the rest told by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/host/gather.h"

static uint64_t now = 1000 * 1000;
static char log_path[] = "/tmp/gather-test-XXXXXX";

static bool line(const char *who, const char *reason)
{
    return log_gather(LOG_WARN, "gateway", "refused", who, reason, now);
}

/* So much later that every rate is full again, and what was counted is told. */
static void much_later(void)
{
    now += 3600 * 1000;
    log_gather_tell(now);
    now += 3600 * 1000;
}

/* What the log says since the last call; the caller frees it. */
static char *said(void)
{
    char *text;
    size_t len;
    assert_int_equal(file_read(log_path, 1024 * 1024, &text, &len, NULL), OK);
    assert_int_equal(truncate(log_path, 0), 0);
    return text;
}

static int count_lines(const char *who, int tries)
{
    int written = 0;
    for (int i = 0; i < tries; i++)
        written += line(who, "missing");
    return written;
}

static void one_address_causes_so_many_lines_and_the_rest_is_told_by_number_and_reason(void **state)
{
    (void)state;
    assert_int_equal(count_lines("192.0.2.7", 1000), LOG_GATHER_BURST);
    for (int i = 0; i < 7; i++)
        assert_false(line("192.0.2.7", "expired"));
    assert_int_equal(count_lines("192.0.2.8", 1), 1); /* another one's are its own */
    log_gather_tell(now + LOG_GATHER_MS - 1);
    char *text = said();
    assert_string_equal(text, "");
    free(text);
    now += LOG_GATHER_MS;
    log_gather_tell(now);
    text = said();
    assert_non_null(strstr(text, "gateway: refused: more of the same peer=192.0.2.7 count=807 seconds=10 "
                                 "reasons=\"missing: 800, expired: 7\"\n"));
    free(text);
    assert_int_equal(count_lines("192.0.2.7", 1000), LOG_GATHER_RATE * LOG_GATHER_MS / 1000);
    much_later();
    free(said());
}

static void all_together_cause_so_many_lines_whatever_number_of_addresses(void **state)
{
    (void)state;
    int written = 0;
    for (int i = 0; i < 10000; i++) {
        char who[64];
        (void)snprintf(who, sizeof who, "2001:db8:0:%x::/64", i);
        written += count_lines(who, 3);
    }
    assert_in_range(written, LOG_GATHER_PEERS, LOG_GATHER_ALL_BURST);
    much_later();
    char *text = said();
    assert_non_null(strstr(text, "peer=others count=")); /* none is lost without being counted */
    free(text);
}

static void a_peers_name_and_many_reasons_make_no_long_line(void **state)
{
    (void)state;
    char who[500];
    static char reasons[40][200];
    memset(who, 'x', sizeof who - 1);
    who[sizeof who - 1] = '\0';
    (void)count_lines(who, LOG_GATHER_BURST);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        memset(reasons[i], 'a' + (int)(i % 26), sizeof reasons[i] - 1);
        assert_false(line(who, reasons[i]));
    }
    much_later();
    char *text = said();
    assert_true(strlen(text) < 1024);
    assert_non_null(strstr(text, "count=40"));
    free(text);
    assert_int_equal(log_cut(slice_of(who)).len, LOG_GATHER_SHOWN);
}

static void told_by_name(const char *who)
{
    assert_int_equal(count_lines(who, LOG_GATHER_BURST + 7), LOG_GATHER_BURST);
    now += LOG_GATHER_MS;
    log_gather_tell(now);
    char *text = said(), wanted[128];
    (void)snprintf(wanted, sizeof wanted, "peer=%s count=7 ", who);
    assert_non_null(strstr(text, wanted));
    free(text);
    much_later();
    free(said());
}

static void a_newcomer_is_told_by_name_though_many_came_before(void **state)
{
    (void)state;
    for (int i = 0; i < 10 * LOG_GATHER_PEERS; i++) {
        char who[64];
        (void)snprintf(who, sizeof who, "2001:db8:1:%x::/64", i);
        (void)count_lines(who, 1);
        now += i % LOG_GATHER_PEERS == 0 ? 100 : 0;
    }
    now += 1000;
    told_by_name("192.0.2.9");
}

static void one_peer_with_many_kinds_of_lines_leaves_places_to_others(void **state)
{
    (void)state;
    static char kinds[2 * LOG_GATHER_PEERS][16];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        (void)snprintf(kinds[i], sizeof kinds[i], "kind %zu", i);
        (void)!log_gather(LOG_WARN, "gateway", kinds[i], "192.0.2.10", "missing", now);
    }
    told_by_name("192.0.2.11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_causes_so_many_lines_and_the_rest_is_told_by_number_and_reason),
        cmocka_unit_test(all_together_cause_so_many_lines_whatever_number_of_addresses),
        cmocka_unit_test(a_newcomer_is_told_by_name_though_many_came_before),
        cmocka_unit_test(one_peer_with_many_kinds_of_lines_leaves_places_to_others),
        cmocka_unit_test(a_peers_name_and_many_reasons_make_no_long_line),
    };
    (void)close(mkstemp(log_path));
    if (log_to_file(log_path, NULL) != OK)
        return EXIT_FAILURE;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(log_path);
    return failed;
}
