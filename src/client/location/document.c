/* SPDX-License-Identifier: Apache-2.0 */
/* What location data are believed: those that the site signed, never older than the kept ones. */
#include "client/location/document.h"

#include "base/clock.h"
#include "client/session/refused.h"

static void logf_location(const struct client_session *s, enum log_level level, const char *what, const char *detail)
{
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, level, "%s: %s", what, detail);
}

/* The same for all, so for no key. */
static struct client_reader location_reader(const struct client_session *s)
{
    return (struct client_reader){s->c->dir, s->pin, "all", NULL};
}

static bool refuse_untrusted(struct client_session *s, const char *text, struct error *err)
{
    const struct client_refused r = {
        slice_of(text), DOCUMENT_LOCATION, location_reader(s), "location_untrusted",
        "compare SiteKey with the pin that `cmg status` shows; if it is right, who answers "
        "is not this site's"};
    (void)error_prefix(err, "the location data could not be taken");
    logf_location(s, LOG_ERROR, "Location refused", err->text);
    return client_session_fail_document(s, &r, err);
}

bool client_location_take(struct client_session *s, const char *text)
{
    struct document d = {0};
    struct error err;
    const struct client_reader who = location_reader(s);
    enum result r = client_document_accept(&who, slice_of(text), DOCUMENT_LOCATION, clock_wall_s(), &d, &err);
    if (r == R_CONFLICT) {
        logf_location(s, LOG_WARN, "The location data are older than the kept ones, which stay", err.text);
        r = client_document_stored(&who, DOCUMENT_LOCATION, &d, &err);
    }
    if (r != OK)
        return refuse_untrusted(s, text, &err);
    json_decref(s->location);
    s->location = json_incref(d.content);
    document_done(&d);
    return true;
}

/* The kept location data, also past their end, since they are hints alone and each answer is judged by itself: more
 * gateways to try, and the way to CCM_STS of a device whose token has expired. */
json_t *client_location_kept(const struct client_session *s)
{
    struct document d = {0};
    const struct client_reader who = location_reader(s);
    if (client_document_stored(&who, DOCUMENT_LOCATION, &d, NULL) != OK)
        return NULL;
    json_t *content = json_incref(d.content);
    document_done(&d);
    return content;
}
