/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop/loop.h for tests, without libuv and with a clock that the test turns: timeouts of minutes pass at once, and
 * every run is the same. Linked instead of the real one.
 */
#ifndef TESTS_FAKE_LOOP_H
#define TESTS_FAKE_LOOP_H

#include "loop/loop.h"

/* Everything that is due now, until nothing is. */
void fake_loop_settle(struct loop *loop);

/* Lets so much time pass; every timer fires at its own moment. */
void fake_loop_pass(struct loop *loop, uint64_t ms);

#endif
