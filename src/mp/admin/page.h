/* SPDX-License-Identifier: Apache-2.0 */
/* What can grow long is listed in pages, so that no answer holds up the loop (docs/protocol/wire.md 8): the
 * query says behind which item a page begins and how many it has, the answer's `next` where the following one does. */
#ifndef MP_ADMIN_PAGE_H
#define MP_ADMIN_PAGE_H

#include "mp/server/request.h"

enum { MP_PAGE_ITEMS = 200, MP_PAGE_ITEMS_MAX = 500, MP_PAGE_WORD_MAX = 256 };

struct mp_page {
    const char *after; /* "": the first page */
    int64_t limit;     /* of items */
};

/* A value of the query that is compared with what the store holds; *ret stays as it is when it is absent or empty. */
MUST_USE enum result mp_page_read_word(struct mp_request *r, const char *name, const char **ret, struct error *err);

/* Reads "after" and "limit". False: it was answered (400). */
MUST_USE bool mp_page_read(struct mp_request *r, struct mp_page *ret);

/* One row more than the page has tells whether there is another one: the rows that it has of `count`. */
size_t mp_page_rows(const struct mp_page *page, size_t count);
#define MP_PAGE_ROWS(page) ((page)->limit + 1)

/* Reads which page, and answers with what `fill` puts into *answer, or its failure. */
typedef enum result mp_page_fill_fn(struct mp_request *r, const struct mp_page *page, json_t *answer,
                                    struct error *err);
void mp_page_answer(struct mp_request *r, mp_page_fill_fn *fill);

/* `next`: NULL: this is the last one. */
void mp_page_put_next(json_t *answer, const char *next);

#endif
