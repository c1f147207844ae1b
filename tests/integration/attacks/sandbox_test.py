# SPDX-License-Identifier: Apache-2.0
"""Whoever takes a daemon over is locked in with it: code of theirs runs inside each real program and tries."""
import ctypes
import errno
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from kit import programs

SOURCE = pathlib.Path(__file__).parents[1] / "kit/intruder.c"
DAEMONS = ("cmg-mp", "cmg-gateway", "cmg-connector")
LANDLOCK = ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) > 0  # on all architectures that number
BY_FILE = {name: errno.EACCES for name in ("shadow", "home", "elsewhere", "program")} if LANDLOCK else {}
BY_CALL = {name: errno.ENOSYS for name in ("packet", "raw", "fork", "parent", "code", "later", "file", "root")}

pytestmark = [pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler"),
              pytest.mark.skipif("asan" in str(programs.BIN) or "tsan" in str(programs.BIN), reason="instrumented programs are let out")]


@pytest.fixture
def broken_into(own_site, tmp_path, monkeypatch):
    """A site whose daemons have the intruder in them; gives (site, file of what he says)."""
    library, told, elsewhere = tmp_path / "intruder.so", tmp_path / "told", tmp_path / "elsewhere"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    elsewhere.write_text("nobody's business")
    for name in DAEMONS:
        own_site.stop(name)
    with monkeypatch.context() as with_intruder:
        for name, value in (("LD_PRELOAD", library), ("INTRUDER_TOLD", told), ("INTRUDER_FILE", elsewhere)):
            with_intruder.setenv(name, str(value))
        for name in DAEMONS:
            own_site.run(name)
    own_site.wait_ready()
    return own_site, told


def threads_that_hear(pid):
    """Those of libuv's pool block signals; that they are locked in is seen in their status."""
    for thread in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        blocked = next(line for line in pathlib.Path(f"/proc/{pid}/task/{thread}/status").read_text().splitlines() if line.startswith("SigBlk:"))
        if not int(blocked.split()[1], 16) >> (signal.SIGUSR2 - 1) & 1:
            yield thread


def attempts(told, pid, thread):
    told.write_text("")
    assert ctypes.CDLL(None).tgkill(pid, thread, int(signal.SIGUSR2)) == 0
    programs.until("the intruder has tried", lambda: "done 0" in told.read_text(), 10)
    return {name: int(value) for name, value in map(str.split, told.read_text().splitlines())}


def test_no_thread_of_a_daemon_reaches_what_its_configuration_does_not_name(broken_into):
    site, told = broken_into
    for name in DAEMONS:
        pid = site.pid(name)
        for thread in threads_that_hear(pid):
            found = attempts(told, pid, thread)
            assert {k: v for k, v in found.items() if k in BY_FILE} == BY_FILE, (name, thread)
            assert {k: v for k, v in found.items() if k in BY_CALL} == BY_CALL, (name, thread)


def test_a_shell_started_inside_a_daemon_ends_the_daemon_instead(broken_into):
    site, told = broken_into
    for name in DAEMONS:
        process = site.alone[name]
        process.send_signal(signal.SIGURG)
        assert process.wait(10) == -signal.SIGSYS
        site.kill(name)
    assert "shell" not in told.read_text()


def test_every_thread_of_every_daemon_is_under_the_list_of_calls(site):
    for name in DAEMONS:
        for thread in pathlib.Path(f"/proc/{site.pid(name)}/task").iterdir():
            status = dict(line.split(":", 1) for line in (thread / "status").read_text().splitlines())
            assert (status["Seccomp"].strip(), status["NoNewPrivs"].strip()) == ("2", "1"), (name, thread)


def test_a_daemon_whose_sandbox_is_off_says_so_and_serves(own_site):
    configuration = own_site.folder / "gateway.yaml"
    configuration.write_text(configuration.read_text() + "\nsandbox: off\n")
    own_site.stop("cmg-gateway")
    own_site.run("cmg-gateway")
    own_site.wait_ready()
    assert "sandbox: off, as configured" in own_site.log("cmg-gateway")
    assert "\nSeccomp:\t0\n" in pathlib.Path(f"/proc/{own_site.pid('cmg-gateway')}/status").read_text()
