# SPDX-License-Identifier: Apache-2.0
"""A service manager in small: it starts a daemon with what it holds for it, as systemd does with socket units and with
sockets that a service gave it (FileDescriptorStoreMax=): sd_listen_fds(3), sd_notify(3), sd_pid_notify_with_fds(3)."""
import array
import contextlib
import os
import select
import socket
import sys
import threading

from . import programs

FDS_MAX = 1024
LAUNCHER = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 2000) for n in sys.argv[1].split(",") if n]
os.closerange(3, 2000)
for at, fd in enumerate(fds):
    os.dup2(fd, 3 + at)
    os.close(fd)
if fds:
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Service:
    """One daemon of `site`, ended and started anew as often as one likes."""

    def __init__(self, site, name, configuration, units=()):
        """`units`: listening sockets of socket units."""
        self.site, self.name, self.configuration = site, name, configuration
        self.units = [("unit", one) for one in units]
        self.stored = []  # (name, socket), in the order of arrival
        self.said = []
        self.ready = threading.Event()
        self.path = site.folder / f"notify-{name}"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.path))
        self.over, self.woken = os.pipe()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        self.process = None

    # --- what it says ---

    def _listen(self):
        while self.over not in select.select([self.notify, self.over], [], [])[0]:
            fds = array.array("i")
            text, ancillary, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(16 * fds.itemsize))
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
            self._hear(dict(line.partition("=")[::2] for line in text.decode().splitlines()), list(fds))

    def _hear(self, said, fds):
        self.said.append(said)
        name = said.get("FDNAME", "stored")
        if "FDSTORE" in said:
            self.stored += [(name, socket.socket(fileno=fd)) for fd in fds[:FDS_MAX - len(self.stored)]]
        if "FDSTOREREMOVE" in said:
            for gone in [one for one in self.stored if one[0] == name]:
                self.stored.remove(gone)
                gone[1].close()
        if said.get("READY") == "1":
            self.ready.set()

    # --- life ---

    def start(self):
        held = self.units + self.stored
        numbers = [one.fileno() for _, one in held]
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.path), "LISTEN_FDNAMES": ":".join(name for name, _ in held)}
        self.ready.clear()
        with open(self.site.folder / f"{self.name}.managed", "ab") as log:
            self.process = programs.start([sys.executable, "-c", LAUNCHER, ",".join(map(str, numbers)), programs.program(self.name),
                                           "--config", self.site.folder / self.configuration], log, env=environment, pass_fds=numbers)
        self.site.alone[self.name] = self.process
        assert self.ready.wait(30), f"{self.name} did not say that it is ready"
        return self

    def stop(self, wait_s=40):
        """SIGTERM, and waits until it has ended by itself."""
        self.process.terminate()
        assert self.process.wait(wait_s) == 0
        self.site.alone.pop(self.name, None)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.site.alone.pop(self.name, None)

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        """SIGHUP, and waits until it says that it is done."""
        self.ready.clear()
        self.process.send_signal(1)
        assert self.ready.wait(30), f"{self.name} did not say that it has reloaded"

    def close(self):
        programs.end(self.process)
        os.write(self.woken, b".")
        self.listener.join()
        for _, one in self.stored:
            one.close()
        self.notify.close()
        os.close(self.over)
        os.close(self.woken)


@contextlib.contextmanager
def managed(site, name, configuration, units=()):
    """In place of the one that runs."""
    site.stop(name)
    service = Service(site, name, configuration, units)
    try:
        yield service.start()
    finally:
        service.close()
