/* SPDX-License-Identifier: Apache-2.0 */
/* Says to a directory of the connector's own settings who asks (RFC 4513 5). */
#ifndef CONNECTOR_DIRECTORY_BIND_H
#define CONNECTOR_DIRECTORY_BIND_H

#include "connector/directory/session.h"

/* Nothing where the session is another's, or the settings say none. A password that was refused is not shown again
 * before its file changes or an hour has passed, so that no account is locked by it: the first answer stands. */
MUST_USE enum result directory_bind(struct directory_session *s, struct error *err);

#endif
