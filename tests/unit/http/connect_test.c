/* SPDX-License-Identifier: Apache-2.0 */
/* Dialling through a proxy: what it is asked, what comes of each of its answers, and that none of them is believed too
 * much or waited for too long. The proxy is a listener in the same loop that says what the test tells it to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/h1/connect.h"
#include "net/proxy_login.h"

enum { WAIT_MS = 30 * 1000 };

static struct fixture {
    struct loop *loop;
    struct net_listener *listener;
    struct http_proxy proxy;
    struct loop_timer *limit;
    struct http_dial *dial;
    /* the proxy's side */
    struct net_stream *near;
    struct buf asked;
    const char *answer; /* "": it closes; NULL: it says nothing */
    bool byte_by_byte, flood;
    /* ours */
    struct net_stream *open;
    struct buf got;
    struct error why;
    bool failed;
} f;

static void give_up(void *arg)
{
    (void)arg;
    fatal("the test hangs");
}

/* --- the proxy --- */

static void flood(void)
{
    char junk[1000];
    memset(junk, 'a', sizeof junk);
    for (int i = 0; i < 100; i++)
        net_stream_write(f.near, slice_make(junk, sizeof junk));
}

static void answer(void)
{
    size_t len = f.answer ? strlen(f.answer) : 0;
    for (size_t i = 0; i < len; i += f.byte_by_byte ? 1 : len)
        net_stream_write(f.near, slice_make(f.answer + i, f.byte_by_byte ? 1 : len));
    if (f.flood)
        flood();
    if (f.answer && !len)
        net_stream_shutdown(f.near);
}

static void near_data(void *ctx, struct slice data)
{
    (void)ctx;
    bool before = slice_find_slice(buf_data(&f.asked), SLICE("\r\n\r\n")) != SIZE_MAX;
    assert_int_equal(buf_append(&f.asked, data), OK);
    if (!before && slice_ends(buf_data(&f.asked), SLICE("\r\n\r\n")))
        answer();
    else if (before)
        loop_stop(f.loop);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void near_close(void *ctx, const struct error *why)
{
    (void)ctx, (void)why;
}

static const struct net_stream_events near_events = {near_data, nothing, nothing, near_close};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    (void)ctx, (void)peer;
    f.near = stream;
    net_stream_set_events(stream, &near_events, NULL);
}

/* --- our side --- */

static void far_data(void *ctx, struct slice data)
{
    (void)ctx;
    assert_int_equal(buf_append(&f.got, data), OK);
}

static const struct net_stream_events far_events = {far_data, nothing, nothing, near_close};

static void on_open(void *ctx, struct net_stream *stream)
{
    (void)ctx;
    f.dial = NULL;
    f.open = stream;
    net_stream_set_events(stream, &far_events, NULL);
    net_stream_write(stream, SLICE("ClientHello"));
}

static void on_fail(void *ctx, const struct error *why)
{
    (void)ctx;
    f.dial = NULL;
    f.failed = true;
    f.why = *why;
    loop_stop(f.loop);
}

static const struct net_dial_events dial_events = {.on_open = on_open, .on_fail = on_fail};

static int begin(void **state)
{
    struct net_address at;
    struct error err;
    (void)state;
    f = (struct fixture){.loop = loop_new()};
    buf_init(&f.asked, 64 * 1024);
    buf_init(&f.got, 1024);
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, &err), OK);
    assert_int_equal(net_listen_tcp(f.loop, &at, false, on_accept, NULL, &f.listener, &err), OK);
    net_listener_address(f.listener, &at);
    (void)snprintf(f.proxy.host, sizeof f.proxy.host, "127.0.0.1");
    f.proxy.port = net_address_port(&at);
    f.limit = loop_timer_new(f.loop, give_up, NULL);
    loop_timer_start(f.limit, WAIT_MS, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    http_dial_cancel(f.dial);
    net_stream_close(f.near);
    net_stream_close(f.open);
    net_listener_close(f.listener);
    loop_timer_free(f.limit);
    loop_free(f.loop);
    buf_free(&f.asked);
    buf_free(&f.got);
    return 0;
}

