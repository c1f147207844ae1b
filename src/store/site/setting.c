/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as one table. */
#include "store/site/setting.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/sequence.h"

enum { DAY = 86400, TEXT_MAX = 64 * 1024 };

const struct store_setting_info store_settings[] = {
    {"crl_check", "on", "on|off", 0, 0, "are certificates checked for revocation?"},
    {"on_unavailable", "fail", "fail|allow", 0, 0, "what happens when no usable CRL is at hand"},
    {"bundle_max_age", "86400", NULL, 60, 30 * DAY, "seconds for which a gateway works without hearing of the site"},
    {"renewal_grace", "7776000", NULL, 0, 365 * DAY, "seconds for which an expired device token still renews; 0: not"},
    {"approval", "auto", "auto|manual", 0, 0, "are devices that prove themselves approved at once?"},
    {"waiting_expiry", "1209600", NULL, 0, 365 * DAY,
     "seconds after which a registration that nobody vouched for, and that nobody approved, is gone; 0: never"},
    {"alert_check", "30", NULL, 1, 3600,
     "seconds between two looks for what alerts tell (cmg alerts); what three looks do not find is over"},
    {"gateway_ca_pem", "", NULL, 0, 0,
     "the CA of the gateways' server certificates, for enrolment files; \"\": public"},
    {0},
};

const struct store_setting_info *store_setting_find(struct slice name)
{
    for (const struct store_setting_info *i = store_settings; i->name; i++) {
        if (slice_eq(name, slice_of(i->name)))
            return i;
    }
    return NULL;
}

static enum result find(struct slice name, const struct store_setting_info **ret, struct error *err)
{
    *ret = store_setting_find(name);
    return *ret ? OK : error_set(err, R_NOTFOUND, "there is no setting '%.*s'", SLICE_ARG(name));
}

enum result store_setting_get(struct store *s, const char *name, char **ret, struct error *err)
{
    const struct store_setting_info *info;
    struct store_rows *rows;
    enum result r = find(slice_of(name), &info, err);
    if (r == OK)
        r = store_query(s, "SELECT value FROM setting WHERE name = $1", STORE_PARAMS(STORE_T(name)), &rows, err);
    if (r != OK)
        return r;
    r = store_rows_next(rows, err);
    if (r == OK)
        *ret = slice_dup(store_rows_text(rows, 0));
    else if (r == R_EOF)
        *ret = mem_strdup(info->fallback);
    store_rows_free(rows);
    return r == R_EOF ? OK : r;
}

enum result store_setting_get_int(struct store *s, const char *name, int64_t *ret, struct error *err)
{
    char *text;
    uint64_t number;
    enum result r = store_setting_get(s, name, &text, err);
    if (r != OK)
        return r;
    if (slice_to_u64(slice_of(text), &number) && number <= INT64_MAX)
        *ret = (int64_t)number;
    else
        r = error_set(err, R_INVALID, "the setting %s is not a number", name);
    free(text);
    return r;
}

enum result store_setting_is(struct store *s, const char *name, const char *word, bool *ret, struct error *err)
{
    char *text;
    enum result r = store_setting_get(s, name, &text, err);
    if (r != OK)
        return r;
    *ret = strcmp(text, word) == 0;
    free(text);
    return OK;
}

static bool is_choice(const char *choices, struct slice value)
{
    struct slice rest = slice_of(choices);
    while (rest.ptr) {
        if (slice_eq(slice_cut(&rest, '|'), value))
            return true;
    }
    return false;
}

static enum result check(const struct store_setting_info *info, struct slice value, struct error *err)
{
    uint64_t number;
    if (info->choices && !is_choice(info->choices, value))
        return error_set(err, R_INVALID, "%s takes one of %s", info->name, info->choices);
    if (info->max > 0 &&
        (!slice_to_u64(value, &number) || number > (uint64_t)info->max || number < (uint64_t)info->min))
        return error_set(err, R_INVALID, "%s takes seconds from %" PRId64 " to %" PRId64, info->name, info->min,
                         info->max);
    if (value.len > TEXT_MAX)
        return error_set(err, R_LIMIT, "%s takes at most %d bytes", info->name, TEXT_MAX);
    return OK;
}

static enum result put(struct store *s, const char *name, struct slice value, struct error *err)
{
    enum result r = store_exec(s,
                               "INSERT INTO setting (name, value) VALUES ($1, $2) "
                               "ON CONFLICT (name) DO UPDATE SET value = $2",
                               STORE_PARAMS(STORE_T(name), STORE_S(value)), NULL, err);
    return r == OK ? store_bump(s, STORE_BUNDLE | STORE_CONNECTORS, err) : r; /* who judges certificates */
}

enum result store_setting_put(struct store *s, const char *name, struct slice value, struct error *err)
{
    const struct store_setting_info *info;
    enum result r = find(slice_of(name), &info, err);
    if (r == OK)
        r = check(info, value, err);
    if (r == OK)
        r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    return store_end(s, put(s, name, value, err), err);
}
