/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1.1 server's connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loopback_stream.h"
#include "server_kit.h"

#define H "Host: a\r\n"

static void an_answer_from_memory_is_one_write(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?hello HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello");
    send_text(f, "GET /now?hello HTTP/1.1\r\n" H "\r\n");
    fake_loop_settle(f->loop);
    char *got = buf_take_str(&f->got);
    assert_non_null(strstr(got, "\r\ndate: "));
    free(got);
    assert_false(f->eof);
}

static void pipelined_requests_are_answered_in_order_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\nPOST /held HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /now?3 "
                 "HTTP/1.1\r\n" H "\r\nGET /now?4 HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /now?5 HTTP/1.1\r\n" H
                 "\r\n");
    expect_begin(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1");
    assert_int_equal(f->requests, 2);
    assert_int_equal(http_server_conn_exchanges(f->conn), 1);
    respond(f, 201, -1, false);
    write_text(f, "two");
    finish(f);
    expect(f, "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
              "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n3"
              "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\nconnection: close\r\n\r\n4");
    assert_int_equal(f->requests, 4);
    assert_true(f->eof);
    fake_loop_pass(f->loop, 5000);
    assert_int_equal(f->closes, 1);
}

static void a_strangers_head_counts_as_it_comes_and_as_long_as_it_is_needed(void **state)
{
    struct fixture *f = *state;
    char large[4001] = "", ahead[5000];
    memset(large, 'v', sizeof large - 1);
    send_text(f, "GET /held HTTP/1.1\r\n" H "X: ");
    for (size_t i = 1; i <= 4; i++) {
        send_text(f, large);
        assert_in_range(f->kept, i * 4000, i * 4000 + 200);
    }
    (void)snprintf(ahead, sizeof ahead, "\r\n\r\nGET /next HTTP/1.1\r\n" H "X: %s", large);
    send_text(f, ahead);
    assert_int_equal(f->requests, 1);
    assert_in_range(f->kept, 20000, 21000);
    respond(f, 204, -1, true);
    fake_loop_settle(f->loop);
    assert_in_range(f->kept, 4000, 4200);
    http_server_conn_let_in(f->conn);
    send_text(f, large);
    assert_int_equal(f->kept, 0); /* of whom it knows now little is no matter */
    for (size_t i = 0; i < 4; i++)
        send_text(f, large);
    assert_int_equal(f->kept, HTTP_HELD_STEP);
}

static void a_strangers_head_that_was_refused_is_not_kept(void **state)
{
    struct fixture *f = *state;
    char large[4001] = "";
    memset(large, 'v', sizeof large - 1);
    send_text(f, "GET /held HTTP/1.1\r\n" H "X: ");
    send_text(f, large);
    send_text(f, "\r\n folded\r\n");
    expect_begin(f, "HTTP/1.1 400 ");
    assert_true(!f->closes && f->kept == 0);
}

