/* SPDX-License-Identifier: Apache-2.0 */
/* The set: which sources there are, when each is due, and what became of it. */
#include "source/source.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "net/url.h"
#include "source/freshness.h"
#include "source/http.h"
#include "source/internal.h"
#include "source/plan.h"
#include "json/json.h"

/* Few at a time: the pool's threads also resolve names. And one host never has all of these, however many lists it is
 * asked for and however slowly it gives them: what others publish is fetched beside. */
enum {
    UNDER_WAY_MAX = 3,
    OF_ONE_HOST_MAX = 2,
    ANSWER_MS = 90 * 1000,
    ASK_SOON_MS = 1000,
    UNKNOWN_KEY_EVERY_MS = 60 * 1000,
    IN_USE_MS = 3000
};

struct source {
    struct source_set *set;
    struct source_state state;    /* under the set's lock */
    char *url;                    /* NULL: by a connector */
    char host[NET_URL_HOST_SIZE]; /* of it; "": none */
    char *ca_pem;                 /* NULL: the system's CAs */
    char *path;                   /* of the kept file */
    bool has_file, under_way, again;
    bool afresh; /* an administrator gave it another URL: what is kept came from the former one */
    uint64_t serial;
    int64_t refresh_s;
    uint64_t due_ms;         /* by the loop's clock */
    uint64_t unknown_key_ms; /* when it was last fetched because of one; 0: never */
    uint64_t fetched_ms;     /* when it last came and well; 0: never */
    struct http_fetch *fetch;
};

struct source_set {
    struct loop *loop;
    const struct source_events *events;
    void *owner;
    struct source_owner *for_jobs; /* the same */
    char *folder;
    struct source *list[BUNDLE_SOURCES_MAX];
    size_t count, under_way;
    uint64_t serials;
    struct loop_timer *timer;
    pthread_mutex_t lock; /* of list, count and the states, against source_set_states */
    struct source_job *jobs[UNDER_WAY_MAX];
};

static void lock_set(struct source_set *s)
{
    (void)pthread_mutex_lock(&s->lock);
}

static void unlock_set(struct source_set *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

/* --- when --- */

/* Those that went while they were fetched are under way, too, but nobody's any more. */
static size_t under_way_at(const struct source_set *s, const char *host)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->list[i]->under_way && strcmp(s->list[i]->host, host) == 0;
    return n;
}

static bool may_begin(const struct source *x)
{
    return !x->under_way && (!x->host[0] || under_way_at(x->set, x->host) < OF_ONE_HOST_MAX);
}

/* The first that is due of those that may begin; NULL: none may. */
static struct source *next_one(const struct source_set *s)
{
    struct source *next = NULL;
    for (size_t i = 0; i < s->count && s->under_way < UNDER_WAY_MAX; i++) {
        struct source *x = s->list[i];
        if ((!next || x->due_ms < next->due_ms) && may_begin(x))
            next = x;
    }
    return next;
}

static void arm_timer(struct source_set *s)
{
    uint64_t now = loop_now_ms(s->loop);
    const struct source *next = next_one(s);
    if (!next)
        loop_timer_stop(s->timer);
    else
        loop_timer_start(s->timer, next->due_ms > now ? next->due_ms - now : 0, 0);
}

static void due_in(struct source *x, uint64_t ms)
{
    x->due_ms = loop_now_ms(x->set->loop) + ms;
    lock_set(x->set);
    x->state.next = clock_wall_s() + (int64_t)(ms / 1000);
    unlock_set(x->set);
}

/* --- what became of it --- */

static void log_failure(const struct source *x, const struct error *why, bool first)
{
    LOG_EVENT(first && why->code != R_AGAIN ? LOG_WARN : LOG_DEBUG, "source", "a source could not be fetched",
              LOG_T("source", x->state.id), LOG_T("kind", bundle_source_kind_name(x->state.kind)),
              LOG_T("reason", why->text), LOG_N("failures", x->state.failures), LOG_N("fetched", x->state.fetched));
}

static void tell_owner(struct source_set *s)
{
    if (s->events->on_state)
        s->events->on_state(s->owner);
}

