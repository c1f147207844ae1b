/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded (RFC 6749 appendix B) as it is sent: it mostly carries secrets, so what it is
 * built in is wiped. */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include "base/buf.h"

#define WEB_FORM_TYPE "application/x-www-form-urlencoded"
enum { WEB_FORM_MAX = 96 * 1024 };

struct web_form {
    struct buf text;
};
void web_form_init(struct web_form *f);
/* Encoded; a NULL value is left out. More than WEB_FORM_MAX bytes are a fault of ours, for every value has a maximum.
 */
void web_form_add(struct web_form *f, const char *name, const char *value);
struct slice web_form_body(const struct web_form *f); /* borrowed */
void web_form_free(struct web_form *f);

#endif
