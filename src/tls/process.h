/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL and the end of a process. */
#ifndef TLS_PROCESS_H
#define TLS_PROCESS_H

/* First of all in a program with threads: OpenSSL frees nothing when the process exits. A thread that is still at work
 * with it then (a snapshot is built, a chain is judged) ends with the process, not in what was freed below it. */
void tls_process_start(void);

#endif
