/* SPDX-License-Identifier: Apache-2.0 */
/* From which hosts gateways may fetch lists that certificates below an anchor point to (PROTOCOL 3). */
#include "mp/admin/fetch_hosts.h"

#include "base/ascii.h"
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "net/address.h"
#include "store/site/trust.h"

enum { HOSTS_MAX = 16, HTTP_PORT = 80 };

/* A name or an IPv4 address, as it stands in the authority of a URL. */
static bool is_host(char *host)
{
    for (char *c = host; *c; c++) {
        *c = ascii_lower(*c);
        if (!ascii_is_alnum_or(*c, ".-"))
            return false;
    }
    return *host != '\0';
}

static enum result take(struct mp_request *r, const char *text, const char **words, struct error *err)
{
    char host[NET_HOST_MAX];
    uint16_t port;
    struct error why;
    if (net_host_parse(slice_of(text), HTTP_PORT, host, &port, &why) != OK || !port || !is_host(host))
        return error_set(err, R_INVALID, "'%.100s' is no HOST or HOST:PORT, as pki.example.com or pki.example.com:8080",
                         text);
    const char *sep = **words ? " " : "";
    *words = port == HTTP_PORT ? arena_printf(r->arena, "%s%s%s", *words, sep, host).ptr
                               : arena_printf(r->arena, "%s%s%s:%u", *words, sep, host, port).ptr;
    return OK;
}

enum result mp_admin_fetch_hosts_read(struct mp_request *r, const json_t *body, const char **ret, struct error *err)
{
    const json_t *list = json_object_get(body, "fetch_hosts");
    *ret = "";
    if (list && (!json_is_array(list) || json_array_size(list) > HOSTS_MAX))
        return error_set(err, R_INVALID, "'fetch_hosts' is a list of at most %d hosts", HOSTS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        enum result result = text ? take(r, text, ret, err) : error_set(err, R_INVALID, "'fetch_hosts' holds texts");
        if (result != OK)
            return result;
    }
    return OK;
}

static enum result put(struct mp_request *r, const json_t *body, const char **hosts, struct error *err)
{
    enum result result = mp_admin_fetch_hosts_read(r, body, hosts, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_trust_set_fetch_hosts(r->site->store, r->params[0], *hosts, err);
    return mp_admin_commit(r, result, "trust.fetch-hosts", r->params[0], *hosts, err);
}

void mp_admin_fetch_hosts_put(struct mp_request *r)
{
    struct error err;
    const char *hosts;
    json_t *body = mp_admin_body(r);
    if (body && put(r, body, &hosts, &err) == OK)
        mp_answer_json(r, 200, json_pack("{s:s, s:o}", "id", r->params[0], "fetch_hosts", mp_content_words(hosts)));
    else if (body)
        mp_admin_fail(r, &err, "name the anchor by its id: cmg trust list");
    json_decref(body);
}
