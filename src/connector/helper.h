/* SPDX-License-Identifier: Apache-2.0 */
/* The program of connector.yaml that logs in at the proxy is run by a process apart, made before this one is locked in:
 * that one never hears the network, and runs this program alone, whatever it is asked. */
#ifndef CONNECTOR_HELPER_H
#define CONNECTOR_HELPER_H

#include "base/error.h"

/* Before there are threads. `program` (absolute) is borrowed for ever. R_IO. */
MUST_USE enum result helper_start(const char *program, struct error *err);

/* The value of Proxy-Authorization that the program prints (net_proxy_printed), malloc'ed, a secret. Any thread but a
 * loop's: it waits. Where helper_start() was not called (no sandbox), it is run from here. */
MUST_USE enum result helper_ask(const char *program, char **ret, struct error *err);

#endif
