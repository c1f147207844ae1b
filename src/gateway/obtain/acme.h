/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's certificate of a public CA (ACME, RFC 8555), had by a kept client, uacme. All of it lives in the state
 * folder, as its owner's:
 *
 *   acme/settings.json    which CA, who is told, which names
 *   acme/account          the CA that has an account of ours
 *   acme/client/          uacme's: the account's key, and below the first name key and certificate
 *   acme/challenges/      what is pending (challenge.h)
 *   acme/failed           why the last try failed; not there: it did not
 *   acme/log              what the client said the last time
 */
#ifndef GATEWAY_OBTAIN_ACME_H
#define GATEWAY_OBTAIN_ACME_H

#include <limits.h>
#include <stdbool.h>

#include "gateway/obtain/host.h"

enum {
    ACME_URL_SIZE = 512,
    ACME_EMAIL_SIZE = 255,
    ACME_PAUSE_S = 60 * 60, /* after a failure: CAs count those (RFC 8555 6.6) */
};

struct acme_settings {
    char directory[ACME_URL_SIZE]; /* https:// */
    char email[ACME_EMAIL_SIZE];
    char hosts[OBTAIN_HOSTS_MAX][OBTAIN_HOST_SIZE]; /* the first one names the files */
    size_t host_count;
};

/* R_INVALID: what is wrong of URL and address (of the hosts: obtain_hosts). */
MUST_USE enum result acme_settings_check(const struct acme_settings *s, struct error *err);
/* R_NOTFOUND: this gateway has no certificate by ACME. */
MUST_USE enum result acme_settings_read(const char *state, struct acme_settings *ret, struct error *err);
MUST_USE enum result acme_settings_write(const char *state, const struct acme_settings *s, struct error *err);

/* "<state>/acme/<name>"; false: too long. */
MUST_USE bool acme_path(const char *state, const char *name, char ret[PATH_MAX]);
/* Where certificate and key of this name are, or will be. */
MUST_USE bool acme_certificate_path(const char *state, const char *host, char ret[PATH_MAX]);
MUST_USE bool acme_key_path(const char *state, const char *host, char ret[PATH_MAX]);

/* A certificate of our own for a week, where there is none: with it the gateway starts, and can answer the CA. Devices
 * refuse it. */
MUST_USE enum result acme_stand_in(const char *state, const struct acme_settings *s, struct error *err);

/* Why the last try failed, "": it did not. *ret_at gets when. */
void acme_fault(const char *state, char ret[ERROR_TEXT_MAX], int64_t *ret_at);
void acme_note_fault(const char *state, const char *words); /* "": none */

#endif