static void a_body_and_its_end_reach_the_handler(void **state)
{
    struct fixture *f = *state;
    send_text(f, "PUT /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    send_text(f, "3\r\nd");
    assert_int_equal(f->ends, 0);
    send_text(f, "ef\r\n0\r\n\r\n");
    assert_int_equal(f->ends, 1);
    assert_true(slice_eq(buf_data(&f->body), SLICE("abcdef")));
    respond(f, 204, -1, true);
    expect(f, "HTTP/1.1 204 No Content\r\n\r\n");
    send_text(f, "GET /held HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(f->ends, 2);
    respond(f, 200, -1, true);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

static void at_most_a_window_is_outstanding(void **state)
{
    struct fixture *f = *state;
    f->consume = false;
    send_text(f, "PUT /x HTTP/1.1\r\n" H "Content-Length: 1000000\r\n\r\n");
    char *body = mem_zalloc(1000000);
    net_stream_write(f->client, slice_make(body, 1000000));
    free(body);
    fake_loop_settle(f->loop);
    assert_int_equal(buf_len(&f->body), 65536);
    assert_true(net_stream_queued(f->client) > 0);
    http_exchange_consumed(f->held, 1000);
    fake_loop_settle(f->loop);
    assert_int_equal(buf_len(&f->body), 66536);
    f->consume = true;
    http_exchange_consumed(f->held, 65536);
    fake_loop_settle(f->loop);
    assert_int_equal(buf_len(&f->body), 1000000);
    assert_int_equal(f->ends, 1);
    respond(f, 200, 0, true);
    expect_begin(f, "HTTP/1.1 200 OK\r\n");
}

static void what_is_written_is_reported_when_the_stream_takes_it(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    net_stream_pause(f->client);
    respond(f, 200, 2000000, false);
    char *piece = mem_zalloc(50000);
    size_t written = 0, last;
    do {
        last = written;
        for (; written - f->sent < HTTP_WRITE_AHEAD && written < 2000000; written += 50000)
            http_exchange_write(f->held, slice_make(piece, 50000));
        fake_loop_settle(f->loop);
    } while (written != last);
    assert_true(written < 1000000); /* the client reads nothing */
    net_stream_resume(f->client);
    while (written < 2000000) {
        fake_loop_settle(f->loop);
        for (; written - f->sent < HTTP_WRITE_AHEAD && written < 2000000; written += 50000)
            http_exchange_write(f->held, slice_make(piece, 50000));
    }
    fake_loop_settle(f->loop);
    assert_int_equal(f->sent, 2000000);
    finish(f);
    fake_loop_settle(f->loop);
    assert_true(buf_len(&f->got) > 2000000);
    free(piece);
}

static void a_head_request_gets_no_body_but_its_length(void **state)
{
    struct fixture *f = *state;
    send_text(f, "HEAD /now?hello HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n");
    send_text(f, "HEAD /held HTTP/1.1\r\n" H "\r\n");
    respond(f, 200, -1, false);
    write_text(f, "not sent");
    fake_loop_settle(f->loop);
    assert_int_equal(f->sent, 8);
    finish(f);
    expect(f, "HTTP/1.1 200 OK\r\n\r\n");
    send_text(f, "GET /held HTTP/1.1\r\n" H "\r\n");
    respond(f, 304, 77, true);
    expect(f, "HTTP/1.1 304 Not Modified\r\ncontent-length: 77\r\n\r\n");
}

static void an_old_client_gets_a_body_that_ends_with_the_connection(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    respond(f, 200, 0, true);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
    send_text(f, "GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    respond(f, 200, -1, false);
    write_text(f, "all");
    finish(f);
    expect(f, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall");
    assert_true(f->eof);
}

static void the_handler_decides_on_100_continue(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect(f, "");
    assert_true(f->held->request.expect_continue);
    http_exchange_inform(f->held, &(struct http_response){.status = 100, .content_length = -1});
    expect(f, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(f, "hi");
    assert_int_equal(f->ends, 1);
    respond(f, 200, 0, true);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_false(f->eof);
}

static void a_refusal_instead_of_100_closes_since_the_body_may_never_come(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    respond(f, 413, 0, true);
    expect(f, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_true(f->eof);
}

static void an_early_answer_lets_a_short_rest_pass_and_keeps_the_connection(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /now?no HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n12345");
    expect_begin(f, "HTTP/1.1 200 OK\r\n");
    send_text(f, "67890GET /now?next HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nnext");
    assert_int_equal(f->requests, 2);
}

static void an_early_answer_to_a_long_upload_closes(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 10000000\r\n\r\n12345");
    respond(f, 403, 0, true);
    expect(f, "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_true(f->eof);
    assert_int_equal(f->closes, 0); /* it still reads, so that the answer arrives */
    char *piece = mem_zalloc(100000);
    for (int i = 0; i < 3; i++)
        net_stream_write(f->client, slice_make(piece, 100000));
    free(piece);
    fake_loop_settle(f->loop);
    assert_int_equal(f->closes, 1);
}

static void a_chunked_upload_without_end_is_cut_after_an_early_answer(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /now?no HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n12345");
    char *piece = mem_zalloc(100000);
    for (int i = 0; i < 8; i++)
        net_stream_write(f->client, slice_make(piece, 100000));
    free(piece);
    fake_loop_settle(f->loop);
    assert_true(f->eof);
    assert_int_equal(f->closes, 1);
}

static void a_broken_request_gets_the_owners_text_and_the_end(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1"
              "HTTP/1.1 400 Bad Request\r\nx-bad: yes\r\ncontent-length: 12\r\nconnection: close\r\n\r\nbad: no Host");
    assert_true(f->eof);
    assert_int_equal(f->requests, 1);
}

static void a_body_that_breaks_aborts_the_exchange_and_is_answered(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    assert_int_equal(f->aborts, 1);
    expect_begin(f, "HTTP/1.1 400 Bad Request\r\n");
    assert_true(f->eof);
}

static void a_body_that_breaks_after_the_head_was_sent_cuts_the_answer(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    respond(f, 200, 100, false);
    write_text(f, "half");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    send_text(f, "zz\r\n");
    assert_int_equal(f->aborts, 1);
    expect(f, "");
    assert_true(f->eof);
}

static void an_answer_that_breaks_its_length_is_cut(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    respond(f, 200, 4, false);
    write_text(f, "abc");
    finish(f);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc");
    assert_true(f->eof);
    assert_int_equal(f->closes, 1);
}

static void more_than_the_length_never_leaves(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    respond(f, 200, 4, false);
    write_text(f, "abcdeHTTP/1.1 200 OK\r\n\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    assert_int_equal(f->aborts, 1);
    assert_true(f->eof);
}

static void a_reset_cuts_the_answer_without_its_end(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    respond(f, 200, -1, false);
    write_text(f, "abc");
    struct http_exchange *x = f->held;
    f->held = NULL;
    http_exchange_reset(x);
    expect(f, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_true(f->eof);
    assert_int_equal(f->aborts, 0);
}

static void a_field_that_would_split_the_answer_is_left_out(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    struct http_field list[] = {
        {SLICE("x-a"), SLICE("b\r\nx-evil: 1")},     {SLICE("x-good"), SLICE("yes")},
        {SLICE("content-length"), SLICE("99")},      {SLICE("connection"), SLICE("x-good")},
        {SLICE("transfer-encoding"), SLICE("gzip")},
    };
    struct http_response head = {.status = 200, .reason = SLICE("O\r\nK"), .fields = {list, 5, 5}, .content_length = 0};
    struct http_exchange *x = f->held;
    f->held = NULL;
    http_exchange_respond(x, &head, true);
    expect(f, "HTTP/1.1 200 OK\r\nx-good: yes\r\ncontent-length: 0\r\n\r\n");
}

static void a_client_that_leaves_aborts_its_exchange(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    net_stream_shutdown(f->client);
    fake_loop_settle(f->loop);
    assert_int_equal(f->aborts, 1);
    assert_int_equal(f->closes, 1);
}

static void a_connection_that_breaks_aborts_its_exchange(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nabc");
    loopback_break(f->client);
    fake_loop_settle(f->loop);
    assert_int_equal(f->aborts, 1);
    assert_int_equal(f->closes, 1);
}

static void a_head_that_does_not_come_gets_408(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\nGET / HT");
    expect_begin(f, "HTTP/1.1 200 OK\r\n");
    fake_loop_pass(f->loop, 20 * 1000);
    send_text(f, "TP/1"); /* it does not help to send a little */
    fake_loop_pass(f->loop, 9 * 1000);
    expect(f, "");
    fake_loop_pass(f->loop, 1001);
    expect_begin(f, "HTTP/1.1 408 Request Timeout\r\n");
    assert_true(f->eof);
}

static void silence_is_closed_without_a_word(void **state)
{
    struct fixture *f = *state;
    fake_loop_pass(f->loop, 30 * 1000 + 1);
    expect(f, "");
    assert_int_equal(f->closes, 1);
}

static void an_idle_connection_lasts_its_time(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\n");
    fake_loop_pass(f->loop, 299 * 1000);
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\n");
    fake_loop_pass(f->loop, 299 * 1000);
    assert_int_equal(f->closes, 0);
    assert_int_equal(f->requests, 2);
    fake_loop_pass(f->loop, 2 * 1000);
    assert_int_equal(f->closes, 1);
}

static void a_stalled_upload_gets_408_but_a_parked_request_waits(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /parked HTTP/1.1\r\n" H "\r\n");
    fake_loop_pass(f->loop, 270 * 1000);
    assert_int_equal(f->aborts, 0);
    respond(f, 204, -1, true);
    expect(f, "HTTP/1.1 204 No Content\r\n\r\n");
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nabc");
    fake_loop_pass(f->loop, 50 * 1000);
    send_text(f, "d");
    fake_loop_pass(f->loop, 50 * 1000);
    assert_int_equal(f->aborts, 0);
    fake_loop_pass(f->loop, 120 * 1000);
    assert_int_equal(f->aborts, 1);
    expect_begin(f, "HTTP/1.1 408 Request Timeout\r\n");
}

static void a_handler_that_holds_the_window_is_no_fault_of_the_clients(void **state)
{
    struct fixture *f = *state;
    f->consume = false;
    send_text(f, "PUT /x HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n");
    char *body = mem_zalloc(100000);
    net_stream_write(f->client, slice_make(body, 100000));
    free(body);
    fake_loop_pass(f->loop, 600 * 1000);
    assert_int_equal(f->aborts, 0);
    respond(f, 200, 0, true);
    fake_loop_settle(f->loop);
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    net_stream_pause(f->client);
    respond(f, 200, -1, false);
    char *piece = mem_zalloc(60000);
    for (int i = 0; i < 20; i++)
        http_exchange_write(f->held, slice_make(piece, 60000));
    free(piece);
    fake_loop_pass(f->loop, 200 * 1000);
    assert_int_equal(f->aborts, 1);
    assert_int_equal(f->closes, 1);
}

/* Whatever it does: five seconds are all it has for its last answer. */
static void who_is_stopped_and_does_not_read_is_cut_off_soon(void **state)
{
    struct fixture *f = *state;
    net_stream_pause(f->client);
    send_text(f, "GET /x HTTP/1.1\r\n" H "\r\n");
    http_server_conn_stop(f->conn);
    respond(f, 429, -1, false);
    char *piece = mem_zalloc(60000);
    for (int i = 0; i < 20; i++)
        http_exchange_write(f->held, slice_make(piece, 60000));
    free(piece);
    finish(f);
    fake_loop_pass(f->loop, HTTP_STOPPED_MS - 1000);
    assert_int_equal(f->closes, 0);
    fake_loop_pass(f->loop, 1100);
    assert_int_equal(f->closes, 1);
}

static void who_is_stopped_and_drips_is_cut_off_soon(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST /x HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
    http_server_conn_stop(f->conn);
    for (int i = 0; i < 7 && !f->closes; i++) {
        send_text(f, "a");
        fake_loop_pass(f->loop, 1000);
    }
    assert_int_equal(f->closes, 1);
    assert_int_equal(f->aborts, 1);
}

static void draining_ends_after_the_answer(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /held HTTP/1.1\r\n" H "\r\nGET /now?2 HTTP/1.1\r\n" H "\r\n");
    http_server_conn_drain(f->conn);
    fake_loop_settle(f->loop);
    assert_false(f->eof);
    respond(f, 200, 0, true);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_true(f->eof);
    assert_int_equal(f->requests, 1);
}

static void draining_answers_what_was_on_its_way_to_an_idle_connection(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1");
    http_server_conn_drain(f->conn);
    fake_loop_settle(f->loop);
    assert_false(f->eof);
    send_text(f, "GET /now?2 HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\nconnection: close\r\n\r\n2");
    assert_true(f->eof);
    assert_int_equal(f->requests, 2);
}

static void draining_answers_what_comes_behind_an_answer_that_promised_more(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /held HTTP/1.1\r\n" H "\r\n");
    respond(f, 200, 2, false);
    http_server_conn_drain(f->conn);
    http_exchange_write(f->held, SLICE("ok"));
    finish(f);
    expect(f, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_false(f->eof);
    send_text(f, "GET /now?2 HTTP/1.1\r\n" H "\r\n");
    expect(f, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\nconnection: close\r\n\r\n2");
    assert_true(f->eof);
}

static void draining_closes_an_idle_connection_after_a_moment(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /now?1 HTTP/1.1\r\n" H "\r\n");
    http_server_conn_drain(f->conn);
    fake_loop_pass(f->loop, 1100);
    assert_true(f->eof);
    net_stream_shutdown(f->client);
    fake_loop_settle(f->loop);
    assert_int_equal(f->closes, 1);
}

static void closing_aborts_later_and_not_inside(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET /held HTTP/1.1\r\n" H "\r\n");
    http_server_conn_close(f->conn);
    assert_int_equal(f->aborts, 0);
    assert_int_equal(f->closes, 0);
    fake_loop_settle(f->loop);
    assert_int_equal(f->aborts, 1);
    assert_int_equal(f->closes, 1);
}

static void a_flood_of_requests_waits_for_the_client_to_read(void **state)
{
    struct fixture *f = *state;
    net_stream_pause(f->client);
    struct buf flood;
    buf_init(&flood, 1 << 20);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_append_str(&flood, "GET /now?1 HTTP/1.1\r\n" H "\r\n"), OK);
    net_stream_write(f->client, buf_data(&flood));
    buf_free(&flood);
    fake_loop_settle(f->loop);
    assert_true(f->requests < 10000);
    net_stream_resume(f->client);
    fake_loop_settle(f->loop);
    assert_int_equal(f->requests, 20000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_answer_from_memory_is_one_write),
        T(pipelined_requests_are_answered_in_order_one_at_a_time),
        T(a_strangers_head_counts_as_it_comes_and_as_long_as_it_is_needed),
        T(a_strangers_head_that_was_refused_is_not_kept),
        T(a_body_and_its_end_reach_the_handler),
        T(at_most_a_window_is_outstanding),
        T(what_is_written_is_reported_when_the_stream_takes_it),
        T(a_head_request_gets_no_body_but_its_length),
        T(an_old_client_gets_a_body_that_ends_with_the_connection),
        T(the_handler_decides_on_100_continue),
        T(a_refusal_instead_of_100_closes_since_the_body_may_never_come),
        T(an_early_answer_lets_a_short_rest_pass_and_keeps_the_connection),
        T(an_early_answer_to_a_long_upload_closes),
        T(a_chunked_upload_without_end_is_cut_after_an_early_answer),
        T(a_broken_request_gets_the_owners_text_and_the_end),
        T(a_body_that_breaks_aborts_the_exchange_and_is_answered),
        T(a_body_that_breaks_after_the_head_was_sent_cuts_the_answer),
        T(an_answer_that_breaks_its_length_is_cut),
        T(more_than_the_length_never_leaves),
        T(a_reset_cuts_the_answer_without_its_end),
        T(a_field_that_would_split_the_answer_is_left_out),
        T(a_client_that_leaves_aborts_its_exchange),
        T(a_connection_that_breaks_aborts_its_exchange),
        T(a_head_that_does_not_come_gets_408),
        T(silence_is_closed_without_a_word),
        T(an_idle_connection_lasts_its_time),
        T(a_stalled_upload_gets_408_but_a_parked_request_waits),
        T(a_handler_that_holds_the_window_is_no_fault_of_the_clients),
        T(a_client_that_does_not_read_is_given_up),
        T(who_is_stopped_and_does_not_read_is_cut_off_soon),
        T(who_is_stopped_and_drips_is_cut_off_soon),
        T(draining_ends_after_the_answer),
        T(draining_answers_what_was_on_its_way_to_an_idle_connection),
        T(draining_answers_what_comes_behind_an_answer_that_promised_more),
        T(draining_closes_an_idle_connection_after_a_moment),
        T(closing_aborts_later_and_not_inside),
        T(a_flood_of_requests_waits_for_the_client_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
