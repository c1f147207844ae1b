/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-load's options, its run (open, warm up, measure), and its report in JSON. See load.h. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "watch.h"

enum { EVENTS = 512, TICK_NS = 20 * 1000 * 1000, OPENING_MAX = 64, OPEN_LIMIT_S = 120, SETTLE_NS = 500 * 1000 * 1000 };
static const uint64_t second = 1000 * 1000 * 1000;

struct options {
    const char *address, *name, *target, *ca, *certificates, *key, *token_file, *mode, *protocol;
    uint64_t port, connections, streams, duration_ms, warm_up_ms, body, rate;
    bool tls12;
    struct opt_list watch;
};

struct run {
    struct load load;
    struct options options;
    struct load_connection *connections;
    struct watch before[WATCH_MAX], start[WATCH_MAX], end[WATCH_MAX];
    double own_cpu_s, seconds;
    char authority[300];
};

#define OPTION(word, kind_, member_, value_, help_, ...)                                                               \
    {                                                                                                                  \
        .name = (word), .kind = (kind_), .offset = offsetof(struct options, member_), .value = (value_),               \
        .help = (help_), __VA_ARGS__                                                                                   \
    }

static const struct opt opts[] = {
    OPTION("mode", OPT_CHOICE, mode, NULL, "what is repeated", .choices = "keep-alive|handshake|resume|idle"),
    OPTION("protocol", OPT_CHOICE, protocol, NULL, "HTTP/1.1 or HTTP/2", .choices = "h1|h2"),
    OPTION("address", OPT_TEXT, address, "IPV4", "of the server (default 127.0.0.1)"),
    OPTION("port", OPT_NUMBER, port, "N", "of the server", .min = 1, .max = 65535, .required = true),
    OPTION("name", OPT_TEXT, name, "NAME", "for SNI, Host and the certificate (default localhost)"),
    OPTION("target", OPT_TEXT, target, "PATH", "what is asked for (default /)"),
    OPTION("ca", OPT_TEXT, ca, "FILE", "anchors of the server's certificate", .required = true),
    OPTION("certificates", OPT_TEXT, certificates, "FILE", "of clients, PEM: connections take turns"),
    OPTION("key", OPT_TEXT, key, "FILE", "of all these certificates"),
    OPTION("token-file", OPT_TEXT, token_file, "FILE", "a bearer token, sent with every request"),
    OPTION("connections", OPT_NUMBER, connections, "N", "at once (default 32)", .min = 1, .max = LOAD_CONNECTIONS_MAX),
    OPTION("streams", OPT_NUMBER, streams, "N", "HTTP/2: at once on a connection (default 1)", .min = 1,
           .max = LOAD_STREAMS_MAX),
    OPTION("duration", OPT_NUMBER, duration_ms, "MS", "measured (default 2000)", .min = 1, .max = 3600000),
    OPTION("warm-up", OPT_NUMBER, warm_up_ms, "MS", "before that (default 500)", .min = 0, .max = 3600000),
    OPTION("body", OPT_NUMBER, body, "BYTES", "that every answer must have (default 1024)", .max = 1 << 30),
    OPTION("rate", OPT_NUMBER, rate, "N",
           "requests a second, evenly, whether or not answers come (HTTP/1.1, keep-alive)", .min = 1, .max = 1000000),
    OPTION("tls12", OPT_FLAG, tls12, NULL, "TLS 1.2"),
    OPTION("watch", OPT_LIST, watch, "NAME=PID", "a process whose CPU and memory are told; may repeat"),
    {.name = NULL},
};

uint64_t load_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

bool load_answered(struct load_connection *c, uint64_t asked_at, int status, uint64_t body)
{
    struct load *l = c->load;
    bool once = l->mode == LOAD_HANDSHAKE || l->mode == LOAD_RESUME;
    if (status != 200 || body != l->body) {
        l->errors++;
        if (l->first_fault[0] == '\0')
            (void)snprintf(l->first_fault, sizeof l->first_fault, "status %d with %llu bytes", status,
                           (unsigned long long)body);
        c->renew = true;
        return false;
    }
    if (l->measuring) {
        l->requests++;
        histogram_add(&l->latency, load_now() - (once ? c->began : asked_at));
    }
    c->renew = once;
    if (l->interval)
        l->idle[l->idle_count++] = c;
    return l->mode == LOAD_KEEP_ALIVE && !l->interval;
}

void load_ready(struct load_connection *c)
{
    struct load *l = c->load;
    if (l->interval || l->holding)
        l->idle[l->idle_count++] = c;
    else
        (l->h2 ? h2_ask : h1_ask)(c->protocol);
}

void load_gone(const struct load_connection *c)
{
    struct load *l = c->load;
    for (size_t i = 0; i < l->idle_count; i++) {
        if (l->idle[i] == c)
            l->idle[i--] = l->idle[--l->idle_count];
    }
}

uint64_t load_due(const struct load *l)
{
    return l->interval ? l->paced_from + l->paced * l->interval : load_now();
}

