/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the certificates that a gateway reported with the names that are published there. Pure. */
#include "mp/watch/names.h"

#include "mp/put.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"
#include "json/json.h"

enum { CERTIFICATES_MAX = 16, TOLD_MAX = 16 };

struct shown {
    X509 *leaves[CERTIFICATES_MAX];
    size_t count;
};

/* false: one of them is not known. */
static bool read_shown(const json_t *report, struct shown *ret)
{
    const json_t *list = json_object_get(report, "server_certificates"), *c;
    size_t i;
    *ret = (struct shown){.count = 0};
    json_array_foreach(list, i, c) {
        if (ret->count == CERTIFICATES_MAX ||
            pki_cert_read(slice_of(json_opt_str(c, "pem", "")), &ret->leaves[ret->count], NULL) != OK)
            return false;
        ret->count++;
    }
    return ret->count > 0;
}

static void free_shown(struct shown *s)
{
    for (size_t i = 0; i < s->count; i++)
        X509_free(s->leaves[i]);
}

static void look_for(const struct shown *s, const char *host, const char *endpoint, json_t *missing)
{
    for (size_t i = 0; i < s->count; i++) {
        if (pki_cert_is_for(s->leaves[i], host))
            return;
    }
    if (json_array_size(missing) < TOLD_MAX)
        mp_push(missing, json_pack("{s:s, s:s?}", "host", host, "endpoint", endpoint));
}

json_t *mp_status_names_missing(const struct mp_names *n, const struct store_gateway *g, const json_t *report)
{
    struct shown shown;
    json_t *missing = json_array();
    bool known = read_shown(report, &shown);
    if (known)
        look_for(&shown, g->host, NULL, missing);
    for (size_t i = 0; known && i < n->endpoint_count; i++) {
        if (*n->endpoints[i].host)
            look_for(&shown, n->endpoints[i].host, n->endpoints[i].id, missing);
    }
    free_shown(&shown);
    return missing;
}
