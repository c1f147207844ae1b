/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One vocabulary of results and one error object.
 *
 * A function that can fail returns `enum result` and takes a `struct error *` (NULL allowed) which it fills exactly
 * when it does not return OK. The text is for operators: what was found, what was expected, what to do. It never
 * holds a secret. Faults of a peer are results; faults of this machine (memory, entropy) end the process.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <fcntl.h>
#include <unistd.h>

#include "base/attr.h"

/* The success value is OK: R_OK is access(2)'s constant 4 in <unistd.h>, and must never be taken for a result. */
#undef R_OK
#pragma GCC poison R_OK

enum result {
    OK = 0,
    R_AGAIN,    /* nothing now, ask again after the next event */
    R_EOF,      /* the other side is done */
    R_INVALID,  /* malformed input or a wrong argument of the user */
    R_LIMIT,    /* a maximum was reached */
    R_DENIED,   /* not allowed, or a signature or check failed */
    R_NOTFOUND, /* no such thing */
    R_CONFLICT, /* exists already, or was changed meanwhile */
    R_TIMEOUT,
    R_IO, /* the operating system or a library said no */
};

#define ERROR_TEXT_MAX 512

struct error {
    enum result code;
    char text[ERROR_TEXT_MAX]; /* always NUL-terminated, cut at the end when longer */
    const char *remedy;        /* of this very case, a constant; NULL: what the code or a verdict's reason says */
};

/* Fills *err (when not NULL) and returns `code`, so that one can write `return error_set(err, R_INVALID, …);`. */
enum result error_set(struct error *err, enum result code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Says what to do about what was just set. */
void error_remedy(struct error *err, const char *remedy);

/* Puts "<formatted>: " in front of the text; returns err->code (R_INVALID when err is NULL: never OK). */
enum result error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "R_INVALID" → "invalid": the word for logs and JSON. */
const char *result_name(enum result code);

/* What one does about it where nobody has better words. */
const char *result_remedy(enum result code);

/* A bug or a fault of the machine: prints to stderr and aborts. Never reachable by what a peer sends. */
_Noreturn void fatal(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
