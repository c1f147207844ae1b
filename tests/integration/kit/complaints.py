# SPDX-License-Identifier: Apache-2.0
"""What the sanitizers say of the programs, when those were built with some. A daemon that they complain about lives on, and
the test passes: so they write into files that are looked at after each test."""
import os
import re
import shutil
import tempfile
from pathlib import Path

MORE = {"ASAN": "verify_asan_link_order=0", "UBSAN": "print_stacktrace=1", "TSAN": "second_deadlock_stack=1"}


class Complaints:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cmg-complaints-"))
        self.folder.chmod(0o777)  # some tests start programs as another user
        self.seen = {}  # file → how much of it
        for runtime, more in MORE.items():
            name = runtime + "_OPTIONS"
            os.environ[name] = ":".join([os.environ.get(name, ""), more, f"log_path={self.folder}/{runtime.lower()}"])

    def new(self):
        found = ""
        for file in sorted(self.folder.iterdir()):
            text = file.read_text(errors="replace")
            found += text[self.seen.get(file, 0):]
            self.seen[file] = len(text)
        return found

    def close(self):
        shutil.rmtree(self.folder)


def sanitized(pid):
    """Its memory is no measure then."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        return re.search("lib[at]san", maps.read()) is not None
