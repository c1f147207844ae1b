/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines that a peer can cause at will. Each address may cause so many, all together so many more; what is over it
 * is counted and told in one line every ten seconds: "refused: more of the same peer=192.0.2.7 count=26990 seconds=10
 * reasons=…". One table for the process; any thread.
 *
 * Who fills the log so can't keep others' first lines out but for as long as all together are over the rate: a newcomer
 * takes the place of who caused none for longest, and one peer has few. Nothing is lost without being counted, and
 * metrics count each.
 */
#ifndef BASE_HOST_GATHER_H
#define BASE_HOST_GATHER_H

#include "base/clock.h"
#include "base/host/log.h"

enum {
    LOG_GATHER_BURST = 200, /* lines at once of one peer, */
    LOG_GATHER_RATE = 10,   /* and a second */
    LOG_GATHER_ALL_BURST = 2000,
    LOG_GATHER_ALL_RATE = 100,
    LOG_GATHER_PEERS = 128, /* who is told by name, once a kind of line; the rest is told together */
    LOG_GATHER_KINDS = 8,   /* of them, of one peer */
    LOG_GATHER_MS = 10 * 1000,
    LOG_GATHER_SHOWN = 256, /* bytes of a peer's own text in such a line */
};

/* May this line be written? Else it was counted. `component` and `message` are texts that last; `who` of an address is
 * its group (net/address.h): who has an IPv6 /64 has 2^64 hosts. */
MUST_USE bool log_gather(enum log_level level, const char *component, const char *message, const char *who,
                         const char *reason, uint64_t now_ms);

/* Tells what was counted, when it is time; to be called every second or so. */
void log_gather_tell(uint64_t now_ms);

/* As LOG_EVENT, caused by `who` for that reason. */
#define LOG_GATHERED(level, component, who, reason, message, ...)                                                      \
    do {                                                                                                               \
        if (log_gather((level), (component), (message), (who), (reason), clock_mono_ms()))                             \
            LOG_EVENT((level), (component), (message), __VA_ARGS__);                                                   \
    } while (0)

/* So much of a text that a peer chose as a line shows. */
static inline struct slice log_cut(struct slice text)
{
    return slice_make(text.ptr, text.len < LOG_GATHER_SHOWN ? text.len : LOG_GATHER_SHOWN);
}

#endif
