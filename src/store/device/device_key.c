/* SPDX-License-Identifier: Apache-2.0 */
/* What a device proves itself with: rows of tables device_certificate, device_token and renewal. */
#include "store/device/device.h"
#include "store/row.h"

enum { DAY_S = 86400 };

/* --- certificates --- */

static void read_certificate(struct store_reader *r, void *ret)
{
    struct store_certificate *c = ret;
    c->sha256 = store_read_text(r, 0);
    c->guid = store_read_text(r, 1);
    c->subject = store_read_text(r, 2);
    c->not_after = store_read_int(r, 3);
    c->added = store_read_int(r, 4);
    c->pem = store_read_text(r, 5);
    c->vouched = store_read_int(r, 6) != 0;
}

#define CERTIFICATE                                                                                                    \
    "SELECT c.sha256, c.guid, c.subject, c.not_after, c.added, c.pem, c.vouched FROM device_certificate c "

static enum result put_certificate(struct store *s, const struct store_certificate *c, bool *ret_new, struct error *err)
{
    int64_t added;
    enum result r =
        store_exec(s,
                   "INSERT INTO device_certificate (sha256, guid, subject, not_after, added, pem, vouched) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO UPDATE SET vouched = 1 "
                   "WHERE device_certificate.vouched = 0 AND excluded.vouched = 1",
                   STORE_PARAMS(STORE_T(c->sha256), STORE_T(c->guid), STORE_T(c->subject), STORE_N(c->not_after),
                                STORE_N(c->added), STORE_T(c->pem), STORE_N(c->vouched)),
                   &added, err);
    if (r != OK)
        return r;
    *ret_new = added > 0;
    r = store_exec(s, "UPDATE device_certificate SET anchor = $2 WHERE sha256 = $1 AND anchor <> $2 AND $2 <> ''",
                   STORE_PARAMS(STORE_T(c->sha256), STORE_T(c->anchor ? c->anchor : "")), NULL, err);
    if (r != OK)
        return r;
    return store_exec(
        s,
        "DELETE FROM device_certificate WHERE guid = $1 AND sha256 <> $2 AND sha256 NOT IN "
        "(SELECT sha256 FROM device_certificate WHERE guid = $1 ORDER BY vouched DESC, added DESC, sha256 LIMIT $3)",
        STORE_PARAMS(STORE_T(c->guid), STORE_T(c->sha256), STORE_N(STORE_CERTIFICATES_A_DEVICE)), NULL, err);
}

enum result store_certificate_put(struct store *s, const struct store_certificate *c, bool *ret_new, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, put_certificate(s, c, ret_new, err), err) : r;
}

enum result store_certificate_get(struct store *s, struct arena *a, const char *sha256, struct store_certificate *ret,
                                  struct error *err)
{
    static const struct store_select select = {CERTIFICATE "WHERE c.sha256 = $1", sizeof *ret, read_certificate};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(sha256)), a, ret, "device with this certificate", err);
}

enum result store_certificate_list(struct store *s, struct arena *a, const char *guid, struct store_certificate **ret,
                                   size_t *ret_count, struct error *err)
{
    static const struct store_select select = {CERTIFICATE "WHERE c.guid = $1 ORDER BY c.added, c.sha256", sizeof **ret,
                                               read_certificate};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(guid)), a, ret, ret_count, err);
}

enum result store_certificate_list_of_page(struct store *s, struct arena *a, const char *first, const char *last,
                                           int64_t limit, struct store_certificate **ret, size_t *ret_count,
                                           struct error *err)
{
    static const struct store_select select = {
        "SELECT c.sha256, c.guid, c.subject, c.not_after, c.added, '', c.vouched FROM device_certificate c "
        "WHERE c.guid >= $1 AND c.guid <= $2 ORDER BY c.guid, c.added, c.sha256 LIMIT $3",
        sizeof **ret, read_certificate};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(first), STORE_T(last), STORE_N(limit)), a, ret, ret_count,
                            err);
}

/* Two index lookups, which PostgreSQL sees too. */
enum result store_certificate_list_of_machine(struct store *s, struct arena *a, const char *machine,
                                              struct store_certificate **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        CERTIFICATE "JOIN device d ON d.guid = c.guid WHERE d.machine = $1 AND c.vouched = 1 "
                    "ORDER BY c.added DESC, c.sha256 LIMIT $2",
        sizeof **ret, read_certificate};
    return store_select_all(s, &select, STORE_PARAMS(STORE_T(machine), STORE_N(STORE_CERTIFICATES_A_DEVICE)), a, ret,
                            ret_count, err);
}

/* --- tokens --- */

