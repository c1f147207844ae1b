/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with a key of every kind, and files of it from text. */
#ifndef TESTS_CONF_SAMPLE_H
#define TESTS_CONF_SAMPLE_H

#include "conf/conf.h"

struct pair {
    char *certificate, *key;
};

struct sample {
    char *mode;
    uint64_t workers, body, wait, lines;
    bool on;
    struct conf_texts listen, roots, methods;
    struct conf_blocks pairs;
    struct pair one;
};
extern const struct conf_schema sample_schema;

/* What conf_load() says to a file of /tmp with this text. The caller ends *ret with conf_free(). */
enum result sample_load(struct slice text, struct sample *ret, struct conf_faults *faults);

/* It is refused with exactly these faults, "LINE: words" a line; a line of words may be a part of what is told. */
void sample_refused(const char *text, const char *const *faults, size_t count);
#define SAMPLE_REFUSED(text, ...)                                                                                      \
    sample_refused((text), (const char *const[]){__VA_ARGS__},                                                         \
                   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* It is taken; the caller ends what it gets with conf_free(). */
struct sample sample_taken(const char *text);

#endif
