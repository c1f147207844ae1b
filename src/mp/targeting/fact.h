/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that rules ask for: `os.version<13`, `disk.free<5%`. A report becomes lines of them, which the store keeps with
 * the device, so that a rule is judged without the report. One table; pure.
 *
 * A fact is the device's own word: see docs/operations.md on what may hang on it.
 */
#ifndef MP_TARGETING_FACT_H
#define MP_TARGETING_FACT_H

#include "base/error.h"
#include "base/slice.h"
#include "json/json.h"

/* Of all lines of a device, and of what one says. */
enum { MP_FACTS_MAX = 4096, MP_FACT_VALUE_MAX = 128 };

struct mp_fact;
/* "os.version", "script.NAME" or "script.NAME.MEMBER"; NULL: rules ask for no such fact. */
const struct mp_fact *mp_fact_find(struct slice name);
const char *mp_fact_form(const struct mp_fact *f); /* what a value looks like */
bool mp_fact_ordered(const struct mp_fact *f);     /* takes < <= > >= too */
bool mp_fact_valid(const struct mp_fact *f, struct slice value);
/* What the device has, held against a rule's value: <0, 0, >0. */
int mp_fact_compare(const struct mp_fact *f, struct slice held, struct slice value);
/* Names for people: "os.name, os.version, …". */
const char *mp_fact_names(void);

/* The lines of checked facts, malloc'ed: "os.version=13\n". Of more than MP_FACTS_MAX the last ones are left out. */
char *mp_fact_lines(const json_t *facts);
/* What a line says; false: there is none. */
MUST_USE bool mp_fact_of(const char *lines, struct slice name, struct slice *ret);
/* The lines as an object of texts, for people. */
json_t *mp_fact_json(const char *lines);

#endif
