/* SPDX-License-Identifier: Apache-2.0 */
/* The table of results with their names and remedies, and the texts of errors. Ends the process where a fault is this
 * machine's. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum result error_set(struct error *err, enum result code, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        err->remedy = NULL;
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
        utf8_mend_end(err->text);
    }
    return code;
}

void error_remedy(struct error *err, const char *remedy)
{
    if (err)
        err->remedy = remedy;
}

enum result error_prefix(struct error *err, const char *fmt, ...)
{
    if (!err)
        return R_INVALID; /* a failure, whichever it was */
    struct error old = *err;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text)
        (void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old.text);
    utf8_mend_end(err->text);
    return err->code;
}

const char *result_name(enum result code)
{
    static const char *const names[] = {
        [OK] = "ok",
        [R_AGAIN] = "again",
        [R_EOF] = "eof",
        [R_INVALID] = "invalid",
        [R_LIMIT] = "limit",
        [R_DENIED] = "denied",
        [R_NOTFOUND] = "not_found",
        [R_CONFLICT] = "conflict",
        [R_TIMEOUT] = "timeout",
        [R_IO] = "io",
    };
    return (size_t)code < ARRAY_LEN(names) ? names[code] : "unknown";
}

const char *result_remedy(enum result code)
{
    static const char *const remedies[] = {
        [OK] = "nothing is to be done",
        [R_AGAIN] = "try again in a few seconds; if it persists, see the log of the program that was asked",
        [R_EOF] = "check the program at the other end: it closed the connection",
        [R_INVALID] = "correct what is named",
        [R_LIMIT] = "reduce the size, or split it",
        [R_DENIED] = "use an account with the right to do this, or correct the named file",
        [R_NOTFOUND] = "use the name of an existing one",
        [R_CONFLICT] = "use another name, or remove what is there first",
        [R_TIMEOUT] = "check that the other end runs and is reached, then try again",
        [R_IO] = "check the file, program or address that is named, and this user's rights",
    };
    return (size_t)code < ARRAY_LEN(remedies) ? remedies[code] : remedies[R_IO];
}

void fatal(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("fatal: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}
