/* SPDX-License-Identifier: Apache-2.0 */
/* One job at a time in a slow thread; a flag gathers what comes meanwhile, so many lists make one snapshot. The
 * bundle is kept before it is used. In its home's loop but for `work`, which sees what its job holds and nothing of
 * the builder. */
#include "gateway/snapshot/builder.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "bundle/document.h"
#include "gateway/snapshot/crl_pull.h"

#define STATE_NAME "bundle"

struct job {
    struct builder *builder; /* NULL: it is gone */
    const struct snapshot_home *home;
    char *text; /* a signed bundle; NULL: the present one, with other lists */
    size_t len;
    bool last_try; /* with the lists that are there */
    struct crl_wanted *wanted;
    size_t wanted_count;
    struct snapshot *previous, *made;
    struct error err;
};

struct builder {
    const struct snapshot_home *home;
    const struct builder_events *events;
    void *owner;
    struct job *job; /* NULL: none under way */
    char *text;      /* to be built next */
    size_t len;
    bool again, last_try;
    struct crl_pull *pull; /* of lists that the bundle waits for */
    char *waiting;
    size_t waiting_len;
};

static struct snapshot_source inputs_of(const struct snapshot_home *home, const struct snapshot *previous)
{
    return (struct snapshot_source){.site = home->config->bootstrap.site,
                                    .pin = home->config->bootstrap.pin,
                                    .state = home->config->state,
                                    .min_sequence = previous ? previous->bundle->sequence : 0,
                                    .now = clock_wall_s()};
}

/* Kept before it is used: after a crash the sequence must not go back. */
static void build_snapshot(void *arg)
{
    struct job *j = arg;
    struct snapshot_source source = inputs_of(j->home, j->previous);
    struct error err;
    j->err = (struct error){OK, ""};
    if (!j->text) {
        (void)!snapshot_rebuild(j->previous, &source, &j->made, &j->err);
        return;
    }

    struct slice text = slice_make(j->text, j->len);
    source.ret_wanted = j->last_try ? NULL : j->wanted;
    source.ret_wanted_count = &j->wanted_count;
    if (snapshot_build(text, &source, j->previous, &j->made, &j->err) == OK) {
        j->err.code = OK;
        if (document_keep(j->home->config->state, STATE_NAME, text, &err) != OK)
            log_msg(LOG_ERROR, "bundle", "the bundle could not be kept: %s", err.text);
    }
}

static void use_bundle(const struct snapshot_home *home, struct snapshot *snapshot)
{
    LOG_EVENT(LOG_INFO, "bundle", "bundle in use", LOG_N("sequence", snapshot->bundle->sequence),
              LOG_N("endpoints", snapshot->bundle->endpoint_count));
    snapshot_current_put(home->current, snapshot);
}

static void start_job(struct builder *b);

static void job_free(struct job *j)
{
    snapshot_unref(j->previous);
    free(j->wanted);
    free(j->text);
    free(j);
}

/* The bundle is put aside until its lists are there. */
static void wait_for_lists(struct builder *b, struct job *j)
{
    b->waiting = j->text;
    b->waiting_len = j->len;
    j->text = NULL;
    crl_pull_start(b->pull, j->wanted, j->wanted_count);
}

static void on_lists(void *owner)
{
    struct builder *b = owner;
    b->text = b->waiting;
    b->len = b->waiting_len;
    b->waiting = NULL;
    b->last_try = true;
    start_job(b);
}

static void end_job(void *arg)
{
    struct job *j = arg;
    struct builder *b = j->builder;
    bool was_bundle = j->text != NULL;
    if (b && j->wanted_count) {
        b->job = NULL;
        wait_for_lists(b, j);
        start_job(b);
    } else if (b) {
        b->job = NULL;

        if (j->made && was_bundle && snapshot_lacks_lists(j->made))
            (void)error_set(&j->err, R_AGAIN, "lists are missing");
        if (j->made && was_bundle)
            use_bundle(b->home, j->made);
        else if (j->made)
            snapshot_current_put(b->home->current, j->made);
        else if (!was_bundle)
            log_msg(LOG_ERROR, "bundle", "lists can't be used: %s", j->err.text);
        if (j->made)
            b->events->on_publish(b->owner);
        if (was_bundle)
            b->events->on_bundle(b->owner, &j->err);
        start_job(b);
    } else {
        snapshot_unref(j->made);
    }
    job_free(j);
}

static void start_job(struct builder *b)
{
    if (b->job || (!b->text && !b->again))
        return;
    struct job *j = mem_zalloc(sizeof *j);
    *j = (struct job){.builder = b, .home = b->home, .text = b->text, .len = b->len};
    j->previous = snapshot_current_get(b->home->current);
    j->last_try = b->last_try;
    j->wanted = mem_array(BUNDLE_CRLS_MAX, sizeof *j->wanted);

    b->text = NULL;
    b->last_try = b->again = false;
    if (!j->text && !j->previous) { /* nothing to rebuild yet */
        job_free(j);
        return;
    }

    b->job = j;
    loop_job_slow(b->home->loop, build_snapshot, end_job, j);
}

void builder_bundle(struct builder *b, struct slice text)
{
    b->text = slice_dup(text);
    b->len = text.len;
    start_job(b);
}

void builder_again(struct builder *b)
{
    b->again = true;
    start_job(b);
}

struct builder *builder_new(const struct snapshot_home *home, const struct builder_events *events, void *owner)
{
    struct builder *b = mem_zalloc(sizeof *b);
    b->home = home;
    b->events = events;
    b->owner = owner;
    b->pull = crl_pull_new(home, on_lists, b);
    return b;
}

void builder_free(struct builder *b)
{
    if (!b)
        return;
    if (b->job)
        b->job->builder = NULL;
    crl_pull_free(b->pull);
    free(b->waiting);
    free(b->text);
    free(b);
}

void builder_restore(const struct snapshot_home *home)
{
    char *path = file_join(home->config->state, STATE_NAME ".jws"), *text;
    size_t len;
    struct error err;
    if (file_read(path, JOSE_DOCUMENT_MAX, &text, &len, &err) == OK) {
        struct snapshot_source source = inputs_of(home, NULL);
        source.from_disk = true;

        struct snapshot *snapshot;
        if (snapshot_build(slice_make(text, len), &source, NULL, &snapshot, &err) == OK)
            use_bundle(home, snapshot);
        else
            log_msg(LOG_WARN, "bundle", "the kept bundle is of no use: %s", err.text);
        free(text);
    } else if (err.code != R_NOTFOUND) {
        log_msg(LOG_WARN, "bundle", "the kept bundle can't be read: %s", err.text);
    }
    free(path);
}
