/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of its own for each, which mostly sleeps. It holds a second descriptor of the socket, so that it never
 * shuts down what has taken the number of one that was closed. */
#include "connector/directory/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

struct deadline {
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t ends;
    struct timespec at; /* of the monotonic clock */
    int fd;             /* -1: none */
    bool ended, passed;
};

static void *watch(void *arg)
{
    struct deadline *d = arg;
    (void)pthread_mutex_lock(&d->lock);
    while (!d->ended && !d->passed)
        d->passed = pthread_cond_clockwait(&d->ends, &d->lock, CLOCK_MONOTONIC, &d->at) == ETIMEDOUT && !d->ended;
    if (d->passed && d->fd >= 0)
        (void)shutdown(d->fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}

struct deadline *deadline_new(unsigned after_s)
{
    struct deadline *d = mem_zalloc(sizeof *d);
    d->fd = -1;
    (void)clock_gettime(CLOCK_MONOTONIC, &d->at);
    d->at.tv_sec += after_s;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->ends, NULL);
    if (pthread_create(&d->thread, NULL, watch, d) != 0)
        fatal("no thread can be started");
    return d;
}

bool deadline_watch(struct deadline *d, int fd)
{
    (void)pthread_mutex_lock(&d->lock);
    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bool in_time = !d->passed && d->fd >= 0;
    (void)pthread_mutex_unlock(&d->lock);
    return in_time;
}

bool deadline_end(struct deadline *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->ended = true;
    (void)pthread_cond_signal(&d->ends);
    (void)pthread_mutex_unlock(&d->lock);
    (void)pthread_join(d->thread, NULL);
    bool passed = d->passed;
    if (d->fd >= 0)
        (void)close(d->fd);
    (void)pthread_cond_destroy(&d->ends);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
    return passed;
}
