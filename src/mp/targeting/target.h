/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a policy reaches: every device, or those of its collections; there the device itself, or its users. Pure. */
#ifndef MP_TARGETING_TARGET_H
#define MP_TARGETING_TARGET_H

#include "store/targeting/policy.h"
#include "json/json.h"

enum { MP_TARGET_WHY_SIZE = 256 };

/* Does it reach a device that these collections (names) have, or (user not NULL) this user there? `why` says so in
 * words. */
bool mp_target_reaches(const struct store_policy *p, const json_t *collections, const char *user,
                       char why[MP_TARGET_WHY_SIZE]);

#endif
