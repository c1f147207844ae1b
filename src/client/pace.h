/* SPDX-License-Identifier: Apache-2.0 */
/* When a device comes back whose waiting request was broken off: whatever broke it off broke off the whole fleet's. */
#ifndef CLIENT_PACE_H
#define CLIENT_PACE_H

#include <stdint.h>

enum { CLIENT_RETURN_FIRST_S = 60, CLIENT_RETURN_MOST_S = 900 };

/* Milliseconds, evenly by chance over a span that doubles with each time in a row (from 1 on): a minute at first. */
uint64_t client_pace_return_ms(unsigned times);

#endif
