/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions of administrators: would this certificate be let in, and if not, why? A request for them is parked at the
 * site through a tunnel; each is judged as a request that shows the certificate, with this gateway's own
 * bundle, lists and responders, and the verdict is posted back (docs/protocol/wire.md 4).
 */
#ifndef GATEWAY_SITE_QUESTIONS_H
#define GATEWAY_SITE_QUESTIONS_H

#include "gateway/judge/judge.h"
#include "gateway/tunnels.h"

struct gateway_questions *gateway_questions_new(struct gateway_judge *judge, const struct gateway_tunnels *tunnels);
void gateway_questions_free(struct gateway_questions *q); /* NULL allowed */

/* A tunnel came up or announced something. NULL allowed. */
void gateway_questions_kick(struct gateway_questions *q);

#endif
