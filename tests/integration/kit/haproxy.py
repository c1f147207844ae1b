# SPDX-License-Identifier: Apache-2.0
"""Debian's HAProxy as a load balancer that passes TCP on, and tells whose connection it is."""
import contextlib

from . import programs
from .programs import until
from .servers import free_port, takes_connections

PROGRAM = "/usr/sbin/haproxy"
CONFIGURATION = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend clients
    bind 127.0.0.1:{port}
    default_backend gateways
backend gateways
    source {source}
    server gw1 127.0.0.1:{gateway} {options}
"""


@contextlib.contextmanager
def haproxy(folder, gateway, source, options="send-proxy-v2"):
    """Listens on the port that it yields; its own connections come from `source`."""
    port, path = free_port(), folder / "haproxy.cfg"
    path.write_text(CONFIGURATION.format(port=port, gateway=gateway, source=source, options=options))
    with open(folder / "haproxy.log", "ab") as log:
        process = programs.start([PROGRAM, "-db", "-f", path], log)
    try:
        until("haproxy listens", lambda: takes_connections(port), 20)
        yield port
    finally:
        programs.end(process)
