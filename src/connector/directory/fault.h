/* SPDX-License-Identifier: Apache-2.0 */
/* What libldap or the server said, in words that name no host: they leave the house. */
#ifndef CONNECTOR_DIRECTORY_FAULT_H
#define CONNECTOR_DIRECTORY_FAULT_H

#include "connector/directory/session.h"

/* `code` is of the last operation of this session. Also says there whether another server may answer. */
MUST_USE enum result directory_fault(struct directory_session *s, int code, struct error *err);

#endif
