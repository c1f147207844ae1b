/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are one request of the admin API and nothing else, as tables: list, show, remove, block … */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include "ctl/ctl.h"
#include "ctl/out.h"

struct ctl_request {
    const char *argument; /* what --help calls it: "ID"; NULL: there is none */
    const char *method;   /* "GET" */
    const char *path;     /* "/v1/gateways/%s": the argument, escaped, where %s stands */
    const char *done;     /* without columns: "gateway %s removed" */
    const char *member;   /* with columns: the list to show */
    const struct ctl_column *columns;
    const char *empty; /* when the list is empty */
    bool in_pages;     /* the list comes in pages (pages.h) */
};

/* Rows of a noun's table: a list; that of one thing; a list in pages; what is done, and told in one line. */
#define CTL_ROWS_OF(argument_, path_, member_, columns_, empty_)                                                       \
    &(const struct ctl_request)                                                                                        \
    {                                                                                                                  \
        .argument = (argument_), .method = "GET", .path = (path_), .member = (member_), .columns = (columns_),         \
        .empty = (empty_)                                                                                              \
    }
#define CTL_ROWS(path_, member_, columns_, empty_) CTL_ROWS_OF(NULL, path_, member_, columns_, empty_)
#define CTL_PAGES(path_, member_, columns_, empty_)                                                                    \
    &(const struct ctl_request)                                                                                        \
    {                                                                                                                  \
        .method = "GET", .path = (path_), .member = (member_), .columns = (columns_), .empty = (empty_),               \
        .in_pages = true                                                                                               \
    }
#define CTL_DO(method_, path_, argument_, done_)                                                                       \
    &(const struct ctl_request)                                                                                        \
    {                                                                                                                  \
        .argument = (argument_), .method = (method_), .path = (path_), .done = (done_)                                 \
    }

/* Runs it: parses options, sends, prints. */
int ctl_request_run(const struct ctl_request *request, const char *summary, int argc, char **argv);

/* Path with the escaped argument in the place of %s, malloc'ed. */
char *ctl_request_path(const char *path, const char *argument);

/* Sends a request with `body` (taken over; NULL: none). CTL_DONE with *ret (NULL allowed) to be json_decref()ed (NULL
 * for an answer without a body), or the exit code of a fault that has been told. */
MUST_USE int ctl_send(const struct ctl_common *common, const char *method, const char *path, json_t *body,
                      json_t **ret);

/* Prints an answer (taken over) as JSON where that was asked for, else as the line that `fmt` makes; or, of the object
 * that is its `member`, as a row. CTL_DONE. */
int ctl_tell(const struct ctl_common *common, json_t *answer, const char *fmt, ...) PRINTF_LIKE(3, 4);
int ctl_tell_row(const struct ctl_common *common, json_t *answer, const char *member, const struct ctl_column *columns);

/* The answer as one line of JSON ("{}" for none). */
void ctl_print_answer(const json_t *answer);

#endif
