/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon tells the service manager that started it (sd_notify(3)). Where there is none, nothing happens. */
#ifndef LOOP_SERVICE_H
#define LOOP_SERVICE_H

#include "loop/loop.h"

/* It serves from now on; `status` is one line for people. From now on its watchdog is told, too, as long as the loop
 * turns: by the timer that is returned, which the caller frees (NULL: nobody watches). */
struct loop_timer *loop_service_ready(struct loop *loop, const char *status);

/* What SIGHUP asks for begins; and it has ended, well or not. */
void loop_service_reloading(void);
void loop_service_reloaded(void);

/* It takes nothing new and ends soon. */
void loop_service_stopping(const char *status);

/* A copy of the descriptor is kept by the manager and handed to the program when it is started anew, if its unit says
 * so (FileDescriptorStoreMax=). `name`: of letters, digits and -, by which it comes back in $LISTEN_FDNAMES. false:
 * there is no manager. */
bool loop_service_keep(int fd, const char *name);
/* Those of that name are not kept any longer. */
void loop_service_let_go(const char *name);

#endif
