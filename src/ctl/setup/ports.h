/* SPDX-License-Identifier: Apache-2.0 */
/* Free ports on loopback for programs that must know each other's before they start. Below the range from which the
 * system takes ports for outgoing connections, and held until the program starts that shall listen there. */
#ifndef CTL_SETUP_PORTS_H
#define CTL_SETUP_PORTS_H

#include <stdint.h>

#include "base/error.h"

struct port {
    uint16_t number;
    int fd; /* bound, not listening; -1: released */
};

MUST_USE enum result port_take(struct port *ret, struct error *err);
void port_release(struct port *p); /* again is allowed */

#endif