static enum result add_token(struct store *s, const char *guid, const char *id, int64_t issued, int64_t expires,
                             struct error *err)
{
    enum result r = store_exec(s,
                               "INSERT INTO device_token (id, guid, issued, expires, superseded) "
                               "VALUES ($1, $2, $3, $4, 0)",
                               STORE_PARAMS(STORE_T(id), STORE_T(guid), STORE_N(issued), STORE_N(expires)), NULL, err);
    if (r != OK)
        return r;
    return store_exec(
        s,
        "DELETE FROM device_token WHERE guid = $1 AND id <> $2 AND id NOT IN (SELECT id FROM device_token "
        "WHERE guid = $1 ORDER BY issued DESC, id LIMIT $3)",
        STORE_PARAMS(STORE_T(guid), STORE_T(id), STORE_N(STORE_TOKENS_A_DEVICE)), NULL, err);
}

enum result store_device_token_add(struct store *s, const char *guid, const char *id, int64_t issued, int64_t expires,
                                   struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add_token(s, guid, id, issued, expires, err), err) : r;
}

enum result store_device_token_check(struct store *s, const char *guid, const char *id, int64_t now, struct error *err)
{
    int64_t superseded;
    enum result r = store_query_int(s, "SELECT superseded FROM device_token WHERE id = $1 AND guid = $2",
                                    STORE_PARAMS(STORE_T(id), STORE_T(guid)), &superseded, err);
    if (r == R_NOTFOUND)
        return error_set(err, R_DENIED, "this device token no longer counts");
    if (r == OK && superseded && superseded < now)
        return error_set(err, R_DENIED, "this device token was renewed more than a day ago");
    return r;
}

static enum result renew(struct store *s, const char *guid, const char *old_id, int64_t now, struct error *err)
{
    int64_t tries;
    enum result r = store_exec(s, "DELETE FROM renewal WHERE guid = $1 AND (at <= $2 OR at > $3)",
                               STORE_PARAMS(STORE_T(guid), STORE_N(now - DAY_S), STORE_N(now + DAY_S)), NULL, err);
    if (r == OK)
        r = store_query_int(s, "SELECT COUNT(*) FROM renewal WHERE guid = $1", STORE_PARAMS(STORE_T(guid)), &tries,
                            err);
    if (r == OK && tries >= STORE_RENEWALS_A_DAY)
        return error_set(err, R_LIMIT, "a device token is renewed at most %d times a day", STORE_RENEWALS_A_DAY);
    if (r == OK)
        r = store_exec(s, "INSERT INTO renewal (guid, at) VALUES ($1, $2)", STORE_PARAMS(STORE_T(guid), STORE_N(now)),
                       NULL, err);
    if (r == OK)
        r = store_exec(s, "UPDATE device_token SET superseded = $3 WHERE id = $1 AND guid = $2 AND superseded = 0",
                       STORE_PARAMS(STORE_T(old_id), STORE_T(guid), STORE_N(now + STORE_SUPERSEDED_S)), NULL, err);
    return r;
}

enum result store_device_token_renew(struct store *s, const char *guid, const char *old_id, int64_t now,
                                     struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, renew(s, guid, old_id, now, err), err) : r;
}

/* --- tokens that end --- */

static void read_ending(struct store_reader *r, void *ret)
{
    struct store_device_ending *e = ret;
    e->guid = store_read_text(r, 0);
    e->name = store_read_text(r, 1);
    e->last_seen = store_read_int(r, 2);
    e->expires = store_read_int(r, 3);
}

/* Index device_token_last holds those that were not renewed. */
#define ENDING                                                                                                         \
    "FROM device_token t JOIN device d ON d.guid = t.guid WHERE t.superseded = 0 AND t.expires >= $1 AND "             \
    "t.expires <= $2 AND d.state = 'approved' AND d.blocked = 0 AND NOT EXISTS (SELECT 1 FROM device_token n WHERE "   \
    "n.guid = t.guid AND n.expires > t.expires)"

enum result store_device_token_ending(struct store *s, struct arena *a, int64_t from, int64_t to, int64_t limit,
                                      int64_t *ret_all, struct store_device_ending **ret, size_t *ret_count,
                                      struct error *err)
{
    static const struct store_select select = {"SELECT d.guid, d.name, d.last_seen, t.expires " ENDING
                                               " ORDER BY t.expires, t.id LIMIT $3",
                                               sizeof **ret, read_ending};
    enum result r =
        store_query_int(s, "SELECT COUNT(*) " ENDING, STORE_PARAMS(STORE_N(from), STORE_N(to)), ret_all, err);
    if (r != OK)
        return r;
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(from), STORE_N(to), STORE_N(limit)), a, ret, ret_count,
                            err);
}
