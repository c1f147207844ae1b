# SPDX-License-Identifier: Apache-2.0
"""A page of the documentation whose commands run as they stand there: a test says which page, what its place-holders are here,
and what must hold after a section."""
import os
import re
import subprocess

from .programs import BIN, REPOSITORY

MARK = "\x1e"  # stands between what two commands say
COMMANDS_WAIT_S = 300
# What the site says reaches gateways, and what they say devices, within seconds: these are asked again until it has.
ASKED_AGAIN = ("cmg status", "cmg analyze", "cmg-client policy", "cmg-client analyze", "curl ", "git ")
TRIES = 60
# sudo is for who reads: the test is whoever it is. A device and a gateway have a folder of the test's in place of the machine's.
STAND_INS = {"sudo": '[ "$1" = -u ] && shift 2\nexec "$@"',
             "cmg-client": f'exec {BIN}/cmg-client "$@" --dir "$CMG_PAGE_DEVICE"',
             "cmg-gateway": f'[ "$1" = join ] && set -- "$@" --dir "$CMG_PAGE_GATEWAY"\nexec {BIN}/cmg-gateway "$@"'}


def sections(text):
    """Heading → the lines of each of its shell blocks."""
    found, heading, inside = {}, None, None
    for line in text.splitlines():
        if inside is None and (title := re.match(r"#+ (.*)", line)):
            heading = title[1]
        elif line.startswith("```"):
            inside = None if inside is not None else line[3:]
            if inside == "sh":
                found.setdefault(heading, []).append([])
        elif inside == "sh" and line.strip():
            found[heading][-1].append(line)
    return found


def blocks(text, kind):
    """What stands in the page's fenced blocks of this kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


class Page:
    def __init__(self, path, folder, places=None, not_run=None, refused=(), environment=None):
        """`places`: what stands on the page → what it is here. `not_run`: how a line begins → why no test can run it.
        `refused`: how those lines begin whose exit code is 1, since they tell of something that is wrong."""
        self.text = (REPOSITORY / path).read_text()
        self.folder, self.places, self.not_run, self.refused = folder, places or {}, not_run or {}, refused
        self.left = sections(self.text)
        for text in [*self.places, *self.not_run, *self.refused]:
            assert text in self.text, f"{path} says no more: {text}"
        self.environment = {**os.environ, **(environment or {}), "CMG_PAGE_DEVICE": str(folder / "device"),
                            "CMG_PAGE_GATEWAY": str(folder / "gateway")}
        self.environment.pop("GIT_SSL_CAINFO", None)  # it would count for more than what the page says
        self.environment["PATH"] = f"{self.stand_ins()}:{BIN}:{os.environ['PATH']}:/usr/sbin"

    def stand_ins(self):
        folder = self.folder / "stand-ins"
        folder.mkdir()
        for name, script in STAND_INS.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return folder

    def here(self, text):
        for name in filter(text.__contains__, self.places):
            value = self.places[name]
            text = text.replace(name, str(value() if callable(value) else value))
        return text

    def file(self, kind, name):
        """Writes the page's one block of this kind where its commands find it."""
        (text,) = blocks(self.text, kind)
        (self.folder / name).write_text(self.here(text))
        return self.folder / name

    def wanted(self, lines):
        """Those that a test can run, with the exit code that they must have."""
        return [(line, 1 if line.startswith(tuple(self.refused)) else 0)
                for line in lines if not line.startswith(tuple(self.not_run))]

    def run(self, heading):
        """The section's commands, those of a block in one shell. What each of them said."""
        made = [self.wanted(lines) for lines in self.left.pop(heading)]
        lines = [line for block in made for line, _ in block]
        script = "".join(f"(\n{''.join(self.step(*step) for step in block)}:\n) || exit 99\n" for block in made)
        done = subprocess.run(["sh", "-c", script], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMANDS_WAIT_S, check=False)
        said = done.stdout.split(MARK)[:-1]
        assert done.returncode == 0 and len(said) == len(lines), (lines[max(len(said) - 1, 0)], done.stdout[-3000:])
        return dict(zip(lines, said))

    def step(self, line, code):
        tries = TRIES if line.startswith(ASKED_AGAIN) else 1
        return (f"n={tries}; while n=$((n - 1)); do\n{self.here(line)}\ncode=$?; [ $code != {code} ] && [ $n -gt 0 ] || break\n"
                f"sleep 1; done; printf '{MARK}'; [ $code = {code} ] || exit 99\n")

    def ran_whole(self):
        left = [line for section in self.left.values() for lines in section for line, _ in self.wanted(lines)]
        assert not left, f"commands that the test left out: {left}"
