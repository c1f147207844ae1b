/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a management point and closing it. */
#include "mp/server/point.h"

#include "mp/server/certificate.h"
#include "mp/server/listener.h"
#include "mp/server/record.h"

enum result mp_point_open(struct mp_point *p, struct mp_site *site, const struct mp_config_point *config,
                          mp_point_request_fn *on_request, struct error *err)
{
    *p = (struct mp_point){.site = site, .config = config, .on_request = on_request};
    enum result r = mp_certificate_open(p, err);
    if (r == OK)
        r = mp_record_write(p, err);
    if (r == OK)
        r = mp_listener_open(p, err);
    if (r != OK)
        (void)error_prefix(err, "management point %s", config->id);
    return r;
}

void mp_point_close(struct mp_point *p)
{
    tls_context_unref(p->context);
    p->context = NULL;
    crowd_free(p->strangers);
    crowd_free(p->devices);
    p->strangers = p->devices = NULL;
}
