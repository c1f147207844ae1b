/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a registration. What the device tells of itself decides nothing (PROTOCOL 8): a name counts as far as
 * somebody else stands for it, and whoever brings another key for a name, hardware id or Entra device that the site
 * knows waits for an administrator, with the reason in its record; so does whoever was removed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/log.h"
#include "mp/answer/registration.h"
#include "mp/sender/name.h"
#include "mp/sender/scope.h"
#include "mp/site.h"
#include "store/device/known.h"
#include "store/device/token.h"
#include "store/device/waiting.h"
#include "store/sequence.h"
#include "store/site/audit.h"
#include "store/site/setting.h"
#include "store/targeting/collection.h"

enum { PENDING_ALIKE_MAX = 8 };

/* How many may wait, from one address and altogether: of those that nobody vouches for, and of those that somebody
 * does, who may stand behind one address in their thousands where approval is manual. */
static const struct store_waiting_counts room_of_strangers = {.all = 1000, .origin = 64},
                                         room_of_vouched = {.all = 20000, .origin = 4000};

static const struct {
    const char *words, *name, *waits; /* why, where nobody does */
} vouchers[] = {[BY_PKI] = {"by certificate", "certificate", NULL},
                [BY_ENTRA] = {"by Entra", "entra", NULL},
                [BY_BULK] = {"by bulk token", "token", NULL},
                [BY_NOBODY] = {"inside, by nobody", "nobody", "it registered inside, where nobody vouches for it"},
                [BY_CONNECTOR] = {"by a connector's word alone", "nobody",
                                  "its certificate leads to no anchor of the site here; where it is one of the "
                                  "organisation's, give its intermediate: cmg trust add --intermediate FILE"}};

/* --- its name --- */

/* Whose word about a name displaces whose: later ones earlier ones. */
static size_t weight(const char *by)
{
    const char *const order[] = {"", vouchers[BY_ENTRA].name, vouchers[BY_BULK].name, "administrator",
                                 vouchers[BY_PKI].name};
    size_t i = 0;
    while (i < ARRAY_LEN(order) && strcmp(order[i], by ? by : "") != 0)
        i++;
    return i;
}

static const char *kept(struct registration *g, const char *text)
{
    struct slice copy = arena_dup(g->from->arena, slice_of(text));
    return copy.ptr ? copy.ptr : "";
}

static void vouch_for_name(struct registration *g)
{
    char name[MP_NAME_SIZE];
    const char *found = NULL, *by = vouchers[g->voucher].name;
    if (g->voucher == BY_PKI && mp_name_of_certificate(g->certificate, g->name, name))
        found = kept(g, name);
    else if (g->voucher == BY_ENTRA)
        found = kept(g, g->entra.device);
    else if (g->voucher == BY_BULK && g->name_in_scope)
        found = g->name;
    if (!found || weight(by) < weight(g->device.vouched_by))
        return;
    g->device.vouched_name = found;
    g->device.vouched_by = by;
}

/* --- finding its record --- */

static enum result find_renewed(struct registration *g, struct error *err)
{
    char name[MP_NAME_SIZE];
    if (g->voucher != BY_PKI || strcmp(g->proven, g->spki) == 0 ||
        !mp_name_of_certificate(g->certificate, g->name, name))
        return R_NOTFOUND;
    return store_device_renewed(g->from->site->store, g->from->arena, g->proven, name, &g->device, err);
}

enum result mp_registration_find(struct registration *g, struct error *err)
{
    enum result r = store_device_get(g->from->site->store, g->from->arena, STORE_BY_SPKI, g->spki, &g->device, err);
    if (r == R_NOTFOUND)
        r = find_renewed(g, err);
    g->known = r == OK;
    return r == R_NOTFOUND ? OK : r;
}

/* The device's own key makes records one machine; but a certificate for another name is another device's. */
static enum result choose_machine(struct registration *g, struct error *err)
{
    bool another = false;
    enum result r = OK;
    if (g->known && strcmp(g->device.machine, g->device.spki) != 0)
        return OK;
    if (strcmp(g->proven, g->spki) != 0 && g->voucher == BY_PKI)
        r = store_machine_is_another(g->from->site->store, g->proven,
                                     g->device.vouched_name ? g->device.vouched_name : "", &another, err);
    g->device.machine = another || g->voucher != BY_PKI ? g->spki : g->proven;
    return r;
}

