/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: any YAML gives values within their bounds or faults with words. */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "fuzz.h"

struct pair {
    char *certificate, *key;
};
static const struct conf_key pair_keys[] = {
    {.name = "certificate", .kind = CONF_PATH, .offset = offsetof(struct pair, certificate), .required = true},
    {.name = "key", .kind = CONF_TEXT, .offset = offsetof(struct pair, key)},
    {0},
};
static const struct conf_schema pair_schema = {"pair", sizeof(struct pair), pair_keys};

struct sample {
    char *mode;
    uint64_t workers, body, wait;
    bool on;
    struct conf_texts listen, files;
    struct conf_blocks pairs;
    struct pair one;
};
#define AT(member) .offset = offsetof(struct sample, member)
static const struct conf_key keys[] = {
    {.name = "mode", .kind = CONF_CHOICE, AT(mode), .choices = "https|ehttp", .required = true},
    {.name = "workers", .kind = CONF_NUMBER, AT(workers), .min = 1, .max = 64, .fallback = "2"},
    {.name = "body", .kind = CONF_SIZE, AT(body), .fallback = "30MiB"},
    {.name = "wait", .kind = CONF_DURATION, AT(wait), .max = 3600, .fallback = "30m"},
    {.name = "on", .kind = CONF_BOOL, AT(on)},
    {.name = "listen", .kind = CONF_TEXTS, AT(listen), .choices = "a|b"},
    {.name = "files", .kind = CONF_PATHS, AT(files)},
    {.name = "pairs", .kind = CONF_BLOCKS, AT(pairs), .block = &pair_schema},
    {.name = "one", .kind = CONF_BLOCK, AT(one), .block = &pair_schema},
    {0},
};
static const struct conf_schema schema = {"sample.yaml", sizeof(struct sample), keys};

static void check_loaded(const struct sample *s)
{
    MUST(s->mode && s->workers >= 1 && s->workers <= 64 && s->wait <= 3600);
    for (size_t i = 0; i < s->listen.count; i++)
        MUST(s->listen.items[i][0]);
    for (size_t i = 0; i < s->pairs.count; i++)
        MUST(((const struct pair *)s->pairs.items)[i].certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct conf_faults faults; /* large */
    struct sample s;
    char path[64];
    int fd = memfd_create("conf", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    faults.count = 0;
    enum result r = conf_load(path, &schema, &s, &faults);
    if (r == OK)
        check_loaded(&s);
    MUST((r == OK) == (faults.count == 0) && faults.count <= CONF_FAULTS_MAX);
    for (size_t i = 0; i < faults.count; i++)
        MUST(faults.list[i].text[0]);
    conf_free(&schema, &s);
    (void)close(fd);
    return 0;
}
