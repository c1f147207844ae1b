/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy is shown by who goes through it: values of Proxy-Authorization (RFC 9110 11.7.2), malloc'ed, secrets. */
#ifndef NET_PROXY_LOGIN_H
#define NET_PROXY_LOGIN_H

#include "base/error.h"
#include "base/slice.h"

enum { NET_PROXY_LOGIN_MAX = 16 * 1024 /* bytes of one: a Kerberos ticket may tell of many groups */ };

/* Basic (RFC 7617). The password: given, or the first line of a file of mode 0600. */
MUST_USE enum result net_proxy_basic(const char *user, struct slice password, char **ret, struct error *err);
MUST_USE enum result net_proxy_basic_file(const char *user, const char *path, char **ret, struct error *err);
/* R_INVALID: Basic can't tell this user's name. */
MUST_USE enum result net_proxy_user_check(struct slice user, struct error *err);

/* What `program` said: "Negotiate TOKEN", or another scheme's value; a word alone is a token for Negotiate (RFC 4559).
 */
MUST_USE enum result net_proxy_printed(const char *program, struct slice said, char **ret, struct error *err);

#endif
