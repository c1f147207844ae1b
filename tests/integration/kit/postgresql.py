#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of one's own: Debian's, run from a temporary folder. As a command: `postgresql.py PROGRAM …` runs the program
with an empty database, whose URL is in CMG_TEST_STORE, and ends as it does."""
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

if __package__:
    from . import programs
else:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from kit import programs

USER = "postgres"  # the server refuses to run as root


def newest_installed():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    assert found, "Debian's postgresql is not installed: make deps"
    return found[-1].parent


class PostgreSQL:
    def __init__(self, sync=False):
        """`sync`: a commit is on the disk, as in earnest."""
        self.bin = newest_installed()
        self.folder = Path(tempfile.mkdtemp(prefix="cmg-pg-"))
        self.process, self.databases, self.sync = None, 0, sync
        as_root = os.geteuid() == 0
        self.prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"] if as_root else []
        self.owner = USER if as_root else pwd.getpwuid(os.geteuid()).pw_name
        if as_root:
            shutil.chown(self.folder, USER, USER)
        self._run("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata", self.folder / "data")
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def _run(self, name, *arguments):
        subprocess.run([*self.prefix, self.bin / name, *arguments], check=True, capture_output=True, timeout=60,
                       cwd=self.folder)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = programs.start([*self.prefix, self.bin / "postgres", "-D", self.folder / "data", "-k",
                                           self.folder, "-c", "listen_addresses=", "-c", f"fsync={'on' if self.sync else 'off'}", "-c",
                                           "max_connections=60"], log, cwd=self.folder)
        programs.until("PostgreSQL takes connections", self.is_up, 30)

    def is_up(self):
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder], check=False, timeout=10).returncode == 0

    def stop(self):
        """Without waiting for those who are connected."""
        programs.end(self.process, signal.SIGINT)

    def new_database(self):
        """The URL of a new, empty database."""
        self.databases += 1
        name = f"test{self.databases}"
        self._run("createdb", "-h", self.folder, name)
        return f"postgresql:///{name}?host={self.folder}&user={self.owner}"

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def change(url, statements):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-c", "; ".join(statements), url],
                   check=True, capture_output=True, timeout=20)


def ask(url, statement):
    """Its rows, as lists of texts."""
    done = subprocess.run(["psql", "-qAtc", statement, url], check=True, capture_output=True, timeout=20, text=True)
    return [line.split("|") for line in done.stdout.splitlines()]


def main(command):
    server = PostgreSQL()
    try:
        return subprocess.run(command, env={**os.environ, "CMG_TEST_STORE": server.new_database()}, check=False).returncode
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
