/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets as streams: data, pressure, ends, listeners, dialling, handing over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "loop/loop.h"
#include "net/tcp.h"

struct pair;

struct end {
    struct pair *pair;
    struct net_stream *stream;
    struct buf got;
    size_t total;
    bool ended, closed, drained, full, pause_in_data, close_in_data;
    struct error why;
};

struct pair {
    struct loop *loop;
    struct net_listener *listener;
    struct net_address at, peer;
    struct end server, client;
    int accepted, dial_failed;
    struct error dial_error;
};

static void on_data(void *ctx, struct slice data)
{
    struct end *e = ctx;
    e->total += data.len;
    e->full = e->full || buf_append(&e->got, data) != OK; /* a later, smaller piece must not close the gap */
    if (e->pause_in_data)
        net_stream_pause(e->stream);
    if (e->close_in_data) {
        net_stream_close(e->stream);
        e->stream = NULL;
    }
}

static void on_end(void *ctx)
{
    struct end *e = ctx;
    assert_false(e->ended);
    e->ended = true;
}

static void on_drain(void *ctx)
{
    struct end *e = ctx;
    e->drained = true;
}

static void on_close(void *ctx, const struct error *why)
{
    struct end *e = ctx;
    assert_false(e->closed);
    e->closed = true;
    e->why = *why;
}

static const struct net_stream_events events = {on_data, on_end, on_drain, on_close};

static void take(struct end *e, struct net_stream *s)
{
    e->stream = s;
    net_stream_set_events(s, &events, e);
}

static void on_accept(void *ctx, struct net_stream *s, const struct net_address *peer)
{
    struct pair *p = ctx;
    p->accepted++;
    p->peer = *peer;
    if (p->server.stream)
        net_stream_close(s);
    else
        take(&p->server, s);
}

static void on_open(void *ctx, struct net_stream *s)
{
    struct pair *p = ctx;
    take(&p->client, s);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct pair *p = ctx;
    p->dial_failed++;
    p->dial_error = *why;
}

static const struct net_dial_events dial_events = {on_open, on_fail};

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(struct pair *p, uint64_t ms)
{
    struct loop_timer *t = loop_timer_new(p->loop, stop, p->loop);
    loop_timer_start(t, ms, 0);
    loop_run(p->loop);
    loop_timer_free(t);
}

/* Runs the loop in short turns until the condition holds; fails after ten seconds. */
#define RUN_UNTIL(p, condition)                                                                                        \
    do {                                                                                                               \
        for (int turn = 0; !(condition) && turn < 5000; turn++)                                                        \
            run_for((p), 2);                                                                                           \
        assert_true(condition);                                                                                        \
    } while (0)

static void init(struct pair *p)
{
    *p = (struct pair){.loop = loop_new()};
    p->server.pair = p->client.pair = p;
    buf_init(&p->server.got, 1024 * 1024);
    buf_init(&p->client.got, 1024 * 1024);
}

static void start(struct pair *p)
{
    init(p);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &p->at, NULL), OK);
    assert_int_equal(net_listen_tcp(p->loop, &p->at, false, on_accept, p, &p->listener, NULL), OK);
    net_listener_address(p->listener, &p->at);
    (void)net_dial_tcp(p->loop, "127.0.0.1", net_address_port(&p->at), 1000, &dial_events, p);
    RUN_UNTIL(p, p->server.stream && p->client.stream);
}

static void done(struct pair *p)
{
    net_stream_close(p->server.stream);
    net_stream_close(p->client.stream);
    net_listener_close(p->listener);
    buf_free(&p->server.got);
    buf_free(&p->client.got);
    loop_free(p->loop);
}

static void write_text(struct end *e, const char *text)
{
    net_stream_write(e->stream, slice_of(text));
}

static void assert_got(const struct end *e, const char *text)
{
    if (!slice_eq(buf_data(&e->got), slice_of(text)))
        fail_msg("got '%" PRIslice "'", SLICE_ARG(buf_data(&e->got)));
}

/* --- streams --- */

