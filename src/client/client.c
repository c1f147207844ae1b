/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: its lock, what is loaded from it, and what is done when it comes from another machine. */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/credential/credential.h"
#include "client/credential/proxy.h"
#include "web/http.h"

enum { LOCK_WAIT_S = 120 };

static enum result take_lock(const char *dir, int *ret, struct error *err)
{
    char *path = file_join(dir, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum result r = OK;
    if (fd < 0)
        r = error_set(err, R_IO, "%s: %s", path, strerror(errno));
    uint64_t until = clock_mono_ms() + LOCK_WAIT_S * 1000;
    while (r == OK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            r = error_set(err, R_IO, "%s: %s", path, strerror(errno));
        else if (clock_mono_ms() > until || web_http_stopped())
            r = error_set(err, R_CONFLICT, "another cmg-client works on %s", dir);
        else
            (void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    if (r != OK && fd >= 0)
        (void)close(fd);
    else
        *ret = fd;
    free(path);
    return r;
}

/* One that can't be read any more is put aside: who the device is, the site says again when it registers. */
static enum result load_identity(struct client *c, struct error *err)
{
    enum result r = client_identity_load(c->dir, &c->identity, err);
    if (r != R_INVALID)
        return r;
    char *path = file_join(c->dir, "identity.json"), *aside = file_join(c->dir, "identity.json.damaged");
    client_logf(&c->logs, CLIENT_LOG_REGISTRATION, LOG_WARN, "The identity is damaged and was put aside as %s: %s",
                aside, err->text);
    r = rename(path, aside) == 0 ? OK : error_set(err, R_IO, "%s: %s", path, strerror(errno));
    free(aside);
    free(path);
    return r;
}

/* The key goes first: a crash before the identity is written finds another machine again. */
static enum result begin_anew(struct client *c, const char *hardware, struct error *err)
{
    struct client_identity *id = &c->identity;
    enum result r = client_credential_forget(c->dir, err);
    if (r != OK)
        return r;
    if (id->any)
        (void)snprintf(id->cloned_from, sizeof id->cloned_from, "%s", id->of[id->method].guid);
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        client_registration_drop_tokens(&id->of[i]);
        id->of[i] = (struct client_registration){.pending = false};
    }
    id->any = false;
    (void)snprintf(id->hardware_id, sizeof id->hardware_id, "%s", hardware);
    return client_identity_save(c->dir, id, err);
}

/* Was the state copied here from another machine? Then its identity, keys and tokens go (PROTOCOL 8). */
static enum result check_machine(struct client *c, struct error *err)
{
    char hardware[CLIENT_HARDWARE_SIZE];
    struct client_identity *id = &c->identity;
    client_hardware_id(c, hardware);
    if (!*hardware || !*id->hardware_id || strcmp(hardware, id->hardware_id) == 0)
        return OK;
    enum result r = begin_anew(c, hardware, err);
    if (r == OK)
        client_logf(
            &c->logs, CLIENT_LOG_REGISTRATION, LOG_WARN,
            "This state was made on another machine, where it is GUID:%s: this machine (hardware id %.16s) takes "
            "a key of its own and registers as another device",
            *id->cloned_from ? id->cloned_from : "none", hardware);
    return r;
}

enum result client_open(const char *dir, struct client *ret, struct error *err)
{
    *ret = (struct client){.dir = dir, .lock = -1};
    enum result r = file_make_dirs(dir, 0700, err);
    if (r == OK)
        r = take_lock(dir, &ret->lock, err);
    if (r == OK) {
        file_sweep(dir);
        r = client_settings_load(dir, &ret->settings, err);
    }
    if (r == OK)
        client_proxy_use(&ret->settings);
    if (r == OK)
        r = client_logs_open(dir, &ret->logs, err);
    if (r == OK)
        r = load_identity(ret, err);
    if (r == OK)
        r = check_machine(ret, err);
    if (r != OK)
        client_close(ret);
    return r;
}

void client_let_go(struct client *c)
{
    if (c->lock >= 0)
        (void)close(c->lock);
    c->lock = -1;
}

enum result client_take_again(struct client *c, struct error *err)
{
    return take_lock(c->dir, &c->lock, err);
}

void client_close(struct client *c)
{
    client_proxy_use(NULL);
    client_logs_close(&c->logs);
    client_identity_free(&c->identity);
    client_settings_free(&c->settings);
    client_let_go(c);
}
