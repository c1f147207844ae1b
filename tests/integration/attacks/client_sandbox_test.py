# SPDX-License-Identifier: Apache-2.0
"""The service of a device in two processes: the one that hears the network is locked in, the other runs the administrator's programs."""
import contextlib
import os
import pathlib
import signal

import pytest

from kit import programs
from kit.programs import until

pytestmark = pytest.mark.skipif("asan" in str(programs.BIN) or "tsan" in str(programs.BIN), reason="instrumented programs are let out")


@contextlib.contextmanager
def service(device, folder):
    with open(folder / "run.log", "ab") as log:
        process = programs.start([programs.program("cmg-client"), "run", "--dir", device.state], log, log)
    try:
        yield process
    finally:
        programs.end(process)


def said(folder):
    return (folder / "run.log").read_text()


def status(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split()[1]
    return None


def child_of(pid):
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found[0]) if found else None


def handler(folder, name):
    path = folder / name
    path.write_text(f"#!/bin/sh\ngrep Seccomp: /proc/self/status >{folder}/{name}.told\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def device(new_device):
    it = new_device().at("ehttp").registered_by_token()
    it.must("set", "PolicyInterval=10")
    return it


def test_the_process_that_hears_the_network_is_locked_in_and_the_handler_runs_outside(device, tmp_path):
    device.must("set", f"PolicyHandler={handler(tmp_path, 'first')}")
    with service(device, tmp_path) as process:
        until("the handler has run", lambda: (tmp_path / "first.told").exists() and (tmp_path / "first.told").read_text(), 60)
        assert status(child_of(process.pid), "Seccomp") == "2" and status(process.pid, "Seccomp") == "0"
    assert (tmp_path / "first.told").read_text().split()[1] == "0"


def test_a_program_that_is_named_later_is_not_run_before_the_service_is_started_anew(device, tmp_path):
    device.must("set", f"PolicyHandler={handler(tmp_path, 'first')}")
    with service(device, tmp_path) as process:
        until("the handler has run", (tmp_path / "first.told").exists, 60)
        device.must("set", f"PolicyHandler={handler(tmp_path, 'later')}")
        (device.state / "policy.json").unlink()  # which has it run again
        until("it is told", lambda: "was not set when the service started" in said(tmp_path) + device.log(), 60)
        assert not (tmp_path / "later.told").exists() and process.poll() is None
    (device.state / "policy.json").unlink()
    with service(device, tmp_path):
        until("the handler has run", (tmp_path / "later.told").exists, 60)


def test_a_file_that_is_named_later_is_reached_without_a_new_start(device, tmp_path, ca):
    with service(device, tmp_path) as process:
        until("a round is done", lambda: "olicy" in said(tmp_path), 60)
        before = child_of(process.pid)
        pair = ca.device("laptop-later")
        device.must("set", f"Certificate={pair.path}", f"Key={pair.key}")
        until("the certificate is selected", lambda: "PKI certificate selected: CN=laptop-later" in device.log(), 60)
        until("another process is locked in", lambda: child_of(process.pid) not in (before, None), 30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_both_processes_end_together(device, tmp_path, number):
    with service(device, tmp_path) as process:
        until("it is locked in", lambda: child_of(process.pid) and status(child_of(process.pid), "Seccomp") == "2", 30)
        child = child_of(process.pid)
        os.kill(process.pid, number)
        code = process.wait(60)
        until("the other has ended, too", lambda: programs.has_ended(child), 30)
    assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