static void both_ends_talk_and_end_each_for_itself(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    write_text(&p.client, "question");
    net_stream_shutdown(p.client.stream);
    write_text(&p.client, "nothing goes out behind the end");
    RUN_UNTIL(&p, p.server.ended);
    assert_got(&p.server, "question");
    write_text(&p.server, "answer");
    net_stream_shutdown(p.server.stream);
    RUN_UNTIL(&p, p.client.ended);
    assert_got(&p.client, "answer");
    assert_false(p.client.closed || p.server.closed);
    done(&p);
}

static char pattern[3000000];

static void much_data_queues_drains_once_and_arrives_whole(void **state)
{
    (void)state;
    struct pair p;
    size_t sent = 0;
    start(&p);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i * 2654435761u >> 11);
    net_stream_pause(p.client.stream);
    while (!net_stream_congested(p.server.stream)) {
        net_stream_write(p.server.stream, slice_make(pattern, sizeof pattern));
        sent += sizeof pattern;
    }
    run_for(&p, 20);
    assert_int_equal(p.client.total, 0);
    assert_false(p.server.drained);
    net_stream_resume(p.client.stream);
    RUN_UNTIL(&p, p.client.total == sent);
    assert_true(p.server.drained);
    assert_int_equal(net_stream_queued(p.server.stream), 0);
    assert_memory_equal(buf_data(&p.client.got).ptr, pattern, buf_len(&p.client.got));
    done(&p);
}

static void an_end_comes_behind_all_that_was_queued(void **state)
{
    (void)state;
    struct pair p;
    size_t sent = 0;
    start(&p);
    net_stream_pause(p.client.stream);
    for (; !net_stream_congested(p.server.stream); sent += sizeof pattern)
        net_stream_write(p.server.stream, slice_make(pattern, sizeof pattern));
    net_stream_shutdown(p.server.stream);
    net_stream_resume(p.client.stream);
    RUN_UNTIL(&p, p.client.ended);
    assert_int_equal(p.client.total, sent);
    done(&p);
}

static void a_reader_may_pause_and_close_inside_its_data(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    p.client.pause_in_data = true;
    write_text(&p.server, "one");
    RUN_UNTIL(&p, p.client.total == 3);
    write_text(&p.server, "two");
    run_for(&p, 20);
    assert_got(&p.client, "one");
    p.client.close_in_data = true;
    net_stream_resume(p.client.stream);
    RUN_UNTIL(&p, p.server.ended);
    assert_got(&p.client, "onetwo");
    assert_null(p.client.stream);
    done(&p);
}

static void a_reset_is_told_once_and_writing_to_it_is_harmless(void **state)
{
    (void)state;
    struct pair p;
    struct linger hard = {.l_onoff = 1};
    start(&p);
    int fd = net_tcp_detach(p.client.stream);
    p.client.stream = NULL;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    (void)close(fd);
    for (int i = 0; i < 3; i++)
        net_stream_write(p.server.stream, slice_make(pattern, sizeof pattern));
    assert_false(p.server.closed); /* never inside a write */
    RUN_UNTIL(&p, p.server.closed);
    assert_int_equal(p.server.why.code, R_IO);
    write_text(&p.server, "into the void");
    net_stream_shutdown(p.server.stream);
    run_for(&p, 10);
    done(&p);
}

static void closing_with_unread_data_does_not_destroy_the_answer(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    net_stream_pause(p.server.stream);
    run_for(&p, 5);
    net_stream_write(p.client.stream, slice_make(pattern, 50000));
    run_for(&p, 20);
    write_text(&p.server, "go away");
    net_stream_close(p.server.stream);
    p.server.stream = NULL;
    RUN_UNTIL(&p, p.client.ended || p.client.closed);
    assert_got(&p.client, "go away");
    assert_true(p.client.ended);
    done(&p);
}

static int socket_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    (void)getsockopt(fd, level, name, &value, &len);
    return value;
}

