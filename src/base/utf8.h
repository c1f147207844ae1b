/* SPDX-License-Identifier: Apache-2.0 */
/* Text of others (RFC 3629) on its way to people: into logs, terminals and JSON. What could end a line, steer a
 * terminal or turn the direction of what stands around it is not shown as it is. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the character at the front when it is well-formed and may be shown as it is; 0 for a control (C1 too), a
 * line separator, one that is invisible or sets the direction of text, an ill-formed byte, and at the end. */
size_t utf8_shown(struct slice text);

/* All of it may be shown as it is; so may nothing. */
bool utf8_all_shown(struct slice text);

/* Bytes of the well-formed character at the front, whichever it is; 0: there is none. */
size_t utf8_character(struct slice text);

/* Copies with each byte of what is not shown as \XX (RFC 4514 2.4), cut between characters to size, with NUL. */
void utf8_escape(struct slice text, char *ret, size_t size);

/* Takes a character that was cut off the end of a C string. */
void utf8_mend_end(char *text);

#endif
