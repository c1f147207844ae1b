/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the service of what has joined, where systemd runs and has its unit; else says how it is started. */
#ifndef JOIN_SERVICE_H
#define JOIN_SERVICE_H

#include "join/report.h"

/* A process of its own, as root, for a program that is root no longer when it comes to starting; it waits until it is
 * told. Not root: NULL. */
struct join_starter;
struct join_starter *join_starter_new(const char *unit); /* "cmg-connector.service" */
void join_starter_free(struct join_starter *s);          /* NULL allowed */

/* `by_hand`: the command that starts it otherwise. False: it was told to start and did not (told as what is left to
 * do). `s` NULL: by hand alone. */
bool join_starter_start(struct join_starter *s, struct join_report *report, const char *by_hand);

#endif
