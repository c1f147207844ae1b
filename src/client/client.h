/* SPDX-License-Identifier: Apache-2.0 */
/* The device as it stands in its state folder, and one session of it: the credentials at hand, the gateway that
 * answered, the management point and method chosen, and how it ended. Each step returns false after it filled
 * session->outcome. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/credential/credential.h"
#include "client/location/fqdns.h"
#include "client/location/inside.h"
#include "client/location/select.h"
#include "client/state/documents.h"
#include "client/state/identity.h"
#include "client/state/logs.h"
#include "client/state/settings.h"
#include "web/form.h"
#include "web/http.h"
#include "web/outcome.h"
#include "web/signed.h"

struct client {
    const char *dir; /* STATE, borrowed */
    int lock;        /* descriptor of STATE/lock, held while it is open */
    struct client_settings settings;
    struct client_identity identity;
    struct client_logs logs;
};

/* Makes STATE (0700) when it is not there, waits until no other command works on it, and loads everything. */
MUST_USE enum result client_open(const char *dir, struct client *ret, struct error *err);
void client_close(struct client *c);

/* --- machine.c --- */

/* What this machine is told apart by, as the site is told it: HardwareId, else of its machine id and the state folder.
 * "" on a machine without one. */
void client_hardware_id(const struct client *c, char ret[CLIENT_HARDWARE_SIZE]);
/* Was the state copied here from another machine? Then its identity, keys and tokens go (part of client_open). */
MUST_USE enum result client_machine_check(struct client *c, struct error *err);

enum { CLIENT_POLICIES_MAX = 4096 };

struct client_entra {
    bool configured, usable;             /* usable: by what can be seen without a request */
    char fault[256];                     /* when it is not */
    struct client_credential credential; /* of EntraCertificate */
    char *token;                         /* the device's, of this session; a secret; NULL: not asked for yet */
};

struct client_policies {
    json_t *list; /* in force; NULL: none */
    int64_t sequence;
    bool changed;
};

enum client_network { CLIENT_NETWORK_UNKNOWN, CLIENT_INTRANET, CLIENT_INTERNET };

struct client_session {
    struct client *c;
    struct web_http *http;
    struct web_outcome outcome;
    struct client_fqdns gateways;
    const struct client_fqdn *gateway; /* the one that answered; NULL: none yet */
    struct client_inside inside;       /* management points to ask directly */
    struct client_mp *mp;              /* the one in use, on the intranet; NULL: through the gateway */
    enum client_network network;
    char *anchors; /* PEM of GatewayCA; NULL: the system's */
    unsigned char pin[PKI_SHA256];
    bool has_pki;
    struct client_credential pki, own;
    struct client_credential_fault pki_fault; /* when !has_pki */
    struct client_entra entra;
    char name[129];
    unsigned version;
    json_t *location; /* verified content; NULL: not yet */
    bool shown;       /* a credential for choice.method was shown to a gateway already */
    struct client_choice choice;
    char failed[4][WEB_ROLE_MAX + 1]; /* management points that did not answer in this run */
    size_t failed_count;
    enum choice_scenario scenario; /* whose policy the report is about */
    struct client_policies policies[CHOICE_USER + 1];
    char user[256];                    /* who is signed in, for the report; "": nobody, or not asked for */
    char nonce[HTTPSIG_NONCE_MAX + 1]; /* of the last request's signature: its answer names it */
    bool tokens_refused;               /* the site's tokens that it holds were not taken; a bulk token may help */
    int64_t offset;                    /* the site's clock less ours, in seconds, once an answer said so */
    int64_t date;                      /* the time by the last answer, and by our clock then; 0: it told none */
    int64_t date_here;
};

/* Reads what the settings name (anchors, credentials) and makes the own key where it is missing. Always to be ended
 * with client_session_end, also after false. */
MUST_USE bool client_session_begin(struct client *c, struct client_session *s);
void client_session_end(struct client_session *s);

/* Fills the outcome from *err as a local finding and returns false. */
bool client_session_fail(struct client_session *s, const char *reason, const struct error *err, const char *remedy);

/* The same: what is to be kept can't be written. */
bool client_session_fail_state(struct client_session *s, const struct error *err);

/* The same: 304, although no version was named. It would make a document live on that has ended. */
bool client_session_fail_unasked(struct client_session *s);

/* Is it unregistered since its state came from another machine? Then the outcome says so, and true is returned. */
bool client_session_fail_cloned(struct client_session *s);

/* The credential that stands behind a method. */
const struct client_credential *client_session_credential(const struct client_session *s, enum choice_client method);
struct client_registration *client_session_registration(struct client_session *s);
/* Who reads documents: the key that stands behind `method`, under `audience` (borrowed). */
struct client_reader client_session_reader(const struct client_session *s, enum choice_client method,
                                           const char *audience);
/* What the site signed as its answer to the last request: the member "signed" of the JSON in `a`; json_decref *ret. The
 * GUID is ours, or (NULL) any. false: s->outcome says why. */
