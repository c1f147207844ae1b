/* SPDX-License-Identifier: Apache-2.0 */
/* The one door of what devices tell of themselves. */
#include "mp/intake/sender.h"

#include "mp/answer/settings.h"

bool mp_intake_sender(struct mp_request *r, struct mp_device *ret)
{
    struct mp_denial no;
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, ret, &no), &no))
        return false;
    if (mp_settings_let_through(r, &ret->record))
        return true;
    mp_device_done(ret);
    return false;
}