/* --- does it wait? --- */

static void wait_for(struct registration *g, const char *reason)
{
    g->device.state = STORE_PENDING;
    g->device.reason = reason;
    g->device.known = g->device.known_by = "";
    g->device.kept_out = false;
}

static void wait_for_known(struct registration *g, const struct store_device *was, const struct store_known *k)
{
    bool has_certificate = g->voucher == BY_PKI || (g->known && was->kept_out);
    struct slice text = arena_printf(g->from->arena, "same %s as %s (%s)%s", k->what, k->name, k->guid,
                                     k->removed   ? ", which was removed"
                                     : k->blocked ? ", which is blocked"
                                                  : "");
    wait_for(g, text.ptr ? text.ptr : k->what);
    g->device.known = k->guid;
    g->device.known_by = k->what;
    /* what the one that was shut out told of itself, and nobody vouched for, shuts nobody else out */
    g->device.kept_out = ((k->blocked && k->stands) || k->removed) && has_certificate;
}

/* What it claims beyond what was decided about its record already; of one that waits, all. */
static struct store_claim claim_of(const struct registration *g, const struct store_device *was)
{
    bool decided = g->known && was->state == STORE_APPROVED;
    const char *vouched_name = g->device.vouched_name ? g->device.vouched_name : "";
    bool proven = g->known && strcmp(was->entra_tenant, g->entra.tenant ? g->entra.tenant->id : "") == 0 &&
                  strcmp(was->entra_device, g->entra.device) == 0;
    struct store_claim c = {.guid = g->known ? was->guid : "", .name = g->name, .vouched_name = vouched_name};
    c.hardware_id = g->hardware_id;
    c.machine = g->device.machine;
    c.spki = g->spki;
    c.certificate = g->sha256;
    c.tenant = g->voucher == BY_ENTRA ? g->entra.tenant->id : "";
    c.entra_device = g->voucher == BY_ENTRA ? g->entra.device : "";
    c.since = g->first_use ? g->bulk.issued : 0;
    if (!decided)
        return c;
    if (strcmp(was->name, g->name) == 0)
        c.name = "";
    if (strcmp(was->vouched_name, vouched_name) == 0)
        c.vouched_name = "";
    if (strcmp(was->hardware_id, g->hardware_id) == 0)
        c.hardware_id = "";
    if (strcmp(was->spki, g->spki) == 0)
        c.spki = "";
    c.certificate = "";
    if (proven)
        c.tenant = c.entra_device = "";
    return c;
}

static bool shuts_out(const struct store_known *k)
{
    return k->blocked || k->removed;
}

/* Of another name that it might have told as well: `ret` and `found` change where that one is known, or shut out. */
static enum result look_for_name(struct registration *g, const struct store_claim *of, const char *name,
                                 enum result *found, struct store_known *ret, struct error *err)
{
    struct store_claim c = {.guid = of->guid, .name = "", .vouched_name = name, .machine = of->machine};
    struct store_known known;
    c.hardware_id = c.tenant = c.entra_device = c.spki = c.certificate = "";
    c.since = of->since;
    enum result r = store_known_find(g->from->site->store, g->from->arena, &c, &known, err);
    if (r == OK && (*found != OK || shuts_out(&known))) {
        *ret = known;
        *found = OK;
    }
    return r == R_NOTFOUND ? OK : r;
}

/* Which of its certificate's names it is called by, the device chooses: who was shut out by one of them is it by all.
 * R_LIMIT: it has too many to compare. */
