# SPDX-License-Identifier: Apache-2.0
"""Where the programs are, and child processes that do not outlive the tests."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("CMG_BIN") or REPOSITORY / "build" / "bin").absolute()
COMMAND_WAIT_S = 60


def program(name):
    return str(BIN / name)


def start(arguments, stderr, stdout=subprocess.DEVNULL, **more):
    """A process in a session (and so a process group) of its own."""
    return subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                            start_new_session=True, **more)


def end(process, number=signal.SIGTERM, wait_s=20):
    """Ends it by the signal, then whatever is left of its process group by force."""
    if process is None:
        return
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
    if process.stdout:
        process.stdout.close()


def has_ended(pid):
    """Also when nobody has waited for it: it holds no port any more."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def run(arguments, check=True, wait_s=COMMAND_WAIT_S, **more):
    """(exit code, stdout, stderr) as text."""
    result = subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=wait_s, check=False, **more)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))} ended with {result.returncode}:\n"
                             f"{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result.returncode, result.stdout, result.stderr


def spent_s():
    """CPU time of all programs that were waited for: unlike the clock it does not count what else the machine does."""
    times = os.times()
    return times.children_user + times.children_system


def memory_kib(pid):
    """What it holds of the machine's memory now."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))


def until(what, condition, within_s=5.0, pause_s=0.05):
    """Waits for condition() to be true and gives its value; fails with `what` after within_s."""
    end_at = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end_at:
            raise AssertionError(f"not within {within_s} s: {what}")
        time.sleep(pause_s)
