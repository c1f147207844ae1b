/* SPDX-License-Identifier: Apache-2.0 */
/* What began comes first, then what is there still, then what is over: each with what was found and what to do. */
#include "mp/watch/message.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "mp/put.h"

enum { TEXT_MAX = 1024 * 1024 };

enum event { BEGAN, STILL, OVER, EVENTS };

static const struct {
    const char *word, *title;
} events[EVENTS] = {[BEGAN] = {"began", "New"}, [STILL] = {"still", "Still there"}, [OVER] = {"over", "Over"}};

static enum event event_of(const struct store_alert *a)
{
    return a->ended ? OVER : a->told ? STILL : BEGAN;
}

/* --- for people --- */

/* What is too much for a message of a megabyte is left out: 200 alerts of at most 2 KiB are not. */
static void say(struct buf *out, const struct store_alert *a, enum event event)
{
    char began[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE];
    clock_rfc3339(a->began, began);
    clock_rfc3339(a->ended, ended);
    enum result r = buf_printf(out, "%s: %s (%s)\n  %s\n", events[event].title, a->cause, a->of, a->found);
    if (r == OK && event == OVER)
        r = buf_printf(out, "  It was there from %s to %s.\n\n", began, ended);
    else if (r == OK)
        r = buf_printf(out, "  What to do: %s\n  Since %s.\n\n", a->remedy, began);
    (void)r;
}

static char *text_of(const char *site, const struct store_alert *list, size_t count)
{
    struct buf out;
    buf_init(&out, TEXT_MAX);
    enum result r = OK;
    if (count == 0)
        r = buf_printf(&out, "This is a test of the alerts of OpenCMG site %s. What reads this gets them.\n\n", site);
    for (enum event event = BEGAN; event < EVENTS; event++) {
        for (size_t i = 0; i < count; i++) {
            if (event_of(&list[i]) == event)
                say(&out, &list[i], event);
        }
    }
    if (r == OK)
        r = buf_printf(&out, "-- \nOpenCMG site %s; all that is wrong now: cmg status\n", site);
    char *ret = buf_take_str(&out);
    buf_free(&out);
    return ret;
}

/* Letters of our own alone: causes and the site's code. */
static void subject_of(const char *site, const struct store_alert *list, size_t count, char ret[160])
{
    size_t n[EVENTS] = {0};
    for (size_t i = 0; i < count; i++)
        n[event_of(&list[i])]++;
    if (count == 0)
        (void)snprintf(ret, 160, "OpenCMG %s: test of the alerts", site);
    else if (count == 1)
        (void)snprintf(ret, 160, "OpenCMG %s: %s%s", site, list[0].cause,
                       n[OVER]    ? " is over"
                       : n[STILL] ? " is still there"
                                  : "");
    else
        (void)snprintf(ret, 160, "OpenCMG %s: %zu new, %zu still there, %zu over", site, n[BEGAN], n[STILL], n[OVER]);
}

/* --- for programs --- */

static json_t *alert_json(const struct store_alert *a)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "event", events[event_of(a)].word, "cause", a->cause, "of",
                     a->of, "found", a->found, "remedy", a->remedy, "began", (json_int_t)a->began, "ended",
                     a->ended ? json_integer((json_int_t)a->ended) : json_null());
}

void mp_alert_message(const char *site, const struct store_alert *list, size_t count, int64_t now,
                      struct mp_alert_message *ret)
{
    json_t *alerts = json_array();
    *ret = (struct mp_alert_message){.at = now};
    guid_new(ret->id);
    subject_of(site, list, count, ret->subject);
    ret->text = text_of(site, list, count);
    for (size_t i = 0; i < count; i++)
        mp_push(alerts, alert_json(&list[i]));
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:I, s:b, s:s, s:s, s:o}", "opencmg", "alerts", "version", 1, "id",
                          ret->id, "site", site, "at", (json_int_t)now, "test", (int)(count == 0), "subject",
                          ret->subject, "text", ret->text, "alerts", alerts);
    if (!o)
        fatal("out of memory, or text that is not UTF-8, in an alert");
    ret->json = json_text(o);
    json_decref(o);
}

void mp_alert_message_free(struct mp_alert_message *m)
{
    free(m->text);
    free(m->json);
}
