/* SPDX-License-Identifier: Apache-2.0 */
/* The table of facts that rules know, and how each is read from a report and compared. */
#include "mp/targeting/fact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "conf/units.h"
#include "mp/put.h"
#include "mp/targeting/rule.h"

/* --- kinds of values --- */

static int order_of(uint64_t held, uint64_t wanted)
{
    return (held > wanted) - (held < wanted);
}

static bool any_text(struct slice v)
{
    return v.len > 0;
}

static int by_text(struct slice held, struct slice value)
{
    return mp_rule_glob(value, held) ? 0 : 1;
}

/* Digits in a row count as a number, all else byte by byte; the end comes first: 12 < 12.5 < 12.10 < 13. */
static int by_version(struct slice a, struct slice b)
{
    while (a.len && b.len) {
        uint64_t left = 0, right = 0;
        size_t m = 0, n = 0;
        while (m < a.len && a.ptr[m] >= '0' && a.ptr[m] <= '9')
            left = left * 10 + (uint64_t)(a.ptr[m++] - '0');
        while (n < b.len && b.ptr[n] >= '0' && b.ptr[n] <= '9')
            right = right * 10 + (uint64_t)(b.ptr[n++] - '0');
        if (m && n && left != right)
            return order_of(left, right);
        if (!m || !n) {
            unsigned char x = (unsigned char)*a.ptr, y = (unsigned char)*b.ptr;
            if (x != y)
                return x < y ? -1 : 1;
            m = n = 1;
        }
        a = slice_skip(a, m);
        b = slice_skip(b, n);
    }
    return (a.len > 0) - (b.len > 0);
}

static bool starts_with_digit(struct slice v)
{
    return v.len && v.ptr[0] >= '0' && v.ptr[0] <= '9';
}

/* "5%", "5" */
static bool read_percent(struct slice v, uint64_t *ret)
{
    if (v.len && v.ptr[v.len - 1] == '%')
        v.len--;
    return slice_to_u64(v, ret) && *ret <= 100;
}

static bool is_percent(struct slice v)
{
    uint64_t ignored;
    return read_percent(v, &ignored);
}

static int by_percent(struct slice held, struct slice value)
{
    uint64_t left = 0, right = 0;
    return read_percent(held, &left) && read_percent(value, &right) ? order_of(left, right) : 1;
}

static bool is_size(struct slice v)
{
    uint64_t ignored;
    return conf_parse_size(v, &ignored);
}

static int by_size(struct slice held, struct slice value)
{
    uint64_t left = 0, right = 0;
    return conf_parse_size(held, &left) && conf_parse_size(value, &right) ? order_of(left, right) : 1;
}

static bool is_flag(struct slice v)
{
    bool ignored;
    return conf_parse_bool(v, &ignored);
}

static int by_flag(struct slice held, struct slice value)
{
    bool left = false, right = false;
    return conf_parse_bool(held, &left) && conf_parse_bool(value, &right) && left == right ? 0 : 1;
}

/* "2027-01-31", which is its midnight, UTC */
static bool read_day(struct slice v, int64_t *ret)
{
    char text[32];
    return v.len == 10 && snprintf(text, sizeof text, "%.10sT00:00:00Z", v.ptr) > 0 &&
           clock_parse_rfc3339(slice_of(text), ret);
}

static bool is_day(struct slice v)
{
    int64_t ignored;
    return read_day(v, &ignored);
}

static int by_day(struct slice held, struct slice value)
{
    int64_t left = 0, right = 0;
    return read_day(held, &left) && read_day(value, &right) ? (left > right) - (left < right) : 1;
}

enum kind { TEXT, VERSION, NUMBER, PERCENT, SIZE, FLAG, DAY };
static const struct {
    const char *form;
    bool ordered;
    bool (*valid)(struct slice value);
    int (*compare)(struct slice held, struct slice value);
} kinds[] = {
    [TEXT] = {"a pattern: Debian*", false, any_text, by_text},
    [VERSION] = {"a version: 12.5", true, starts_with_digit, by_version},
    [NUMBER] = {"a number: 4", true, starts_with_digit, by_version},
    [PERCENT] = {"a percentage: 5%", true, is_percent, by_percent},
    [SIZE] = {"a size: 8GiB", true, is_size, by_size},
    [FLAG] = {"yes or no", false, is_flag, by_flag},
    [DAY] = {"a day: 2027-01-31", true, is_day, by_day},
};

/* --- how each is read from a report --- */

/* As the section has it. */
static json_t *read_member(const json_t *section, const char *member)
{
    return json_incref(json_object_get(section, member));
}

static json_t *find_least(const json_t *section, const char *member)
{
    json_t *item, *least = NULL;
    const char *ignored;
    json_object_foreach((json_t *)(uintptr_t)section, ignored, item) {
        json_t *value = json_object_get(item, member);
        if (json_is_integer(value) && (!least || json_integer_value(value) < json_integer_value(least)))
            least = value;
    }
    (void)ignored;
    return json_incref(least);
}