static void accepted_and_dialled_sockets_do_not_delay_and_keep_alive(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    struct end *ends[] = {&p.server, &p.client};
    for (size_t i = 0; i < 2; i++) {
        int fd = net_tcp_detach(ends[i]->stream);
        assert_int_equal(socket_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(socket_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        (void)close(fd);
        ends[i]->stream = NULL;
    }
    done(&p);
}

/* --- handing over --- */

static void a_socket_moves_to_another_loop_with_what_was_read(void **state)
{
    (void)state;
    struct pair p, other;
    start(&p);
    init(&other);
    int fd = net_tcp_detach(p.server.stream);
    p.server.stream = NULL;
    write_text(&p.client, " and late");
    take(&other.server, net_tcp_adopt(other.loop, fd, SLICE("early")));
    assert_int_equal(other.server.total, 0); /* from the loop, not from inside */
    RUN_UNTIL(&other, other.server.total == 14);
    assert_got(&other.server, "early and late");
    write_text(&other.server, "answer");
    RUN_UNTIL(&p, p.client.total == 6);
    done(&p);
    done(&other);
}

static void what_was_read_before_waits_for_a_paused_owner(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    int fd = net_tcp_detach(p.server.stream);
    take(&p.server, net_tcp_adopt(p.loop, fd, SLICE("early")));
    net_stream_pause(p.server.stream);
    write_text(&p.client, " and late");
    run_for(&p, 20);
    assert_int_equal(p.server.total, 0);
    net_stream_resume(p.server.stream);
    RUN_UNTIL(&p, p.server.total == 14);
    assert_got(&p.server, "early and late");
    fd = net_tcp_detach(p.server.stream);
    take(&p.server, net_tcp_adopt(p.loop, fd, SLICE("x")));
    p.server.close_in_data = true;
    run_for(&p, 5);
    assert_null(p.server.stream);
    done(&p);
}

/* --- listeners --- */

static void one_address_serves_both_families(void **state)
{
    (void)state;
    struct pair p;
    char text[NET_ADDRESS_TEXT];
    init(&p);
    assert_int_equal(net_address_parse(SLICE(":0"), &p.at, NULL), OK);
    assert_int_equal(net_listen_tcp(p.loop, &p.at, false, on_accept, &p, &p.listener, NULL), OK);
    net_listener_address(p.listener, &p.at);
    (void)net_dial_tcp(p.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &p);
    RUN_UNTIL(&p, p.accepted == 1 && p.client.stream);
    net_address_format_host(&p.peer, text);
    assert_string_equal(text, "127.0.0.1"); /* not ::ffff:127.0.0.1 */
    assert_int_not_equal(net_address_port(&p.peer), 0);
    done(&p);
}

static void workers_share_an_address_and_others_can_not_have_it(void **state)
{
    (void)state;
    struct pair a, b;
    struct net_listener *third;
    struct error err;
    init(&a);
    init(&b);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &a.at, NULL), OK);
    assert_int_equal(net_listen_tcp(a.loop, &a.at, true, on_accept, &a, &a.listener, NULL), OK);
    net_listener_address(a.listener, &a.at);
    assert_int_equal(net_listen_tcp(b.loop, &a.at, true, on_accept, &b, &b.listener, NULL), OK);
    assert_int_equal(net_listen_tcp(b.loop, &a.at, false, on_accept, &b, &third, &err), R_CONFLICT);
    assert_non_null(strstr(err.text, "127.0.0.1:"));
    for (int i = 0; i < 64; i++) {
        struct pair c;
        init(&c);
        (void)net_dial_tcp(c.loop, "127.0.0.1", net_address_port(&a.at), 1000, &dial_events, &c);
        RUN_UNTIL(&c, c.client.stream);
        run_for(&a, 1);
        run_for(&b, 1);
        done(&c);
    }
    assert_int_equal(a.accepted + b.accepted, 64);
    assert_true(a.accepted > 0 && b.accepted > 0);
    done(&a);
    done(&b);
}

