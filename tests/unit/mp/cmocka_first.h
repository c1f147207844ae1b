/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka and the headers that it wants before itself. */
#ifndef TESTS_MP_CMOCKA_FIRST_H
#define TESTS_MP_CMOCKA_FIRST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
