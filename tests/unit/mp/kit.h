/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A site without sockets: keys, an empty store and the documents of a management point, devices with keys of their own,
 * and requests on exchanges that only note what is answered. One at a time; a setup opens it, a teardown closes it.
 */
#ifndef TESTS_MP_KIT_H
#define TESTS_MP_KIT_H

#include "cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mp/server/request.h"
#include "mp/site.h"
#include "pki/issue/issue.h"
#include "store/device/device.h"

extern struct mp_site site;
extern struct mp_config_point point; /* that the peer came to; ehttp, every method, as it is opened */
extern struct mp_peer peer;          /* whose requests they are; nobody, as it is opened */
extern struct arena *rows;           /* for what the test reads of the store */
extern struct error err;

int kit_open(void **state); /* a group's or a test's setup and teardown */
int kit_close(void **state);

/* Fails the test with *err. */
void ok(enum result r);

/* --- certificates --- */

/* A certificate of `key`, self-signed when `ca` is NULL; from ten seconds ago for a thousand. */
X509 *kit_issue(enum pki_profile profile, const char *name, const char *uri, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key);
/* A certificate of the site's role CA for "gateway" or "connector" `id` that ends at `not_after`. */
X509 *kit_role(const char *kind, const char *id, EVP_PKEY *key, int64_t not_after);

/* --- devices --- */

struct kit_device {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
    char spki[65], sha256[65], guid[GUID_SIZE];
};
/* With a new key and a certificate that it signed itself; no record. */
void kit_device_new(struct kit_device *d);
/* The same, with a certificate of this CA. */
void kit_device_of_ca(struct kit_device *d, const char *name, X509 *ca, EVP_PKEY *ca_key);
/* Its record in the store, of method token, in this state, and its certificate. */
void kit_device_record(struct kit_device *d, const char *name, enum store_device_state state);
void kit_device_free(struct kit_device *d);

/* --- requests --- */

struct kit_ask {
    struct http_exchange x;
    struct mp_request *r; /* gone when it was answered */
    int answers, status;
    struct http_fields fields; /* of the answer */
    struct buf body;           /* of the answer */
    json_t *json;              /* the body; NULL: it is none, or not JSON */
};
/* `peer`'s request with this body; to be answered, then kit_forget()ten. */
void kit_ask(struct kit_ask *a, const char *method, const char *target, const char *body);
void kit_field(struct kit_ask *a, const char *name, const char *value);
/* Signs it by `key`, as if now were `at`. */
void kit_sign(struct kit_ask *a, EVP_PKEY *key, int64_t at);
/* Calls the handler, which answers. */
void kit_handle(struct kit_ask *a, mp_handler_fn *handle);
/* A member of the answer; "" when there is none. */
const char *kit_said(const struct kit_ask *a, const char *name);
void kit_forget(struct kit_ask *a);

/* How many rows the audit has of this action. */
size_t kit_audited(const char *action);

#endif