static void a_listener_out_of_descriptors_waits_and_goes_on(void **state)
{
    (void)state;
    struct pair p;
    struct rlimit old, low;
    start(&p);
    struct pair c;
    init(&c);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    (void)net_dial_tcp(c.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &c);
    RUN_UNTIL(&c, c.client.stream);
    int next = dup(0); /* the lowest free number */
    (void)close(next);
    low = old;
    low.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    run_for(&p, 30);
    assert_int_equal(p.accepted, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    RUN_UNTIL(&p, p.accepted == 2);
    done(&c);
    done(&p);
}

/* --- guarded listeners --- */

static struct {
    struct net_stream *given_up; /* by make_room; NULL: there is none to give up */
    int stale, full;
} guarded;

static bool make_room(void *ctx)
{
    struct pair *p = ctx;
    if (!guarded.given_up)
        return false;
    net_stream_close(guarded.given_up);
    guarded.given_up = p->server.stream = NULL;
    return true;
}

static void on_dropped(void *ctx, enum net_dropped why)
{
    (void)ctx;
    guarded.stale += why == NET_DROPPED_STALE;
    guarded.full += why == NET_DROPPED_FULL;
}

static const struct net_listener_guard guard = {make_room, on_dropped};

/* A guarded listener with one connection, and a process that may open no further descriptor; *old is its limit. */
static void start_full(struct pair *p, struct pair *newcomer, struct rlimit *old)
{
    memset(&guarded, 0, sizeof guarded);
    start(p);
    net_listener_guard(p->listener, &guard);
    init(newcomer);
    (void)net_dial_tcp(newcomer->loop, "127.0.0.1", net_address_port(&p->at), 1000, &dial_events, newcomer);
    RUN_UNTIL(newcomer, newcomer->client.stream);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
    int next = dup(0);
    (void)close(next);
    struct rlimit low = *old;
    low.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

static void a_guarded_listener_out_of_descriptors_gives_one_up_for_who_comes(void **state)
{
    (void)state;
    struct pair p, c;
    struct rlimit old;
    start_full(&p, &c, &old);
    guarded.given_up = p.server.stream;
    RUN_UNTIL(&p, p.accepted == 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_non_null(p.server.stream);
    assert_int_equal(guarded.full, 0);
    done(&c);
    done(&p);
}

static void a_guarded_listener_that_can_give_up_none_closes_who_comes_at_once(void **state)
{
    (void)state;
    struct pair p, c;
    struct rlimit old;
    start_full(&p, &c, &old);
    RUN_UNTIL(&p, guarded.full == 1);
    RUN_UNTIL(&c, c.client.ended || c.client.closed);
    assert_int_equal(p.accepted, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    done(&c);
    init(&c);
    (void)net_dial_tcp(c.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &c);
    RUN_UNTIL(&c, c.client.stream);
    RUN_UNTIL(&p, p.accepted == 2); /* it goes on */
    done(&c);
    done(&p);
}

static void a_guarded_listener_drops_who_has_gone_before_its_turn_came(void **state)
{
    (void)state;
    struct pair p, c;
    memset(&guarded, 0, sizeof guarded);
    start(&p);
    net_listener_guard(p.listener, &guard);
    init(&c);
    (void)net_dial_tcp(c.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &c);
    RUN_UNTIL(&c, c.client.stream);
    write_text(&c.client, "a hello");
    done(&c);
    RUN_UNTIL(&p, guarded.stale == 1);
    assert_int_equal(p.accepted, 1);
    done(&p);
}

static void on_accept_close_listener(void *ctx, struct net_stream *s, const struct net_address *peer)
{
    struct pair *p = ctx;
    (void)peer;
    net_stream_close(s);
    net_listener_close(p->listener);
    p->listener = NULL;
    p->accepted++;
}

static void a_listener_may_be_closed_in_its_own_callback(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &p.at, NULL), OK);
    assert_int_equal(net_listen_tcp(p.loop, &p.at, false, on_accept_close_listener, &p, &p.listener, NULL), OK);
    net_listener_address(p.listener, &p.at);
    (void)net_dial_tcp(p.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &p);
    RUN_UNTIL(&p, p.accepted == 1 && p.client.stream);
    done(&p);
}

/* --- Unix sockets --- */

static int unix_client(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void a_unix_socket_has_its_mode_and_knows_its_peer(void **state)
{
    (void)state;
    char dir[] = "/tmp/unix-test-XXXXXX";
    struct pair p;
    struct stat st;
    unsigned uid = 77, gid = 77;
    assert_non_null(mkdtemp(dir));
    char *path = file_join(dir, "socket");
    init(&p);
    mode_t old = umask(077);
    assert_int_equal(net_listen_unix(p.loop, path, 0660, on_accept, &p, &p.listener, NULL), OK);
    (void)umask(old);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    int fd = unix_client(path);
    assert_true(fd >= 0);
    RUN_UNTIL(&p, p.server.stream);
    assert_true(net_unix_peer(p.server.stream, &uid, &gid));
    assert_int_equal(uid, getuid());
    assert_int_equal(gid, getgid());
    assert_int_equal(p.peer.len, 0);
    (void)close(fd);
    net_listener_close(p.listener);
    p.listener = NULL;
    assert_int_not_equal(stat(path, &st), 0);
    done(&p);
    (void)rmdir(dir);
    free(path);
}

static void a_stale_socket_is_replaced_a_live_one_and_a_file_are_not(void **state)
{
    (void)state;
    char dir[] = "/tmp/unix-test-XXXXXX";
    struct pair p, second;
    struct error err;
    assert_non_null(mkdtemp(dir));
    char *path = file_join(dir, "socket");
    init(&p);
    init(&second);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (const struct sockaddr *)&at, sizeof at), 0);
    (void)close(stale);
    assert_int_equal(net_listen_unix(p.loop, path, 0600, on_accept, &p, &p.listener, &err), OK);
    assert_int_equal(net_listen_unix(second.loop, path, 0600, on_accept, &second, &second.listener, &err), R_CONFLICT);
    /* another's file at the path survives our close */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_write(path, SLICE("a file"), 0600, NULL), OK);
    net_listener_close(p.listener);
    p.listener = NULL;
    assert_true(file_exists(path));
    assert_int_equal(net_listen_unix(second.loop, path, 0600, on_accept, &second, &second.listener, &err), R_CONFLICT);
    assert_true(file_exists(path));
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(net_listen_unix(p.loop, longer, 0600, on_accept, &p, &p.listener, &err), R_LIMIT);
    done(&p);
    done(&second);
    (void)unlink(path);
    (void)rmdir(dir);
    free(path);
}

