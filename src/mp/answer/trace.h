/* SPDX-License-Identifier: Apache-2.0 */
/* This process's own answers to what administrators ask about requests (`cmg trace`), whichever process of the site was
 * asked. */
#ifndef MP_ANSWER_TRACE_H
#define MP_ANSWER_TRACE_H

#include "mp/site.h"

/* Answers what was asked since number `*after`, where it did something with that request, and moves *after on. */
void mp_trace_answer(struct mp_site *site, int64_t *after);

#endif
