/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and keeping documents. */
#include "mp/content/documents.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "mp/content/content.h"
#include "mp/site.h"
#include "mp/status/report.h"
#include "store/device/device.h"
#include "store/sequence.h"
#include "store/site/setting.h"

enum {
    KEPT = 64,
    NAME_SIZE = 96,
    ROWS_MAX = 512 * 1024 * 1024,
    DAY = 86400,
    WEEK = 7 * DAY,
    MONTH = 30 * DAY,
};

struct kept {
    char name[NAME_SIZE];
    int64_t sequence;
    struct mp_text *text;
};

enum { PLACE_BUNDLE, PLACE_LOCATION, FIRST_CONNECTOR };

struct mp_documents {
    struct kept
        list[KEPT]; /* the bundle and the location, which is made while the bundle is, have places of their own */
    size_t next;    /* connector's to be replaced when all places are taken */
};

struct mp_documents *mp_documents_new(void)
{
    return mem_zalloc(sizeof(struct mp_documents));
}

void mp_documents_free(struct mp_documents *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < KEPT; i++)
        mp_text_unref(d->list[i].text);
    free(d);
}

/* --- making --- */

struct making {
    enum document_type type;
    const char *audience;
    const char *key; /* of one device alone; NULL: for no key */
    const char *sequence_name;
    int64_t lifetime;
    enum result (*content)(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);
};

static struct kept *place_of(struct mp_documents *d, const struct making *m)
{
    const char *name = m->sequence_name;
    if (m->type != DOCUMENT_CONNECTOR)
        return &d->list[m->type == DOCUMENT_BUNDLE ? PLACE_BUNDLE : PLACE_LOCATION];
    for (size_t i = FIRST_CONNECTOR; i < KEPT; i++) {
        if (strcmp(d->list[i].name, name) == 0)
            return &d->list[i];
    }
    struct kept *k = &d->list[FIRST_CONNECTOR + d->next++ % (KEPT - FIRST_CONNECTOR)];
    mp_text_unref(k->text);
    *k = (struct kept){0};
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    return k;
}

static enum result sign(struct mp_site *site, const struct making *m, int64_t sequence, json_t *content, char **ret,
                        struct error *err)
{
    int64_t now = clock_wall_s();
    struct document d = {
        .type = m->type, .sequence = sequence, .issued = now, .expires = now + m->lifetime, .content = content};
    (void)snprintf(d.site, sizeof d.site, "%s", site->keys.site);
    (void)snprintf(d.audience, sizeof d.audience, "%s", m->audience);
    (void)snprintf(d.key, sizeof d.key, "%s", m->key ? m->key : "");
    bool policy = strcmp(document_signing_use(m->type), "policy") == 0;
    return document_sign(policy ? site->keys.policy : site->keys.bundle, &d, ret, err);
}

/* Rows and sequence of one moment: inside a transaction. */
static enum result make(struct mp_site *site, const struct making *m, struct kept *k, struct error *err)
{
    int64_t sequence;
    json_t *content = NULL;
    char *text = NULL;
    enum result r = store_sequence_get(site->store, m->sequence_name, &sequence, NULL, err);
    if (r != OK || (k->text && k->sequence == sequence))
        return r;
    struct arena *a = arena_new(ROWS_MAX);
    r = m->content(site, a, &content, err);
    if (r == OK)
        r = sign(site, m, sequence, content, &text, err);
    if (r == OK) {
        mp_text_unref(k->text);
        k->text = mp_text_new(text);
        k->sequence = sequence;
    }
    json_decref(content);
    arena_free(a);
    return r;
}

static enum result get(struct mp_site *site, const struct making *m, struct mp_text **ret, struct error *err)
{
    int64_t sequence;
    struct kept *k = place_of(site->documents, m);
    enum result r = store_sequence_get(site->store, m->sequence_name, &sequence, NULL, err);
    if (r == OK && (!k->text || k->sequence != sequence)) {
        r = store_begin(site->store, STORE_QUICK, err);
        if (r == OK)
            r = store_end(site->store, make(site, m, k, err), err);
    }
    if (r == OK)
        *ret = mp_text_ref(k->text);
    return r;
}

enum result mp_documents_location(struct mp_site *site, struct mp_text **ret, struct error *err)
{
    static const struct making making = {DOCUMENT_LOCATION,       "all", NULL,
                                         STORE_SEQUENCE_LOCATION, WEEK,  mp_content_location};
    return get(site, &making, ret, err);
}

static enum result bundle_content(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct mp_text *location;
    enum result r = mp_documents_location(site, &location, err);
    if (r != OK)
        return r;
    r = mp_content_bundle(site, a, location->bytes, ret, err);
    mp_text_unref(location);
    return r;
}

/* A gateway may work without the site for bundle_max_age, so the document lives that long and is made anew at half. */
static enum result bundle_making(struct mp_site *site, struct making *ret, struct error *err)
{
    *ret = (struct making){DOCUMENT_BUNDLE, "gateway", NULL, STORE_SEQUENCE_BUNDLE, DAY, bundle_content};
    return store_setting_get_int(site->store, "bundle_max_age", &ret->lifetime, err);
}

