/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table endpoint. */
#include "store/site/endpoint.h"

#include "store/row.h"
#include "store/sequence.h"

enum { ALL = STORE_BUNDLE | STORE_CONNECTORS | STORE_LOCATION };

#define COLUMNS                                                                                                        \
    "id, role, name, host, auth, purpose, methods, max_body, headers, management_point, url, anchors_pem, "            \
    "upstream_host, answer_s, allow_encoded_slash, websocket, client_anchors, "                                        \
    "keep_host, x_forwarded"
#define INSERT                                                                                                         \
    "INSERT INTO endpoint (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "    \
    "$16, $17, $18, $19) "
#define PARAMS(e)                                                                                                      \
    STORE_PARAMS(STORE_T((e)->id), STORE_T((e)->role), STORE_T((e)->name), STORE_T((e)->host), STORE_T((e)->auth),     \
                 STORE_T((e)->purpose), STORE_T((e)->methods), STORE_N((e)->max_body), STORE_T((e)->headers),          \
                 STORE_N((e)->management_point), STORE_T((e)->url), STORE_T((e)->anchors_pem),                         \
                 STORE_T((e)->upstream_host), STORE_N((e)->answer_s), STORE_N((e)->allow_encoded_slash),               \
                 STORE_N((e)->websocket), STORE_T((e)->client_anchors ? (e)->client_anchors : ""),                     \
                 STORE_N((e)->keep_host), STORE_N((e)->x_forwarded))

static void read_endpoint(struct store_reader *r, void *ret)
{
    struct store_endpoint *e = ret;
    e->id = store_read_text(r, 0);
    e->role = store_read_text(r, 1);
    e->name = store_read_text(r, 2);
    e->host = store_read_text(r, 3);
    e->auth = store_read_text(r, 4);
    e->purpose = store_read_text(r, 5);
    e->methods = store_read_text(r, 6);
    e->max_body = store_read_int(r, 7);
    e->headers = store_read_text(r, 8);
    e->management_point = store_read_int(r, 9) != 0;
    e->url = store_read_text(r, 10);
    e->anchors_pem = store_read_text_opt(r, 11);
    e->upstream_host = store_read_text(r, 12);
    e->answer_s = store_read_int(r, 13);
    e->allow_encoded_slash = store_read_int(r, 14) != 0;
    e->websocket = store_read_int(r, 15) != 0;
    e->client_anchors = store_read_text(r, 16);
    e->keep_host = store_read_int(r, 17) != 0;
    e->x_forwarded = store_read_int(r, 18) != 0;
}

/* Something of it changed, or it is new. */
static enum result write_one(struct store *s, const char *sql, const struct store_endpoint *e, struct error *err)
{
    int64_t changed;
    enum result r = store_exec(s, sql, PARAMS(e), &changed, err);
    if (r == R_CONFLICT)
        return error_set(err, r, "an endpoint with the id '%s', or at the same path or host, exists already", e->id);
    return r == OK && changed ? store_bump(s, ALL, err) : r;
}

enum result store_endpoint_add(struct store *s, const struct store_endpoint *e, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, write_one(s, INSERT, e, err), err) : r;
}

enum result store_endpoint_put(struct store *s, const struct store_endpoint *e, struct error *err)
{
    static const char sql[] =
        INSERT "ON CONFLICT (id) DO UPDATE SET role = $2, name = $3, host = $4, auth = $5, purpose = $6, methods = $7, "
               "max_body = $8, headers = $9, management_point = $10, url = $11, anchors_pem = $12, "
               "upstream_host = $13, answer_s = $14, allow_encoded_slash = $15, websocket = $16, client_anchors = $17, "
               "keep_host = $18, x_forwarded = $19 "
               "WHERE endpoint.role <> "
               "$2 OR endpoint.name <> $3 OR "
               "endpoint.host <> $4 OR endpoint.auth <> $5 OR endpoint.purpose <> $6 OR endpoint.methods <> $7 OR "
               "endpoint.max_body <> $8 OR endpoint.headers <> $9 OR endpoint.management_point <> $10 OR "
               "endpoint.url <> $11 OR COALESCE(endpoint.anchors_pem, '') <> COALESCE($12, '') OR "
               "endpoint.upstream_host <> $13 OR endpoint.answer_s <> $14 OR endpoint.allow_encoded_slash <> $15 OR "
               "endpoint.websocket <> $16 OR endpoint.client_anchors <> $17 OR endpoint.keep_host <> $18 OR "
               "endpoint.x_forwarded <> $19";
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, write_one(s, sql, e, err), err) : r;
}

enum result store_endpoint_get(struct store *s, struct arena *a, const char *id, struct store_endpoint *ret,
                               struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS " FROM endpoint WHERE id = $1", sizeof *ret,
                                               read_endpoint};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, "endpoint of this id", err);
}

enum result store_endpoint_list(struct store *s, struct arena *a, struct store_endpoint **ret, size_t *ret_count,
                                struct error *err)
{
    static const struct store_select select = {"SELECT " COLUMNS " FROM endpoint ORDER BY id", sizeof **ret,
                                               read_endpoint};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_endpoint_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM endpoint WHERE id = $1", STORE_PARAMS(STORE_T(id)), "endpoint of this id", err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}