static void note_failure(struct source *x, const struct error *why)
{
    char cause[SOURCE_ERROR_MAX];
    (void)snprintf(cause, sizeof cause, "%s", why->text);
    utf8_mend_end(cause); /* it goes into JSON */
    lock_set(x->set);
    bool first = x->state.failures == 0 || strcmp(x->state.error, cause) != 0;
    x->state.failures++;
    memcpy(x->state.error, cause, sizeof cause);
    unlock_set(x->set);
    log_failure(x, why, first);
    if (first)
        tell_owner(x->set);
    due_in(x, source_plan_again(x->state.failures, x->refresh_s, rand_below(UINT64_MAX)));
}

/* One that has ended already is used for what it revokes; the publisher is late, and is asked again like one that
 * failed. */
static void note_success(struct source *x, const struct source_job *j)
{
    int64_t now = clock_wall_s(), left = j->until ? j->until - now : SOURCE_NO_END;
    lock_set(x->set);
    bool was_bad = x->state.failures > 0;
    x->state.fetched = now;
    x->state.since = j->since;
    x->state.until = j->until;
    x->state.failures = 0;
    x->state.error[0] = '\0';
    unlock_set(x->set);
    char until[CLOCK_TEXT_SIZE] = "unknown";
    if (j->until)
        clock_rfc3339(j->until, until);
    if (!j->unchanged || !x->has_file || was_bad)
        LOG_EVENT(LOG_INFO, "source", j->unchanged ? "source fetched again" : "source in use",
                  LOG_T("source", x->state.id), LOG_T("kind", bundle_source_kind_name(x->state.kind)),
                  LOG_T("until", until));
    bool changed = !j->unchanged || !x->has_file;
    if (changed || was_bad)
        tell_owner(x->set);
    x->has_file = true;
    x->fetched_ms = loop_now_ms(x->set->loop);
    x->afresh = false;
    if (left <= 0) {
        struct error late;
        char when[CLOCK_TEXT_SIZE];
        clock_rfc3339(j->until, when);
        (void)error_set(&late, R_TIMEOUT, "the publisher's newest list expired %s", when);
        note_failure(x, &late);
    } else {
        due_in(x, source_plan_next(source_plan_refresh(x->refresh_s, j->fresh_s), left, rand_below(UINT64_MAX)));
    }
    if (changed)
        x->set->events->on_change(x->set->owner);
}

static struct source *find_source(const struct source_set *s, const char *id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->list[i]->state.id, id) == 0)
            return s->list[i];
    }
    return NULL;
}

static void end_fetch(struct source *x)
{
    x->under_way = false;
    x->set->under_way--;
    if (x->again)
        due_in(x, 0);
    x->again = false;
}

static void forget_job(struct source_set *s, const struct source_job *j)
{
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        if (s->jobs[i] == j)
            s->jobs[i] = NULL;
    }
}

static void job_done(void *job)
{
    struct source_job *j = job;
    struct source_set *s = j->set;
    struct source *x = s ? find_source(s, j->id) : NULL;
    if (s)
        forget_job(s, j);
    if (x && x->serial == j->serial) {
        if (j->result == OK)
            note_success(x, j);
        else
            note_failure(x, &j->err);
        end_fetch(x);
    } else if (s) {
        s->under_way--;
        if (!x) /* it went while its file was written */
            (void)unlink(j->path);
    }
    if (s)
        arm_timer(s);
    source_job_free(j);
}

/* Takes `bytes`, and what came with them. */
static void start_job(struct source *x, char *bytes, size_t len)
{
    struct source_set *s = x->set;
    struct source_job *j = mem_zalloc(sizeof *j);
    *j = (struct source_job){.set = s,
                             .owner = source_owner_ref(s->for_jobs),
                             .serial = x->serial,
                             .kind = x->state.kind,
                             .url = bytes ? NULL : mem_strdup(x->url),
                             .ca_pem = x->ca_pem ? mem_strdup(x->ca_pem) : NULL,
                             .path = mem_strdup(x->path),
                             .afresh = x->afresh,
                             .bytes = bytes,
                             .fresh_s = FRESHNESS_UNSAID,
                             .len = len};
    (void)snprintf(j->id, sizeof j->id, "%s", x->state.id);
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        if (!s->jobs[i]) {
            s->jobs[i] = j;
            break;
        }
    }
    if (bytes && x->state.kind != BUNDLE_SOURCE_CRL)
        j->fresh_s = freshness(slice_of(http_fetch_cache_control(x->fetch)), SLICE_NONE);
    loop_job(s->loop, source_job_work, job_done, j);
}

