/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is made for documents and answers: out of memory, or text that is not UTF-8, ends the process. */
#ifndef MP_CONTENT_PUT_H
#define MP_CONTENT_PUT_H

#include "json/json.h"

/* `value` is taken over. */
void mp_put(json_t *o, const char *name, json_t *value);
void mp_push(json_t *array, json_t *value);

/* "pki token" → ["pki", "token"]. */
json_t *mp_content_words(const char *words);

#endif
