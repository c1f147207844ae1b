# SPDX-License-Identifier: Apache-2.0
"""Completion: what a real shell offers when Tab is pressed. The files are made from what the programs say of themselves."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from kit.programs import program

TOOL = Path(__file__).parents[3] / "tools/completion"
PROGRAMS = ("cmg", "cmg-client", "cmg-connector", "cmg-gateway", "cmg-mp")
SHELLS = ("bash", "zsh", "fish")
# Each starts without anybody's own set-up, and shows all candidates at once.
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "bind 'set show-all-if-ambiguous on'; bind 'set page-completions off'; bind 'set completion-query-items 0'\n"
             "bind 'set enable-bracketed-paste off'; for f in *.bash; do source ./$f; done\n"),
    "zsh": (["zsh", "-f", "-i"], "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=100000; unset zle_bracketed_paste\n"),
}
KILL_LINE = "\x15"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for name in PROGRAMS:
        subprocess.run([sys.executable, TOOL, program(name), *(folder / file for file in (f"{name}.bash", f"_{name}", f"{name}.fish"))],
                       check=True)
    return folder


def environment(site=None):
    ret = {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8", "PATH": f"{Path(program('cmg')).parent}:{os.environ['PATH']}"}
    return {**ret, "CMG_ADMIN_SOCKET": site.report["admin_socket"]} if site else ret


def pressed(shell, folder, line, site):
    """What an interactive shell shows after the line and Tab; its own end tells that it is done."""
    words, setup = START[shell]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 200, 0, 0))
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment(site), cwd=folder)
    os.close(slave)
    try:
        os.write(master, f"{setup}PS1='REA''DY: '\n".encode())
        read_until(master, "READY: ")  # from here on a key goes to the shell's editor, not to the terminal's own
        os.write(master, f"{line}\t\t{KILL_LINE}echo E''ND\n".encode())
        shown = read_until(master, "END\r\n")
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return shown


def read_until(master, word):
    shown = ""
    while word not in shown:
        assert select.select([master], [], [], 60)[0], f"nothing more came: {shown}"
        shown += os.read(master, 65536).decode(errors="replace")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def offered(shell, folder, line, site=None):
    """The words that are offered for the last one of the line; what they mean, where the shell shows it, is left out."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}: run make deps")
    if shell == "fish":
        sources = "; ".join(f"source {folder / name}.fish" for name in PROGRAMS)
        shown = subprocess.run(["fish", "--no-config", "-c", f"{sources}; complete -C {line!r}"], check=True, text=True,
                               capture_output=True, env=environment(site), cwd=folder).stdout
        return [row.partition("\t")[0] for row in shown.splitlines()]
    shown = re.sub(r" +-- .*", "", pressed(shell, folder, line, site))
    return shown.replace("\a", " ").split()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line, there, elsewhere", [
    ("cmg ", {"device", "choices", "endpoint", "status"}, {"block", "--pending"}),
    ("cmg device ", {"approve", "block", "list", "remove", "show", "unblock"}, {"add", "choices"}),
    ("cmg settings client ", {"list", "remove", "set"}, {"resultant"}),
    ("cmg endpoint add --", {"--url", "--websocket", "--client-anchors", "--json"}, {"--pending"}),
    ("cmg choices check --mp ", {"https", "ehttp"}, {"pki"}),
    ("cmg choices check --mp https --client ", {"pki", "entra", "token"}, {"ehttp"}),
    ("cmg --socket /nowhere device ", {"approve", "block"}, {"choices"}),
    ("cmg-client ", {"enroll", "join", "analyze"}, {"device"}),
    ("cmg-client set ", {"SiteKey=", "CMGFQDNs=", "ClientAlwaysOnInternet="}, {"1"}),
    ("cmg-gateway ", {"join", "certificate", "csr"}, {"choices"}),
    ("cmg-gateway --", {"--config", "--check-config", "--reference"}, {"--host"}),
    ("cmg-gateway csr --", {"--host", "--rsa"}, {"--check-config"}),
])
def test_tab_offers_what_may_stand_there(made, shell, line, there, elsewhere):
    words = set(offered(shell, made, line))
    assert there <= words and not elsewhere & words, words


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ["cmg trust add --crl li", "cmg-gateway --config li", "cmg policy add name li"])
def test_files_are_offered_where_a_file_may_stand(made, shell, line):
    for name in ("list-one.pem", "list-two.pem"):
        (made / name).touch()
    assert {"list-one.pem", "list-two.pem"} <= set(offered(shell, made, line))


@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_the_site_are_offered_and_never_run(made, shell, site, new_device):
    """A device chooses its name, and an administrator presses Tab."""
    device = new_device()
    device.must("set", "Name=tab$(touch${IFS}pwned)`touch pwned`'\"; touch pwned;")
    device.registered_by_token()
    site.cmg("policy", "add", "tab-one", "--content", "x")
    site.cmg("policy", "add", "tab-two", "--content", "x")
    try:
        assert {"tab-one", "tab-two"} <= set(offered(shell, made, "cmg policy remove tab-", site))
        assert {"tab-one", "tab-two"} <= set(offered(shell, made, "cmg policy remove ", site))
        assert "cp1" in offered(shell, made, "cmg connector remove ", site), "the only one"
        assert "pwned" in " ".join(offered(shell, made, "cmg device block ", site)), "its name was offered"
        assert "pwned" in " ".join(offered(shell, made, "cmg device block tab", site)), "its name was completed"
        assert not (made / "pwned").exists()
    finally:
        for policy in ("tab-one", "tab-two"):
            site.cmg("policy", "remove", policy)
        site.cmg("device", "remove", device.identity()["guid"], "--forget")
