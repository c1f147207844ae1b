/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule of a collection: conditions with commas between, all of which must hold: `name=LAB-*,version>=2002`. A
 * collection has the devices of any of its rules. One table of fields of the record, and one of facts
 * (mp/targeting/fact.h); pure. A name that the device only told of itself
 * meets no condition (PROTOCOL 8), neither = nor !=; nor does a fact that is not known.
 */
#ifndef MP_TARGETING_RULE_H
#define MP_TARGETING_RULE_H

#include "store/device/device.h"

enum { MP_RULE_MAX = 512 };

/* R_INVALID names the condition, what is wrong with it, and what there is. */
MUST_USE enum result mp_rule_check(struct slice rule, struct error *err);
/* Does the device meet it? A rule that is none holds for nobody. */
bool mp_rule_holds(struct slice rule, const struct store_device *d);

/* Does it meet any of the rules, one a line? */
bool mp_rules_hold(const char *rules, const struct store_device *d);

/* `*` any text, `?` one byte; ASCII case is ignored. */
bool mp_rule_glob(struct slice pattern, struct slice text);

#endif