enum result mp_documents_bundle(struct mp_site *site, struct mp_text **ret, struct error *err)
{
    struct making making;
    enum result r = bundle_making(site, &making, err);
    return r == OK ? get(site, &making, ret, err) : r;
}

static void connector_name(const char *id, char ret[NAME_SIZE])
{
    (void)snprintf(ret, NAME_SIZE, STORE_SEQUENCE_CONNECTOR "%s", id);
}

enum result mp_documents_connector(struct mp_site *site, const char *id, struct mp_text **ret, struct error *err)
{
    char name[NAME_SIZE];
    connector_name(id, name);
    struct making making = {DOCUMENT_CONNECTOR, id, NULL, name, WEEK, mp_content_connector};
    return get(site, &making, ret, err);
}

enum result mp_documents_connector_sequence(struct mp_site *site, const char *id, int64_t *ret, struct error *err)
{
    char name[NAME_SIZE];
    connector_name(id, name);
    return store_sequence_get(site->store, name, ret, NULL, err);
}

/* --- policy --- */

enum result mp_documents_policy_sequence(struct mp_site *site, const char *guid, int64_t *ret, struct error *err)
{
    enum result r = store_sequence_policy(site->store, guid, ret, err);
    *ret += 1;
    return r;
}

/* --- of one device, for its key --- */

static enum result sign_for(struct mp_site *site, enum document_type type, const struct mp_audience *whose,
                            int64_t sequence, json_t *content, char **ret, struct error *err)
{
    struct making making = {.type = type, .audience = whose->audience, .key = whose->key, .lifetime = MONTH};
    return sign(site, &making, sequence, content, ret, err);
}

static struct mp_audience audience_of(const char *guid, X509 *certificate)
{
    struct mp_audience whose = {.audience = guid};
    pki_cert_spki_hex(certificate, whose.key);
    return whose;
}

enum result mp_documents_policy(struct mp_site *site, struct arena *a, const struct store_device *d, X509 *certificate,
                                const char *user, int64_t sequence, char **ret, struct error *err)
{
    char audience[DOCUMENT_AUDIENCE_SIZE];
    struct mp_audience whose = audience_of(d->guid, certificate);
    json_t *content;
    if (user) {
        document_user_audience(d->guid, user, audience);
        whose.audience = audience;
    }
    enum result r = mp_content_policy(site, a, d, user, &content, err);
    if (r != OK)
        return r;
    r = sign_for(site, user ? DOCUMENT_USER_POLICY : DOCUMENT_POLICY, &whose, sequence, content, ret, err);
    json_decref(content);
    return r;
}

enum result mp_documents_settings(struct mp_site *site, const struct store_device *d, X509 *certificate,
                                  int64_t sequence, json_t *content, char **ret, struct error *err)
{
    struct mp_audience whose = audience_of(d->guid, certificate);
    return sign_for(site, DOCUMENT_SETTINGS, &whose, sequence, content, ret, err);
}

enum result mp_documents_answer(struct mp_site *site, const struct mp_audience *whose, json_t *content, char **ret,
                                struct error *err)
{
    return sign_for(site, DOCUMENT_ANSWER, whose, clock_wall_s(), content, ret, err);
}

enum result mp_documents_join(struct mp_site *site, const struct mp_audience *whose, json_t *content, char **ret,
                              struct error *err)
{
    return sign_for(site, DOCUMENT_JOIN, whose, clock_wall_s(), content, ret, err);
}

enum result mp_documents_notification(struct mp_site *site, const struct mp_audience *whose, int64_t sequence,
                                      int64_t life_s, json_t *content, char **ret, struct error *err)
{
    const struct making making = {
        .type = DOCUMENT_NOTIFICATION, .audience = whose->audience, .key = whose->key, .lifetime = life_s};
    return sign(site, &making, sequence, content, ret, err);
}

/* --- checking --- */

static enum result check_bundle(struct document *d, struct error *err)
{
    struct bundle *bundle;
    d->type = DOCUMENT_BUNDLE;
    enum result r = bundle_parse(d, &bundle, err);
    if (r == OK)
        bundle_free(bundle);
    return r;
}

static enum result check_connector(struct document *d, struct error *err)
{
    struct connector_document *connector;
    d->type = DOCUMENT_CONNECTOR;
    enum result r = connector_document_parse(d, &connector, err);
    if (r == OK)
        connector_document_free(connector);
    return r;
}

enum result mp_documents_check(struct mp_site *site, struct error *err)
{
    struct arena *a = arena_new(ROWS_MAX);
    struct document d = {.sequence = 1, .issued = 1, .expires = 2};
    enum result r = mp_content_bundle(site, a, "", &d.content, err);
    if (r == OK)
        r = check_bundle(&d, err);
    document_done(&d);
    if (r == OK)
        r = mp_content_connector(site, a, &d.content, err);
    if (r == OK)
        r = check_connector(&d, err);
    document_done(&d);
    arena_free(a);
    return r;
}

enum result mp_documents_refresh(struct mp_site *site, int64_t now, struct error *err)
{
    int64_t max_age;
    enum result r = store_setting_get_int(site->store, "bundle_max_age", &max_age, err);
    if (r != OK)
        return r;
    return store_sequence_refresh(site->store, now - max_age / 2, now + MP_SKEW_S, err);
}
