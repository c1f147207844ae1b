/* SPDX-License-Identifier: Apache-2.0 */
/* Free ports (ports.h). */
#include "ctl/setup/ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rand.h"

enum { PORT_MIN = 20000, PORT_MAX = 32000, TRIES = 200 };

enum result port_take(struct port *ret, struct error *err)
{
    int saved = 0;
    for (int i = 0; i < TRIES; i++) {
        uint16_t number = (uint16_t)(PORT_MIN + rand_below(PORT_MAX - PORT_MIN));
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return error_set(err, R_IO, "no socket: %s", strerror(errno));
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
            *ret = (struct port){number, fd};
            return OK;
        }
        saved = errno;
        (void)close(fd);
    }
    return error_set(err, R_IO, "no free port on 127.0.0.1 between %d and %d: %s", PORT_MIN, PORT_MAX, strerror(saved));
}

void port_release(struct port *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
}
