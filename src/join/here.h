/* SPDX-License-Identifier: Apache-2.0 */
/* Does a name lead to this very machine? */
#ifndef JOIN_HERE_H
#define JOIN_HERE_H

enum join_here {
    JOIN_HERE,     /* an address of it is one of this machine's */
    JOIN_LOOPBACK, /* … a loopback address */
    JOIN_ELSEWHERE,
    JOIN_UNKNOWN /* it does not resolve */
};
/* Asks the resolver; waits for it. `host`: a name or an address. */
enum join_here join_here(const char *host);

#endif
