/* SPDX-License-Identifier: Apache-2.0 */
/* The schema's versions, embedded at build time from src/store/migrations (tools/embed/embed.py). */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

#include <stddef.h>
#include <stdint.h>

struct store_migration {
    int64_t version;
    const char *name;
    const char *sql;
};

/* By ascending version. */
extern const struct store_migration store_migrations[];
extern const size_t store_migration_count;

#endif
