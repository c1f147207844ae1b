/* SPDX-License-Identifier: Apache-2.0 */
/* The machine, its operating system (os-release(5)), and whether it has a TPM. */
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/host/file.h"
#include "client/facts/part.h"

enum { SMALL_FILE = 64 * 1024 };

static void put_file(json_t *o, const char *name, const char *path)
{
    char *text;
    size_t len;
    if (file_read(path, SMALL_FILE, &text, &len, NULL) != OK)
        return;
    client_facts_put_text(o, name, slice_make(text, len));
    free(text);
}

json_t *client_facts_system(const struct client_facts_of *of UNUSED)
{
    json_t *o = json_object();
    struct utsname u;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE), processors = sysconf(_SC_NPROCESSORS_CONF);
    if (uname(&u) == 0) {
        client_facts_put_text(o, "name", slice_of(u.nodename));
        client_facts_put_text(o, "machine", slice_of(u.machine));
    }
    if (pages > 0 && size > 0)
        client_facts_put(o, "memory", json_integer((json_int_t)pages * size));
    if (processors > 0)
        client_facts_put(o, "processors", json_integer(processors));
    put_file(o, "vendor", "/sys/class/dmi/id/sys_vendor");
    put_file(o, "model", "/sys/class/dmi/id/product_name");
    put_file(o, "firmware", "/sys/class/dmi/id/bios_version");
    return o;
}

/* ID=debian, VERSION_ID="13": quoted as a shell does, but for escapes, which these values have none of. */
static void put_release(json_t *o, struct slice line)
{
    static const char *const names[][2] = {{"ID", "id"}, {"NAME", "name"}, {"VERSION_ID", "version"}};
    struct slice value = line, key = slice_cut(&value, '=');
    value = slice_trim(value);
    if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') && value.ptr[value.len - 1] == value.ptr[0])
        value = slice_make(value.ptr + 1, value.len - 2);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_eq(key, slice_of(names[i][0])))
            client_facts_put_text(o, names[i][1], value);
    }
}

json_t *client_facts_os(const struct client_facts_of *of UNUSED)
{
    json_t *o = json_object();
    struct utsname u;
    char *text;
    size_t len;
    if (uname(&u) == 0)
        client_facts_put_text(o, "kernel", slice_of(u.release));
    if (file_read("/etc/os-release", SMALL_FILE, &text, &len, NULL) != OK)
        return o;
    struct slice rest = slice_make(text, len);
    while (rest.len)
        put_release(o, slice_cut(&rest, '\n'));
    free(text);
    return o;
}

json_t *client_facts_tpm(const struct client_facts_of *of UNUSED)
{
    json_t *o = json_object();
    client_facts_put(o, "present", json_boolean(file_exists("/sys/class/tpm/tpm0")));
    put_file(o, "version", "/sys/class/tpm/tpm0/tpm_version_major");
    return o;
}
