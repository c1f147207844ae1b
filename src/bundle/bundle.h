/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the site's documents say, as C: the bundle (for gateways) and the connector document, read from the content of a
 * verified document (docs/protocol/wire.md section 5).
 *
 * Both are immutable once read, so that any thread may use them without a lock; nobody but the owner frees. Everything
 * that the lookups return is borrowed and lives as long as its bundle. Text members are C strings without control
 * characters, never NULL where not said; lists may be empty.
 *
 * Reading is strict: a word that is not in its table, an id outside its alphabet (wire.md section 1), a duplicate, a
 * member of the wrong kind, or more than the maxima below is an error that names the member ("endpoints[3].purpose:
 * …"). Members that are unknown are ignored: that is how a newer site talks to an older gateway.
 */
#ifndef BUNDLE_BUNDLE_H
#define BUNDLE_BUNDLE_H

#include "bundle/document.h"
#include "choices/choices.h"
#include "jose/entra.h"
#include "jose/foreign.h"
#include "jose/token.h"

enum {
    BUNDLE_ID_MAX = 64,    /* bytes of an endpoint's id; 40 of the others */
    BUNDLE_NAME_MAX = 200, /* bytes of an endpoint's name */
    BUNDLE_NAME_SEGMENTS_MAX = 16,
    BUNDLE_ROLES_MAX = 4096,
    BUNDLE_ENDPOINTS_MAX = 16384,
    BUNDLE_METHODS_MAX = 32,
    BUNDLE_CRLS_MAX = 4096,
    BUNDLE_BLOCKS_MAX = 262144,  /* entries; and of each of their lists, summed over all entries */
    BUNDLE_DISALLOWED_MAX = 512, /* groups; their lists are bounded like those of blocks */
    BUNDLE_CONNECTORS_MAX = 16384,
    BUNDLE_REVOKED_MAX = 65536,
    BUNDLE_TENANTS_MAX = 64,
    BUNDLE_CLIENT_ANCHORS_MAX = 16, /* of an endpoint */
    BUNDLE_FETCH_HOSTS_MAX = 256,   /* anchors that have any */
    BUNDLE_FOREIGN_MAX = 16,
    BUNDLE_CRL_MAX = 1024 * 1024 * 1024, /* bytes of one that is named */
    BUNDLE_GATEWAYS_MAX = 1024,
    BUNDLE_ANSWER_MAX_S = 3600,
    BUNDLE_SOURCES_MAX = 256,
    BUNDLE_REFRESH_MAX_S = 30 * 86400
};
#define BUNDLE_BODY_DEFAULT (1024 * 1024)  /* max_body when the endpoint names none */
#define BUNDLE_BODY_MAX ((int64_t)1 << 40) /* the largest that it may name */

/* --- the bundle --- */

struct bundle_settings {
    bool crl_check;              /* default true */
    bool allow_when_unavailable; /* on_unavailable: "allow"; default false ("fail") */
    int64_t max_age_s;           /* bundle_max_age: without contact for longer the gateway answers 503 */
    int64_t renewal_grace_s;     /* for struct token_policy */
};

/* A management point. */
struct bundle_role {
    const char *id;
    enum choice_mp mode;
    unsigned clients; /* CHOICE_BIT()s that the site lets in there */
};

enum bundle_headers { BUNDLE_HEADERS_CMG, BUNDLE_HEADERS_PUPPET, BUNDLE_HEADERS_HAWKBIT };

struct bundle_endpoint {
    const char *id;   /* also the :authority inside the tunnel */
    const char *role; /* NULL when it is reached by host */
    const char *name; /* path behind the role id without the first slash, "CCM_Client/registration"; "": everything */
    const char *host; /* lower case, no port; NULL when it is reached by path */
    unsigned auth;    /* CHOICE_BIT()s; never 0 */
    enum token_purpose purpose;
    const char *const *methods; /* method_count of them; 0: any */
    size_t method_count;
    const char *allow; /* the methods as the field Allow wants them ("GET, HEAD"); "" when any */
    int64_t max_body;  /* bytes */
    enum bundle_headers headers;
    bool management_point;
    const struct bundle_role *mp;                      /* the role above; set exactly when management_point */
    bool allow_encoded_slash;                          /* %2f and empty segments may pass */
    bool websocket;                                    /* "upgrade": "websocket" */
    const unsigned char (*client_anchors)[PKI_SHA256]; /* below which certificates count here; 0 of them: below any */
    size_t client_anchor_count;
    int64_t answer_s; /* longest wait for the answer's head; 0: the program's default */
};

/* Where something comes from that the site does not make itself: a CRL, an OCSP responder, an OpenID provider's keys.
 */
enum bundle_source_kind { BUNDLE_SOURCE_CRL, BUNDLE_SOURCE_OCSP, BUNDLE_SOURCE_JWKS, BUNDLE_SOURCE_OIDC };
const char *bundle_source_kind_name(enum bundle_source_kind kind); /* "crl", "ocsp", "jwks", "oidc" */
MUST_USE bool bundle_source_kind_parse(struct slice name, enum bundle_source_kind *ret);
bool bundle_source_gives_keys(enum bundle_source_kind kind); /* else it tells of revocation */

struct bundle_source {
    const char *id; /* 1 to 40 of a-z0-9- */
    enum bundle_source_kind kind;
    const char *url;    /* in a bundle NULL when a connector fetches it, by id; in a connector document never NULL */
    int64_t refresh_s;  /* at most this long between two fetches; 0: the program's default */
    const char *ca_pem; /* by which its server is judged, where there is a URL; NULL: the system's CAs */
};

/* From which hosts lists may be fetched that certificates below this anchor point to. */
struct bundle_fetch_hosts {
    unsigned char anchor[PKI_SHA256]; /* of its certificate */
    const char *hosts;                /* words: "host" (port 80) or "host:port", lower case */
};

/* An onboarded tenant that is switched on. */
struct bundle_tenant {
    const char *client_app_id, *resource; /* what AADAuthInfo tells; "" when not set */
    const char *source;                   /* id of the source that gives its keys; NULL: they are in the bundle */
};

/* A revocation list that is too long for the bundle: fetched by its hash. */
struct bundle_crl_name {
    const char *sha256; /* of its DER, lower-case hex; NULL: the list is in the bundle */
    int64_t size;
};

struct bundle_index; /* what the lookups search */

struct bundle {
    int64_t sequence, issued, expires; /* the document's */
    struct bundle_settings settings;
    const char *anchors_pem, *intermediates_pem; /* "" when there are none */
    struct slice *crls; /* crl_count DERs, not looked into yet; .ptr NULL after bundle_drop_crl, and of those named */
    const struct bundle_crl_name *crl_names; /* as many: which the others are */
    size_t crl_count;
    const struct jose_keys *token_keys; /* never NULL, may hold no key */
    const struct bundle_role *roles;
    size_t role_count;
    const struct bundle_endpoint *endpoints; /* in the document's order */
    size_t endpoint_count;
    const char *const *connectors; /* ids of those that exist */
    size_t connector_count;
    const struct bundle_source *sources;
    size_t source_count;
    const struct bundle_fetch_hosts *fetch_hosts;
    size_t fetch_hosts_count;
    const struct entra_tenant *tenants;       /* whom tokens of other issuers are believed from; tenant_count of them */
    const struct bundle_tenant *tenant_infos; /* the same in the same order */
    size_t tenant_count;
    const struct foreign_site *foreign; /* Configuration Manager sites whose tokens open endpoints of ours */
    size_t foreign_count;
    const char *location; /* JWS of type location as it came (not verified: it is for the clients); "" when none */
    struct bundle_index *index;
};

/* Reads a document of type DOCUMENT_BUNDLE that document_read() accepted. `d` is only borrowed; all is copied. The
 * caller bundle_free()s. PEMs and CRLs are not parsed here: pki_trust does that. R_INVALID or R_LIMIT. */
MUST_USE enum result bundle_parse(const struct document *d, struct bundle **ret, struct error *err);
void bundle_free(struct bundle *b); /* NULL allowed */
/* Gives the bytes of the i-th CRL back: they are long, and stand elsewhere. Before anybody else has the bundle. */
void bundle_drop_crl(struct bundle *b, size_t i);

/* The management point of this id, ignoring ASCII case; NULL: none (published paths that are no management point have
 * no role entry). */
const struct bundle_role *bundle_role_find(const struct bundle *b, struct slice id);

/*
 * The endpoint for what stands behind /CCM_Proxy_…Auth/: the role id and the path behind it ("/CCM_STS", "" or "/…";
 * the first slash may be missing; a query is ignored). Both ignore ASCII case. The longest name that covers whole
 * segments wins; a name "" covers everything. NULL: nothing is published there.
 *
 * Escapes, runs of slashes, parameters, dots and blanks at a segment's end are compared as a server inside could read
 * them ("/%41dmin", "//admin", "/admin;x", "/admin." meet "admin"), so
 * that another spelling never reaches a wider endpoint; the path itself is not changed. Dot segments must have been
 * refused before (target_parse).
 */
const struct bundle_endpoint *bundle_endpoint_by_path(const struct bundle *b, struct slice role, struct slice path);

/* By host name (no port, no trailing dot), ignoring ASCII case; NULL: none. */
const struct bundle_endpoint *bundle_endpoint_by_host(const struct bundle *b, struct slice host);

const struct bundle_endpoint *bundle_endpoint_by_id(const struct bundle *b, struct slice id); /* exact */

/* Does the endpoint take this HTTP method (case matters)? */
bool bundle_endpoint_takes(const struct bundle_endpoint *e, struct slice method);

/* The tenant of this id of Microsoft's (the member "tenant") or of the site's own name, ignoring case. SIZE_MAX: none.
 */
size_t bundle_tenant_find(const struct bundle *b, struct slice id);

/* Is it blocked? GUID: any case. SPKI and certificate: SHA-256 as hex, any case (pki_cert_spki_sha256,
 * pki_cert_sha256). Token: its jti, exact. Malformed text is not blocked, it is nobody's. O(log n). */
bool bundle_blocks_guid(const struct bundle *b, struct slice guid);
/* Was the record of this device removed, so that the tokens that it still has count no more? */
bool bundle_lacks_device(const struct bundle *b, struct slice guid);
bool bundle_blocks_spki(const struct bundle *b, struct slice sha256_hex);
bool bundle_blocks_certificate(const struct bundle *b, struct slice sha256_hex);
bool bundle_blocks_token(const struct bundle *b, struct slice jti);
/* By the tenant's id at the site and the device's at the tenant. */
bool bundle_blocks_entra(const struct bundle *b, const char *tenant, const char *device);

/* A device by its token (guid), or by its certificate. */
struct bundle_sender {
    struct slice guid;                       /* empty: by certificate */
    const unsigned char *certificate, *spki; /* PKI_SHA256 bytes each; of no meaning with a guid */
};

/* Which client settings do not let it use the gateway ("custom settings 'x' (priority 1, collection y)"); NULL: none.
 * O(groups × log n). */
const char *bundle_disallows(const struct bundle *b, const struct bundle_sender *who);

/* May lists be fetched from this host (as bundle_fetch_hosts writes it) for certificates below this anchor? */
bool bundle_may_fetch(const struct bundle *b, const unsigned char anchor[PKI_SHA256], struct slice host);

/* Has the site withdrawn this role, or its certificate that ends at `not_after`? kind: "connector", "gateway", "mp". */
bool bundle_role_revoked(const struct bundle *b, const char *kind, const char *id, int64_t not_after);

/* --- the connector document --- */

struct connector_endpoint {
    const char *id;
    bool tls;              /* https */
    const char *host;      /* of the URL; lower case, an IPv6 address without brackets */
    uint16_t port;         /* the scheme's when the URL names none */
    const char *base_path; /* of the URL, without a slash at its end: "" or "/prefix"; the request's path is appended */
    const char *authority; /* the Host that the upstream sees: the member "host", else host[:port] of the URL */
    const char *anchors_pem; /* NULL: none of its own */
    const char *mp;          /* role id of the management point; NULL: it is none */
    enum choice_mp mode;     /* when mp is set. ehttp: TLS is judged by the URN …:mp:<mp>; https: by anchors_pem */
    unsigned clients;        /* CHOICE_BIT()s, when mp is set (choices_connector_needs_certificate); else 0 */
    int64_t answer_s;        /* 0: the program's default */
    bool websocket;          /* "upgrade": "websocket" */
    enum bundle_headers headers;
    bool keep_host;   /* Host is the name that the client asked for, instead of `authority` */
    bool x_forwarded; /* X-Forwarded-For, -Host and -Proto are set beside Forwarded */
};

struct connector_gateway { /* to dial */
    const char *id, *host;
    uint16_t port;
    int64_t withdrawn; /* its certificates that end then or before count no longer; 0: none */
    int64_t joining;   /* until then it may ask for its certificate (wire.md 11); 0: it does not join */
    bool unissued;     /* it never had one: nothing is to be dialled */
};

/* What a connector judges its own client certificate by: as the gateways judge devices. */
struct connector_trust {
    struct bundle_settings settings;
    const char *anchors_pem, *intermediates_pem; /* "" when there are none */
    const struct slice *crls;                    /* crl_count DERs */
    size_t crl_count;
    int64_t lists_elsewhere; /* lists and responders that only gateways have: they were too long, or come from sources
                                that gateways ask themselves */
};

struct connector_document {
    int64_t sequence, issued, expires;
    const struct connector_endpoint *endpoints;
    size_t endpoint_count;
    const struct connector_gateway *gateways;
    size_t gateway_count;
    const struct bundle_source *sources; /* that gateways may ask for by id */
    size_t source_count;
    const struct connector_trust *trust; /* NULL: no management point wants this connector's client certificate */
    struct arena *arena;                 /* holds it all */
};

/* As bundle_parse, for DOCUMENT_CONNECTOR. Whether a target may be reached (loopback …) is the connector's to say. */
MUST_USE enum result connector_document_parse(const struct document *d, struct connector_document **ret,
                                              struct error *err);
void connector_document_free(struct connector_document *d); /* NULL allowed */

#endif
