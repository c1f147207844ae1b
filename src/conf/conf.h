/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: YAML (libyaml) read by schema tables. All faults of a file are found in one go, each with its
 * line and a remedy; unknown keys are faults. The tables also give `--help`-like reference text.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"
#include "sandbox/sandbox.h"

enum conf_kind {
    CONF_TEXT,     /* char *: malloc'ed */
    CONF_PATH,     /* char *: relative ones are taken from the configuration file's folder */
    CONF_NUMBER,   /* uint64_t, min … max (max 0: none) */
    CONF_SIZE,     /* uint64_t bytes: "64KiB", "30MiB", "1GiB" */
    CONF_DURATION, /* uint64_t seconds: "30s", "5m", "24h", "90d" */
    CONF_BOOL,     /* bool: true/false, yes/no, on/off */
    CONF_CHOICE,   /* char *: one of `choices`, "https|ehttp" */
    CONF_TEXTS,    /* struct conf_texts */
    CONF_PATHS,    /* struct conf_texts, made absolute */
    CONF_BLOCK,    /* a struct of its own inside this one, by `block` */
    CONF_BLOCKS,   /* struct conf_blocks: a list of them */
};

struct conf_texts {
    char **items;
    size_t count;
};

struct conf_blocks {
    void *items; /* an array of block->size structs */
    size_t count;
};

struct conf_schema;

struct conf_key {
    const char *name;
    enum conf_kind kind;
    size_t offset;
    const char *help; /* one line */
    bool required;
    const char *fallback; /* as it would stand in the file; NULL: none */
    const char *choices;  /* CONF_CHOICE, and each of CONF_TEXTS when given */
    uint64_t min, max;
    enum sandbox_use use; /* of a path */
    const struct conf_schema *block;
};

struct conf_schema {
    const char *name;            /* "gateway.yaml" */
    size_t size;                 /* of the struct that it fills */
    const struct conf_key *keys; /* ends with a NULL name */
    bool partial;                /* of a program's that reads another's file: keys that are not here are passed over */
};

enum { CONF_FILE_MAX = 1024 * 1024, CONF_FAULTS_MAX = 64, CONF_WARNINGS_MAX = 32, CONF_PLACES_MAX = 512 };

struct conf_fault {
    size_t line; /* 1-based; 0: the file as a whole */
    char text[384];
};

struct conf_place {
    const void *value; /* a member of what was loaded, an item of a list of texts, or a block of a list */
    size_t line;
};

struct conf_faults {
    struct conf_fault list[CONF_FAULTS_MAX];
    size_t count;
    struct conf_fault warnings[CONF_WARNINGS_MAX]; /* it runs, but hardly as was meant */
    size_t warning_count;
    struct conf_place places[CONF_PLACES_MAX]; /* where what was loaded stands */
    size_t place_count;
    bool unread; /* the file itself could not be read, or is no YAML: nothing is known of its values */
};

/* Adds one (dropped beyond the maximum). For the checks of a program after loading, too. */
void conf_fault_add(struct conf_faults *f, size_t line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same of a value that was loaded: with its line. 0 where it is not in the file. */
void conf_fault_of(struct conf_faults *f, const void *value, const char *fmt, ...) PRINTF_LIKE(3, 4);
void conf_warning_of(struct conf_faults *f, const void *value, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Reads `path` into *ret (zeroed first, of schema->size bytes). R_INVALID when there are faults; *ret is still to be
 * freed, and unless faults->unread, holds what could be read: the program's own checks complete the list. */
MUST_USE enum result conf_load(const char *path, const struct conf_schema *schema, void *ret,
                               struct conf_faults *faults);
void conf_free(const struct conf_schema *schema, void *loaded);

/* The folder that relative paths of the file `path` are taken from: absolute, without links; malloc'ed. */
char *conf_folder(const char *path);

/* "FILE:LINE: fault" a line each, warnings behind the faults. */
void conf_faults_print(const struct conf_faults *f, const char *path, FILE *out);

/* The keys with their kinds, defaults and meaning, as text. */
void conf_reference(const struct conf_schema *schema, FILE *out);

#endif
