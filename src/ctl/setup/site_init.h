/* SPDX-License-Identifier: Apache-2.0 */
/* A new site on disk (docs/protocol/wire.md section 2): its keys and mp.yaml. The store is cmg-mp's own. */
#ifndef CTL_SETUP_SITE_INIT_H
#define CTL_SETUP_SITE_INIT_H

#include "choices/choices.h"
#include "pki/cert/cert.h"
#include "tls/identity_file.h"

enum { SITE_MPS_MAX = 8, SITE_ROLE_ID_SIZE = 24 };

struct site_mp {
    enum choice_mp mode;
    const char *listen;                 /* "127.0.0.1:8443" */
    const char *url;                    /* as connectors and devices reach it */
    struct tls_identity_files identity; /* https */
    const char *ca;                     /* https: a file */
    unsigned clients;                   /* bits of the methods that it takes; 0: all that its mode allows */
    char id[SITE_ROLE_ID_SIZE];         /* filled: a random decimal 64-bit number */
};

/* Where a running site keeps things, as mp.yaml says it: relative to the site's folder, or absolute. */
struct site_paths {
    const char *state, *admin_socket, *log, *access_log;
};

/* Those of a site made in `dir`: below /etc the machine's own places (hier(7)), for a folder of configuration is none
 * for a database; elsewhere all of it stays in `dir`. */
struct site_paths site_paths_for(const char *dir);
extern const struct site_paths site_paths_within;

struct site_plan {
    const char *dir;
    const char *site;
    struct site_paths paths;
    const char *store;                  /* the URL of a PostgreSQL database; NULL: SQLite, in the state folder */
    const char *root_key, *role_ca_key; /* URIs of keys that stay in an HSM (pki/key/key.h); NULL: they are made */
    struct site_mp mps[SITE_MPS_MAX];
    size_t mp_count;
};

/* Makes it; *ret_pin gets the pin. R_CONFLICT when there is a site already; files given are read and checked first. */
MUST_USE enum result site_init(struct site_plan *plan, char ret_pin[PKI_HASH_HEX], struct error *err);

/* How others reach a management point on this machine, by the name that it has. */
enum { SITE_URL_SIZE = 320 };
void site_own_url(unsigned port, char ret[SITE_URL_SIZE]);

/* Is this a site code: 1 to 8 of A-Z 0-9? */
bool site_code_valid(const char *site);

/* `text` as a YAML scalar in double quotes (which JSON strings are), malloc'ed. */
char *yaml_quote(const char *text);

#endif