static void dial_to(const char *host, uint16_t port, uint64_t limit_ms)
{
    f.dial = http_dial_tcp(f.loop, &f.proxy, host, port, limit_ms, &dial_events, NULL);
    loop_run(f.loop);
}

static void dial(const char *reply)
{
    f.answer = reply;
    dial_to("gw.example", 443, WAIT_MS);
}

static void asked_is(const char *text)
{
    struct slice got = buf_data(&f.asked);
    if (!slice_starts(got, slice_of(text)))
        fail_msg("asked: %" PRIslice, SLICE_ARG(got));
}

static void again(void)
{
    (void)end(NULL);
    (void)begin(NULL);
}

/* --- tests --- */

static void the_proxy_is_asked_for_host_and_port_and_what_follows_is_the_owners(void **state)
{
    (void)state;
    dial("HTTP/1.1 200 Connection established\r\n\r\n");
    assert_false(f.failed);
    asked_is("CONNECT gw.example:443 HTTP/1.1\r\nHost: gw.example:443\r\n\r\nClientHello");
}

static void brackets_stand_around_an_address_of_ipv6(void **state)
{
    (void)state;
    f.answer = "HTTP/1.1 200 OK\r\n\r\n";
    dial_to("2001:db8::1", 8443, WAIT_MS);
    asked_is("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n");
}

/* RFC 9110 9.3.6: any 2xx; 15.2: other answers may come before; RFC 9112 6.3: no body, whatever its fields say. */
static void every_form_of_a_yes_is_one(void **state)
{
    static const char *const yes[] = {
        "HTTP/1.0 200 Connection established\r\nProxy-agent: Apache/2.4\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 299 Whatever\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(yes); i++) {
        f.byte_by_byte = i % 2;
        dial(yes[i / 2]);
        if (f.failed)
            fail_msg("%s: %s", yes[i / 2], f.why.text);
        again();
    }
}

static void every_other_answer_is_told_in_words_with_the_proxys_name(void **state)
{
    static const struct {
        const char *reply;
        enum result code;
        const char *words;
    } rows[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"lab\"\r\n"
         "Proxy-Authenticate: Negotiate\r\n\r\n",
         R_DENIED, "wants a login, and was given none or a wrong one"},
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"lab\"\r\n\r\n", R_DENIED,
         "(407; it takes Basic realm=\"lab\")"},
        {"HTTP/1.1 407 x\r\nContent-Length: 100000\r\n\r\n", R_DENIED, "what it does not say"},
        {"HTTP/1.1 403 Forbidden\r\n\r\n", R_IO, "403 Forbidden"},
        {"HTTP/1.1 502 Bad \x1b[31mGateway\r\n\r\n", R_INVALID, "control character"},
        {"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", R_IO, "302 Found"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", R_INVALID,
         "no proxy that can be used"},
        {"HTTP/2 200\r\n\r\n", R_INVALID, "no proxy that can be used"},
        {"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n", R_INVALID, "no proxy that can be used"},
        {"HTTP/1.1 200 OK\n\n", R_INVALID, "no proxy that can be used"},
        {"220 mail.example ESMTP\r\n", R_INVALID, "is not HTTP"},
        {"\x15\x03\x01", R_INVALID, "is not HTTP"},
        {"", R_EOF, "closed the connection"},
        {"HTTP/1.1 200 OK\r\n\r\nServerHello", R_INVALID, "11 bytes behind its answer"},
    };
    char name[HTTP_PROXY_NAME_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_proxy_name(&f.proxy, name);
        dial(rows[i].reply);
        assert_true(f.failed);
        if (!strstr(f.why.text, rows[i].words) || !strstr(f.why.text, name))
            fail_msg("%s: %s", rows[i].reply, f.why.text);
        assert_int_equal(f.why.code, rows[i].code);
        again();
    }
}

static void an_answer_without_an_end_is_cut_off(void **state)
{
    (void)state;
    f.flood = true;
    dial("HTTP/1.1 200 OK\r\nX: ");
    assert_true(f.failed);
    assert_non_null(strstr(f.why.text, "too long"));
}

