/* SPDX-License-Identifier: Apache-2.0 */
/* The management point of a few answers (fake_mp.h). */
#include "fake_mp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ctl/commands.h"

#define ANSWER "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        perror(path);
}

/* Reads until the body that Content-Length announces is there. */
static void read_request(int fd, char *ret, size_t size)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, ret + len, size - 1 - len);
        if (n <= 0)
            return;
        len += (size_t)n;
        ret[len] = '\0';
        const char *end = strstr(ret, "\r\n\r\n"), *length = strcasestr(ret, "\r\ncontent-length:");
        size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
        if (end && strlen(end + 4) >= body)
            return;
    }
}

/* Held while a request is served: what the test sets and reads is never in use by the thread. */
static pthread_mutex_t serving = PTHREAD_MUTEX_INITIALIZER;

static void note_line(struct fake_mp *mp)
{
    const char *end = strstr(mp->request, " HTTP/1.1\r\n");
    size_t used = strlen(mp->asked);
    if (end)
        (void)snprintf(mp->asked + used, sizeof mp->asked - used, "%.*s\n", (int)(end - mp->request), mp->request);
}

static const char *answer_of(const struct fake_mp *mp)
{
    static char text[65536];
    for (const struct fake_row *row = mp->rows; row && row->request; row++) {
        if (strncmp(mp->request, row->request, strlen(row->request)) != 0)
            continue;
        (void)snprintf(text, sizeof text, ANSWER, row->status, strlen(row->body), row->body);
        return text;
    }
    return mp->answer;
}

static void *serve(void *arg)
{
    struct fake_mp *mp = arg;
    int fd;
    while ((fd = accept(mp->listener, NULL, NULL)) >= 0) {
        (void)pthread_mutex_lock(&serving);
        memset(mp->request, 0, sizeof mp->request);
        read_request(fd, mp->request, sizeof mp->request);
        note_line(mp);
        const char *answer = answer_of(mp);
        if (answer && write(fd, answer, strlen(answer)) < 0)
            perror("fake_mp");
        (void)pthread_mutex_unlock(&serving);
        (void)close(fd);
    }
    return NULL;
}

void fake_mp_start(struct fake_mp *mp)
{
    *mp = (struct fake_mp){0};
    (void)snprintf(mp->dir, sizeof mp->dir, "/tmp/cmg-ctl-test-XXXXXX");
    if (!mkdtemp(mp->dir))
        fatal("no temporary folder");
    (void)snprintf(mp->socket, sizeof mp->socket, "%s/a.sock", mp->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, mp->socket, strlen(mp->socket) + 1);
    mp->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(mp->listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(mp->listener, 8) != 0 ||
        pthread_create(&mp->thread, NULL, serve, mp) != 0)
        fatal("the fake management point does not start");
    (void)setenv("CMG_ADMIN_SOCKET", mp->socket, 1);
}

void fake_mp_stop(struct fake_mp *mp)
{
    (void)unsetenv("CMG_ADMIN_SOCKET");
    (void)shutdown(mp->listener, SHUT_RDWR);
    (void)pthread_join(mp->thread, NULL);
    (void)close(mp->listener);
    remove_tree(mp->dir);
}

void fake_mp_set(struct fake_mp *mp, const char *answer)
{
    (void)pthread_mutex_lock(&serving);
    mp->answer = answer;
    (void)pthread_mutex_unlock(&serving);
}

void fake_mp_rows(struct fake_mp *mp, const struct fake_row *rows)
{
    (void)pthread_mutex_lock(&serving);
    mp->rows = rows;
    mp->asked[0] = '\0';
    (void)pthread_mutex_unlock(&serving);
}

const char *fake_mp_answer(int status, const char *body)
{
    static char text[65536];
    (void)pthread_mutex_lock(&serving);
    (void)snprintf(text, sizeof text, ANSWER, status, strlen(body), body);
    (void)pthread_mutex_unlock(&serving);
    return text;
}

/* Sends a stream into a temporary file; returns what restore() needs. */
static int catch_stream(FILE *stream, FILE *into)
{
    (void)fflush(stream);
    int old = dup(fileno(stream));
    if (old < 0 || dup2(fileno(into), fileno(stream)) < 0)
        fatal("the output can't be caught");
    return old;
}

static void restore(FILE *stream, int old, FILE *from, char *ret, size_t size)
{
    (void)fflush(stream);
    (void)dup2(old, fileno(stream));
    (void)close(old);
    rewind(from);
    ret[fread(ret, 1, size - 1, from)] = '\0';
    (void)fclose(from);
}

void run_cmg(struct ran *ret, const struct fake_mp *mp, const char *const *words)
{
    char store[32][4096], *argv[33];
    int argc = 0;
    for (; words[argc]; argc++) {
        const char *word = words[argc], *dir = mp ? strstr(word, "{dir}") : NULL;
        if (dir)
            (void)snprintf(store[argc], sizeof store[argc], "%.*s%s%s", (int)(dir - word), word, mp->dir, dir + 5);
        else if (mp && strcmp(word, "{socket}") == 0)
            (void)snprintf(store[argc], sizeof store[argc], "%s", mp->socket);
        else
            (void)snprintf(store[argc], sizeof store[argc], "%s", word);
        argv[argc] = store[argc];
    }
    argv[argc] = NULL;
    FILE *out = tmpfile(), *err = tmpfile();
    if (!out || !err)
        fatal("no temporary file");
    int old_out = catch_stream(stdout, out), old_err = catch_stream(stderr, err);
    ret->code = ctl_main(argc, argv);
    (void)pthread_mutex_lock(&serving); /* the request that the test looks at now is whole */
    (void)pthread_mutex_unlock(&serving);
    restore(stdout, old_out, out, ret->out, sizeof ret->out);
    restore(stderr, old_err, err, ret->err, sizeof ret->err);
}
