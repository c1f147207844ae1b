/* SPDX-License-Identifier: Apache-2.0 */
/* Whose word is taken in: that of a device which is let in, signed by its key. */
#ifndef MP_INTAKE_SENDER_H
#define MP_INTAKE_SENDER_H

#include "mp/sender/device.h"
#include "mp/server/request.h"

/* false: answered. Else mp_device_done(). */
MUST_USE bool mp_intake_sender(struct mp_request *r, struct mp_device *ret);

#endif
