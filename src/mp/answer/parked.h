/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for the next version of a document, or for the next question, that wait until there is one: woken at once by
 * changes made here, within a second by those of other processes, and after 4 min 30 s with 204. */
#ifndef MP_SERVER_PARKED_H
#define MP_SERVER_PARKED_H

#include "mp/server/request.h"

struct mp_parked *mp_parked_new(struct mp_site *site);
/* The process ends: who waits is told that nothing came, as who comes from now on, and asks the next one. */
void mp_parked_end(struct mp_parked *p);
void mp_parked_free(struct mp_parked *p); /* every request must be gone; NULL allowed */

/* Of one connector, and the gateways behind it, so many wait at most, each of which costs at every change: for the next
 * one, the oldest is told that nothing came, and asks again if it is still there. */
enum { MP_PARKED_EACH_MAX = 256 };

/* Answers when the sequence of `what` is over `after`, else parks. For questions r->parked.part is set. */
void mp_parked_add(struct mp_request *r, enum mp_parked_for what, int64_t after);
size_t mp_parked_count(const struct mp_parked *p);

#endif
