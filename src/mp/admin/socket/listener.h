/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket (docs/protocol/wire.md 8). */
#ifndef MP_ADMIN_SOCKET_LISTENER_H
#define MP_ADMIN_SOCKET_LISTENER_H

#include "mp/site.h"

MUST_USE enum result mp_admin_open(struct mp_site *site, struct mp_admin **ret, struct error *err);
/* No new callers; those who are there get their answers. NULL allowed. */
void mp_admin_drain(struct mp_admin *a);
bool mp_admin_idle(const struct mp_admin *a); /* nobody is there. NULL allowed */
void mp_admin_hang_up(struct mp_admin *a);    /* NULL allowed */
void mp_admin_free(struct mp_admin *a);       /* NULL allowed */

#endif
