# SPDX-License-Identifier: Apache-2.0
"""The tests' own sources, for the tests that hold tables to them. A file is named without its room, so that it may move."""
import ast
from functools import cache
from pathlib import Path

ROOMS = Path(__file__).parents[1]


@cache
def functions_in(file):
    """What `file`_test.py defines, by name: functions and classes."""
    [path] = ROOMS.glob(f"*/{file}_test.py")
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
