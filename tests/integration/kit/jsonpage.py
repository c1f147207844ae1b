# SPDX-License-Identifier: Apache-2.0
"""docs/json.md, read: which members each command prints."""
import re

from .programs import REPOSITORY

PAGE = REPOSITORY / "docs" / "json.md"


def documented():
    """command → {path: members}"""
    told, command = {}, None
    for name, where, members in re.findall(r"^\| (?:`(.+?)`)? ?\| ?(.*?) ?\| (.+?) \|$",
                                           PAGE.read_text().partition("## Members")[2], re.M):
        command = name or command
        if members not in ("members", "---"):
            told.setdefault(command, {})[where] = set(members.split(", "))
    return told