static enum result find_known(struct registration *g, const struct store_claim *claim, struct store_known *ret,
                              struct error *err)
{
    struct mp_names names = {.count = 0};
    enum result found = store_known_find(g->from->site->store, g->from->arena, claim, ret, err), r = OK;
    if (found != OK && found != R_NOTFOUND)
        return found;
    bool whole = g->voucher != BY_PKI || !*claim->vouched_name || mp_names_of_certificate(g->certificate, &names);
    for (size_t i = 0; r == OK && i < names.count && !(found == OK && shuts_out(ret)); i++)
        r = look_for_name(g, claim, names.items[i], &found, ret, err);
    if (r == OK && found == R_NOTFOUND && !whole)
        return error_set(err, R_LIMIT, "its certificate holds more than %d names", MP_NAMES_MAX);
    return r == OK ? found : r;
}

/* What was found, for mp_registration_decide. *ret_known: as far as .alike is LIKE_ANOTHER. */
static enum result find_case(struct registration *g, const struct store_device *was, struct registration_case *ret,
                             struct store_known *ret_known, struct error *err)
{
    struct store_claim claim = claim_of(g, was);
    *ret = (struct registration_case){.voucher = g->voucher,
                                      .known = g->known,
                                      .kept_out = g->known && was->kept_out,
                                      .anew = g->first_use && g->known && *was->known};
    enum result r = store_setting_is(g->from->site->store, "approval", "manual", &ret->manual, err);
    if (r != OK)
        return r;

    r = find_known(g, &claim, ret_known, err);
    ret->alike = r == OK ? LIKE_ANOTHER : r == R_LIMIT ? LIKE_TOO_MANY : LIKE_NOBODY;
    return r == R_NOTFOUND || r == R_LIMIT ? OK : r;
}

static enum result decide(struct registration *g, const struct store_device *was, struct error *err)
{
    const char *const reasons[] = {
        [DECIDED_WAIT_FOR_NAMES] = "its certificate holds too many names to compare them with those of other devices",
        [DECIDED_WAIT_FOR_VOUCHER] = vouchers[g->voucher].waits,
        [DECIDED_WAIT_BY_SETTING] = "approval is manual here: cmg settings get approval",
        [DECIDED_APPROVED] = ""};
    struct registration_case found;
    struct store_known known;
    enum result r = find_case(g, was, &found, &known, err);
    if (r != OK)
        return r;

    enum registration_decision decision = mp_registration_decide(&found);
    if (decision == DECIDED_WAIT_FOR_KNOWN)
        wait_for_known(g, was, &known);
    else if (decision != DECIDED_AS_IT_STANDS)
        wait_for(g, reasons[decision]);
    if (decision == DECIDED_APPROVED)
        g->device.state = STORE_APPROVED;
    return OK;
}

static enum result too_many(struct registration *g, int64_t limit, const char *which, struct error *err)
{
    g->crowded = true;
    return error_set(err, R_LIMIT, "%" PRId64 " devices %s wait for approval already", limit, which);
}

/* They are not to fill the store: not from one place, not of one name, and not together. */
static enum result check_room(struct registration *g, struct error *err)
{
    struct store *s = g->from->site->store;
    bool vouched = mp_registration_vouched(g->voucher);
    const struct store_waiting_counts *room = vouched ? &room_of_vouched : &room_of_strangers;
    const struct store_claim claim = claim_of(g, &g->device);
    struct store_waiting_counts n;
    int64_t alike = 0;
    enum result r = store_waiting_count(s, g->device.origin, vouched, &n, err);
    if (r == OK)
        r = store_known_waiting(s, &claim, vouched, &alike, err);
    if (r != OK)
        return r;
    if (alike >= PENDING_ALIKE_MAX)
        return too_many(g, PENDING_ALIKE_MAX, "of this name, hardware id or Entra device", err);
    if (n.origin >= room->origin)
        return too_many(g, room->origin, "from the address that this one comes from", err);
    return n.all >= room->all
               ? too_many(g, room->all, vouched ? "that somebody vouches for" : "that nobody vouches for", err)
               : OK;
}

/* --- the record --- */

/* One that waits and goes on waiting stays what the administrator who approves it has seen, unless it is shut out now.
 */
