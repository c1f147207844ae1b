/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process locks itself in: from then on it reaches only the files that it named (landlock(7)) and only the system
 * calls of a list (seccomp(2)), whoever it runs as, and whoever has taken it over. It holds for threads that start
 * later and can't be undone. Where the kernel lacks one of the two, the other holds alone.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>

#include "base/error.h"

/* What for a path is named. Who replaces a file renames another one over it, so its folder is let in with it, and that
 * of the file that a link leads to. */
enum sandbox_use {
    SANDBOX_READ_FILE,    /* read again later; with its neighbours */
    SANDBOX_READ_ONCE,    /* read before the process was locked in, and never again: not let in */
    SANDBOX_READ_FOLDER,  /* read, with all below */
    SANDBOX_WRITE_FILE,   /* made, written, removed; with its neighbours. Its folder is made where it lacks */
    SANDBOX_WRITE_FOLDER, /* the process's own, with all below; made where it lacks */
    SANDBOX_WRITE_THERE,  /* somebody else's: a folder with all below, a file or a device alone, where it is there */
};

struct sandbox;

/* With what every process needs: libraries, name services, time zones, certificates of the system (places.c). */
struct sandbox *sandbox_new(void);

/* NULL, "" and what is not there: nothing. */
void sandbox_allow(struct sandbox *s, enum sandbox_use use, const char *path);

/* What was reached: its words for a log line. */
struct sandbox_kept {
    char files[64], calls[64];
    bool whole; /* both hold */
};

/* Before the process has other threads. Frees `s`. */
struct sandbox_kept sandbox_enter(struct sandbox *s);

#endif
