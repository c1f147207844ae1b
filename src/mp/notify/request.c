/* SPDX-License-Identifier: Apache-2.0 */
/* GET /CCM_Notification?after=N&wait=S: a device waits for what the site has to tell it, above the last that it took.
 */
#include "base/clock.h"
#include "mp/answer/handlers.h"
#include "mp/answer/settings.h"
#include "mp/notify/waiting.h"
#include "mp/site.h"
#include "mp/status/went_back.h"
#include "store/device/notification.h"

struct asked {
    uint64_t after, wait;
};

/* false: answered. */
static bool read_query(struct mp_request *r, struct asked *ret)
{
    struct slice after = mp_request_query(r, SLICE("after")), wait = mp_request_query(r, SLICE("wait"));
    uint64_t most = ((uint64_t)clock_wall_s() + MP_WENT_BACK_AHEAD_MAX_S) * 1000;
    *ret = (struct asked){.wait = MP_WAIT_MAX_S};
    if ((after.ptr && (!slice_to_u64(after, &ret->after) || ret->after > most)) ||
        (wait.ptr && !slice_to_u64(wait, &ret->wait))) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST,
                  "'after' is the number of the last notification, 'wait' how many seconds to wait");
        return false;
    }
    ret->wait = ret->wait > MP_WAIT_MAX_S ? MP_WAIT_MAX_S : ret->wait < MP_WAIT_MIN_S ? MP_WAIT_MIN_S : ret->wait;
    return true;
}

void mp_handle_notification(struct mp_request *r)
{
    struct mp_device device;
    struct mp_denial no;
    struct asked asked;
    struct error err;
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, &device, &no), &no))
        return;
    if (mp_settings_let_through(r, &device.record) && read_query(r, &asked)) {
        int64_t taken = (int64_t)asked.after;
        if (store_notified_put(r->site->store, device.record.guid, &taken, clock_wall_s(), &err) == OK)
            mp_waiting_add(r, &device, taken, (int64_t)asked.wait);
        else
            mp_refuse_fault(r, &err);
    }
    mp_device_done(&device);
}
