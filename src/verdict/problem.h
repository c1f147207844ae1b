/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a refusal: a problem document (RFC 9457) with code, reason, remedy and the request's id. */
#ifndef VERDICT_PROBLEM_H
#define VERDICT_PROBLEM_H

#include "verdict/reason.h"

#define VERDICT_PROBLEM_TYPE "application/problem+json"

/* `detail`: what was found in this case; NULL or "": the reason's own text; `remedy` likewise. Malloc'ed, the caller
 * frees it. */
char *verdict_problem(enum verdict_reason reason, const char *detail, const char *remedy, const char *request_id);

#endif