static json_t *read_first_day(const json_t *section, const char *member)
{
    char text[CLOCK_TEXT_SIZE];
    json_t *least = find_least(section, member), *ret = NULL;
    if (least) {
        clock_rfc3339(json_integer_value(least), text);
        ret = json_stringn(text, 10);
    }
    json_decref(least);
    return ret;
}

struct mp_fact {
    const char *name;
    enum kind kind;
    const char *section, *member;
    json_t *(*read)(const json_t *section, const char *member);
};
static const struct mp_fact facts[] = {
    {"os.id", TEXT, "os", "id", read_member},
    {"os.name", TEXT, "os", "name", read_member},
    {"os.version", VERSION, "os", "version", read_member},
    {"os.kernel", VERSION, "os", "kernel", read_member},
    {"system.vendor", TEXT, "system", "vendor", read_member},
    {"system.model", TEXT, "system", "model", read_member},
    {"system.machine", TEXT, "system", "machine", read_member},
    {"system.processors", NUMBER, "system", "processors", read_member},
    {"system.memory", SIZE, "system", "memory", read_member},
    {"disk.free", PERCENT, "disk", "free", find_least},
    {"tpm.present", FLAG, "tpm", "present", read_member},
    {"tpm.version", VERSION, "tpm", "version", read_member},
    {"certificate.ends", DAY, "certificate", "not_after", read_first_day},
};
static const struct mp_fact script_text = {"script.", TEXT, "script", NULL, NULL};

const struct mp_fact *mp_fact_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (slice_eq_nocase(name, slice_of(facts[i].name)))
            return &facts[i];
    }
    return slice_starts(name, SLICE("script.")) && name.len > strlen("script.") ? &script_text : NULL;
}

const char *mp_fact_form(const struct mp_fact *f)
{
    return kinds[f->kind].form;
}

bool mp_fact_ordered(const struct mp_fact *f)
{
    return kinds[f->kind].ordered || f == &script_text;
}

bool mp_fact_valid(const struct mp_fact *f, struct slice value)
{
    return kinds[f->kind].valid(value);
}

/* What a script says is a text by its pattern, and is ordered as a version. */
int mp_fact_compare(const struct mp_fact *f, struct slice held, struct slice value)
{
    if (f == &script_text)
        return mp_rule_glob(value, held) ? 0 : by_version(held, value) < 0 ? -1 : 1;
    return kinds[f->kind].compare(held, value);
}

const char *mp_fact_names(void)
{
    return "os.id, os.name, os.version, os.kernel, system.vendor, system.model, system.machine, system.processors, "
           "system.memory, disk.free, tpm.present, tpm.version, certificate.ends, script.NAME, script.NAME.MEMBER";
}

/* --- lines --- */

/* A value on one line; NULL or what is none: no line. */
static void put_line(struct buf *b, const char *name, const char *member, const json_t *value)
{
    char text[MP_FACT_VALUE_MAX + 1];
    if (json_is_integer(value))
        (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(text, sizeof text, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_string(value))
        (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(json_string_value(value), "\r\n"),
                       json_string_value(value));
    else
        return;
    utf8_mend_end(text);
    struct slice shown = slice_trim(slice_of(text));
    if (shown.len && utf8_all_shown(shown))
        (void)!buf_printf(b, "%s%s%s=%" PRIslice "\n", name, *member ? "." : "", member, SLICE_ARG(shown));
}

static bool is_word(const char *name)
{
    return *name && strlen(name) <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

/* What scripts said: a text, or an object of which each member counts. */
static void put_scripts(struct buf *b, const json_t *scripts)
{
    const char *name, *member;
    json_t *said, *value;
    char line[96];
    json_object_foreach((json_t *)(uintptr_t)scripts, name, said) {
        if (!is_word(name))
            continue;
        (void)snprintf(line, sizeof line, "script.%s", name);
        put_line(b, line, "", said);
        json_object_foreach(said, member, value) {
            if (is_word(member))
                put_line(b, line, member, value);
        }
    }
}

char *mp_fact_lines(const json_t *report)
{
    struct buf b;
    buf_init(&b, MP_FACTS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        json_t *value = facts[i].read(json_object_get(report, facts[i].section), facts[i].member);
        put_line(&b, facts[i].name, "", value);
        json_decref(value);
    }
    put_scripts(&b, json_object_get(report, "script"));
    return buf_take_str(&b);
}

bool mp_fact_of(const char *lines, struct slice name, struct slice *ret)
{
    struct slice rest = slice_of(lines);
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), key = slice_cut(&value, '=');
        if (slice_eq_nocase(key, name)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

json_t *mp_fact_json(const char *lines)
{
    struct slice rest = slice_of(lines);
    json_t *ret = json_object();
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), key = slice_cut(&value, '=');
        json_t *name = json_stringn(key.ptr, key.len);
        mp_put(ret, json_string_value(name), json_stringn(value.ptr, value.len));
        json_decref(name);
    }
    return ret;
}
