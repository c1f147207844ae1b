/* SPDX-License-Identifier: Apache-2.0 */
/* One session of the device: what it holds, the way that was found to the site, the management point and method chosen,
 * and how it ended. Each step returns false after it filled the outcome. A step that needs a piece of it alone takes
 * that piece. */
#ifndef CLIENT_SESSION_SESSION_H
#define CLIENT_SESSION_SESSION_H

#include "client/credential/credential.h"
#include "client/credential/entra.h"
#include "client/session/mp.h"
#include "client/session/select.h"
#include "client/state/device.h"
#include "client/state/documents.h"
#include "client/state/fqdns.h"
#include "web/http.h"
#include "web/outcome.h"
#include "web/signed.h"

enum { CLIENT_POLICIES_MAX = 4096, CLIENT_FAILED_MAX = 4 };

enum client_network { CLIENT_NETWORK_UNKNOWN, CLIENT_INTRANET, CLIENT_INTERNET };

/* What the device can show. */
struct client_held {
    bool has_pki;
    struct client_credential pki, own;
    struct client_credential_fault pki_fault; /* when !has_pki */
    struct client_entra entra;
};

/* How the site is reached. */
struct client_way {
    struct client_fqdns gateways;
    const struct client_fqdn *gateway; /* the one that answered; NULL: none yet */
    struct client_inside inside;       /* management points to ask directly */
    struct client_mp *mp;              /* the one in use, on the intranet; NULL: through the gateway */
    enum client_network network;
};

/* What answers said of the time. */
struct client_times {
    int64_t offset; /* the site's clock less ours, in seconds, once an answer said so */
    int64_t date;   /* the time by the last answer, and by our clock then; 0: it told none */
    int64_t date_here;
};

/* Management points that did not answer in this run. */
struct client_failed {
    char roles[CLIENT_FAILED_MAX][WEB_ROLE_MAX + 1];
    size_t count;
};

struct client_policies {
    json_t *list; /* in force; NULL: none */
    int64_t sequence;
    bool changed;
};

struct client_session {
    struct client *c;
    struct web_http *http;
    struct web_outcome outcome;
    struct client_held held;
    struct client_way way;
    struct client_times times;
    struct client_choice choice;
    struct client_failed failed;
    char *anchors; /* PEM of GatewayCA; NULL: the system's */
    unsigned char pin[PKI_SHA256];
    char name[129];
    unsigned version;
    json_t *location;              /* verified content; NULL: not yet */
    bool shown;                    /* a credential for choice.method was shown to a gateway already */
    bool tokens_refused;           /* the site's tokens that it holds were not taken; a bulk token may help */
    enum choice_scenario scenario; /* whose policy the report is about */
    struct client_policies policies[CHOICE_USER + 1];
    char user[256];                    /* who is signed in, for the report; "": nobody, or not asked for */
    char nonce[HTTPSIG_NONCE_MAX + 1]; /* of the last request's signature: its answer names it */
};

/* Reads what the settings name (anchors, credentials) and makes the own key where it is missing. Always to be ended
 * with client_session_end, also after false. */
MUST_USE bool client_session_begin(struct client *c, struct client_session *s);
void client_session_end(struct client_session *s);

/* The credential that stands behind a method. */
const struct client_credential *client_session_credential(const struct client_session *s, enum choice_client method);
static inline struct client_registration *client_session_registration(struct client_session *s)
{
    return &s->c->identity.of[s->choice.method];
}
/* Who reads documents: the key that stands behind `method`, under `audience` (borrowed). */
struct client_reader client_session_reader(const struct client_session *s, enum choice_client method,
                                           const char *audience);
/* The device's Entra token, got once a session; borrowed. false: s->outcome says why. */
MUST_USE bool client_session_entra_token(struct client_session *s, const char **ret);

/* "intranet", "internet"; "unknown". */
const char *client_network_name(enum client_network network);

#endif
