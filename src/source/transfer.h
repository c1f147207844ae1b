/* SPDX-License-Identifier: Apache-2.0 */
/* One transfer of libcurl, from its options to its verdict: of this folder only. */
#ifndef SOURCE_TRANSFER_H
#define SOURCE_TRANSFER_H

#include <curl/curl.h>

#include "der/judged.h"
#include "source/http.h"

struct source_transfer {
    const struct source_http *what; /* borrowed until the end, as is body */
    struct buf *body;
    CURL *easy;
    struct curl_slist *headers;
    bool too_large, not_allowed;
    struct der_judged judged;  /* why those of the server were refused */
    struct error certificates; /* why those of the server were not even read */
};

/* Makes `easy`, ready to be performed. */
void source_transfer_begin(struct source_transfer *t, const struct source_http *what, struct buf *body);
/* What became of it (source/http.h has the results); gives everything back. */
enum result source_transfer_end(struct source_transfer *t, CURLcode code, struct error *err);

#endif
