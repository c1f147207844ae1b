/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the connector's own certificate as others would, with what the document brings; shows it to nobody. In the
 * loop's thread; lists are fetched in the pool, and a document that comes meanwhile makes it begin again. */
#include "connector/site/self_check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "connector/site/relay_source.h"
#include "connector/site/site.h"
#include "pki/own_check.h"
#include "source/http.h"
#include "json/json.h"

enum { EVERY_S = 3600, LISTS_MAX = 16 };

static const char *const remedies[PKI_OWN_STEPS + 1] = {
    [PKI_OWN_CERTIFICATE] = "let client_certificate.certificate in connector.yaml name a PEM file that holds the "
                            "certificate, then its intermediates",
    [PKI_OWN_PRIVATE_KEY] = "let client_certificate.key in connector.yaml name the certificate's own private key, or "
                            "issue the certificate anew for the key that is there",
    [PKI_OWN_DIGITAL_SIGNATURE] = "issue one with the key usage digitalSignature",
    [PKI_OWN_CLIENT_AUTH] = "issue one with the extended key usage clientAuth (1.3.6.1.5.5.7.3.2)",
    [PKI_OWN_VALIDITY] = "issue a new one, register it (cmg connector certificate ID FILE) and give it to "
                         "client_certificate in connector.yaml; or set this machine's clock",
    [PKI_OWN_CHAIN] = "put its intermediates behind it in the file, or upload what the detail names: cmg trust add "
                      "--anchor FILE, --intermediate FILE",
    [PKI_OWN_CRL] =
        "if it was revoked, issue a new one and register it (cmg connector certificate ID FILE); if the list "
        "is missing or old, publish one: cmg trust add --crl FILE or --crl-source ID --url URL",
    [PKI_OWN_STEPS] = "",
};

/* Fetching the lists that this connector relays, off the loop. */
struct fetching {
    struct self_check *owner; /* NULL: gone */
    const struct connector_config *config;
    struct pki_trust *trust; /* sealed when all are in */
    size_t count;
    struct {
        char *id, *url, *ca_pem;
    } lists[LISTS_MAX];
    struct error err; /* of the first that could not be had */
};

struct self_check {
    const struct site_known *known;
    struct loop_timer *timer;
    struct fetching *fetching;
    bool again; /* the document changed while lists were fetched */
    bool judged;
    int64_t checked; /* wall seconds */
    struct pki_own_check now;
    char told[400]; /* what was last logged */
};

/* --- judging --- */

/* Not sealed yet. NULL: nothing is known of the site's trust. */
static struct pki_trust *make_trust(const struct connector_trust *from)
{
    struct error err;
    if (!from)
        return NULL;
    struct pki_trust_options o = {.crl_check = from->settings.crl_check,
                                  .allow_when_unavailable = from->settings.allow_when_unavailable};
    struct pki_trust *t = pki_trust_new(&o);
    if ((from->anchors_pem[0] && pki_trust_add_anchors(t, slice_of(from->anchors_pem), &err) != OK) ||
        (from->intermediates_pem[0] && pki_trust_add_intermediates(t, slice_of(from->intermediates_pem), &err) != OK))
        log_msg(LOG_WARN, "certificate", "the document's anchors can't be read: %s", err.text);
    for (size_t i = 0; i < from->crl_count; i++) {
        if (pki_trust_add_crl(t, from->crls[i], &err) != OK)
            log_msg(LOG_WARN, "certificate", "list %zu of the document is left out: %s", i + 1, err.text);
    }
    return t;
}

/* A list that is not here rules nothing out: gateways and management points may have it. */
static void allow_for_elsewhere(const struct connector_trust *from, struct pki_own_check *c)
{
    if (!from || !from->lists_elsewhere || !verdict_reason_lacks_list(c->reason) ||
        c->steps[PKI_OWN_CRL].outcome != PKI_OWN_FAILED)
        return;
    c->steps[PKI_OWN_CRL].outcome = PKI_OWN_UNKNOWN;
    (void)snprintf(c->steps[PKI_OWN_CRL].detail, sizeof c->steps[PKI_OWN_CRL].detail,
                   "no list here speaks for it, but the gateways have %lld that this connector has not: ask one by "
                   "cmg analyze GATEWAY --as-certificate FILE",
                   (long long)from->lists_elsewhere);
}

