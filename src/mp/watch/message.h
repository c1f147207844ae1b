/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as people read them and as programs do (docs/json.md). Pure. */
#ifndef MP_WATCH_MESSAGE_H
#define MP_WATCH_MESSAGE_H

#include "base/arena.h"
#include "base/text/encode.h"
#include "store/site/alert.h"

struct mp_alert_message {
    char id[GUID_SIZE]; /* random */
    char subject[160];
    char *text, *json; /* malloc'ed */
    int64_t at;
};

/* Of these alerts; count 0: the message that `cmg alerts test` sends. mp_alert_message_free() it. */
void mp_alert_message(const char *site, const struct store_alert *list, size_t count, int64_t now,
                      struct mp_alert_message *ret);
void mp_alert_message_free(struct mp_alert_message *m);

#endif
