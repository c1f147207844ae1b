/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that somebody put into a file as one line, a token or a password: what editors, shells and copying leave
 * around it goes, or is refused with what it is. */
#ifndef BASE_HOST_LINE_H
#define BASE_HOST_LINE_H

#include "base/error.h"
#include "base/slice.h"

/* The first line, without its end (LF, CR LF): blanks and quotes may be the password's. R_INVALID: there is none, a
 * byte order mark, UTF-16, zero bytes. */
MUST_USE enum result line_password(struct slice text, struct slice *ret, struct error *err);

/* The one word of the text, without blanks and line ends around it. R_INVALID: as above, quotes (no token has any), or
 * more than one word. */
MUST_USE enum result line_token(struct slice text, struct slice *ret, struct error *err);

/* The same of a file ("-": standard input), malloc'ed, for mem_free_secret. Also as file_read; the text names it. */
MUST_USE enum result line_read_password(const char *path, char **ret, size_t *ret_len, struct error *err);
MUST_USE enum result line_read_token(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err);

#endif
