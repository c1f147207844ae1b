/* SPDX-License-Identifier: Apache-2.0 */
/* Devices whose requests wait here until the site has something to tell them (docs/protocol/wire.md 6): told at once of
 * what is said to this process, within a quarter of a second of what is said to another one that shares the store. */
#ifndef MP_NOTIFY_WAITING_H
#define MP_NOTIFY_WAITING_H

#include "mp/sender/device.h"
#include "mp/server/request.h"

struct mp_waiting;

enum { MP_WAIT_MIN_S = 10, MP_WAIT_MAX_S = 270, MP_WAITING_MAX = 262144 };

struct mp_waiting *mp_waiting_new(struct mp_site *site);
/* The process ends: who waits is told that nothing came, as who comes from now on. */
void mp_waiting_end(struct mp_waiting *w);
void mp_waiting_free(struct mp_waiting *w); /* every request must be gone; NULL allowed */

/* Answers when there is something over `after`, else the request waits for `wait_s`, and is answered 204 then. A device
 * waits once: the older request gets its 204. */
void mp_waiting_add(struct mp_request *r, const struct mp_device *d, int64_t after, int64_t wait_s);

/* Something was said: soon, it is looked whom it is for. */
void mp_waiting_look(struct mp_waiting *w);

size_t mp_waiting_count(const struct mp_waiting *w);
bool mp_waiting_has(struct mp_waiting *w, const char *guid); /* does it wait here? */

#endif
