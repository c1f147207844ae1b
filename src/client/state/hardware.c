/* SPDX-License-Identifier: Apache-2.0 */
/* What tells this machine from others, without telling anybody its machine id. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "client/state/device.h"
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
static void derive_hardware_id(const struct client *c, char ret[HEX_SIZE(PKI_SHA256)])
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
        derive_hardware_id(c, derived);
    (void)snprintf(ret, CLIENT_HARDWARE_SIZE, "%s", set ? set : derived);
}
