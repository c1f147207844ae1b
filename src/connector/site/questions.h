/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of administrators to this connector: what did it do with the request of an id? (`cmg trace`,
 * docs/protocol/wire.md 4). A request for them is parked at the site; answers are posted. In the loop's thread. */
#ifndef CONNECTOR_SITE_QUESTIONS_H
#define CONNECTOR_SITE_QUESTIONS_H

#include "connector/site/site.h"

struct questions;

/* Both are borrowed. Asks from questions_start on. */
struct questions *questions_new(const struct site_known *known, struct site_link *site);
void questions_free(struct questions *q); /* NULL allowed */

void questions_start(struct questions *q); /* NULL allowed */
void questions_stop(struct questions *q);  /* what is under way; NULL allowed */

#endif