static void a_proxy_that_says_nothing_is_waited_for_no_longer_than_the_limit(void **state)
{
    (void)state;
    dial_to("gw.example", 443, 50);
    assert_int_equal(f.why.code, R_TIMEOUT);
    assert_non_null(strstr(f.why.text, "in time"));
}

static void a_proxy_that_is_not_there_is_told_as_the_proxy(void **state)
{
    (void)state;
    net_listener_close(f.listener);
    f.listener = NULL;
    dial(NULL);
    assert_non_null(strstr(f.why.text, "the proxy is not reached: can't connect to 127.0.0.1"));
}

static const char *shown;

static enum result show(const void *arg, char **ret, struct error *err)
{
    (void)arg;
    if (!shown)
        return error_set(err, R_IO, "the ticket has ended");
    *ret = slice_dup(slice_of(shown));
    return OK;
}

static void what_the_proxy_is_shown_is_asked_for_each_time(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        shown = i ? "Negotiate c2Vjb25k" : "Negotiate Zmlyc3Q=";
        f.proxy.authorize = show;
        dial("HTTP/1.1 200 OK\r\n\r\n");
        asked_is(i ? "CONNECT gw.example:443 HTTP/1.1\r\nHost: gw.example:443\r\n"
                     "Proxy-Authorization: Negotiate c2Vjb25k\r\n\r\n"
                   : "CONNECT gw.example:443 HTTP/1.1\r\nHost: gw.example:443\r\n"
                     "Proxy-Authorization: Negotiate Zmlyc3Q=\r\n\r\n");
        again();
    }
}

static void a_login_that_can_not_be_had_or_sent_ends_the_dial_untold(void **state)
{
    static char huge[NET_PROXY_LOGIN_MAX + 2];
    memset(huge, 'a', sizeof huge - 1);
    const char *const bad[] = {NULL, "Basic x\r\nX-Secret: y", huge, "Basic \x01"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        shown = bad[i];
        f.proxy.authorize = show;
        dial("HTTP/1.1 200 OK\r\n\r\n");
        assert_true(f.failed);
        assert_int_equal(buf_len(&f.asked), 0);
        assert_non_null(strstr(f.why.text, "there is no login for the proxy"));
        assert_null(strstr(f.why.text, "X-Secret"));
        again();
    }
}

static void cancel(void *arg)
{
    (void)arg;
    http_dial_cancel(f.dial);
    f.dial = NULL;
    loop_stop(f.loop);
}

static void a_dial_that_is_given_up_says_nothing_more(void **state)
{
    (void)state;
    struct loop_timer *soon = loop_timer_new(f.loop, cancel, NULL);
    shown = "Basic eDp5";
    for (uint64_t ms = 0; ms < 3; ms++) {
        f.proxy.authorize = show;
        loop_timer_start(soon, ms, 0);
        dial_to("gw.example", 443, WAIT_MS);
        assert_false(f.failed);
        net_stream_close(f.near);
        f.near = NULL;
    }
    loop_timer_free(soon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_proxy_is_asked_for_host_and_port_and_what_follows_is_the_owners, begin,
                                        end),
        cmocka_unit_test_setup_teardown(brackets_stand_around_an_address_of_ipv6, begin, end),
        cmocka_unit_test_setup_teardown(every_form_of_a_yes_is_one, begin, end),
        cmocka_unit_test_setup_teardown(every_other_answer_is_told_in_words_with_the_proxys_name, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_without_an_end_is_cut_off, begin, end),
        cmocka_unit_test_setup_teardown(a_proxy_that_says_nothing_is_waited_for_no_longer_than_the_limit, begin, end),
        cmocka_unit_test_setup_teardown(a_proxy_that_is_not_there_is_told_as_the_proxy, begin, end),
        cmocka_unit_test_setup_teardown(what_the_proxy_is_shown_is_asked_for_each_time, begin, end),
        cmocka_unit_test_setup_teardown(a_login_that_can_not_be_had_or_sent_ends_the_dial_untold, begin, end),
        cmocka_unit_test_setup_teardown(a_dial_that_is_given_up_says_nothing_more, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
