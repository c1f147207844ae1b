/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of application/x-www-form-urlencoded, built field by field and wiped at the end, since they hold tokens. */
#include "web/form.h"

#include "base/text/percent.h"

void web_form_init(struct web_form *f)
{
    buf_init_secret(&f->text, WEB_FORM_MAX);
    if (!buf_reserve(&f->text, WEB_FORM_MAX)) /* at once, so that no copy is left behind while it grows */
        fatal("out of memory");
}

static void add_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        char *at = buf_reserve(b, PERCENT_MAX);
        if (!at)
            fatal("a form is longer than it was made for");
        buf_commit(b, percent_encode(slice_make(text, 1), PERCENT_FORM, at));
    }
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