/* --- through a connector --- */

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    const struct source *x = owner;
    return x->set->events->send(x->set->owner, request, events, ctx, ret, err);
}

/* The connector's word on it is for operators. */
static void tell_refusal(int status, struct slice body, struct error *ret)
{
    json_t *problem = NULL;
    const char *detail = "";
    if (body.len < SOURCE_ERROR_MAX * 8 && json_parse(body, SOURCE_ERROR_MAX * 8, &problem, NULL) == OK)
        detail = json_opt_str(problem, "detail", "");
    (void)error_set(ret, R_DENIED, "the connector answered %d%s%s", status, detail[0] ? ": " : "", detail);
    json_decref(problem);
}

static void on_answer(void *owner, int status, struct slice body, const struct error *why)
{
    struct source *x = owner;
    struct error err = *why;
    if (status == 200 && body.len) {
        char *copy = mem_zalloc(body.len);
        memcpy(copy, body.ptr, body.len);
        start_job(x, copy, body.len);
        return;
    }
    if (status == 200)
        (void)error_set(&err, R_INVALID, "the connector sent nothing");
    else if (status)
        tell_refusal(status, body, &err);
    note_failure(x, &err);
    end_fetch(x);
    arm_timer(x->set);
}

static void start_fetch(struct source *x)
{
    char target[SOURCE_ID_MAX + 2];
    x->under_way = true;
    x->set->under_way++;
    if (x->url) {
        start_job(x, NULL, 0);
        return;
    }
    (void)snprintf(target, sizeof target, "/%s", x->state.id);
    http_fetch_get(x->fetch, SLICE("source"), slice_of(target));
}

static void on_timer(void *arg)
{
    struct source_set *s = arg;
    uint64_t now = loop_now_ms(s->loop);
    for (struct source *x; (x = next_one(s)) && x->due_ms <= now;)
        start_fetch(x);
    arm_timer(s);
}

/* --- which there are --- */

static void find_kept(struct source *x)
{
    struct stat st;
    x->has_file = stat(x->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    x->state.fetched = x->has_file ? st.st_mtime : 0;
}

static void find_host(struct source *x)
{
    struct net_url url;
    if (x->url && net_url_parse_with_query(slice_of(x->url), &url, NULL) == OK)
        net_url_host(&url, x->host);
}

static struct source *source_new(struct source_set *s, const struct bundle_source *from)
{
    struct source *x = mem_zalloc(sizeof *x);
    x->set = s;
    x->serial = ++s->serials;
    x->state.kind = from->kind;
    x->state.by_connector = !from->url;
    (void)snprintf(x->state.url, sizeof x->state.url, "%s", from->url ? from->url : "");
    utf8_mend_end(x->state.url);
    (void)snprintf(x->state.id, sizeof x->state.id, "%s", from->id);
    x->path = source_path(s->folder, from);
    x->refresh_s = from->refresh_s;
    x->url = from->url ? mem_strdup(from->url) : NULL;
    find_host(x);
    x->ca_pem = from->ca_pem ? mem_strdup(from->ca_pem) : NULL;
    if (!x->url)
        x->fetch = http_fetch_new(s->loop, SOURCE_BYTES_MAX, ANSWER_MS, send_it, on_answer, x);
    find_kept(x);
    x->due_ms = loop_now_ms(s->loop);
    x->state.next = clock_wall_s();
    return x;
}

static bool same_text(const char *a, const char *b)
{
    return !a == !b && (!a || strcmp(a, b) == 0);
}

static bool is_same(const struct source *x, const struct bundle_source *y)
{
    return x->state.kind == y->kind && x->refresh_s == y->refresh_s && same_text(x->url, y->url) &&
           same_text(x->ca_pem, y->ca_pem);
}

/* A job of it may be under way: its end finds it gone. */
static void source_free(struct source *x)
{
    if (x->under_way && x->fetch && http_fetch_busy(x->fetch))
        x->set->under_way--;
    http_fetch_free(x->fetch);
    free(x->url);
    free(x->ca_pem);
    free(x->path);
    free(x);
}

static bool is_wanted(const struct bundle_source *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0 && list[i].kind != BUNDLE_SOURCE_OCSP)
            return true;
    }
    return false;
}

