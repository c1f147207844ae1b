/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that devices know and this version does nothing at. */
#include "mp/answer/handlers.h"

void mp_handle_not_supported(struct mp_request *r)
{
    mp_refuse(r, MP_REFUSAL_NOT_SUPPORTED, NULL);
}
