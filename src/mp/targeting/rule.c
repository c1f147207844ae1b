/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on a device's record. */
#include "mp/targeting/rule.h"

#include <stdio.h>

#include "choices/choices.h"
#include "mp/targeting/fact.h"

bool mp_rule_glob(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.len) {
        bool any = p < pattern.len && pattern.ptr[p] == '*';
        if (any) {
            star = p++;
            from = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' ||
                                       slice_eq_nocase(slice_make(pattern.ptr + p, 1), slice_make(text.ptr + t, 1)))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* the last star takes one byte more */
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* --- fields: how a value is compared with the record's (<0, 0, >0), and what a value may be --- */

/* The name that somebody else than the device stands for; `*` is any, and so asks for none. */
static int by_name(const struct store_device *d, struct slice value)
{
    return mp_rule_glob(value, slice_of(d->vouched_name)) ? 0 : 1;
}

static bool has_name(const struct store_device *d, struct slice value)
{
    return *d->vouched_name || mp_rule_glob(value, SLICE(""));
}

static bool has_any(const struct store_device *d, struct slice value)
{
    (void)d;
    (void)value;
    return true;
}

static int by_method(const struct store_device *d, struct slice value)
{
    return slice_eq_nocase(value, slice_of(d->method)) ? 0 : 1;
}

/* Only what was proven to the site counts. */
static int by_join(const struct store_device *d, struct slice value)
{
    const char *join = *d->entra_device ? "entra" : "none";
    return slice_eq_nocase(value, slice_of(join)) ? 0 : 1;
}

static int by_version(const struct store_device *d, struct slice value)
{
    unsigned version;
    if (!choices_version_parse(value, &version))
        return 1;
    return (d->client_version > version) - (d->client_version < version);
}

static bool any_text(struct slice v)
{
    return v.len > 0;
}

static bool is_method(struct slice v)
{
    enum choice_client ignored;
    return choices_client_parse(v, &ignored);
}

static bool is_join(struct slice v)
{
    return slice_eq_nocase(v, SLICE("entra")) || slice_eq_nocase(v, SLICE("none"));
}

static bool is_version(struct slice v)
{
    unsigned ignored;
    return choices_version_parse(v, &ignored);
}

static const struct field {
    const char *name, *form;
    bool ordered; /* takes < <= > >= too */
    bool (*valid)(struct slice value);
    int (*compare)(const struct store_device *d, struct slice value);
    bool (*known)(const struct store_device *d, struct slice value); /* false: no condition on it holds */
} fields[] = {
    {"name", "a pattern: LAB-*", false, any_text, by_name, has_name},
    {"method", "pki, entra or token", false, is_method, by_method, has_any},
    {"join", "entra or none", false, is_join, by_join, has_any},
    {"version", "YYMM (2002) or 5.00.NNNN", true, is_version, by_version, has_any},
};

static const struct comparison {
    const char *text;
    bool ordered, less, equal, greater; /* the results of compare for which it holds */
} comparisons[] = {
    {"!=", false, true, false, true}, {"<=", true, true, true, false}, {">=", true, false, true, true},
    {"=", false, false, true, false}, {"<", true, true, false, false}, {">", true, false, false, true},
};

struct condition {
    const struct field *field; /* of the record, or NULL: */
    const struct mp_fact *fact;
    struct slice name;
    const struct comparison *comparison;
    struct slice value;
};

static bool read_condition(struct slice text, struct condition *ret)
{
    size_t at = 0;
    *ret = (struct condition){0};
    while (at < text.len && !memchr("!<>=", text.ptr[at], 4))
        at++;
    struct slice rest = slice_skip(text, at);
    ret->name = slice_trim(slice_make(text.ptr, at));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (slice_eq_nocase(ret->name, slice_of(fields[i].name)))
            ret->field = &fields[i];
    }
    ret->fact = ret->field ? NULL : mp_fact_find(ret->name);
    for (size_t i = 0; i < ARRAY_LEN(comparisons) && !ret->comparison; i++) {
        if (slice_starts(rest, slice_of(comparisons[i].text)))
            ret->comparison = &comparisons[i];
    }
    if ((!ret->field && !ret->fact) || !ret->comparison)
        return false;
    ret->value = slice_trim(slice_skip(rest, strlen(ret->comparison->text)));
    bool ordered = ret->field ? ret->field->ordered : mp_fact_ordered(ret->fact);
    return (ordered || !ret->comparison->ordered) &&
           (ret->field ? ret->field->valid(ret->value) : mp_fact_valid(ret->fact, ret->value));
}

static enum result wrong(struct slice text, const struct condition *c, struct error *err)
{
    if (c->field || c->fact)
        return error_set(err, R_INVALID, "'%" PRIslice "': %" PRIslice " is compared by = and !=%s with %s",
                         SLICE_ARG(text), SLICE_ARG(c->name),
                         (c->field ? c->field->ordered : mp_fact_ordered(c->fact)) ? ", <, <=, >, >=" : "",
                         c->field ? c->field->form : mp_fact_form(c->fact));
    return error_set(err, R_INVALID,
                     "'%" PRIslice "' is no condition; write name=LAB-*, method=token, join=entra, "
                     "version>=2002 or os.version<13, several with commas between; facts are %s",
                     SLICE_ARG(text), mp_fact_names());
}

enum result mp_rule_check(struct slice rule, struct error *err)
{
    struct condition c;
    if (rule.len > MP_RULE_MAX || memchr(rule.ptr ? rule.ptr : "", '\n', rule.len))
        return error_set(err, R_INVALID, "a rule is one line of at most %d bytes", MP_RULE_MAX);
    do {
        struct slice one = slice_trim(slice_cut(&rule, ','));
        if (!read_condition(one, &c))
            return wrong(one, &c, err);
    } while (rule.ptr);
    return OK;
}

/* False: what the condition asks for is not known of the device. */
static bool compare(const struct condition *c, const struct store_device *d, int *ret)
{
    struct slice held;
    if (c->field) {
        *ret = c->field->compare(d, c->value);
        return c->field->known(d, c->value);
    }
    if (!d->facts || !mp_fact_of(d->facts, c->name, &held))
        return false;
    *ret = mp_fact_compare(c->fact, held, c->value);
    return true;
}

bool mp_rule_holds(struct slice rule, const struct store_device *d)
{
    struct condition c;
    do {
        if (!read_condition(slice_trim(slice_cut(&rule, ',')), &c))
            return false;
        int order = 0;
        if (!compare(&c, d, &order))
            return false;
        if (order < 0 ? !c.comparison->less : order > 0 ? !c.comparison->greater : !c.comparison->equal)
            return false;
    } while (rule.ptr);
    return true;
}

bool mp_rules_hold(const char *rules, const struct store_device *d)
{
    struct slice rest = slice_of(rules);
    while (rest.len) {
        if (mp_rule_holds(slice_cut(&rest, '\n'), d))
            return true;
    }
    return false;
}
