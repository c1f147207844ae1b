/* SPDX-License-Identifier: Apache-2.0 */
/* What parked.c answers a gateway that waits for questions. */
#ifndef MP_ANSWER_QUESTION_H
#define MP_ANSWER_QUESTION_H

#include "mp/server/request.h"
#include "mp/site.h"

/* {"sequence", "questions": [{"id", "certificates_pem"}]}; the caller json_decref()s. */
MUST_USE enum result mp_question_document(struct mp_request *r, json_t **ret, struct error *err);

#endif
