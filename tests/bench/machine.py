# SPDX-License-Identifier: Apache-2.0
"""Processes of a benchmark: pinned to a core, in sessions of their own, ended for sure; free ports."""
import os
import resource
import signal
import socket
import subprocess
import time


class Fault(Exception):
    """Something that keeps the benchmark from going on."""


def cores():
    """(for the gateway, for everything else); the same one when there is but one."""
    have = sorted(os.sched_getaffinity(0))
    return {have[-1]}, set(have[:1])


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for_port(port, process, what, within_s=30):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Fault(f"{what} ended by itself ({process.returncode})")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Fault(f"{what} does not listen within {within_s} s")


class Processes:
    """Whatever was started; end_all() leaves none of it."""

    def __init__(self):
        self.all = []

    def start(self, arguments, cpus, log, **more):
        with open(log, "ab") as out:
            process = subprocess.Popen([str(a) for a in arguments], stdin=more.pop("stdin", subprocess.DEVNULL),
                                       stdout=more.pop("stdout", out), stderr=out, start_new_session=True,
                                       preexec_fn=lambda: os.sched_setaffinity(0, cpus), **more)
        self.all.append(process)
        return process

    def end(self, process, number=signal.SIGTERM, wait_s=10):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(wait_s)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if process in self.all:
            self.all.remove(process)

    def end_all(self):
        for process in list(reversed(self.all)):
            self.end(process, signal.SIGKILL)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def tail(path, size=3000):
    try:
        with open(path, "rb") as f:
            return f.read()[-size:].decode(errors="replace")
    except OSError:
        return ""


def cpu_s(pid):
    """User and system, of all threads, since the process began."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        except OSError:
            pass  # the thread has just ended
    return total / 1e9


def cpu_with_ended_threads_s(pid):
    """The same with the threads that have ended since; to a hundredth of a second."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid, field="VmRSS"):
    """VmRSS: resident now; VmHWM: the most since reset_peak."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":")) / 1000


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")
