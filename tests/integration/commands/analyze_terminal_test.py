# SPDX-License-Identifier: Apache-2.0
"""The analyzer on a terminal: the step that is running is shown and then replaced by its outcome, within the terminal's
width, in colours unless NO_COLOR; in a file and with --json there is nothing of that."""
import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import time

import pytest

from kit import pki, programs
from kit.analyze import good
from kit.device import Device
from kit.programs import program

WIDE = 400  # no path breaks
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """What a terminal of so many columns shows; a line that would break fails the test."""

    def __init__(self, columns):
        self.columns, self.lines, self.column, self.rest = columns, [""], 0, ""

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        while text:
            escape = re.match(r"\x1b\[([0-9;]*)([A-Za-z])", text)
            if escape:
                self.escape(*escape.groups())
                text = text[escape.end():]
            elif text[0] == "\x1b":
                self.rest, text = text, ""  # it goes on with the next piece
            else:
                self.character(text[0])
                text = text[1:]

    def escape(self, number, kind):
        assert kind in "mK", f"unknown escape {number}{kind}"
        if kind == "K":
            assert number in ("", "0")
            self.lines[-1] = self.lines[-1][:self.column]

    def character(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.lines.append("")
            self.column = 0
        else:
            assert self.column < self.columns, f"wider than {self.columns}: {self.lines[-1]}"
            assert c.isprintable(), repr(c)
            self.lines[-1] = self.lines[-1][:self.column] + c + self.lines[-1][self.column + 1:]
            self.column += 1


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words, columns=100, **environment):
        self.screen, self.raw = Screen(columns), ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL")}
        self.process = subprocess.Popen([str(w) for w in words], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, env={**clean, "TERM": "xterm", "LC_CTYPE": "C.UTF-8",
                                                            **environment})
        os.close(slave)

    def read_until(self, condition, within_s=15.0):
        """Reads on until condition() or the end; the pieces are fed as they come."""
        end_at = time.monotonic() + within_s
        while not condition():
            ready, _, _ = select.select([self.master], [], [], max(0.0, end_at - time.monotonic()))
            assert ready, f"nothing more came; the screen shows {self.screen.lines}"
            try:
                piece = os.read(self.master, 4096)
            except OSError:  # Linux tells the end of a terminal so
                piece = b""
            if not piece:
                return self
            text = piece.decode()
            self.raw += text
            self.screen.feed(text)
        return self

    def finish(self):
        self.read_until(lambda: False)
        self.code = self.process.wait(10)
        os.close(self.master)
        return self


def command(site, *more):
    return [program("cmg"), "analyze", site.report["gateway"], "--ca", site.report["ca"], *good(site), *more]


@pytest.fixture
def silent():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_running_step_is_shown_and_replaced_by_its_outcome(silent):
    terminal = Terminal([program("cmg"), "analyze", f"127.0.0.1:{silent}", "--timeout", "2"])
    terminal.read_until(lambda: re.search(r"… +TLS", terminal.screen.lines[-1]))
    assert terminal.process.poll() is None, "it is seen while it runs"
    assert any(re.match(r"  ok +TCP", line) for line in terminal.screen.lines), "what is over stands above"
    terminal.finish()
    assert terminal.code == 1
    assert any(re.match(r"  failed +TLS", line) for line in terminal.screen.lines)
    assert not any("…" in line for line in terminal.screen.lines), "nothing of the running steps is left"


def test_every_step_is_announced_before_it_ends(site):
    terminal = Terminal(command(site)).finish()
    assert terminal.code == 0
    text = COLOUR.sub("", terminal.raw)
    shown = re.findall(r"^  ok +(.+?) {2,}\d+ ms", "\n".join(terminal.screen.lines), re.M)
    assert len(shown) > 10
    for title in shown:
        assert text.index(f"…       {title}") < text.index(f"ok      {title}")


@pytest.mark.parametrize("columns", [30, 34, 50, 72, 100, 200])
def test_no_line_is_wider_than_the_terminal(site, columns, tmp_path):
    """Screen fails at the first that is."""
    lines = Terminal(command(site), columns).finish().screen.lines
    assert max(map(len, lines)) > min(columns, 45) - 8
    Terminal([program("cmg"), "analyze", site.report["gateway"], "--ca", site.report["ca"], "--cert",
              site.pki("revoked_certificate"), "--key", site.pki("revoked_key")], columns).finish()
    as_certificate = Terminal([program("cmg"), "analyze", "gw1", "--ca", site.report["ca"], "--as-certificate",
                               site.pki("revoked_certificate"), "--socket", site.report["admin_socket"]], columns).finish()
    assert as_certificate.code == 1 and "First cause revoked" in "\n".join(as_certificate.screen.lines)
    device = Device(site, tmp_path)
    own = Terminal([program("cmg-client"), "analyze", "--dir", device.state], columns).finish()
    assert "settings" in "\n".join(own.screen.lines).lower()


def test_on_a_terminal_too_narrow_for_a_line_nothing_is_replaced(site):
    """A line that breaks could not be: what is over is printed, and nothing else."""
    terminal = Terminal(command(site), columns=20)
    terminal.screen.columns = 1000  # the terminal breaks them
    terminal.finish()
    assert terminal.code == 0 and "\x1b[K" not in terminal.raw and "\r " not in terminal.raw and "…" not in terminal.raw


@pytest.mark.parametrize("locale", ["C", "POSIX", "nowhere.LATIN-9"])
def test_a_terminal_that_takes_no_utf8_gets_ascii(site, locale, tmp_path):
    named = pki.Ca(tmp_path, "Gerätewurzel").path
    words = [program("cmg"), "analyze", site.report["gateway"], "--ca", named]
    raw = Terminal(words, WIDE, LC_ALL=locale).finish().raw
    assert raw.isascii() and "Ger?tewurzel.pem" in raw and "\x1b[K" in raw
    assert "Gerätewurzel.pem" in "".join(line.strip() for line in Terminal(words, WIDE).finish().screen.lines)


def test_colours_are_for_terminals_and_not_with_no_color(site):
    assert COLOUR.search(Terminal(command(site)).finish().raw)
    plain = Terminal(command(site), NO_COLOR="1").finish()
    assert not COLOUR.search(plain.raw) and "\x1b[K" in plain.raw, "the running step is shown all the same"
    assert COLOUR.search(Terminal(command(site), NO_COLOR="").finish().raw), "an empty NO_COLOR is none"
    assert "\x1b" not in Terminal(command(site), TERM="dumb").finish().raw


def test_a_file_gets_the_outcomes_alone(site):
    _, out, _ = programs.run(command(site))
    assert "\x1b" not in out and "…" not in out and "\r" not in out
    assert re.search(r"^  ok +Client authentication", out, re.M)


def test_json_is_the_same_on_a_terminal(site):
    terminal = Terminal(command(site, "--json"), columns=4000).finish()
    assert "\x1b" not in terminal.raw and "…" not in terminal.raw
    _, out, _ = programs.run(command(site, "--json"))
    on_terminal, in_file = json.loads(terminal.raw), json.loads(out)
    assert [s["id"] for s in on_terminal["steps"]] == [s["id"] for s in in_file["steps"]] and on_terminal["ok"]
