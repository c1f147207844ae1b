#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file with the store's migrations: embed.py OUT FILE... ; a file's leading digits are its version."""
import pathlib
import re
import sys


def array(name, data):
    lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    return "static const char %s[] = {\n    %s, 0};\n" % (name, ",\n    ".join(lines))


def main(out, files):
    files = sorted((pathlib.Path(f) for f in files), key=lambda p: p.name)
    versions = [int(re.match(r"\d+", p.name).group()) for p in files]
    assert versions == sorted(set(versions)), "two migrations have the same version"
    parts = ['#include "store/migration.h"', ""]
    # plain ASCII keeps the array of char free of signs
    parts += [array("sql_%d" % v, p.read_text().encode("ascii")) for v, p in zip(versions, files)]
    parts.append("const struct store_migration store_migrations[] = {")
    parts += ['    {%d, "%s", sql_%d},' % (v, p.name, v) for v, p in zip(versions, files)]
    parts += ["};", "const size_t store_migration_count = sizeof store_migrations / sizeof store_migrations[0];", ""]
    pathlib.Path(out).write_text("\n".join(parts))


main(sys.argv[1], sys.argv[2:])
