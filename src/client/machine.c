/* SPDX-License-Identifier: Apache-2.0 */
/* One machine, one identity (PROTOCOL 8): state that was copied to another machine must not go on as the first one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "client/client.h"
#include "digest/digest.h"

/* machine-id(5): 32 lower-case hex digits and a line break; "uninitialized" in images, empty in containers. */
static bool is_machine_id(struct slice text)
{
    unsigned char id[16];
    size_t len;
    return decode_hex(slice_trim(text), id, sizeof id, &len) && len == sizeof id;
}

/* A stable name of this machine and state folder that tells nobody the machine's id (machine-id(5) wants it hashed); ""
 * on a machine without one, as containers are, which would all have the same. */
static void derive(const struct client *c, char ret[HEX_SIZE(PKI_SHA256)])
{
    char *machine = NULL, *dir = realpath(c->dir, NULL);
    size_t len = 0;
    struct buf text;
    buf_init(&text, 16 * 1024);
    if (file_read("/etc/machine-id", 4096, &machine, &len, NULL) != OK)
        len = 0;
    if (buf_printf(&text, "opencmg hardware id\n%.*s\n%s", (int)len, machine ? machine : "", dir ? dir : "") != OK)
        fatal("the hardware id can't be made");
    ret[0] = '\0';
    if (is_machine_id(slice_make(machine ? machine : "", len)))
        digest_hex_of(buf_data(&text), ret);
    buf_free(&text);
    free(machine);
    free(dir);
}

void client_hardware_id(const struct client *c, char ret[CLIENT_HARDWARE_SIZE])
{
    char derived[HEX_SIZE(PKI_SHA256)];
    const char *set = client_setting(&c->settings, SETTING_HARDWARE_ID);
    if (!set)
        derive(c, derived);
    (void)snprintf(ret, CLIENT_HARDWARE_SIZE, "%s", set ? set : derived);
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
        client_session_drop_tokens(&id->of[i]);
        id->of[i] = (struct client_registration){.pending = false};
    }
    id->any = false;
    (void)snprintf(id->hardware_id, sizeof id->hardware_id, "%s", hardware);
    return client_identity_save(c->dir, id, err);
}

enum result client_machine_check(struct client *c, struct error *err)
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

bool client_session_fail_cloned(struct client_session *s)
{
    struct error err;
    const struct client_identity *id = &s->c->identity;
    if (!*id->cloned_from || *client_session_registration(s)->guid)
        return false;
    (void)error_set(
        &err, R_DENIED,
        "the state folder was copied from another machine, where it is device %s; this machine has a key of "
        "its own now and is not registered",
        id->cloned_from);
    (void)client_session_fail(
        s, "cloned", &err,
        "cmg-client register --token-file F with a token of `cmg token new`; in images, leave out "
        "the state folder");
    return true;
}
