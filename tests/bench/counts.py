#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions per operation, by library and by folder of src/: gateway, connector and nginx under valgrind's callgrind.

Counts don't depend on what else the machine does; what the kernel does is not in them. Each operation is repeated for a short
while and for a longer one: the difference has neither the programs' start nor the opening of connections in it. Valgrind's
processor has AES and AVX2 instructions but none for SHA or AVX-512: libcrypto's share is larger on it than on a new one.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import bench
from candidates import Nginx
from figures import Bench, print_table
from machine import Fault, Processes
from rows import Row

COUNTED = r"/site/(gateway|connector)\.yaml|/nginx[^/]*/nginx\.conf"
SHORT_MS, LONG_MS = 2000, 12000
KINDS = {"keep-alive": {}, "h2": {"protocol": "h2"}, "handshake": {"mode": "handshake", "connections": 8},
         "resumed": {"mode": "resume", "connections": 8}}
LIBRARIES = r"libcrypto|libssl|libnghttp2|libuv|libc\.so|ld-linux"


Counts = collections.namedtuple("Counts", "own inclusive")  # (part, function) → instructions; function → with what it calls


class CountedProcesses(Processes):
    """Programs whose configuration is one of COUNTED run under callgrind."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def start(self, arguments, cpus, log, **more):
        if any(re.search(COUNTED, str(a)) for a in arguments):
            arguments = ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={self.folder}/%p",
                         "--compress-strings=no", "--compress-pos=no", f"--vgdb-prefix={self.folder}/vgdb", *arguments]
        return super().start(arguments, cpus, log, **more)

    def dump(self, pid):
        """Counts since the last dump."""
        result = subprocess.run(["vgdb", f"--vgdb-prefix={self.folder}/vgdb", f"--pid={pid}", "dump"], capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, check=False, timeout=60)
        names = [n for n in os.listdir(self.folder) if re.fullmatch(rf"{pid}\.\d+", n)]
        if result.returncode != 0 or len(names) != 1:
            raise Fault(f"valgrind did not dump what it counted for process {pid}: {result.stdout}{result.stderr}")
        path = os.path.join(self.folder, names[0])
        with open(path, encoding="utf-8", errors="replace") as f:
            counts = read(f)
        os.unlink(path)
        return counts


def read(lines):
    """callgrind's file: after object, file and function the lines of what they took themselves, and for each call one more."""
    counts, called = Counts(collections.Counter(), collections.Counter()), False
    library = file = function = own_file = callee = ""
    for line in lines:
        key, _, value = line.rstrip().partition("=")
        if key == "ob":
            library = value
        elif key in ("fl", "fi", "fe"):  # of the function, of what was inlined, back
            file = value
        elif key == "fn":
            function, own_file = value, file
        elif key == "cfn":
            callee = value
        elif key == "calls":
            called = True  # the next line is what the called function took
        elif line[:1].isdigit():
            instructions = int(line.split()[1])
            if called:
                counts.inclusive[callee] += instructions
            else:
                counts.own[part(library, file, own_file), function] += instructions
            called = False
    return counts


def part(library, file, own_file):
    """A library, a folder of src/ (also for what is inlined from there), llhttp, or else the program."""
    found = re.search(LIBRARIES, library)
    if found:
        return {"libc.so": "libc", "ld-linux": "libc"}.get(found[0], found[0])
    for path in (file, own_file):
        ours = re.search(r"/src/(\w+)/", path)
        if ours or "llhttp" in path:
            return f"src/{ours[1]}" if ours else "llhttp"
    return "nginx" if "nginx" in library else "other"


def repeat(loader, candidate, kind, duration):
    """How often it was done, and each process's counts."""
    processes = loader.site.processes
    report = loader.load(candidate, Row(kind, duration=duration, warm_up=0, **KINDS[kind]))
    if report["errors"] or not report["requests"]:
        raise Fault(f"{candidate.name}: {report['errors']} errors, first: {report.get('first_fault')}")
    return report["requests"], {name: processes.dump(pid) for name, pid in candidate.watched().items()}


def count(loader, candidate, kind):
    """process → Counts of one operation."""
    repeat(loader, candidate, kind, SHORT_MS)  # what is done once: tables and caches fill
    less, short = repeat(loader, candidate, kind, SHORT_MS)
    more, long = repeat(loader, candidate, kind, LONG_MS)
    if more <= less:
        raise Fault(f"{candidate.name}: the longer run did no more than the shorter one ({more} and {less})")
    return {name: Counts(*({what: (b[what] - a[what]) / (more - less) for what in a | b} for a, b in zip(short[name], long[name])))
            for name in long}


def by_part(counts):
    parts = collections.Counter()
    for (name, _), instructions in counts.items():
        parts[name] += instructions
    return parts


def print_most(title, head, entries, number):
    most = sorted(entries, key=lambda entry: -entry[-1])[:number]
    if most:
        print_table(title, [head, *((*names, f"{instructions:,.0f}") for *names, instructions in most)], sys.stdout)


def show(kind, columns, functions):
    sums = {name: by_part(counts.own) for name, counts in columns.items()}
    names = sorted(set().union(*sums.values()), key=lambda part: -max(s[part] for s in sums.values()))
    lines = [("instructions", *columns)]
    lines += [(name, *(f"{s[name]:,.0f}" if s[name] >= 1 else "-" for s in sums.values())) for name in names
              if any(s[name] >= 1 for s in sums.values())]
    lines.append(("together", *(f"{sum(s.values()):,.0f}" for s in sums.values())))
    print_table(kind, lines, sys.stdout)
    for column, counts in columns.items():
        print_most(f"{kind}: {column}", ("function", "of", "instructions"),
                   [(function, of, n) for (of, function), n in counts.own.items()], functions)
        print_most(f"{kind}: {column}, with what they call", ("function", "instructions"),
                   [entry for entry in counts.inclusive.items() if not entry[0].startswith("0x")], functions)


def run(options, folder, processes):
    programs, load = bench.programs(options)
    site, ours, crl = bench.begin(folder, programs, processes)
    loader, results = Bench(site, load, print), {}
    for kind in options.kinds:
        mine = count(loader, ours, kind)
        columns = {"gateway": mine["gateway"], "connector": mine["inside"]}
        for how in ("tickets", "cache") if kind == "resumed" else (None,):
            peer = Nginx(site, crl, f"nginx, {how}" if how else "nginx", how)
            peer.start()
            columns[peer.name] = count(loader, peer, kind)["gateway"]
            peer.end()
        results[kind] = {name: {"own": [{"part": of, "function": what, "instructions": n} for (of, what), n in counts.own.items()],
                                "inclusive": counts.inclusive} for name, counts in columns.items()}
        if not options.json:
            show(kind, columns, options.functions)
    if options.json:
        print(json.dumps(results, indent=1))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (all)")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="also the N that take most, in each process")
    parser.add_argument("--json", action="store_true", help="every function's count on standard output")
    parser.add_argument("--build", default=os.path.join(bench.REPOSITORY, "build"), metavar="DIR", help="the build's folder")
    options = parser.parse_args()
    options.kinds = options.kinds or list(KINDS)
    if not set(options.kinds) <= set(KINDS):
        parser.error(f"KIND is one of {', '.join(KINDS)}")
    if not shutil.which("valgrind"):
        print("counts: valgrind is missing: tools/deps bench installs it", file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="opencmg-counts-")
    processes = CountedProcesses(folder)
    try:
        return run(options, folder, processes)
    except Fault as fault:
        print(f"counts: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        processes.end_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
