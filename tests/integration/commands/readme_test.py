# SPDX-License-Identifier: Apache-2.0
"""What the README tells people to type is what there is: its site-making commands run as they stand, on a folder of the test's."""
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kit import programs
from kit.machine import own_machine
from kit.programs import program, until
from kit.servers import free_port

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("cmg", "cmg-client", "cmg-mp", "cmg-gateway", "cmg-connector")


def commands(page="README.md", below=""):
    """The lines of a page's shell blocks, of those below a heading, without comments, those joined by ; or && apart."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^\s*```sh\n(.*?)^\s*```", text[text.index(below):], re.M | re.S)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [part.strip() for line in lines for part in re.split(r"&&|;", line) if part.strip()]


def test_every_make_target_of_the_readme_is_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    wanted = {line.split()[1] for line in commands() if line.startswith("make ")}
    assert {"demo", "check"} <= wanted <= targets


def test_every_program_and_file_that_the_readme_names_is_there():
    assert {line.split()[0] for line in commands() if not line.startswith("make ")} <= set(PROGRAMS)
    named = re.findall(r"\]\(([^)#]+)\)|(examples/[\w.]+)", (ROOT / "README.md").read_text())
    assert named and all((ROOT / (link or file)).exists() for link, file in named)


@pytest.fixture
def machine(tmp_path):
    return own_machine(tmp_path)


def run_commands(machine, folder, site, lines, left_out):
    """What ran. The management point is started where the page says so, and awaited at the socket that `site` has; `cmg
    setup` is run once more behind that, as it says itself where no systemd is."""
    port, state, ran, management_point = free_port(), folder / "device", [], None

    def start():
        words = [str(program("cmg-mp")), "--config", "/etc/opencmg/mp.yaml"]
        process = programs.start(machine(words), subprocess.DEVNULL)
        until("cmg-mp listens", site.exists)
        return process
    swaps = {"0.0.0.0:8444": f"127.0.0.1:{port}", "mp.lab.example:8444": f"localhost:{port}"}
    environment = {name: value for name, value in os.environ.items() if name != "CMG_ADMIN_SOCKET"}
    try:
        for line in lines:
            if line.startswith(("make ", *left_out)):
                continue
            for old, new in swaps.items():
                line = line.replace(old, new)
            assert ">" not in line, "a secret must not go into a file that others may read"
            words = shlex.split(line)
            if words[0] != "systemctl":
                words[0] = str(program(words[0]))
            if words[0].endswith("cmg-client"):
                words += ["--dir", str(state)]
            if line == "systemctl enable --now cmg-mp":
                management_point = start()
                continue
            if words[1] == "setup":
                words += ["--mp-listen", f"127.0.0.1:{port}"]
            done = subprocess.run(machine(words), cwd=folder, env=environment, capture_output=True, text=True, timeout=30)
            if words[1] == "setup":
                assert done.returncode == 1 and "start it: cmg-mp --config /etc/opencmg/mp.yaml" in done.stdout, done
                management_point = start()
                done = subprocess.run(machine(words[:2]), cwd=folder, env=environment, capture_output=True, text=True, timeout=30)
            # `choices check` of the README asks about a combination that is ruled out: exit code 1
            assert done.returncode == (1 if "check" in words else 0), (line, done.stdout, done.stderr)
            ran.append(line)
    finally:
        programs.end(management_point)
    return ran


# What needs a gateway, and daemons other than cmg-mp, have their tests elsewhere.
LEFT_OUT = ("cmg-gateway", "cmg-connector", "cmg-client join")


def assert_in_its_places(folder):
    assert {path.name for path in (folder / "var/log/opencmg").iterdir()} == {"mp.log", "access.log"}
    assert (folder / "var/lib/opencmg-mp/site.db").exists()
    assert not [path for path in (folder / "etc/opencmg").rglob("*") if path.suffix in (".db", ".log", ".sock")]


def test_the_readmes_site_commands_work_as_written(machine, tmp_path):
    ran = run_commands(machine, tmp_path, tmp_path / "run/opencmg/admin.sock", commands(), LEFT_OUT)
    assert len(ran) >= 7 and ran[0].startswith("cmg setup"), ran
    assert_in_its_places(tmp_path)
    assert (tmp_path / "etc/opencmg/connector.bootstrap.json").stat().st_mode & 0o777 == 0o600


def test_a_site_step_by_step_works_as_written(machine, tmp_path):
    lines = commands("docs/setup.md", "## Step by step")
    ran = run_commands(machine, tmp_path, tmp_path / "run/opencmg/admin.sock", lines, LEFT_OUT)
    assert len(ran) == 4, ran
    assert_in_its_places(tmp_path)
    for name in ("cp1.join", "gw1.join", "device.join"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def top_level(text):
    return {line.split(":")[0]: line.split(":", 1)[1].strip().strip('"') for line in text.splitlines() if re.match(r"[a-z_]+:", line)}


def test_a_site_under_etc_has_the_paths_of_the_example(machine, tmp_path):
    made = subprocess.run(machine([program("cmg"), "init", "--dir", "/etc/opencmg", "--site", "LAB"]), capture_output=True, text=True,
                          check=True)
    mine, example = (top_level(path.read_text()) for path in (tmp_path / "etc/opencmg/mp.yaml", ROOT / "examples/mp.yaml"))
    assert [mine[key] for key in ("state", "admin_socket", "access_log")] == \
        [example[key] for key in ("state", "admin_socket", "access_log")]
    assert "/var/log/opencmg/mp.log" in mine["log"] and "CMG_ADMIN_SOCKET" not in made.stdout


def test_a_site_elsewhere_keeps_to_its_folder_and_tells_where_its_socket_is(tmp_path):
    site = tmp_path / "site"
    made = subprocess.run([program("cmg"), "init", "--dir", site, "--site", "LAB"], capture_output=True, text=True, check=True)
    mine = top_level((site / "mp.yaml").read_text())
    assert not [value for key, value in mine.items() if key != "management_points" and value.startswith("/")]
    assert f"export CMG_ADMIN_SOCKET={site}/admin.sock" in made.stdout.splitlines()[-1]


def test_who_finds_no_socket_is_told_which_file_names_it(tmp_path):
    done = subprocess.run([program("cmg"), "status", "--socket", tmp_path / "none.sock"], capture_output=True, text=True)
    assert done.returncode == 1 and "admin_socket" in done.stderr and "mp.yaml" in done.stderr


def test_every_path_that_the_documents_name_is_there():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {(page.name, path.rstrip("/")) for page in pages
             for path in re.findall(r"`((?:src|tools|tests|docs|examples)/[\w/.-]+)`", page.read_text())}
    assert len(named) > 30
    assert not [(page, path) for page, path in named if not (ROOT / path).exists()]
