/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on a terminal, for the commands that people read: colours where they are wanted, columns as the terminal counts
 * them (UAX 11: a CJK character takes two, a combining mark none), lines that fit. Nothing of it is for logs or files
 * of machines.
 */
#ifndef TERM_TERM_H
#define TERM_TERM_H

#include <stdio.h>

#include "base/slice.h"

enum term_colour { TERM_PLAIN, TERM_GREEN, TERM_YELLOW, TERM_RED, TERM_FAINT, TERM_BOLD };

/* Escape sequences, or "" where `out` is no terminal, TERM is dumb or NO_COLOR is set. */
const char *term_on(FILE *out, enum term_colour colour);
const char *term_off(FILE *out);

/* Where lines go, and how. */
struct term {
    FILE *out;
    size_t width; /* columns of a line */
    bool ascii;   /* the terminal takes no UTF-8: each other character becomes one '?' */
    bool live;    /* a line can be replaced: a terminal, not a dumb one, wide enough */
    bool whole;   /* a word that is longer than a line is not cut: it may be an address to copy */
};
/* As wide as the terminal, at most `width_max`, which is what a file gets. */
void term_begin(struct term *t, FILE *out, size_t width_max);

/* Columns that term_put takes for it. */
size_t term_columns(const struct term *t, struct slice text);
/* The front of it that takes at most so many. */
struct slice term_front(const struct term *t, struct slice text, size_t room);

/* Text of others: what could move the cursor, is not shown or is ill-formed becomes '?'. */
void term_put(const struct term *t, struct slice text);
/* Words from this column on; the lines that follow begin at `indent`. Ends the line. */
void term_wrap(const struct term *t, const char *text, size_t column, size_t indent);

#endif
