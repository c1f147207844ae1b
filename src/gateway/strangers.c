/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/strangers.h"

#include <stddef.h>

void strangers_add(struct stranger_list *l, struct stranger *s, stranger_leave_fn *leave)
{
    s->leave = leave;
    TAILQ_INSERT_TAIL(l, s, link);
}

void strangers_replace(struct stranger_list *l, struct stranger *s, struct stranger *by, stranger_leave_fn *leave)
{
    by->leave = leave;
    TAILQ_INSERT_AFTER(l, s, by, link);
    strangers_remove(l, s);
}

void strangers_remove(struct stranger_list *l, struct stranger *s)
{
    if (!s->leave)
        return;
    s->leave = NULL;
    TAILQ_REMOVE(l, s, link);
}

bool strangers_make_room(struct stranger_list *l)
{
    struct stranger *oldest = TAILQ_FIRST(l);
    if (!oldest)
        return false;
    stranger_leave_fn *leave = oldest->leave;
    strangers_remove(l, oldest);
    leave(oldest);
    return true;
}