static void keep_word(struct registration *g, const struct store_device *was)
{
    struct store_device *d = &g->device;
    bool same = strcmp(d->known, was->known) == 0 && strcmp(d->known_by, was->known_by) == 0;
    d->name = was->name;
    d->hardware_id = was->hardware_id;
    if (weight(d->vouched_by) <= weight(was->vouched_by)) {
        d->vouched_name = was->vouched_name;
        d->vouched_by = was->vouched_by;
    }
    if ((d->kept_out && !was->kept_out) || (same && d->kept_out == was->kept_out))
        return;
    d->reason = was->reason;
    d->known = was->known;
    d->known_by = was->known_by;
    d->kept_out = was->kept_out;
}

/* `was` NULL: it is new. */
static void take_word(struct registration *g, const struct store_device *was)
{
    g->device.method = choices_client_name(mp_registration_method(g->voucher));
    g->device.voucher = vouchers[g->voucher].name;
    g->device.client_version = g->version;
    if (was && was->state == STORE_PENDING && g->device.state == STORE_PENDING) {
        keep_word(g, was);
        return;
    }
    g->device.name = g->name;
    if (*g->hardware_id || !was)
        g->device.hardware_id = g->hardware_id;
}

static enum result add_device(struct registration *g, struct error *err)
{
    guid_new(g->guid);
    char origin[MP_SCOPE_ORIGIN];
    mp_scope_origin(g->from, g->bulk.id, origin);
    g->device =
        (struct store_device){.guid = g->guid, .spki = g->spki, .registered = g->now, .origin = kept(g, origin)};
    vouch_for_name(g);
    enum result r = choose_machine(g, err);
    if (r == OK)
        r = decide(g, &g->device, err);
    if (r == OK && g->device.state == STORE_PENDING)
        r = check_room(g, err);
    take_word(g, NULL);
    return r == OK ? store_device_add(g->from->site->store, &g->device, err) : r;
}

/* The key was proven, so name and version are taken as they are now. */
static enum result update_device(struct registration *g, struct error *err)
{
    struct store *s = g->from->site->store;
    const struct store_device was = g->device;
    vouch_for_name(g);
    enum result r = choose_machine(g, err);
    if (r == OK)
        r = decide(g, &was, err);
    if (r == OK)
        take_word(g, &was);
    if (r == OK)
        r = store_device_update(s, &g->device, err);
    if (r == OK && strcmp(was.spki, g->spki) != 0)
        r = store_device_rekey(s, g->device.guid, g->spki, err);
    return r;
}

/* A new key of a machine that was blocked is shut out with it. */
static enum result check_blocked(struct registration *g, struct error *err)
{
    bool blocked = g->known && g->device.blocked;
    enum result r = g->known ? OK : store_machine_blocked(g->from->site->store, g->proven, &blocked, err);
    return r == OK && blocked ? error_set(err, R_DENIED, "the device is blocked") : r;
}

static enum result remember_certificate(struct registration *g, bool *ret_new, struct error *err)
{
    char subject[256], *pem = pki_cert_pem(g->certificate);
    pki_cert_subject(g->certificate, subject, sizeof subject);
    struct store_certificate c = {.guid = g->device.guid,
                                  .sha256 = g->sha256,
                                  .subject = subject,
                                  .pem = pem,
                                  .not_after = pki_cert_not_after(g->certificate),
                                  .added = g->now,
                                  .vouched = g->voucher == BY_PKI,
                                  .anchor = g->anchor};
    enum result r = store_certificate_put(g->from->site->store, &c, ret_new, err);
    free(pem);
    return r;
}

/* `at_will`: the device can do it as often as it likes. */
static enum result audit(struct registration *g, bool is_new, bool at_will, struct error *err)
{
    char caller[80], detail[512];
    (void)snprintf(caller, sizeof caller, "key:%s", g->spki);
    (void)snprintf(detail, sizeof detail, "%s%s%s, %s%s%.300s", vouchers[g->voucher].words,
                   g->voucher == BY_BULK ? " " : "", g->bulk.id, store_device_state_name(g->device.state),
                   *g->device.reason ? ": " : "", g->device.reason);
    const struct store_audit row = {.caller = caller,
                                    .action = is_new ? "device.register" : "device.register-again",
                                    .object = g->device.guid,
                                    .detail = detail};
    return at_will ? store_audit_add_gathered(g->from->site->store, &row, err)
                   : store_audit_add(g->from->site->store, &row, err);
}

