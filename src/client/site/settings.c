/* SPDX-License-Identifier: Apache-2.0 */
/* Client settings of the site: fetched by version, believed when signed for this device, kept, and obeyed. */
#include "client/site/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/session/refused.h"
#include "client/site/policy.h"
#include "client/state/resultant.h"

#define TARGET "/SMS_MP/.sms_pol?SETTINGS"

static bool accept_document(struct client_session *s, const struct client_reader *who, const struct web_answer *answer,
                            struct client_resultant *ret)
{
    struct document d = {0};
    struct error err;
    if (client_document_accept(who, buf_data(&answer->body), DOCUMENT_SETTINGS, clock_wall_s(), &d, &err) != OK) {
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "The client settings are refused: %s", err.text);
        const struct client_refused refused = {buf_data(&answer->body), DOCUMENT_SETTINGS, *who, "settings_untrusted",
                                               CLIENT_DOCUMENT_REMEDY};
        return client_session_fail_document(s, &refused, &err);
    }
    client_resultant_read(&d, ret);
    document_done(&d);
    client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Client settings %lld verified: DisAllowCMG=%d by %s",
                (long long)ret->sequence, !ret->allow_cmg, ret->allow_by);
    return true;
}

/* What was set by hand lasts until here. */
static bool end_local(struct client_session *s, const struct client_resultant *r)
{
    struct client_settings *set = &s->c->settings;
    struct error err;
    if (!set->values[SETTING_DISALLOW_CMG])
        return true;
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO,
                "DisAllowCMG=%s was set by hand; from now on the resultant setting holds: DisAllowCMG=%d by %s",
                set->values[SETTING_DISALLOW_CMG], !r->allow_cmg, r->allow_by);
    free(set->values[SETTING_DISALLOW_CMG]);
    set->values[SETTING_DISALLOW_CMG] = NULL;
    return client_settings_save(s->c->dir, set, &err) == OK || client_session_fail_state(s, &err);
}

static bool obey_settings(struct client_session *s, const struct client_resultant *r)
{
    struct error err;
    if (!end_local(s, r))
        return false;
    if (r->allow_cmg || s->way.mp)
        return true;
    (void)error_set(&err, R_DENIED,
                    "the site's client settings do not allow the CMG (DisAllowCMG=1): allow_cmg is no by %s",
                    r->allow_by);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s", err.text);
    const struct verdict_reason_info *info = verdict_reason_info(REASON_CMG_DISALLOWED);
    return client_session_fail(s, info->name, &err, info->remedy);
}

/* A management point of before client settings. That of a site that gave the device some is none: such an answer
 * comes from somebody who hides the next ones. */
static bool knows_none(const struct client_session *s, const struct client_reader *who, bool known)
{
    const struct web_outcome *o = &s->outcome;
    return o->ending == WEB_REFUSED && (o->status == 404 || o->status == 501) && !known &&
           client_document_below(who, DOCUMENT_SETTINGS) == 0;
}

bool client_settings_fetch(struct client_session *s)
{
    const struct client_reader who = client_session_reader(s, s->choice.method, client_session_registration(s)->guid);
    struct web_answer answer = {0};
    struct document kept = {0};
    struct client_resultant r = {.allow_cmg = true};
    if (client_document_stored(&who, DOCUMENT_SETTINGS, &kept, NULL) == OK) {
        if (!client_document_aged(&kept, clock_wall_s()))
            client_resultant_read(&kept, &r);
        document_done(&kept);
    }
    struct web_outcome before = s->outcome;
    bool ok = client_policy_ask(s, TARGET, &who, r.known ? r.sequence : 0, &answer);
    if (!ok && knows_none(s, &who, r.known)) {
        s->outcome = before;
        ok = true;
    } else if (ok) {
        ok = (answer.status == 304 ? r.known || client_session_fail_unasked(s)
                                   : accept_document(s, &who, &answer, &r)) &&
             obey_settings(s, &r);
    }
    web_answer_free(&answer);
    return ok;
}