/* Asks what is due, and says for how long nothing more is. */
static struct timespec pace(struct load *l)
{
    uint64_t now = load_now(), wait = TICK_NS;
    if (!l->paced_from)
        return (struct timespec){.tv_nsec = TICK_NS};
    while (l->idle_count > 0 && load_due(l) <= now) {
        struct load_connection *c = l->idle[--l->idle_count];
        h1_ask(c->protocol);
        l->paced++;
        connection_flush(c);
    }
    if (l->interval && l->idle_count > 0 && load_due(l) - now < wait)
        wait = load_due(l) - now;
    return (struct timespec){.tv_nsec = (long)wait};
}

/* An idle connection has had its answer and stays; all others begin anew. */
static void again(struct run *r, struct load_connection *c)
{
    if (c->state == LOAD_CLOSED && !r->load.ending)
        connection_open(c);
}

static void turn(struct run *r)
{
    struct epoll_event events[EVENTS];
    struct timespec wait = pace(&r->load);
    int n = epoll_pwait2(r->load.epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct load_connection *c = events[i].data.ptr;
        connection_event(c, events[i].events);
        again(r, c);
    }
}

static void run_for(struct run *r, uint64_t ns)
{
    uint64_t until = load_now() + ns;
    while (load_now() < until)
        turn(r);
}

static void release(struct load *l)
{
    l->holding = false;
    while (!l->interval && l->idle_count > 0) {
        struct load_connection *c = l->idle[--l->idle_count];
        (l->h2 ? h2_ask : h1_ask)(c->protocol);
        connection_flush(c);
    }
}

/* A few at a time: a listener's backlog has an end. */
static bool open_all(struct run *r)
{
    struct load *l = &r->load;
    uint64_t until = load_now() + OPEN_LIMIT_S * second;
    uint64_t count = r->options.connections, begun = 0;
    l->holding = l->mode == LOAD_KEEP_ALIVE;
    bool stay = l->mode == LOAD_KEEP_ALIVE || l->mode == LOAD_IDLE;
    while (begun < count || (stay && l->established < count)) {
        while (begun < count && (!stay || begun - l->established < OPENING_MAX))
            connection_open(&r->connections[begun++]);
        turn(r);
        if (load_now() > until || l->errors > count)
            return false;
    }
    release(l);
    return true;
}

static void read_all(struct run *r, struct watch list[WATCH_MAX])
{
    memcpy(list, r->before, sizeof r->before);
    for (size_t i = 0; i < r->options.watch.count; i++)
        watch_read(&list[i]);
}

static double own_cpu(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(struct run *r)
{
    r->load.paced_from = load_now();
    run_for(r, r->options.warm_up_ms * 1000000);
    read_all(r, r->start);
    double cpu = own_cpu();
    uint64_t began = load_now();
    r->load.measuring = true;
    run_for(r, r->options.duration_ms * 1000000);
    r->load.measuring = false;
    r->seconds = (double)(load_now() - began) / 1e9;
    r->own_cpu_s = own_cpu() - cpu;
    read_all(r, r->end);
}

static json_t *watched(const struct run *r)
{
    json_t *all = json_object();
    double ops = (double)(r->load.requests ? r->load.requests : 1);
    for (size_t i = 0; i < r->options.watch.count; i++) {
        double cpu = r->end[i].cpu_s - r->start[i].cpu_s;
        int64_t grown = (int64_t)r->end[i].rss_kb - (int64_t)r->before[i].rss_kb;
        (void)json_object_set_new(all, r->end[i].name,
                                  json_pack("{s:f, s:f, s:I, s:I, s:I}", "cpu_s", cpu, "cpu_us_per_request",
                                            cpu / ops * 1e6, "rss_kb_before", (json_int_t)r->before[i].rss_kb, "rss_kb",
                                            (json_int_t)r->end[i].rss_kb, "rss_bytes_per_connection",
                                            (json_int_t)(grown * 1024 / (int64_t)r->options.connections)));
    }
    return all;
}

static void report(const struct run *r)
{
    const struct load *l = &r->load;
    json_t *latency = json_pack("{s:f, s:f, s:f, s:f}", "p50_us", (double)histogram_at(&l->latency, 0.5) / 1e3,
                                "p99_us", (double)histogram_at(&l->latency, 0.99) / 1e3, "p999_us",
                                (double)histogram_at(&l->latency, 0.999) / 1e3, "max_us", (double)l->latency.max / 1e3);
    json_t *all = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:o}", "mode", r->options.mode,
                            "protocol", r->options.protocol, "connections", (json_int_t)r->options.connections,
                            "requests", (json_int_t)l->requests, "errors", (json_int_t)l->errors, "opened",
                            (json_int_t)l->opened, "resumed", (json_int_t)l->resumed, "seconds", r->seconds,
                            "per_second", r->seconds > 0 ? (double)l->requests / r->seconds : 0.0, "own_cpu_s",
                            r->own_cpu_s, "latency", latency, "processes", watched(r));
    if (l->first_fault[0] != '\0')
        (void)json_object_set_new(all, "first_fault", json_string(l->first_fault));
    (void)json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    (void)printf("\n");
    json_decref(all);
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.address = "127.0.0.1",
                          .name = "localhost",
                          .target = "/",
                          .mode = "keep-alive",
                          .protocol = "h1",
                          .connections = 32,
                          .streams = 1,
                          .duration_ms = 2000,
                          .warm_up_ms = 500,
                          .body = 1024};
}