/* A long list takes a while: for a thread of the pool, when lists were fetched. */
static struct pki_trust *seal_trust(struct pki_trust *trust)
{
    if (trust)
        pki_trust_seal(trust, NULL);
    return trust;
}

/* Uses the sealed trust up. */
static void judge_certificate(const struct connector_config *config, const struct connector_trust *from,
                              struct pki_trust *trust, struct pki_own_check *ret)
{
    struct pki_own_question q = {.certificate_pem = tls_identity_of(&config->identity).certificate_pem,
                                 .key_pem = tls_identity_of(&config->identity).key_pem,
                                 .trust = trust,
                                 .crl_check = from && from->settings.crl_check,
                                 .now = clock_wall_s()};
    pki_own_check(&q, ret);
    pki_trust_unref(trust);
}

/* --- telling --- */

static const char *state_of(const struct pki_own_check *c)
{
    if (pki_own_ruled_out(c) != PKI_OWN_STEPS)
        return "failed";
    return pki_own_good(c) ? "ok" : "unknown";
}

/* The step that rules it out, else the first that is not known. */
static enum pki_own_step step_to_tell(const struct pki_own_check *c)
{
    enum pki_own_step s = pki_own_ruled_out(c);
    if (s != PKI_OWN_STEPS)
        return s;
    for (s = PKI_OWN_CERTIFICATE; s < PKI_OWN_STEPS && c->steps[s].outcome == PKI_OWN_OK; s++)
        ;
    return s;
}

static void log_state(const struct pki_own_check *c)
{
    enum pki_own_step s = step_to_tell(c);
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(c->not_after, until);
    if (s == PKI_OWN_STEPS)
        LOG_EVENT(LOG_INFO, "certificate", "client certificate passes every step", LOG_T("subject", c->subject),
                  LOG_T("not_after", until));
    else if (c->steps[s].outcome == PKI_OWN_FAILED)
        LOG_EVENT(LOG_ERROR, "certificate", "client certificate ruled out", LOG_T("step", pki_own_step_name(s)),
                  LOG_T("subject", c->subject), LOG_T("cause", c->steps[s].detail), LOG_T("remedy", remedies[s]));
    else
        LOG_EVENT(LOG_INFO, "certificate", "client certificate not judged in full", LOG_T("step", pki_own_step_name(s)),
                  LOG_T("subject", c->subject), LOG_T("cause", c->steps[s].detail));
}

static void tell_change(struct self_check *s)
{
    enum pki_own_step step = step_to_tell(&s->now);
    char text[sizeof s->told];
    (void)snprintf(text, sizeof text, "%s %s %s", state_of(&s->now), pki_own_step_name(step),
                   step == PKI_OWN_STEPS ? "" : s->now.steps[step].detail);
    s->judged = true;
    if (strcmp(text, s->told) == 0)
        return;
    (void)snprintf(s->told, sizeof s->told, "%s", text);
    log_state(&s->now);
    s->known->on_news(s->known->ctx);
}

/* The next time that something can have changed by itself. */
static void wait_for_change(struct self_check *s)
{
    int64_t now = clock_wall_s(), until = now + EVERY_S;
    const int64_t edges[] = {s->now.not_before, s->now.not_after};
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        if (edges[i] >= now && edges[i] < until)
            until = edges[i] + 1; /* the end itself still counts */
    }
    loop_timer_start(s->timer, (uint64_t)(until - now) * 1000, 0);
}

static const struct connector_trust *trust_of(const struct self_check *s)
{
    return s->known->document ? s->known->document->trust : NULL;
}

/* `why` (NULL: nothing was fetched): the first list that could not be had. */
static void add_cause(struct pki_own_check *c, const struct error *why)
{
    char *detail = c->steps[PKI_OWN_CRL].detail;
    size_t used = strlen(detail);
    if (!why || why->code == OK || !verdict_reason_lacks_list(c->reason))
        return;
    (void)snprintf(detail + used, sizeof c->steps[PKI_OWN_CRL].detail - used, "; %.160s", why->text);
    for (char *at = detail + used; *at; at++) { /* a server said some of it */
        if (*at < 0x20 || *at > 0x7e)
            *at = '?';
    }
}

