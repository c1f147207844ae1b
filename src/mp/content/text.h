/* SPDX-License-Identifier: Apache-2.0 */
/* A document, or another long text, that is kept and sent at the same time. */
#ifndef MP_CONTENT_TEXT_H
#define MP_CONTENT_TEXT_H

#include <stddef.h>

/* Text that several answers may be sending at once. */
struct mp_text {
    unsigned references;
    size_t len;
    char *bytes; /* malloc'ed, NUL-terminated */
};
struct mp_text *mp_text_new(char *bytes); /* takes it */
struct mp_text *mp_text_new_bytes(char *bytes, size_t len);
struct mp_text *mp_text_ref(struct mp_text *t);
void mp_text_unref(struct mp_text *t); /* NULL allowed */

#endif
