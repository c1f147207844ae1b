/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device is, as a JSON object of sections: {"os": {"version": "13"}, "package": {"bash": "5.2"}}. Texts, whole
 * numbers, truths and lists of texts, in objects; nothing is null, so that a change is a merge patch (RFC 7396). Both
 * ends of an upload go by this: the device that makes it, and the site that applies it. Pure.
 */
#ifndef FACTS_FACTS_H
#define FACTS_FACTS_H

#include "digest/digest.h"
#include "json/json.h"

/* Bytes of facts as text, and of a report of them. Sections; members of one object; bytes of a name and of a text. */
enum {
    FACTS_MAX = 512 * 1024,
    FACTS_REPORT_MAX = FACTS_MAX + 4096,
    FACTS_SECTIONS_MAX = 32,
    FACTS_MEMBERS_MAX = 20000,
    FACTS_NAME_MAX = 256,
    FACTS_TEXT_MAX = 4096,
    FACTS_DEPTH_MAX = 4
};

/* Is it of this form and size? R_INVALID, R_LIMIT say what is not. *ret_text (NULL allowed): facts_text() of it. */
MUST_USE enum result facts_check(const json_t *facts, char **ret_text, struct error *err);
/* One text for each object of facts, of ASCII alone, so that it may be cut anywhere; malloc'ed. */
char *facts_text(const json_t *facts);
void facts_fingerprint(const char *text, char ret[DIGEST_HEX]); /* of facts_text() */

/* The merge patch that makes `now` of `before` (NULL: of nothing); a new reference. */
json_t *facts_change(const json_t *before, const json_t *now);
/* What the patch makes of `before` (NULL: nothing); a new reference. */
json_t *facts_apply(const json_t *before, const json_t *change);

#endif
