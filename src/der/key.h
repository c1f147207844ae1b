/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL reads the key of each certificate together with the certificate, before anybody can ask what it is. With a
 * curve of its maker's choice and points that are compressed (SEC 1 2.3.3) it takes a square root in that maker's
 * field: 150 ms for 680 octets. Certificates that came from whom nobody knows are looked at here first.
 */
#ifndef DER_KEY_H
#define DER_KEY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

/* What makes this certificate's key slow to be read, or unreadable, in words; NULL: nothing. A constant. */
MUST_USE const char *der_key_slow(struct slice certificate);

/* Does it hold the name of a kind of field (1.2.840.10045.1), as explicit parameters do? For what certificates lie
 * somewhere in. */
MUST_USE bool der_names_field(struct slice der);

#endif