static void conclude_check(struct self_check *s, const struct error *why)
{
    allow_for_elsewhere(trust_of(s), &s->now);
    add_cause(&s->now, why);
    s->checked = clock_wall_s();
    tell_change(s);
    wait_for_change(s);
}

/* --- lists that this connector relays --- */

static void fetching_free(struct fetching *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->lists[i].id);
        free(f->lists[i].url);
        free(f->lists[i].ca_pem);
    }
    pki_trust_unref(f->trust);
    free(f);
}

static void fetch_job(void *arg)
{
    struct fetching *f = arg;
    f->err.code = OK;
    for (size_t i = 0; i < f->count; i++) {
        struct buf list;
        struct error err;
        buf_init(&list, SOURCE_BYTES_MAX);
        enum result r = relay_source_list(f->config, f->lists[i].url, f->lists[i].ca_pem, &list, &err);
        if (r == OK)
            r = pki_trust_add_crl(f->trust, buf_data(&list), &err);
        if (r != OK && f->err.code == OK) {
            (void)error_prefix(&err, "source %s", f->lists[i].id);
            f->err = err;
        }
        buf_free(&list);
    }
    (void)seal_trust(f->trust);
}

static void end_job(void *arg)
{
    struct fetching *f = arg;
    struct self_check *s = f->owner;
    if (s) {
        s->fetching = NULL;
        if (s->again) {
            self_check_run(s);
        } else {
            judge_certificate(f->config, trust_of(s), f->trust, &s->now);
            f->trust = NULL;
            conclude_check(s, &f->err);
        }
    }
    fetching_free(f);
}

/* NULL: there is none to fetch. */
static struct fetching *fetching_new(const struct connector_config *config, const struct connector_document *d)
{
    struct fetching *f = mem_zalloc(sizeof *f);
    f->config = config;
    for (size_t i = 0; d && i < d->source_count && f->count < LISTS_MAX; i++) {
        if (d->sources[i].kind != BUNDLE_SOURCE_CRL)
            continue;
        f->lists[f->count].id = mem_strdup(d->sources[i].id);
        f->lists[f->count].ca_pem = d->sources[i].ca_pem ? mem_strdup(d->sources[i].ca_pem) : NULL;
        f->lists[f->count++].url = mem_strdup(d->sources[i].url);
    }
    if (f->count == 0) {
        fetching_free(f);
        return NULL;
    }
    f->trust = make_trust(d->trust);
    return f;
}

static bool fetch_lists(struct self_check *s)
{
    struct fetching *f = fetching_new(s->known->config, s->known->document);
    if (!f)
        return false;
    f->owner = s;
    s->fetching = f;
    s->again = false;
    loop_job(s->known->loop, fetch_job, end_job, f);
    return true;
}

/* --- life --- */

void self_check_run(struct self_check *s)
{
    struct pki_own_check fresh;
    if (!s || !s->known->config->identity.certificate)
        return;
    if (s->fetching) {
        s->again = true;
        return;
    }
    judge_certificate(s->known->config, trust_of(s), seal_trust(make_trust(trust_of(s))), &fresh);
    if (verdict_reason_lacks_list(fresh.reason) && fetch_lists(s)) /* until then what was known holds */
        return;
    s->now = fresh;
    conclude_check(s, NULL);
}

static void on_timer(void *arg)
{
    self_check_run(arg);
}

struct self_check *self_check_new(const struct site_known *known)
{
    struct self_check *s = mem_zalloc(sizeof *s);
    s->known = known;
    s->timer = loop_timer_new(known->loop, on_timer, s);
    return s;
}

void self_check_free(struct self_check *s)
{
    if (!s)
        return;
    if (s->fetching)
        s->fetching->owner = NULL;
    loop_timer_free(s->timer);
    free(s);
}

/* --- for others --- */