static void a_tcp_stream_has_no_unix_peer(void **state)
{
    (void)state;
    struct pair p;
    unsigned uid, gid;
    start(&p);
    assert_false(net_unix_peer(p.server.stream, &uid, &gid));
    done(&p);
}

/* --- dialling --- */

static uint16_t closed_port(struct pair *p)
{
    struct net_listener *l;
    struct net_address at;
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, NULL), OK);
    assert_int_equal(net_listen_tcp(p->loop, &at, false, on_accept, p, &l, NULL), OK);
    net_listener_address(l, &at);
    net_listener_close(l);
    return net_address_port(&at);
}

static void a_refused_connection_and_an_unknown_name_are_told_apart(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    (void)net_dial_tcp(p.loop, "127.0.0.1", closed_port(&p), 1000, &dial_events, &p);
    assert_int_equal(p.dial_failed, 0); /* later */
    RUN_UNTIL(&p, p.dial_failed == 1);
    assert_int_equal(p.dial_error.code, R_IO);
    assert_non_null(strstr(p.dial_error.text, "refused"));
    (void)net_dial_tcp(p.loop, "no-such-name.invalid", 443, 5000, &dial_events, &p);
    RUN_UNTIL(&p, p.dial_failed == 2);
    assert_int_equal(p.dial_error.code, R_NOTFOUND);
    assert_non_null(strstr(p.dial_error.text, "no-such-name.invalid"));
    done(&p);
}

static void a_name_is_resolved_and_its_addresses_are_tried_in_turn(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &p.at, NULL), OK); /* localhost may be ::1 first */
    assert_int_equal(net_listen_tcp(p.loop, &p.at, false, on_accept, &p, &p.listener, NULL), OK);
    net_listener_address(p.listener, &p.at);
    (void)net_dial_tcp(p.loop, "localhost", net_address_port(&p.at), 3000, &dial_events, &p);
    RUN_UNTIL(&p, p.client.stream || p.dial_failed);
    assert_int_equal(p.dial_failed, 0);
    done(&p);
}

