/* SPDX-License-Identifier: Apache-2.0 */
#include "web/form.h"

#include <string.h>

enum { ESCAPED = 3 };

void web_form_init(struct web_form *f)
{
    buf_init_secret(&f->text, WEB_FORM_MAX);
    if (!buf_reserve(&f->text, WEB_FORM_MAX)) /* at once, so that no copy is left behind while it grows */
        fatal("out of memory");
}

static void add_char(struct buf *b, unsigned char c)
{
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                 c == '_' || c == '*';
    char *at = buf_reserve(b, ESCAPED);
    if (!at)
        fatal("a form is longer than it was made for");
    if (plain) {
        *at = (char)c;
    } else {
        at[0] = '%';
        at[1] = "0123456789ABCDEF"[c >> 4];
        at[2] = "0123456789ABCDEF"[c & 15];
    }
    buf_commit(b, plain ? 1 : ESCAPED);
}

static void add_text(struct buf *b, const char *text)
{
    for (; *text; text++)
        add_char(b, (unsigned char)*text);
}

void web_form_add(struct web_form *f, const char *name, const char *value)
{
    if (!value)
        return;
    if (buf_len(&f->text) && buf_append_str(&f->text, "&") != OK)
        fatal("a form is longer than it was made for");
    add_text(&f->text, name);
    if (buf_append_str(&f->text, "=") != OK)
        fatal("a form is longer than it was made for");
    add_text(&f->text, value);
}

struct slice web_form_body(const struct web_form *f)
{
    return buf_data(&f->text);
}

void web_form_free(struct web_form *f)
{
    buf_free(&f->text);
}