static bool is_needed(const struct connector_document *d)
{
    for (size_t i = 0; d && i < d->endpoint_count; i++) {
        if (d->endpoints[i].mp && choices_connector_needs_certificate(d->endpoints[i].mode, d->endpoints[i].clients))
            return true;
    }
    return false;
}

static json_t *steps_json(const struct pki_own_check *c)
{
    json_t *list = json_array();
    for (enum pki_own_step s = PKI_OWN_CERTIFICATE; s < PKI_OWN_STEPS; s++)
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:s}", "step", pki_own_step_name(s), "outcome",
                                              pki_own_outcome_name(c->steps[s].outcome), "detail", c->steps[s].detail));
    return list;
}

json_t *self_check_json(const struct self_check *s)
{
    const struct pki_own_check *c = &s->now;
    bool configured = s->known->config->identity.certificate != NULL;
    json_t *o = json_pack("{s:b, s:b}", "configured", (int)configured, "needed", (int)is_needed(s->known->document));
    enum pki_own_step step = step_to_tell(c);
    json_t *more =
        configured && s->judged
            ? json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:o}", "subject", c->subject, "sha256", c->sha256,
                        "not_after", (json_int_t)c->not_after, "checked", (json_int_t)s->checked, "state", state_of(c),
                        "step", pki_own_step_name(step), "detail", step == PKI_OWN_STEPS ? "" : c->steps[step].detail,
                        "remedy", remedies[pki_own_ruled_out(c)], "steps", steps_json(c))
            : NULL;
    (void)json_object_update(o, more);
    json_decref(more);
    return o;
}

/* Fetches the lists too, where they decide. */
static void judge_now(const struct connector_config *config, const struct connector_document *d,
                      struct pki_own_check *ret)
{
    const struct connector_trust *from = d ? d->trust : NULL;
    judge_certificate(config, from, seal_trust(make_trust(from)), ret);
    struct fetching *f = verdict_reason_lacks_list(ret->reason) ? fetching_new(config, d) : NULL;
    if (f) {
        fetch_job(f);
        judge_certificate(config, from, f->trust, ret);
        f->trust = NULL;
    }
    allow_for_elsewhere(from, ret);
    add_cause(ret, f ? &f->err : NULL);
    if (f)
        fetching_free(f);
}

enum result self_check_role(const struct connector_config *config, const struct role_identity *role, struct error *err)
{
    return role_identity_check(role, "connector", &config->bootstrap, clock_wall_s(), err);
}

static void print_role(const struct connector_config *config, FILE *out, struct conf_faults *faults)
{
    struct role_identity role = {0};
    struct error why, err;
    enum result r =
        role_identity_load(config->state, "connector", &config->bootstrap, clock_wall_s(), &role, &why, &err);
    if (r == OK)
        r = self_check_role(config, &role, &err);
    if (r == OK)
        (void)fprintf(out, "role certificate of connector %s: ok\n", config->bootstrap.id);
    else
        conf_fault_add(faults, 0, "role certificate: ruled out: %s; " SELF_CHECK_ROLE_REMEDY, err.text);
    role_identity_free(&role);
}

void self_check_print(const struct connector_config *config, FILE *out, struct conf_faults *faults)
{
    struct connector_document *d = NULL;
    struct pki_own_check c;
    struct error err;
    print_role(config, out, faults);
    if (!config->identity.certificate)
        return;
    if (site_link_kept(config, &d, &err) != OK)
        d = NULL;
    judge_now(config, d, &c);
    connector_document_free(d);
    (void)fprintf(out, "client certificate %s\n", c.subject);
    for (enum pki_own_step s = PKI_OWN_CERTIFICATE; s < PKI_OWN_STEPS; s++)
        (void)fprintf(out, "  %-17s  %-7s  %s\n", pki_own_step_name(s), pki_own_outcome_name(c.steps[s].outcome),
                      c.steps[s].detail);
    enum pki_own_step s = pki_own_ruled_out(&c);
    if (s != PKI_OWN_STEPS)
        conf_fault_add(faults, 0, "client_certificate: ruled out at %s: %s; %s", pki_own_step_name(s),
                       c.steps[s].detail, remedies[s]);
}