static void a_host_that_does_not_answer_is_a_timeout(void **state)
{
    (void)state;
    struct pair p;
    init(&p);
    /* a listener whose queue is full answers no SYN */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), filler[4];
    assert_int_equal(bind(l, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(l, 0), 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(filler); i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(filler[i], (const struct sockaddr *)&at, sizeof at);
    }
    (void)net_dial_tcp(p.loop, "127.0.0.1", ntohs(at.sin_port), 100, &dial_events, &p);
    RUN_UNTIL(&p, p.dial_failed == 1);
    assert_int_equal(p.dial_error.code, R_TIMEOUT);
    for (size_t i = 0; i < ARRAY_LEN(filler); i++)
        (void)close(filler[i]);
    (void)close(l);
    done(&p);
}

static void a_cancelled_dial_calls_nobody(void **state)
{
    (void)state;
    struct pair p;
    start(&p);
    net_stream_close(p.client.stream);
    p.client.stream = NULL;
    net_dial_cancel(net_dial_tcp(p.loop, "localhost", net_address_port(&p.at), 1000, &dial_events, &p));
    net_dial_cancel(net_dial_tcp(p.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &p));
    struct net_dial *d = net_dial_tcp(p.loop, "127.0.0.1", net_address_port(&p.at), 1000, &dial_events, &p);
    struct loop_timer *t = loop_timer_new(p.loop, stop, p.loop);
    loop_stop(p.loop); /* one turn: the connection is under way */
    loop_run(p.loop);
    if (!p.client.stream)
        net_dial_cancel(d);
    bool opened = p.client.stream != NULL;
    run_for(&p, 50);
    assert_int_equal(p.client.stream != NULL, opened);
    assert_int_equal(p.dial_failed, 0);
    loop_timer_free(t);
    net_dial_cancel(NULL);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_talk_and_end_each_for_itself),
        cmocka_unit_test(much_data_queues_drains_once_and_arrives_whole),
        cmocka_unit_test(an_end_comes_behind_all_that_was_queued),
        cmocka_unit_test(a_reader_may_pause_and_close_inside_its_data),
        cmocka_unit_test(a_reset_is_told_once_and_writing_to_it_is_harmless),
        cmocka_unit_test(closing_with_unread_data_does_not_destroy_the_answer),
        cmocka_unit_test(accepted_and_dialled_sockets_do_not_delay_and_keep_alive),
        cmocka_unit_test(a_socket_moves_to_another_loop_with_what_was_read),
        cmocka_unit_test(what_was_read_before_waits_for_a_paused_owner),
        cmocka_unit_test(one_address_serves_both_families),
        cmocka_unit_test(workers_share_an_address_and_others_can_not_have_it),
        cmocka_unit_test(a_listener_out_of_descriptors_waits_and_goes_on),
        cmocka_unit_test(a_guarded_listener_out_of_descriptors_gives_one_up_for_who_comes),
        cmocka_unit_test(a_guarded_listener_that_can_give_up_none_closes_who_comes_at_once),
        cmocka_unit_test(a_guarded_listener_drops_who_has_gone_before_its_turn_came),
        cmocka_unit_test(a_listener_may_be_closed_in_its_own_callback),
        cmocka_unit_test(a_unix_socket_has_its_mode_and_knows_its_peer),
        cmocka_unit_test(a_stale_socket_is_replaced_a_live_one_and_a_file_are_not),
        cmocka_unit_test(a_tcp_stream_has_no_unix_peer),
        cmocka_unit_test(a_refused_connection_and_an_unknown_name_are_told_apart),
        cmocka_unit_test(a_name_is_resolved_and_its_addresses_are_tried_in_turn),
        cmocka_unit_test(a_host_that_does_not_answer_is_a_timeout),
        cmocka_unit_test(a_cancelled_dial_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
