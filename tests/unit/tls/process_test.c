/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process whose threads are still at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "tls/process.h"

enum { FREED = 3, KEPT = 4 };

static void on_cleanup(void)
{
    _exit(FREED);
}

static void on_exit_behind_openssl(void)
{
    _exit(KEPT);
}

/* How a process ends that used OpenSSL: handlers of exit run the last one first, OpenSSL's before ours. */
static int end_of(bool by_rule)
{
    pid_t child = fork();
    if (child == 0) {
        (void)atexit(on_exit_behind_openssl);
        if (by_rule)
            tls_process_start();
        if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1 || OPENSSL_atexit(on_cleanup) != 1)
            _exit(1);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void openssl_frees_nothing_below_threads_at_exit(void **state)
{
    (void)state;
    assert_int_equal(end_of(false), FREED); /* that is how it would be seen */
    assert_int_equal(end_of(true), KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(openssl_frees_nothing_below_threads_at_exit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
