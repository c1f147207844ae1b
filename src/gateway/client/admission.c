/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of who gives way for whom; who is counted how is base/limit/crowd and net/strangers. Closes connections
 * by their leave functions only. In the worker's thread; owns the worker's tables. */
#include "gateway/client/admission.h"

#include "base/clock.h"
#include "base/host/gather.h"
#include "net/strangers.h"

static const char *const texts[AWAY_COUNT] = {
#define GATEWAY_X(symbol, word, text) [AWAY_##symbol] = text,
    GATEWAY_AWAY(GATEWAY_X)
#undef GATEWAY_X
};

void admission_start(struct gateway_clients *all, const struct gateway_config *config)
{
    size_t per_address = all->places->strangers_per_address;
    all->strangers = net_strangers_new(per_address, config->handshakes_per_address, config->refusals_per_address);
    all->long_chains = crowd_new(NULL, 0);
    all->devices = net_known_new();
}

/* --- telling --- */

static void note_away(struct gateway_clients *all, enum gateway_away why, const char *peer)
{
    metric_away(all->metrics, why);
    LOG_GATHERED(LOG_INFO, "gateway", net_group_of(peer).text, texts[why], "turned away", LOG_T("peer", peer),
                 LOG_T("reason", texts[why]));
}

void admission_left(struct gateway_clients *all, const char *peer)
{
    note_away(all, all->leaving, peer);
}

/* --- making room --- */

static bool is_idle(const struct crowd_member *m)
{
    const struct gateway_connection *c = container_of(m, struct gateway_connection, of_device);
    return !c->closing && http_server_conn_exchanges(c->http) == 0;
}

static bool make_room(struct gateway_clients *all, enum gateway_away why)
{
    all->leaving = why;
    if (crowd_make_room(all->strangers, NULL))
        return true;
    all->leaving = AWAY_IDLE;
    return crowd_make_room(all->devices, is_idle);
}

static bool has_room(struct gateway_clients *all, const char *address)
{
    if (all->connection_count < all->places->connections || make_room(all, AWAY_ROOM))
        return true;
    note_away(all, AWAY_FULL, address);
    return false;
}

bool admission_ask(struct gateway_clients *all, const struct net_address *peer)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(peer, address);
    all->leaving = AWAY_ADDRESS_SHARE;
    if (net_strangers_let_come(all->strangers, slice_of(address), all->places->strangers_per_address,
                               loop_now_ms(all->loop)))
        return has_room(all, address);
    note_away(all, AWAY_ADDRESS_RATE, address);
    return false;
}

bool admission_room(struct gateway_clients *all, const struct net_address *balancer)
{
    char address[NET_ADDRESS_TEXT];
    net_address_format_group(balancer, address);
    return has_room(all, address);
}

static bool give_up_descriptor(void *ctx)
{
    return make_room(ctx, AWAY_DESCRIPTORS);
}

static void on_dropped(void *ctx, enum net_dropped why)
{
    note_away(ctx, why == NET_DROPPED_STALE ? AWAY_STALE : AWAY_DESCRIPTORS, "");
}

const struct net_listener_guard admission_guard = {give_up_descriptor, on_dropped};

bool admission_end_late(struct gateway_clients *all)
{
    all->leaving = AWAY_LATE;
    return net_strangers_end_late(all->strangers, clock_mono_ms());
}

/* --- connections --- */

bool admission_known(struct gateway_connection *c, const char *device, crowd_leave_fn *leave)
{
    struct gateway_clients *all = c->clients;
    struct slice key = slice_of(device);
    if (c->of_device.holder) {
        crowd_touch(&c->of_device);
        return true;
    }
    all->leaving = AWAY_DEVICE_SHARE;
    if (crowd_count(all->devices, key) >= all->places->connections_per_device &&
        !crowd_make_room_of(all->devices, key, is_idle)) {
        note_away(all, AWAY_DEVICE_SHARE, c->client.peer);
        return false;
    }
    net_stranger_known(all->strangers, &c->stranger, all->devices, key, loop_now_ms(all->loop));
    crowd_join(all->devices, &c->of_device, key, loop_now_ms(all->loop), leave);
    return true;
}

void admission_holds(struct gateway_connection *c, size_t bytes)
{
    struct gateway_clients *all = c->clients;
    if (c->of_device.holder) {
        all->leaving = AWAY_DEVICE_MEMORY;
        net_known_holds(all->devices, &c->of_device, bytes);
    } else {
        all->leaving = AWAY_MEMORY;
        net_stranger_holds(all->strangers, &c->stranger, bytes);
    }
}

bool admission_refused_too_often(struct gateway_connection *c)
{
    struct gateway_clients *all = c->clients;
    if (crowd_take_as(all->strangers, &c->stranger, NET_STRANGER_REFUSAL, loop_now_ms(all->loop)))
        return false;
    note_away(all, AWAY_REFUSALS, c->client.peer);
    return true;
}