MUST_USE bool client_session_signed_answer(struct client_session *s, const struct web_answer *a, const char *guid,
                                           json_t **ret);

/* --- session_send.c --- */

struct client_call {
    enum choice_client method; /* decides the prefix, the certificate and the key that signs */
    const char *role;          /* NULL: the gateway itself answers */
    const char *verb, *target; /* "GET", "/SMS_MP/.sms_aut?MPLIST" */
    const char *content_type;  /* NULL: no body */
    struct slice body;
    const char *bearer;        /* NULL: none */
    const char *if_none_match; /* NULL: none */
};

/* "intranet", "internet"; "unknown". */
const char *client_network_name(enum client_network network);

/* Signs and sends it to the management point in use, directly or through the gateway. true: an answer below 300, or
 * 304, is in *ret. Once more when the clocks differ. The caller frees *ret in every case. */
MUST_USE bool client_session_send(struct client_session *s, const struct client_call *call, struct web_answer *ret);

/* --- refused.c: what looks like another fault and is this device's clock, or its disk --- */

/* A certificate of the device seems to be out of its time: is it rather the device's clock, by what a gateway says?
 * Then *ret says so in words. */
MUST_USE bool client_clock_is_wrong(const struct client_session *s, char *ret, size_t size);
/* Fails for it: `differ` from above, `what` is not good by our clock. */
bool client_session_fail_clock(struct client_session *s, const char *differ, const char *what);

struct client_refused {
    struct slice text; /* of the document */
    enum document_type type;
    struct client_reader who;
    const char *reason, *remedy; /* when it is neither clock nor disk */
};
#define CLIENT_DOCUMENT_REMEDY                                                                                         \
    "compare SiteKey with the pin that `cmg status` shows; an older sequence means a management point with an old "    \
    "store"
#define CLIENT_ANSWER_REMEDY                                                                                           \
    "compare SiteKey with the pin that `cmg status` shows; if it is right, who answers is not this site's management " \
    "point: have the gateway looked at"
/* client_document_accept did not take a document, for *err. Fails as what it is. */
bool client_session_fail_document(struct client_session *s, const struct client_refused *r, const struct error *err);

/* --- a file for each duty --- */

/* location.c: finds a management point that can be reached directly, else a gateway that answers; verifies the signed
 * location data and chooses management point and method (s->choice). */
MUST_USE bool client_locate(struct client_session *s);
/* The same through gateways alone: the management point in use can't be reached any more. */
MUST_USE bool client_locate_outside(struct client_session *s);
/* May the device use a gateway, and does it know one? Also those that the site told of. */
MUST_USE bool client_gateways_ready(struct client_session *s);
/* Verifies location data and takes them over (s->location). */
MUST_USE bool client_location_take(struct client_session *s, const char *text);
/* Chooses again without pki, after the gateway refused it by mode. false: nothing else is left. */
MUST_USE bool client_locate_next(struct client_session *s);
/* The management point at the end of a gateway's way does not answer (s->outcome): it is passed over for a while, for
 * another that takes the same method. false: there is none; the outcome stays. */
MUST_USE bool client_locate_another(struct client_session *s);

/* registration.c: with the chosen method, unless its key is registered already and `again` is not asked for. */
MUST_USE bool client_register(struct client_session *s, bool again);

/* token.c: *ret is a valid access token (borrowed from the identity), or NULL with pki, which needs none. */
MUST_USE bool client_access_token(struct client_session *s, const char **ret);
void client_access_token_drop(struct client_session *s);
/* Asks CCM_STS (RFC 8693); *ret is its answer, which holds a token in "access_token" (json_decref in every case).
 * `what` is for the log. */
MUST_USE bool client_token_service(struct client_session *s, const struct web_form *form, const char *bearer,
                                   const char *what, json_t **ret);
/* *ret is what the device shows at CCM_STS: its device token, renewed when that is due, or its Entra token; NULL with
 * pki. */
MUST_USE bool client_subject_token(struct client_session *s, const char **ret);
/* Takes over a device token that the site gave; its lifetime is read from it. */
void client_device_token_take(struct client_registration *r, const char *token, int64_t now);
void client_session_drop_tokens(struct client_registration *r);

/* policy.c: fetches, verifies, stores; runs the handler on a change. */
MUST_USE bool client_policy(struct client_session *s, enum choice_scenario whose);
/* GET `target`, the client settings, of the management point with what the device is known by; 304 when the site's
 * version is `sequence` (0: the document is wanted whole). The caller frees *ret in every case. */
MUST_USE bool client_policy_ask(struct client_session *s, const char *target, const struct client_reader *who,
                                int64_t sequence, struct web_answer *ret);
/* The last good policy document, if it is for this reader and has not ended: its content (json_decref) and sequence. */
json_t *client_policy_stored(const struct client_reader *who, int64_t *ret_sequence);

#endif
