/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is made for documents and answers. Text that is not UTF-8 has no place in it (RFC 8259 8.1): what would
 * hold it is null, and the log says which. It is nothing that a peer, or a damaged row, may end the process by. */
#ifndef MP_PUT_H
#define MP_PUT_H

#include "json/json.h"

/* `value` is taken over; NULL, as libjansson's json_string() and json_pack() answer to such text: null. Where the
 * object or the list itself is NULL for that reason, the value goes with it. */
void mp_put(json_t *o, const char *name, json_t *value);
void mp_push(json_t *array, json_t *value);

/* "pki token" → ["pki", "token"]. */
json_t *mp_content_words(const char *words);

#endif
