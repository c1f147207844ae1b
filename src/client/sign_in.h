/* SPDX-License-Identifier: Apache-2.0 */
/* The user's sign-in on this device, and its end. */
#ifndef CLIENT_SIGN_IN_H
#define CLIENT_SIGN_IN_H

#include "client/state/device.h"

/* Device-code sign-in (RFC 8628): shows address and code on standard output, waits until the user has signed in, and
 * keeps the tokens; the last line is the report. false: it failed, and the report says why. The state folder is free
 * for others while it waits. */
MUST_USE bool client_sign_in(const char *dir, bool json);
/* Forgets the user, the tokens and the user's policy. *ret_was: somebody was signed in. */
MUST_USE enum result client_sign_out(struct client *c, bool *ret_was, struct error *err);

#endif