/* For devices that nothing else vouches for each time. */
static enum result issue_token(struct registration *g, struct error *err)
{
    if (mp_registration_method(g->voucher) != CHOICE_TOKEN || g->device.state != STORE_APPROVED)
        return OK;
    struct token t = {.kind = TOKEN_DEVICE, .issued = g->now, .not_before = g->now, .expires = g->now + TOKEN_DEVICE_S};
    guid_new(t.id);
    (void)snprintf(t.subject, sizeof t.subject, "%s", g->device.guid);
    token_x5t(g->certificate, t.x5t);
    enum result r = token_issue(g->from->site->keys.token, g->from->site->keys.site, &t, &g->token, err);
    g->expires = t.expires;
    return r == OK ? store_device_token_add(g->from->site->store, g->device.guid, t.id, t.issued, t.expires, err) : r;
}

/* One that was removed since is not in the way of registering. */
static enum result join_collection(struct registration *g, struct error *err)
{
    struct store_collection c;
    if (!g->collection || !*g->collection)
        return OK;
    enum result r = store_collection_get(g->from->site->store, g->from->arena, g->collection, &c, err);
    if (r == R_NOTFOUND) {
        log_msg(LOG_WARN, "registration", "the collection '%s' of bulk token %s is gone: %s is in none", g->collection,
                g->bulk.id, g->device.guid);
        return OK;
    }
    return r == OK ? store_collection_join(g->from->site->store, c.name, g->device.guid, err) : r;
}

static enum result use_token(struct registration *g, struct error *err)
{
    bool used;
    enum result r = store_token_used_by(g->from->site->store, g->bulk.id, g->spki, &used, err);
    g->first_use = r == OK && !used;
    return r == OK ? store_token_use(g->from->site->store, g->bulk.id, g->spki, g->now, err) : r;
}

static enum result put_record(struct registration *g, struct error *err)
{
    enum result r = check_blocked(g, err);
    if (r != OK)
        return r;
    return g->known ? update_device(g, err) : add_device(g, err);
}

/* One that waited to be an Entra device and goes on waiting becomes no other one: approval takes it from who had it. */
static enum result note_entra(struct registration *g, const struct store_device *before, struct error *err)
{
    bool waits = before && before->state == STORE_PENDING && g->device.state == STORE_PENDING;
    if (g->voucher != BY_ENTRA || (waits && *g->device.entra_device))
        return OK;
    return store_device_set_entra(g->from->site->store, g->device.guid, g->entra.tenant->id, g->entra.device, err);
}

static enum result record(struct registration *g, struct error *err)
{
    struct store *s = g->from->site->store;
    bool new_certificate = false;
    enum result r = g->voucher == BY_BULK ? use_token(g, err) : OK;
    if (r == OK)
        r = mp_registration_find(g, err); /* again: now nobody else changes it */
    const struct store_device was = g->device, *before = g->known ? &was : NULL;
    bool was_out = before && before->kept_out;
    if (r == OK)
        r = put_record(g, err);
    if (r == OK)
        r = note_entra(g, before, err);
    if (r == OK)
        r = remember_certificate(g, &new_certificate, err);
    if (r == OK && !g->known)
        r = join_collection(g, err);
    if (r == OK && (g->device.kept_out != was_out || (was_out && new_certificate && g->voucher == BY_PKI)))
        r = store_bump(s, STORE_BUNDLE, err);
    /* a mere repetition changes nothing, and a self-signed certificate costs nothing */
    bool moved = !before || before->state != g->device.state, renewed = new_certificate && g->voucher == BY_PKI;
    if (r == OK && (moved || renewed))
        r = audit(g, !g->known, moved && (g->known || g->device.state == STORE_PENDING), err);
    return r == OK ? issue_token(g, err) : r;
}

enum result mp_registration_record(struct registration *g, struct error *err)
{
    enum result r = store_begin(g->from->site->store, STORE_DURABLE, err);
    return r == OK ? store_end(g->from->site->store, record(g, err), err) : r;
}
