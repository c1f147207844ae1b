/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean …?": of the words that there are, the one that is nearest to one that there is not, by letters left
 * out, added, exchanged or swapped, ignoring case (optimal string alignment), or because it goes on with it.
 */
#ifndef BASE_TEXT_NEAREST_H
#define BASE_TEXT_NEAREST_H

#include "base/slice.h"

struct nearest {
    struct slice word; /* borrowed: what was written */
    const char *best;  /* borrowed of the candidates; NULL: none is near */
    size_t distance;   /* of best */
};

struct nearest nearest_to(struct slice word);
void nearest_try(struct nearest *n, const char *candidate);

/* "; did you mean 'status'?", or "" when none is near. Cut to size; returns ret. `before` stands before the word. */
const char *nearest_text(const struct nearest *n, const char *before, char *ret, size_t size);

#endif
