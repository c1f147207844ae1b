# SPDX-License-Identifier: Apache-2.0
"""What the README tells people to type is what there is: its site-making commands run as they stand, on a folder of the test's."""
import os
import re
import shlex
import socket
import subprocess
from pathlib import Path

from kit import programs
from kit.programs import program, until

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("cmg", "cmg-client", "cmg-mp", "cmg-gateway", "cmg-connector")


def commands():
    """The lines of the README's shell blocks without comments, those joined by ; or && apart."""
    blocks = re.findall(r"^\s*```sh\n(.*?)^\s*```", (ROOT / "README.md").read_text(), re.M | re.S)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [part.strip() for line in lines for part in re.split(r"&&|;", line) if part.strip()]


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def test_every_make_target_of_the_readme_is_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    wanted = {line.split()[1] for line in commands() if line.startswith("make ")}
    assert {"demo", "check"} <= wanted <= targets


def test_every_program_and_file_that_the_readme_names_is_there():
    assert {line.split()[0] for line in commands() if not line.startswith("make ")} <= set(PROGRAMS)
    named = re.findall(r"\]\(([^)#]+)\)|(examples/[\w.]+)", (ROOT / "README.md").read_text())
    assert named and all((ROOT / (link or file)).exists() for link, file in named)


def test_the_readmes_site_commands_work_as_written(tmp_path):
    """The daemons but cmg-mp, and what needs them running, have their tests elsewhere."""
    site, port, state = tmp_path / "opencmg", free_port(), tmp_path / "device"
    swaps = {"/etc/opencmg": str(site), "0.0.0.0:8444": f"127.0.0.1:{port}", "mp.lab.example:8444": f"localhost:{port}"}
    environment = {**os.environ, "CMG_ADMIN_SOCKET": str(site / "admin.sock")}
    left_out, ran, management_point = ("cmg-gateway", "cmg-connector", "cmg-client register", "cmg-client policy"), [], None
    try:
        for line in commands():
            if line.startswith(("make ", *left_out)):
                continue
            for old, new in swaps.items():
                line = line.replace(old, new)
            words, _, output = line.partition(" > ")
            words = shlex.split(words)
            words[0] = str(program(words[0]))
            if words[0].endswith("cmg-client"):
                words += ["--dir", str(state)]
            if words[0].endswith("cmg-mp"):
                management_point = programs.start(words, subprocess.DEVNULL)
                until("cmg-mp listens", (site / "admin.sock").exists)
                continue
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)
            # `choices check` of the README asks about a combination that is ruled out: exit code 1
            assert done.returncode == (1 if "check" in words else 0), (line, done.stdout, done.stderr)
            if output:
                (tmp_path / output.strip()).write_text(done.stdout)
            ran.append(line)
    finally:
        programs.end(management_point)
    assert len(ran) >= 10, ran


def test_every_path_that_the_documents_name_is_there():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {(page.name, path.rstrip("/")) for page in pages
             for path in re.findall(r"`((?:src|tools|tests|docs|examples)/[\w/.-]+)`", page.read_text())}
    assert len(named) > 30
    assert not [(page, path) for page, path in named if not (ROOT / path).exists()]
