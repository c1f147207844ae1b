/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a pair of sockets: a byte asks, a packet answers, its first byte the result, then the value or what was
 * wrong. */
#include "connector/helper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/host/program.h"
#include "base/mem.h"
#include "net/proxy_login.h"

enum {
    LIMIT_S = 8,
    PACKET_MAX = NET_PROXY_LOGIN_MAX + 16,
    END = 3 /* the helper's only descriptor but the standard ones */
};

static int other = -1; /* the way to the helper; -1: there is none */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

static enum result run(const char *program, char **ret, struct error *err)
{
    const struct program p = {.path = program, .limit_s = LIMIT_S, .output_max = NET_PROXY_LOGIN_MAX};
    char *said = NULL;
    enum result r = program_run(&p, &said, err);
    if (r == OK)
        r = net_proxy_printed(program, slice_of(said), ret, err);
    if (said)
        mem_free_secret(said, strlen(said));
    return r;
}

/* --- the helper --- */

static bool answer(const char *program)
{
    char packet[PACKET_MAX], *value = NULL;
    struct error err = {0};
    packet[0] = (char)run(program, &value, &err);
    int len = snprintf(packet + 1, sizeof packet - 1, "%s", value ? value : err.text);
    bool sent = send(END, packet, 1 + (size_t)len, MSG_NOSIGNAL) > 0;
    explicit_bzero(packet, sizeof packet);
    if (value)
        mem_free_secret(value, strlen(value));
    return sent;
}

/* Until the other end is gone. */
_Noreturn static void serve(const char *program, int fd, pid_t parent)
{
    char asked;
    ssize_t n = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || dup2(fd, END) != END)
        _exit(EXIT_FAILURE);
    closefrom(END + 1);
    do {
        n = recv(END, &asked, 1, 0);
    } while ((n < 0 && errno == EINTR) || (n == 1 && answer(program)));
    _exit(EXIT_SUCCESS);
}

enum result helper_start(const char *program, struct error *err)
{
    int pair[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, R_IO, "a pair of sockets: %s", strerror(errno));
    (void)fflush(NULL);
    pid_t helper = fork();
    if (helper == 0)
        serve(program, pair[1], parent);
    (void)close(pair[1]);
    other = pair[0];
    return helper > 0 ? OK : error_set(err, R_IO, "a process can't be made: %s", strerror(errno));
}

/* --- the one that is locked in --- */

static enum result take_answer(char *packet, ssize_t len, char **ret, struct error *err)
{
    if (len < 1)
        return error_set(err, R_IO, "the process that runs programs has ended: restart cmg-connector");
    struct slice text = slice_make(packet + 1, (size_t)len - 1);
    enum result r = (enum result)packet[0];
    if (r != OK)
        return error_set(err, r, "%" PRIslice, SLICE_ARG(text));
    *ret = slice_dup(text);
    return OK;
}

enum result helper_ask(const char *program, char **ret, struct error *err)
{
    char packet[PACKET_MAX];
    if (other < 0)
        return run(program, ret, err);
    (void)pthread_mutex_lock(&asking);
    ssize_t n = send(other, "?", 1, MSG_NOSIGNAL);
    while (n > 0 && (n = recv(other, packet, sizeof packet, 0)) < 0 && errno == EINTR)
        n = 1;
    (void)pthread_mutex_unlock(&asking);
    enum result r = take_answer(packet, n, ret, err);
    explicit_bzero(packet, sizeof packet);
    return r;
}
