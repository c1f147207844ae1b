/* SPDX-License-Identifier: Apache-2.0 */
/* A file as an answer's body: read in pieces by threads of the pool, at the speed of the peer, so that neither the loop
 * waits for the disk nor memory holds more than a piece. */
#ifndef MP_SERVER_FILE_ANSWER_H
#define MP_SERVER_FILE_ANSWER_H

#include "mp/server/request.h"

/* Sends `length` bytes of the file from `first` on, behind a head as `a` says (of its body nothing is read), or the
 * head alone to who asked by HEAD. Ends the request. The file is opened for each piece: who takes his time holds no
 * descriptor. One that has become shorter meanwhile breaks the answer off. `path` is borrowed. */
void mp_answer_file(struct mp_request *r, const struct mp_answer *a, const char *path, uint64_t first, uint64_t length);

#endif
