/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet: names in one run of bytes, inputs beside them; and the names of the inputs' values. */
#include <stdlib.h>

#include "base/mem.h"
#include "plan/plan.h"

struct entry {
    size_t name;
    unsigned char len, input[PLAN_INPUTS];
};

struct plan_fleet {
    struct entry *entries;
    size_t count, room;
    char *names;
    size_t used, names_room;
};

struct plan_fleet *plan_fleet_new(void)
{
    return mem_zalloc(sizeof(struct plan_fleet));
}

void plan_fleet_free(struct plan_fleet *f)
{
    if (!f)
        return;
    free(f->entries);
    free(f->names);
    free(f);
}

enum result plan_fleet_add(struct plan_fleet *f, const struct plan_device *d, struct error *err)
{
    if (f->count == PLAN_DEVICES_MAX)
        return error_set(err, R_LIMIT, "more than %d devices; plan them in parts", PLAN_DEVICES_MAX);
    if (d->name.len > PLAN_NAME_MAX)
        return error_set(err, R_LIMIT, "the name is longer than %d bytes", PLAN_NAME_MAX);
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 1024;
        f->entries = mem_resize(f->entries, f->room, sizeof *f->entries);
    }
    if (f->used + d->name.len > f->names_room) {
        f->names_room = f->names_room ? f->names_room * 2 : 16 * 1024;
        f->names = mem_resize(f->names, f->names_room, 1);
    }
    struct entry *e = &f->entries[f->count++];
    *e = (struct entry){.name = f->used, .len = (unsigned char)d->name.len};
    memcpy(e->input, d->input, sizeof e->input);
    if (d->name.len > 0)
        memcpy(f->names + f->used, d->name.ptr, d->name.len);
    f->used += d->name.len;
    return OK;
}

size_t plan_fleet_count(const struct plan_fleet *f)
{
    return f->count;
}

void plan_fleet_get(const struct plan_fleet *f, size_t index, struct plan_device *ret)
{
    const struct entry *e = &f->entries[index];
    ret->name = slice_make(f->names + e->name, e->len);
    memcpy(ret->input, e->input, sizeof ret->input);
}

void plan_fleet_assume(struct plan_fleet *f, enum plan_input in, unsigned char value)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->entries[i].input[in] == 0)
            f->entries[i].input[in] = value;
    }
}

void plan_names_add(struct plan_names *names, size_t index)
{
    if (names->count < PLAN_EXAMPLES)
        names->index[names->count] = index;
    names->count++;
}

static int by_name(const void *a, const void *b, void *fleet)
{
    struct plan_device x, y;
    plan_fleet_get(fleet, *(const size_t *)a, &x);
    plan_fleet_get(fleet, *(const size_t *)b, &y);
    return slice_cmp_nocase(x.name, y.name);
}

size_t plan_fleet_repeated(const struct plan_fleet *f)
{
    size_t *order = mem_array(f->count ? f->count : 1, sizeof *order), repeated = 0;
    for (size_t i = 0; i < f->count; i++)
        order[i] = i;
    qsort_r(order, f->count, sizeof *order, by_name, (void *)(uintptr_t)f);
    for (size_t i = 1; i < f->count; i++)
        repeated += by_name(&order[i - 1], &order[i], (void *)(uintptr_t)f) == 0;
    free(order);
    return repeated;
}

/* --- inputs by name --- */

#define PARSE_AS(function, type)                                                                                       \
    static bool parse_##function(struct slice text, unsigned *ret)                                                     \
    {                                                                                                                  \
        type v;                                                                                                        \
        if (!choices_##function##_parse(text, &v))                                                                     \
            return false;                                                                                              \
        *ret = 1 + (unsigned)v;                                                                                        \
        return true;                                                                                                   \
    }
PARSE_AS(join, enum choice_join)
PARSE_AS(certificate, bool)
PARSE_AS(crl, enum choice_crl)
PARSE_AS(scenario, enum choice_scenario)

static bool parse_version(struct slice text, unsigned *ret)
{
    unsigned version;
    if (!choices_version_parse(text, &version))
        return false;
    *ret = version < CHOICES_TOKENS_SINCE ? 1 : 2;
    return true;
}

static bool parse_yes_no(struct slice text, unsigned *ret)
{
    enum choice_tri tri;
    if (!choices_tri_parse(text, &tri))
        return false;
    *ret = tri == CHOICE_UNKNOWN ? 0 : tri == CHOICE_NO ? 1 : 2;
    return true;
}

static const struct {
    const char *name, *expected;
    bool (*parse)(struct slice text, unsigned *ret);
    const char *values[5]; /* [0]: unknown */
} inputs[PLAN_INPUTS] = {
    [PLAN_JOIN] = {"join",
                   "none (workgroup), domain (ad), hybrid, entra or unknown",
                   parse_join,
                   {"unknown", "none", "domain", "hybrid", "entra"}},
    [PLAN_CERTIFICATE] = {"certificate",
                          "none (no), pki (yes) or unknown",
                          parse_certificate,
                          {"unknown", "none", "pki"}},
    [PLAN_VERSION] = {"version",
                      "YYMM as 1910 or 2002, a build 5.00.NNNN, or unknown",
                      parse_version,
                      {"unknown", "before 2002", "2002 or newer"}},
    [PLAN_CRL] = {"crl",
                  "internet, ad, internal, none or unknown",
                  parse_crl,
                  {"unknown", "internet", "ad", "internal", "none"}},
    [PLAN_SCENARIO] = {"scenario", "device, user or unknown", parse_scenario, {"unknown", "device", "user"}},
    [PLAN_ROOT] = {"root", "yes, no or unknown", parse_yes_no, {"unknown", "no", "yes"}},
    [PLAN_SIGN_IN] = {"user_sign_in", "yes, no or unknown", parse_yes_no, {"unknown", "no", "yes"}},
    [PLAN_ALLOWED] = {"cmg_allowed", "yes, no or unknown", parse_yes_no, {"unknown", "no", "yes"}},
};

const char *plan_input_name(enum plan_input in)
{
    return inputs[in].name;
}

const char *plan_input_expected(enum plan_input in)
{
    return inputs[in].expected;
}

/* What people and exports write into a cell of which nothing is known. */
static const char *const unknowns[] = {"?", "unknown", "n/a", "na", "null", "-"};

bool plan_input_parse(enum plan_input in, struct slice text, unsigned char *ret)
{
    struct slice t = slice_trim(text);
    unsigned value = 0;
    bool unknown = t.len == 0;
    for (size_t i = 0; i < ARRAY_LEN(unknowns); i++)
        unknown = unknown || slice_eq_nocase(t, slice_of(unknowns[i]));
    if (!unknown && !inputs[in].parse(t, &value))
        return false;
    *ret = (unsigned char)value;
    return true;
}
