/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded (WHATWG URL 5) and percent-encoding (RFC 3986 2.1), strictly. */
#ifndef MP_SERVER_FORM_H
#define MP_SERVER_FORM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* Decodes into the arena; `plus`: "+" is a blank. R_INVALID: a malformed escape, or one of a NUL. */
MUST_USE enum result mp_percent_decode(struct slice text, bool plus, struct arena *a, struct slice *ret,
                                       struct error *err);

/* The value of `name`, decoded; .ptr NULL: absent. R_INVALID: malformed, or the name occurs twice. */
MUST_USE enum result mp_form_get(struct slice form, const char *name, struct arena *a, struct slice *ret,
                                 struct error *err);

#endif