/* Those that went, also while this process did not run. */
static void remove_files(struct source_set *s, const struct bundle_source *list, size_t count)
{
    DIR *d = opendir(s->folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        struct slice rest = slice_of(e->d_name), stem = slice_cut(&rest, '.');
        char id[SOURCE_ID_MAX + 1];
        if (!stem.len || !slice_to_cstr(stem, id, sizeof id) || is_wanted(list, count, id))
            continue;
        (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        (void)closedir(d);
}

static size_t take_over(struct source_set *s, const struct bundle_source *list, size_t count,
                        struct source *fresh[BUNDLE_SOURCES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < count && n < BUNDLE_SOURCES_MAX; i++) {
        if (list[i].kind == BUNDLE_SOURCE_OCSP)
            continue;
        struct source *old = find_source(s, list[i].id);
        fresh[n] = old && is_same(old, &list[i]) ? old : source_new(s, &list[i]);
        fresh[n]->afresh |= old && (old->afresh || !same_text(old->url, list[i].url));
        n++;
    }
    return n;
}

static bool stands_in(struct source *const *list, size_t count, const struct source *x)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == x)
            return true;
    }
    return false;
}

void source_set_apply(struct source_set *s, const struct bundle_source *list, size_t count)
{
    struct source *fresh[BUNDLE_SOURCES_MAX], *gone[BUNDLE_SOURCES_MAX];
    size_t n = take_over(s, list, count, fresh), gone_count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!stands_in(fresh, n, s->list[i]))
            gone[gone_count++] = s->list[i];
    }
    lock_set(s);
    memcpy(s->list, fresh, n * sizeof *fresh);
    s->count = n;
    unlock_set(s);
    for (size_t i = 0; i < gone_count; i++)
        source_free(gone[i]);
    remove_files(s, list, count);
    arm_timer(s);
}

void source_set_retry(struct source_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct source *x = s->list[i];
        if (x->state.failures && x->under_way)
            x->again = true;
        else if (x->state.failures)
            due_in(x, rand_below(ASK_SOON_MS));
    }
    arm_timer(s);
}

void source_set_unknown_key(struct source_set *s, const char *id)
{
    struct source *x = find_source(s, id);
    uint64_t now = loop_now_ms(s->loop);
    if (!x || x->under_way || (x->unknown_key_ms && now - x->unknown_key_ms < UNKNOWN_KEY_EVERY_MS))
        return;
    if (x->fetched_ms &&
        now - x->fetched_ms < IN_USE_MS) /* judged by what was there before: no use of the minute's one */
        return;
    x->unknown_key_ms = now;
    due_in(x, 0);
    arm_timer(s);
}

size_t source_set_states(struct source_set *s, struct source_state *ret, size_t max)
{
    lock_set(s);
    size_t n = s->count < max ? s->count : max;
    for (size_t i = 0; i < n; i++)
        ret[i] = s->list[i]->state;
    unlock_set(s);
    return n;
}

bool source_set_fails(struct source_set *s, const char *id, char ret[SOURCE_ERROR_MAX])
{
    lock_set(s);
    const struct source *x = find_source(s, id);
    bool fails = x && x->state.failures > 0;
    if (fails)
        memcpy(ret, x->state.error, SOURCE_ERROR_MAX);
    unlock_set(s);
    return fails;
}

/* --- life --- */

enum result source_set_new(struct loop *loop, const char *folder, const struct source_events *events, void *owner,
                           struct source_set **ret, struct error *err)
{
    enum result r = file_make_dirs(folder, 0700, err);
    if (r != OK)
        return r;
    struct source_set *s = mem_zalloc(sizeof *s);
    s->loop = loop;
    s->events = events;
    s->owner = owner;
    s->for_jobs = source_owner_new(events, owner);
    s->folder = mem_strdup(folder);
    s->timer = loop_timer_new(loop, on_timer, s);
    (void)pthread_mutex_init(&s->lock, NULL);
    *ret = s;
    return OK;
}

void source_set_free(struct source_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        if (s->jobs[i])
            s->jobs[i]->set = NULL;
    }
    source_owner_leave(s->for_jobs);
    source_owner_unref(s->for_jobs);
    for (size_t i = 0; i < s->count; i++)
        source_free(s->list[i]);
    loop_timer_free(s->timer);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->folder);
    free(s);
}