static enum result read_token(struct run *r, struct error *err)
{
    char *text;
    size_t len;
    struct buf header;
    enum result result = r->options.token_file ? file_read(r->options.token_file, 64 * 1024, &text, &len, err) : R_EOF;
    if (result != OK)
        return result == R_EOF ? OK : result;
    buf_init(&header, 128 * 1024);
    result = buf_printf(&header, "Bearer %s", text);
    free(text);
    r->load.token_header = buf_take_str(&header);
    char *end = strpbrk(strchr(r->load.token_header, ' ') + 1, " \r\n");
    if (end)
        *end = '\0';
    return result;
}

static enum result make_request(struct run *r, struct error *err)
{
    struct load *l = &r->load;
    struct buf text;
    buf_init(&text, 256 * 1024);
    (void)snprintf(r->authority, sizeof r->authority, "%.255s:%llu", r->options.name,
                   (unsigned long long)r->options.port);
    enum result result = buf_printf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", l->target, r->authority,
                                    l->token_header ? "Authorization: " : "", l->token_header ? l->token_header : "",
                                    l->token_header ? "\r\n" : "");
    l->authority = r->authority;
    l->request.len = buf_len(&text);
    l->request.ptr = buf_take_str(&text);
    return result == OK ? OK : error_set(err, result, "the request is too long");
}

static enum result set_up(struct run *r, struct error *err)
{
    static const char *const modes[] = {"keep-alive", "handshake", "resume", "idle"};
    struct load *l = &r->load;
    const struct options *o = &r->options;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(o->mode, modes[i]) == 0)
            l->mode = (enum load_mode)i;
    l->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    if (inet_pton(AF_INET, o->address, &l->server.sin_addr) != 1)
        return error_set(err, R_INVALID, "'%s' is no IPv4 address", o->address);
    if (o->rate && (l->mode != LOAD_KEEP_ALIVE || strcmp(o->protocol, "h1") != 0))
        return error_set(err, R_INVALID, "--rate goes with --mode keep-alive and --protocol h1");
    if (!o->certificates != !o->key)
        return error_set(err, R_INVALID, "--certificates and --key belong together");
    l->name = o->name;
    l->target = o->target;
    l->body = o->body;
    l->streams = (unsigned)o->streams;
    l->interval = o->rate ? second / o->rate : 0;
    l->h2 = strcmp(o->protocol, "h2") == 0;
    l->tls = connection_context(o->ca, l->h2, o->tls12, err);
    if (!l->tls)
        return R_INVALID;
    enum result result = read_token(r, err);
    if (result == OK && o->certificates)
        result = connection_add_certificates(l, o->certificates, o->key, err);
    if (result == OK)
        result = make_request(r, err);
    return result == OK ? watch_parse(&o->watch, r->before, err) : result;
}

static void begin(struct run *r)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    r->load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (r->load.epoll < 0)
        fatal("epoll: %s", strerror(errno));
    r->connections = mem_array(r->options.connections, sizeof *r->connections);
    for (unsigned i = 0; i < r->options.connections; i++)
        r->connections[i] = (struct load_connection){.load = &r->load, .number = i, .state = LOAD_CLOSED};
    r->load.idle = mem_array(r->options.connections, sizeof(struct load_connection *));
    for (size_t i = 0; i < r->options.watch.count; i++)
        watch_read(&r->before[i]);
}

static void end(struct run *r)
{
    r->load.ending = true;
    for (unsigned i = 0; i < r->options.connections; i++) {
        connection_close(&r->connections[i]);
        SSL_SESSION_free(r->connections[i].session);
    }
    free(r->connections);
    free((void *)r->load.idle);
    (void)close(r->load.epoll);
    SSL_CTX_free(r->load.tls);
    for (size_t i = 0; i < r->load.certificate_count; i++)
        X509_free(r->load.certificates[i]);
    free((void *)(uintptr_t)r->load.request.ptr);
    free((void *)(uintptr_t)r->load.token_header);
}

int main(int argc, char **argv)
{
    static const struct opt_command command = {"cmg-load [options]", "Load for a TLS server; the report is JSON.", opts,
                                               0, 0};
    static struct run r;
    const char **args;
    size_t count;
    struct error err;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* a server that closes is an error to count, not the end */
    set_defaults(&r.options);
    enum result result = opt_parse(&command, argc - 1, argv + 1, &r.options, &args, &count, &err);
    if (result == R_EOF)
        return 0;
    if (result == OK)
        result = set_up(&r, &err);
    if (result != OK) {
        (void)fprintf(stderr, "cmg-load: %s\n", err.text);
        return 2;
    }
    begin(&r);
    bool opened = open_all(&r);
    if (opened && r.load.mode == LOAD_IDLE)
        run_for(&r, SETTLE_NS);
    if (opened)
        measure(&r);
    report(&r);
    end(&r);
    return opened && r.load.errors == 0 ? 0 : 1;
}
