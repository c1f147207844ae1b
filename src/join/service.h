/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the service of what has joined, where systemd runs and has its unit; else says how it is started. */
#ifndef JOIN_SERVICE_H
#define JOIN_SERVICE_H

#include "join/report.h"

/* `unit`: "cmg-connector.service"; `by_hand`: the command that starts it otherwise. False: it was told to start and did
 * not (told as what is left to do). */
bool join_service_start(struct join_report *report, const char *unit, const char *by_hand);

#endif
