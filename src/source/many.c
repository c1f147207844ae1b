/* SPDX-License-Identifier: Apache-2.0 */
/* One thread with libcurl's multi handle. What it shares with the loop is the list of fresh ones and the word that it
 * is over, under one lock; results go back by loop_post. */
#include "source/many.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

enum { KEPT_MAX = 64 /* connections */, IDLE_MS = 60000 };

LIST_HEAD(many_ones, source_many_one);

struct source_many {
    struct loop *loop;
    struct loop_thread *thread; /* NULL: nothing was asked yet */
    CURLM *multi;
    pthread_mutex_t lock;   /* of `fresh` and `over` */
    struct many_ones fresh; /* not yet seen by the thread */
    bool over;
    struct many_ones under_way; /* of the thread */
};

struct source_many *source_many_new(struct loop *loop)
{
    struct source_many *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    (void)pthread_mutex_init(&m->lock, NULL);
    return m;
}

/* --- in the thread --- */

static void begin_transfer(struct source_many *m, struct source_many_one *one)
{
    source_transfer_begin(&one->transfer, &one->what, one->body);
    LIST_INSERT_HEAD(&m->under_way, one, others);
    if (curl_easy_setopt(one->transfer.easy, CURLOPT_PRIVATE, one) != CURLE_OK ||
        curl_multi_add_handle(m->multi, one->transfer.easy) != CURLM_OK)
        fatal("libcurl takes no transfer");
}

static void end_transfer(struct source_many *m, struct source_many_one *one, CURLcode code)
{
    LIST_REMOVE(one, others);
    (void)curl_multi_remove_handle(m->multi, one->transfer.easy);
    one->result = source_transfer_end(&one->transfer, code, &one->err);
}

static void end_finished(struct source_many *m)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(m->multi, &left))) {
        struct source_many_one *one = NULL;
        CURLcode code = msg->data.result;
        if (msg->msg != CURLMSG_DONE || curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &one) != CURLE_OK)
            continue;
        end_transfer(m, one, code);
        loop_post(m->loop, one->done, one->arg);
    }
}

/* false: no more. */
static bool take_fresh(struct source_many *m)
{
    struct many_ones fresh = LIST_HEAD_INITIALIZER(fresh);
    struct source_many_one *one, *next;
    (void)pthread_mutex_lock(&m->lock);
    LIST_SWAP(&fresh, &m->fresh, source_many_one, others);
    bool over = m->over;
    (void)pthread_mutex_unlock(&m->lock);
    if (over)
        return false;
    LIST_FOREACH_SAFE(one, &fresh, others, next)
        begin_transfer(m, one);
    return true;
}

static void run_thread(void *arg)
{
    struct source_many *m = arg;
    int running;
    while (take_fresh(m)) {
        if (curl_multi_perform(m->multi, &running) != CURLM_OK)
            fatal("libcurl stopped");
        end_finished(m);
        (void)curl_multi_poll(m->multi, NULL, 0, IDLE_MS, NULL);
    }
    while (!LIST_EMPTY(&m->under_way))
        end_transfer(m, LIST_FIRST(&m->under_way), CURLE_ABORTED_BY_CALLBACK);
}

/* --- in the loop --- */

static void start_thread(struct source_many *m)
{
    source_http_init();
    m->multi = curl_multi_init();
    if (!m->multi || curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_MAX) != CURLM_OK)
        fatal("out of memory (libcurl)");
    m->thread = loop_thread_start("ask", run_thread, m);
}

void source_many_ask(struct source_many *m, struct source_many_one *one)
{
    if (!m->thread)
        start_thread(m);
    (void)pthread_mutex_lock(&m->lock);
    LIST_INSERT_HEAD(&m->fresh, one, others);
    (void)pthread_mutex_unlock(&m->lock);
    (void)curl_multi_wakeup(m->multi);
}

void source_many_free(struct source_many *m)
{
    if (!m)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->over = true;
    (void)pthread_mutex_unlock(&m->lock);
    if (m->thread) {
        (void)curl_multi_wakeup(m->multi);
        loop_thread_join(m->thread);
        (void)curl_multi_cleanup(m->multi);
    }
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}
