/* SPDX-License-Identifier: Apache-2.0 */
/* A crowd (base/limit/crowd.h) by address with the limits of who is not known. In the thread of the listener that owns
 * it. */
#include "net/strangers.h"

enum { ENDED_AT_ONCE = 16, CERTIFICATES_FREE = 4096, CERTIFICATES_PER_HANDSHAKE = 2048 };
enum { HOLD_FREE = 1024 }; /* bytes; every connection has as much */

struct crowd *net_strangers_new(size_t per_address, uint64_t handshakes_per_second, uint64_t refusals_per_second)
{
    uint64_t burst = handshakes_per_second * NET_STRANGERS_BURST_S;
    const struct crowd_rate rates[] = {
        [NET_STRANGER_HANDSHAKE] = {burst > per_address ? burst : per_address, handshakes_per_second},
        [NET_STRANGER_REFUSAL] = {refusals_per_second * NET_STRANGERS_BURST_S, refusals_per_second},
        [NET_STRANGER_QUESTION] = {NET_STRANGERS_QUESTIONS_BURST, NET_STRANGERS_QUESTIONS},
        [NET_STRANGER_FEW] = {NET_STRANGERS_FEW, 1},
    };
    return crowd_new(rates, ARRAY_LEN(rates));
}

bool net_strangers_let_come(struct crowd *c, struct slice address, size_t per_address, uint64_t now_ms)
{
    if (!crowd_take(c, address, NET_STRANGER_HANDSHAKE, now_ms))
        return false;
    if (crowd_count(c, address) >= per_address)
        (void)crowd_make_room_of(c, address, NULL);
    return true;
}

static size_t handshakes_worth(size_t certificates)
{
    return certificates > CERTIFICATES_FREE ? (certificates - CERTIFICATES_FREE) / CERTIFICATES_PER_HANDSHAKE : 0;
}

/* What there is not to take is no matter: the next connection is turned away then. */
void net_stranger_pays(struct crowd *c, struct crowd_member *m, size_t handshakes, uint64_t now_ms)
{
    for (; handshakes > 0 && crowd_take_as(c, m, NET_STRANGER_HANDSHAKE, now_ms); handshakes--)
        m->owed++;
}

void net_stranger_shows(struct crowd *c, struct crowd_member *m, size_t certificates, uint64_t now_ms)
{
    net_stranger_pays(c, m, handshakes_worth(certificates), now_ms);
}

struct crowd *net_known_new(void)
{
    const struct crowd_rate handshakes = {NET_KNOWN_HANDSHAKES_BURST, NET_KNOWN_HANDSHAKES};
    return crowd_new(&handshakes, 1);
}

void net_stranger_known(struct crowd *c, struct crowd_member *m, struct crowd *known, struct slice device,
                        uint64_t now_ms)
{
    enum { HANDSHAKE }; /* the only rate of who is known */
    if (!m->holder)
        return;
    bool gets_back = !known || crowd_take(known, device, HANDSHAKE, now_ms);
    for (size_t n = gets_back ? 1 + m->owed : 0; n > 0; n--)
        crowd_give(m, NET_STRANGER_HANDSHAKE);
    crowd_part(c, m);
}

void net_stranger_holds(struct crowd *c, struct crowd_member *m, size_t bytes)
{
    crowd_hold(c, m, bytes < HOLD_FREE ? 0 : bytes);
    crowd_relieve(c, NET_STRANGERS_HOLD, 0);
}

void net_known_holds(struct crowd *c, struct crowd_member *m, size_t bytes)
{
    crowd_hold(c, m, bytes);
    crowd_relieve(c, NET_KNOWN_HOLD, NET_KNOWN_SHARE);
}

void net_questions_start(struct net_questions *q, uint64_t per_second, uint64_t now_ms)
{
    bucket_start(&q->all, 2 * per_second, per_second, now_ms);
    bucket_start(&q->few, 2 * per_second, per_second, now_ms);
}

/* Who was let in has no such rates, and is none that asks few. */
bool net_stranger_may_ask(struct crowd *c, const struct crowd_member *m, struct net_questions *q, uint64_t now_ms)
{
    if (!crowd_take_as(c, m, NET_STRANGER_QUESTION, now_ms))
        return false;
    bool few = m->holder && crowd_take_as(c, m, NET_STRANGER_FEW, now_ms);
    return (few && bucket_take(&q->few, 1, now_ms)) || bucket_take(&q->all, 1, now_ms);
}

bool net_strangers_end_late(struct crowd *c, uint64_t now_ms)
{
    return now_ms > NET_STRANGERS_MS && crowd_end_older(c, now_ms - NET_STRANGERS_MS, ENDED_AT_ONCE);
}
