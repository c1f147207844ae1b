/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the admin API, by its table of routes and without its socket, on a site of the kit. */
#ifndef TESTS_MP_ADMIN_KIT_H
#define TESTS_MP_ADMIN_KIT_H

#include "kit.h"

extern struct kit_ask ask; /* the last one */

int admin_setup(void **state);
int admin_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, admin_setup, admin_teardown)

/* Asks as an administrator, or in this role, whose rights are not looked at here; returns the status. */
int admin(const char *method, const char *target, const char *body);
int admin_as(enum mp_role role, const char *method, const char *target, const char *body);

/* Fails, with what was said, when the last status is another. */
void done(int status);

struct refusal {
    const char *body;
    int status;
    const char *told; /* part of its detail */
};
/* Each body is refused so, with a remedy, and leaves no row of the action in the audit. */
void refused(const char *method, const char *target, const char *action, const struct refusal *cases, size_t n);
#define REFUSED(method, target, action, ...)                                                                           \
    do {                                                                                                               \
        static const struct refusal cases_[] = {__VA_ARGS__};                                                          \
        refused(method, target, action, cases_, ARRAY_LEN(cases_));                                                    \
    } while (0)

/* How many there are in the list that is this member of the answer to a GET. */
size_t count(const char *target, const char *member);

/* `template` with the text of a PEM, quoted, in the place of %s; malloc'ed. */
char *with_pem(const char *template, const char *pem);

#endif
