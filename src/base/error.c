/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum result error_set(struct error *err, enum result code, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->code = code;
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return code;
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
