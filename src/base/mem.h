/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that does not fail: running out of memory is a fault of the machine and ends the process. Whatever a peer
 * can make us allocate has a maximum of its own (see buf.h and arena.h), so a peer can't cause it.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Raises the number of freed blocks of a size that glibc's per-thread cache keeps: it is seven, and one TLS handshake
 * frees hundreds. glibc reads that number from GLIBC_TUNABLES at start only, so this sets the variable and executes the
 * program once more, in the same process. To be called first in a daemon's main. Does nothing where that is not
 * possible, or where GLIBC_TUNABLES is set already. */
void mem_tune(char **argv);

/* For every program, before it holds a key: its memory goes into no core file, and no other process of its user may
 * look into it. Behind mem_tune(), whose new start would undo it. With OPENCMG_CORES in the environment (to debug)
 * nothing happens. */
void mem_keep_private(void);

/* Zeroed memory; the caller frees it with free(). mem_array checks count × size for overflow. */
void *mem_zalloc(size_t size);
void *mem_array(size_t count, size_t size);

/* realloc that checks count × size for overflow; new bytes are not zeroed. */
void *mem_resize(void *old, size_t count, size_t size);

char *mem_strdup(const char *text);

/* Wipes a secret and frees it. NULL allowed. */
void mem_free_secret(void *secret, size_t size);

#endif
