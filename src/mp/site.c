/* SPDX-License-Identifier: Apache-2.0 */
/* What changes the state that all share, and needs nothing above it. */
#include "mp/site.h"

#include <stdio.h>

#include "base/clock.h"
#include "store/sequence.h"

void mp_site_note_fault(struct mp_site *site, const struct error *err)
{
    site->fault.at = clock_wall_s();
    (void)snprintf(site->fault.text, sizeof site->fault.text, "%s", err->text);
}

void mp_site_store_works(struct mp_site *site)
{
    if (slice_starts(slice_of(site->fault.text), SLICE("the store")))
        site->fault.at = 0;
}

/* The root stays: what is pinned, and whoever judges by it, stay as they are. */
enum result mp_site_reload_keys(struct mp_site *site, struct error *err)
{
    struct mp_keys fresh;
    enum result r = mp_keys_load(site->config->keys, site->config->site, &fresh, err);
    if (r == OK && strcmp(fresh.pin, site->keys.pin) != 0)
        r = error_set(err, R_CONFLICT, "root.pem is another site root; that needs a new site");
    if (r == OK)
        r = store_bump(site->store, STORE_BUNDLE | STORE_LOCATION, err);
    if (r != OK) {
        mp_keys_free(&fresh);
        return r;
    }
    mp_keys_free(&site->keys);
    site->keys = fresh;
    return OK;
}
