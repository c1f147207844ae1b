# SPDX-License-Identifier: Apache-2.0
"""Debian's squid as an organisation's proxy: CONNECT for who logs in by Basic, with a log of who went where."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import programs
from .programs import until
from .servers import free_port, takes_connections

PROGRAM, NCSA = "/usr/sbin/squid", "/usr/lib/squid/basic_ncsa_auth"
REALM = "The lab's proxy"
CONFIGURATION = """
http_port 127.0.0.1:{port}
pid_filename {folder}/squid.pid
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
logfile_rotate 0
cache deny all
coredump_dir {folder}
shutdown_lifetime 0 seconds
auth_param basic program {ncsa} {folder}/users
auth_param basic children 1 startup=1
auth_param basic realm {realm}
auth_param basic credentialsttl 1 second
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


class Squid:
    """`logins`: user → password. Runs as a user of its own where we are root, so its folder is everybody's."""

    def __init__(self, logins):
        self.folder = Path(tempfile.mkdtemp(prefix="cmg-squid-"))
        self.folder.chmod(0o777)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for user, password in logins.items():
            line = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, capture_output=True, text=True, check=True)
            with open(self.folder / "users", "a", encoding="ascii") as users:
                users.write(f"{user}:{line.stdout}")
        (self.folder / "squid.conf").write_text(CONFIGURATION.format(port=self.port, folder=self.folder, ncsa=NCSA, realm=REALM))

    def __enter__(self):
        with open(self.folder / "stderr", "wb") as stderr:
            self.process = programs.start([PROGRAM, "-N", "-f", self.folder / "squid.conf"], stderr)
        try:
            until("squid takes connections", lambda: takes_connections(self.port), 30)
        except AssertionError:
            said = (self.folder / "stderr").read_text() + self.log("cache.log")
            self.__exit__()
            raise AssertionError(said) from None
        return self

    def __exit__(self, *_):
        programs.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, name="access.log"):
        path = self.folder / name
        return path.read_text(errors="replace") if os.path.exists(path) else ""

    def let_through(self):
        """(user, "host:port") of each CONNECT that it let through and that has ended; squid writes them at their end."""
        rows = [line.split() for line in self.log().splitlines()]
        return [(row[7], row[6]) for row in rows if row[5] == "CONNECT" and row[3].endswith("/200")]
