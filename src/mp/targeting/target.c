/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing a policy's targets with what the caller found of the device. Pure. */
#include "mp/targeting/target.h"

#include <stdio.h>

#include "base/utf8.h"

/* The first of the policy's collections that has the device; NULL: none. */
static const char *common(const struct store_policy *p, const json_t *collections)
{
    struct slice rest = slice_of(p->collections);
    const json_t *item;
    size_t i;
    while (rest.len) {
        struct slice name = slice_cut(&rest, '\n');
        json_array_foreach(collections, i, item) {
            if (slice_eq(slice_of(json_string_value(item)), name))
                return json_string_value(item);
        }
    }
    return NULL;
}

static void list(const char *lines, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s", lines);
    utf8_mend_end(ret); /* it goes into JSON */
    for (char *c = ret; *c; c++)
        *c = *c == '\n' ? ',' : *c;
}

static bool is_of(const struct store_policy *p, const char *user, char why[MP_TARGET_WHY_SIZE])
{
    bool users = p->users[0] != '\0';
    if (users == (user != NULL) && (!user || store_policy_is_of(p, user)))
        return true;
    (void)snprintf(why, MP_TARGET_WHY_SIZE, "%s",
                   !users  ? "it is the device's, not a user's"
                   : !user ? "it is of users who sign in there, not of the device"
                           : "it is of other users");
    return false;
}

bool mp_target_reaches(const struct store_policy *p, const json_t *collections, const char *user,
                       char why[MP_TARGET_WHY_SIZE])
{
    char names[160];
    const char *has = common(p, collections);
    if (!is_of(p, user, why))
        return false;
    list(p->collections, names, sizeof names);
    if (!*p->collections)
        (void)snprintf(why, MP_TARGET_WHY_SIZE, "it is for every device");
    else if (has)
        (void)snprintf(why, MP_TARGET_WHY_SIZE, "collection %.64s has the device", has);
    else
        (void)snprintf(why, MP_TARGET_WHY_SIZE, "the device is in none of its collections: %s", names);
    return has || !*p->collections;
}
