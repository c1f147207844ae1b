/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that joins: a folder of its own, a report whose lines are kept, and what it prints. */
#ifndef TESTS_JOIN_KIT_H
#define TESTS_JOIN_KIT_H

/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "join/report.h"

struct kit {
    char *dir;                 /* empty at first; removed with all that is in it */
    struct join_report report; /* prints nothing of its lines */
    struct error err;
};

int kit_setup(void **state);
int kit_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

/* The only line of what was done, or is left to do; "" when there is none, and no test has more. */
const char *kit_did(const struct kit *k);
const char *kit_todo(const struct kit *k);
/* Forgets the lines. */
void kit_forget(struct kit *k);

/* "<dir>/<name>" with this text; the path, the caller free()s it. */
char *kit_put(struct kit *k, const char *name, const char *text, unsigned mode);
/* The text of a file; malloc'ed. */
char *kit_text(struct kit *k, const char *path);
unsigned kit_mode(const char *path);

/* What goes to standard output (1) or error (2) from here on, until kit_printed gives it; malloc'ed. */
void kit_print_here(int fd);
char *kit_printed(void);

#endif
