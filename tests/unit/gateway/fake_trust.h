/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts that can't be reached quickly, as those on chains of many certificates with one name; linked with --wrap. */
#ifndef TEST_GATEWAY_FAKE_TRUST_H
#define TEST_GATEWAY_FAKE_TRUST_H

#include "pki/trust.h"

extern bool fake_trust_slow;              /* a quick question is refused as unfinished */
extern bool fake_trust_asks;              /* each answer leaves a question to a responder */
extern unsigned fake_trust_whole_answers; /* to questions that were not quick */

#endif
