/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process. */
#ifndef BASE_HOST_PROCESS_H
#define BASE_HOST_PROCESS_H

/* How a program with threads ends: what was written to streams goes out, and no handler of exit and no destructor of a
 * library runs. A thread that is still at work then (a snapshot is built, a chain is judged, a list is fetched) ends
 * with the process: nobody waits for it, and nothing is freed below it. */
_Noreturn void process_end(int status);

#endif
