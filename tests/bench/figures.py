# SPDX-License-Identifier: Apache-2.0
"""Runs the load generator against candidates in turn, and makes figures of its reports."""
import collections
import json
import os
import statistics
import subprocess
import sys
import time

from machine import Fault
from rows import Row

OPEN_LIMIT_S = 180
SETTLE_S = 15


class Bench:
    def __init__(self, site, load, say):
        self.site, self.load_program, self.say = site, load, say
        self.results = []  # {row, candidate, round, report of cmg-load}
        self.rounds = collections.Counter()  # that a row has had
        self.unserved = []  # {row, candidate, round, why}: no report, for the candidate does not serve

    def command(self, candidate, row):
        pki = self.site.pki
        watch = [part for name, pid in candidate.watched().items() for part in ("--watch", f"{name}={pid}")]
        certificates, key, token = self.site.devices_file(row.devices), pki["client_key"], []
        if row.token:
            certificates, key, token = row.token.certificate, row.token.key, ["--token-file", row.token.file]
        return [self.load_program, "--port", candidate.port, "--target", row.target or candidate.target, "--ca", pki["ca"],
                "--certificates", certificates, "--key", key, *token, *row.arguments(), *watch]

    def load(self, candidate, row):
        limit_s = OPEN_LIMIT_S + (row.duration + row.warm_up) / 1000
        try:
            result = subprocess.run([str(part) for part in self.command(candidate, row)], stdin=subprocess.DEVNULL,
                                    capture_output=True, text=True, check=False, timeout=limit_s,
                                    preexec_fn=lambda: os.sched_setaffinity(0, self.site.other_cpus))
            return json.loads(result.stdout)
        except subprocess.TimeoutExpired:
            raise Fault(f"cmg-load did not end within {limit_s:.0f} s") from None
        except ValueError:
            raise Fault(f"cmg-load: {result.stderr}") from None

    def measure(self, row, candidates, rounds):
        candidates = [c for c in candidates if row.connections <= c.connections_max]
        for number in range(rounds):
            turn = number % len(candidates)
            for candidate in candidates[turn:] + candidates[:turn]:
                entry = {"row": row.title, "key": row.key, "candidate": candidate.name, "round": self.rounds[row.title]}
                try:
                    self.results.append({**entry, **self.once(candidate, row)})
                except Fault as why:
                    self.unserved.append({**entry, "why": first_line(why)})
            self.rounds[row.title] += 1
        print_row(self, row, sys.stderr if self.say is not print else sys.stdout)

    def once(self, candidate, row):
        """A Fault: it does not serve."""
        if row.fresh:
            candidate.restart()
        if candidate.fault:
            raise candidate.fault
        if row.fresh:
            self.settle(candidate)
        report = self.load(candidate, row)
        if report["errors"]:
            self.say(f"  {candidate.name}: {report['errors']} errors, first: {report.get('first_fault')}")
        return report

    def settle(self, candidate):
        """Until it serves: whoever dials out to it may need a moment."""
        until = time.monotonic() + SETTLE_S
        while (report := self.load(candidate, Row("", connections=8, duration=300, warm_up=0)))["errors"]:
            if time.monotonic() > until:
                raise Fault(f"does not serve {SETTLE_S} s after its start: {report.get('first_fault')}")

    def of(self, row, candidate):
        return [r for r in self.results if r["row"] == row.title and r["candidate"] == candidate]

    def names(self, row):
        entries = [*self.results, *self.unserved]
        return list(dict.fromkeys(e["candidate"] for e in sorted(entries, key=lambda e: e["round"]) if e["row"] == row.title))

    def all_served(self):
        """Everybody, whatever was asked."""
        return not self.unserved and not any(r["errors"] for r in self.results)


def first_line(why):
    return str(why).strip().partition("\n")[0]


def cpu(report, *processes):
    """µs per request of these processes together; None when it has none of them, or nothing was answered."""
    if not report["requests"] or any(p not in report["processes"] for p in processes):
        return None
    return sum(report["processes"][p]["cpu_us_per_request"] for p in processes)


def kb_per_connection(report):
    gateway = report["processes"].get("gateway")
    return gateway["rss_bytes_per_connection"] / 1000 if gateway else None


def whole(report):
    return cpu(report, *report["processes"])


def of_the_same_round(some, others):
    """Pairs of reports."""
    by_round = {r["round"]: r for r in others}
    return [(r, by_round[r["round"]]) for r in some if r["round"] in by_round]


def quotients(some, others, figure, base):
    pairs = [(figure(a), base(b)) for a, b in of_the_same_round(some, others)]
    return [a / b for a, b in pairs if a is not None and b]


def ratios(bench, row, ours, theirs, figure, base):
    return quotients(bench.of(row, ours), bench.of(row, theirs), figure, base)


def spread(values, digits=2):
    if not values:
        return "-"
    digits = 4 if 0 < statistics.median(values) < 0.1 else digits
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def median(values, digits=0):
    values = [v for v in values if v is not None]
    return f"{statistics.median(values):,.{digits}f}" if values else "-"


# --- what is shown ----------------------------------------------------------------------------------------------------

HEAD = ("candidate", "gateway µs/op", "inside µs/op", "gateway : nginx", "both : nginx", "op/s", "p50 ms", "p99 ms",
        "errors")
IDLE_HEAD = ("candidate", "kB a connection", "to nginx", "connections", "errors")


LATENCY_HEAD = ("candidate", "p50 ms", "p99 ms", "p99.9 ms", "p99 : nginx x2", "gateway µs/op", "op/s", "errors")


def percentile(which):
    return lambda report: report["latency"][which + "_us"] / 1000


def cells(bench, row, name):
    reports = bench.of(row, name)
    errors = str(sum(r["errors"] for r in reports))
    if row.rate:
        return (name, *(median([percentile(p)(r) for r in reports], 2) for p in ("p50", "p99", "p999")),
                spread(ratios(bench, row, name, "nginx x2", percentile("p99"), percentile("p99"))),
                median([cpu(r, "gateway") for r in reports], 1), median([r["per_second"] for r in reports]), errors)
    if row.mode == "idle":
        return (name, median([kb_per_connection(r) for r in reports], 1),
                spread(ratios(bench, row, name, "nginx", kb_per_connection, kb_per_connection)), str(row.connections), errors)

    def gateway(report):
        return cpu(report, "gateway")

    return (name, median([gateway(r) for r in reports], 1), median([cpu(r, "inside") for r in reports], 1),
            spread(ratios(bench, row, name, "nginx", gateway, gateway)),
            spread(ratios(bench, row, name, "nginx", whole, gateway)), median([r["per_second"] for r in reports]),
            median([r["latency"]["p50_us"] / 1000 for r in reports], 2),
            median([r["latency"]["p99_us"] / 1000 for r in reports], 2), errors)


def print_table(title, lines, out):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(f"\n{title}", file=out)
    for line in lines:
        first, *rest = (cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths)))
        print("  " + "  ".join([first, *rest]), file=out, flush=True)


def print_row(bench, row, out):
    head = IDLE_HEAD if row.mode == "idle" else LATENCY_HEAD if row.rate else HEAD
    lines = [head] + [cells(bench, row, name) for name in bench.names(row)]
    print_table(row.title, lines, out)
    for entry in bench.unserved:
        if entry["row"] == row.title:
            print(f"  {entry['candidate']} does not serve (round {entry['round'] + 1}): {entry['why']}", file=out, flush=True)
