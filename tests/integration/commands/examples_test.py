# SPDX-License-Identifier: Apache-2.0
"""The configurations in examples/ are complete and right, and the demonstration shows what it says."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kit import pki, programs
from kit.programs import BIN, REPOSITORY, program, until

EXAMPLES = REPOSITORY / "examples"
CONFIGURATIONS = {"cmg-gateway": "gateway.yaml", "cmg-connector": "connector.yaml", "cmg-mp": "mp.yaml"}


@pytest.fixture
def machine(site, tmp_path):
    """Folders as the examples name them, with files of the running site in them."""
    etc = tmp_path / "etc"
    etc.mkdir()
    ca = pki.Ca(etc, "corp")
    shutil.copy(ca.path, etc / "corp-ca.pem")
    for name in ("cmg.example.com", "apt.example.com", "mp"):
        ca.device(name, usage=[pki.SERVER_AUTH], dns=name)
    ca.device("connector")
    for name in ("gateway.bootstrap.json", "connector.bootstrap.json"):
        shutil.copy(site.folder / name, etc / name)
    shutil.copytree(site.folder / "keys", etc / "keys")
    for folder in ("var", "run", "log"):
        (tmp_path / folder).mkdir()
    return tmp_path


def placed(machine, name):
    text = (EXAMPLES / name).read_text()
    for there, here in (("/etc/opencmg", "etc"), ("/var/log/opencmg", "log"), ("/var/lib/opencmg", "var/opencmg"),
                        ("/run/opencmg", "run")):
        text = text.replace(there, str(machine / here))
    (machine / name).write_text(text)
    return machine / name


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_example_passes_its_programs_own_check(machine, name):
    programs.run([program(name), "--check-config", "--config", placed(machine, CONFIGURATIONS[name])])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_example_shows_every_key_that_there_is(name):
    _, reference, _ = programs.run([program(name), "--reference"])
    keys = re.findall(r"^ +([a-z_]+): (?:a |text|[a-z-]+\|)", reference, re.M)
    text = (EXAMPLES / CONFIGURATIONS[name]).read_text()
    assert len(keys) >= 8 and [key for key in keys if not re.search(rf"\b{key}:", text)] == []


@pytest.mark.parametrize("name,find,put,tells", [
    ("cmg-gateway", "cmg.example.com.pem", "nowhere.pem", "nowhere.pem"),
    ("cmg-gateway", "drain: 10s", "drain: soon", "drain"),
    ("cmg-gateway", 'listen: [":443"]', "listen: []", "listen"),
    ("cmg-connector", "[loopback]", "[everything]", "everything"),
    ("cmg-connector", "connector.bootstrap.json", "gateway.bootstrap.json", "bootstrap"),
    ("cmg-mp", "client_auth: [entra, token]", "client_auth: [pki, token]", "ehttp-forbids-pki"),
    ("cmg-mp", "site: LAB", "site: lab", "site"),
    ("cmg-mp", "mode: https", "mode: http", "mode"),
])
def test_a_fault_in_an_example_is_told(machine, name, find, put, tells):
    file = placed(machine, CONFIGURATIONS[name])
    assert find in file.read_text()
    file.write_text(file.read_text().replace(find, put))
    code, out, err = programs.run([program(name), "--check-config", "--config", file], False)
    assert code != 0 and tells in out + err, out + err


def test_every_example_policy_is_taken(site):
    for file in sorted((EXAMPLES / "policies").iterdir()):
        answer = site.cmg("policy", "add", f"example-{file.stem}", file)
        assert answer["policy"]["version"] == 1
        site.cmg("policy", "remove", f"example-{file.stem}")


# --- the demonstration --------------------------------------------------------------------------------------------------


def environment(folder):
    return {**os.environ, "TMPDIR": str(folder), "CMG_BIN": str(BIN)}


def start_demo(folder, *options, before=()):
    return subprocess.Popen([*before, "/usr/bin/python3", str(REPOSITORY / "tools" / "demo"), *options], env=environment(folder),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)


@pytest.fixture
def short_folder():
    import tempfile
    with tempfile.TemporaryDirectory(prefix="cmg-demo-") as path:
        yield Path(path)


def assert_nothing_left(folder):
    until("no process is left", lambda: not processes_of(folder), 10)
    assert list(folder.iterdir()) == []


def processes_of(folder):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder) in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:
            pass
    return found


def test_the_demonstration_shows_every_outcome_and_leaves_nothing_behind(short_folder):
    demo = start_demo(short_folder)
    out, _ = demo.communicate(timeout=90)
    assert demo.returncode == 0, out
    rows = [line for line in out.splitlines() if line.startswith("ok ")]
    assert len(rows) == 6 and out.count("policy received") == 2, out
    for word in ("revoked", "mode_forbids_pki", "not_bound", "screen-lock", "software-updates"):
        assert word in out, word
    assert_nothing_left(short_folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_that_was_kept_ends_with_ctrl_c_and_leaves_nothing_behind(short_folder, number):
    demo = start_demo(short_folder, "--keep")
    try:
        out = ""
        while "Ctrl-C. Try" not in out:
            line = demo.stdout.readline()
            assert line, out
            out += line
        socket = None
        while "access.log" not in (line := demo.stdout.readline()):
            if "CMG_ADMIN_SOCKET=" in line:
                socket = line.split("=", 1)[1].strip()
            assert "cmg-client" not in line or run_line(line) in (0, None), line
        code, status, _ = programs.run([program("cmg"), "status", "--json", "--socket", socket])
        assert code == 0 and json.loads(status)["devices"]["approved"] >= 3
        demo.send_signal(number)
        assert demo.wait(30) == 0
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
        demo.stdout.close()
    assert_nothing_left(short_folder)


def run_line(line):
    """The commands that it prints work as they stand."""
    command = line.strip()
    if command.startswith("#") or not command.startswith("/"):
        return None
    return subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
                          check=False).returncode


def test_the_demonstrations_table_fits_a_terminal(short_folder):
    out, _ = start_demo(short_folder).communicate(timeout=90)
    table = out[out.index("    DEVICE"):out.index("\n\n", out.index("    DEVICE"))].splitlines()
    assert len(table) >= 7 and max(map(len, table)) <= 80, out


def test_a_demonstration_whose_interrupts_came_ignored_ends_with_one(short_folder):
    """As `nohup … &` in a script leaves them."""
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    demo = start_demo(short_folder, "--keep", before=ignoring)
    try:
        while "Ctrl-C. Try" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        assert demo.wait(15) == 0
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
        demo.stdout.close()
    assert_nothing_left(short_folder)


def test_a_demonstration_on_a_machine_without_loopback_says_so(short_folder):
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine does not let a test have a network of its own (unshare --net)")
    demo = start_demo(short_folder, before=alone)
    out, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1 and "ip link set lo up" in out, out
    assert_nothing_left(short_folder)


def test_a_demonstration_without_its_programs_says_so(short_folder):
    (short_folder / "empty").mkdir()
    demo = start_demo(short_folder, "--bin", str(short_folder / "empty"))
    out, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1 and "make build" in out
    (short_folder / "empty").rmdir()
    assert_nothing_left(short_folder)


def test_a_demonstration_that_is_broken_off_early_leaves_nothing_behind(short_folder):
    demo = start_demo(short_folder)
    time.sleep(0.4)
    demo.send_signal(signal.SIGINT)
    out, _ = demo.communicate(timeout=30)
    assert demo.returncode in (0, 130), out
    assert_nothing_left(short_folder)
