/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the site answers to who joins (docs/protocol/wire.md 11): a signed document of type "join", whose content is
 * {"bootstrap": the bootstrap file without its key} and which is for this id and this very key. Whoever carries it can
 * at most keep it back.
 */
#ifndef BUNDLE_JOIN_ANSWER_H
#define BUNDLE_JOIN_ANSWER_H

#include "bundle/join/string.h"

enum { JOIN_ANSWER_MAX = 64 * 1024 };

/* For whom the document is: "connector.cp1". */
void join_answer_audience(const char *kind, const char *id, char ret[64]);

/* Chain to the pin of the string, signature, id and key, times; and that the certificate in it is of the same root, for
 * this key, and in its time at `now`. *ret is the whole bootstrap file (JSON, a secret, malloc'ed: mem_free_secret).
 * R_DENIED with the cause; R_TIMEOUT: it is not its time, so one of the two clocks is wrong. */
MUST_USE enum result join_answer_read(struct slice text, const struct join_string *s, EVP_PKEY *key, int64_t now,
                                      char **ret, struct error *err);

#endif
