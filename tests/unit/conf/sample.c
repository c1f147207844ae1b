/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host/file.h"
#include "sample.h"

static const struct conf_key pair_keys[] = {
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = offsetof(struct pair, certificate),
     .required = true,
     .use = SANDBOX_READ_FILE,
     .help = "PEM"},
    {.name = "key", .kind = CONF_TEXT, .offset = offsetof(struct pair, key), .help = "PEM"},
    {0},
};
static const struct conf_schema pair_schema = {"pair", sizeof(struct pair), pair_keys};

static const struct conf_key keys[] = {
    {.name = "mode",
     .kind = CONF_CHOICE,
     .offset = offsetof(struct sample, mode),
     .choices = "https|ehttp",
     .required = true,
     .help = "mode"},
    {.name = "workers",
     .kind = CONF_NUMBER,
     .offset = offsetof(struct sample, workers),
     .min = 1,
     .max = 64,
     .fallback = "2"},
    {.name = "body", .kind = CONF_SIZE, .offset = offsetof(struct sample, body), .fallback = "30MiB"},
    {.name = "wait", .kind = CONF_DURATION, .offset = offsetof(struct sample, wait), .fallback = "24h"},
    {.name = "lines", .kind = CONF_NUMBER, .offset = offsetof(struct sample, lines), .min = 10},
    {.name = "on", .kind = CONF_BOOL, .offset = offsetof(struct sample, on)},
    {.name = "listen", .kind = CONF_TEXTS, .offset = offsetof(struct sample, listen)},
    {.name = "roots", .kind = CONF_PATHS, .offset = offsetof(struct sample, roots), .use = SANDBOX_READ_FOLDER},
    {.name = "methods", .kind = CONF_TEXTS, .offset = offsetof(struct sample, methods), .choices = "pki|entra|token"},
    {.name = "pairs", .kind = CONF_BLOCKS, .offset = offsetof(struct sample, pairs), .block = &pair_schema},
    {.name = "one", .kind = CONF_BLOCK, .offset = offsetof(struct sample, one), .block = &pair_schema},
    {0},
};
const struct conf_schema sample_schema = {"sample.yaml", sizeof(struct sample), keys};

enum result sample_load(struct slice text, struct sample *ret, struct conf_faults *faults)
{
    char path[] = "/tmp/conf_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(file_write(path, text, 0600, NULL), OK);
    *faults = (struct conf_faults){0};
    enum result r = conf_load(path, &sample_schema, ret, faults);
    (void)unlink(path);
    return r;
}

static void expect_fault(const struct conf_fault *f, const char *wanted)
{
    char *words;
    size_t line = strtoul(wanted, &words, 10);
    assert_true(slice_starts(slice_of(words), SLICE(": ")));
    if (f->line != line || !strstr(f->text, words + 2))
        fail_msg("told '%zu: %s', wanted '%s'", f->line, f->text, wanted);
}

void sample_refused(const char *text, const char *const *faults, size_t count)
{
    struct sample s;
    struct conf_faults f;
    assert_int_equal(sample_load(slice_of(text), &s, &f), R_INVALID);
    for (size_t i = 0; i < f.count && i < count; i++)
        expect_fault(&f.list[i], faults[i]);
    if (f.count != count)
        fail_msg("%zu faults instead of %zu in '%s'; the last one: %s", f.count, count, text,
                 f.count ? f.list[f.count - 1].text : "none");
    conf_free(&sample_schema, &s);
}

struct sample sample_taken(const char *text)
{
    struct sample s;
    struct conf_faults f;
    if (sample_load(slice_of(text), &s, &f) != OK)
        fail_msg("'%s' is refused: %s", text, f.list[0].text);
    return s;
}
