/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: aligned tables, times, states in colour (on a terminal only, and not when NO_COLOR is set). What
 * came from devices is cleaned of control characters, so that a name can't steer the terminal. */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include "term/term.h"
#include "json/json.h"

/* TIME, LEFT: seconds since 1970; DURATION: seconds, none being what is absent */
enum ctl_cell { CTL_TEXT, CTL_NUMBER, CTL_TIME, CTL_LEFT, CTL_DURATION, CTL_STATE, CTL_LIST };

struct ctl_column {
    const char *title;
    const char *member; /* of each object of the list */
    enum ctl_cell kind;
    const char *absent; /* what stands for a missing value or null; NULL: "-" */
};

enum { CTL_COLUMNS_MAX = 12 }; /* of a table; details have as many as they have */

/* A row an object of `list`; columns end with a NULL title. Prints `empty` when there is none. */
void ctl_table(FILE *out, const json_t *list, const struct ctl_column *columns, const char *empty);

/* The rows of one page of a list, below those before: `widths` are 0 before the first, which gets the head, and grow.
 */
void ctl_table_rows(FILE *out, const json_t *list, const struct ctl_column *columns, size_t widths[CTL_COLUMNS_MAX]);

/* "name: value" lines, aligned, for one object. */
void ctl_details(FILE *out, const json_t *object, const struct ctl_column *columns);

/* One value as a cell shows it, malloc'ed, without colour. */
char *ctl_cell_text(const json_t *value, enum ctl_cell kind, const char *absent);

/* `text` with line breaks at blanks so that no line passes `width` columns unless a word does; later lines are
 * indented. */
void ctl_wrap(FILE *out, const char *text, size_t indent, size_t width);

/* Pretty or, for programs, one line; with a line break. */
void ctl_print_json(FILE *out, const json_t *value, bool pretty);

#endif
