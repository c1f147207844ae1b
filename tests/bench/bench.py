#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our gateway and connector beside nginx (and HAProxy, where installed), on this machine, in this hour.

The gateway of each candidate has one worker, alone on the last core; everything else shares the first one. The candidates
take turns, several rounds of them, so that a busy moment of the machine hits all alike. CPU time per operation is the
operating system's figure for the gateway's process and for the one inside (connector, or second nginx); what the kernel does
in softirqs counts for whoever it interrupts. Ratios are ours to nginx's one hop of the same round: median (smallest to largest).
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import machine
from candidates import Haproxy, Nginx, Opencmg, Site, TwoNginx
from machine import Fault, Processes

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMALL_CRL, LARGE_CRL = 10, 1_000_000
OPEN_LIMIT_S = 180


class Stopped(Exception):
    """SIGTERM, SIGHUP: tidy up as on Ctrl-C."""


class Row:
    """One line of the table: what the load generator does."""

    def __init__(self, title, mode="keep-alive", protocol="h1", connections=32, streams=1, duration=2000, warm_up=500,
                 fresh=False):
        self.title, self.mode, self.protocol = title, mode, protocol
        self.connections, self.streams = connections, streams
        self.duration, self.warm_up, self.fresh = duration, warm_up, fresh

    def arguments(self):
        return ["--mode", self.mode, "--protocol", self.protocol, "--connections", self.connections, "--streams",
                self.streams, "--duration", self.duration, "--warm-up", self.warm_up]


def make_crl(site, entries, name):
    """Of the candidates' CA, by OpenSSL; none of the entries is a device of ours."""
    folder = site.subfolder("crl-" + name)
    path = os.path.join(folder, "crl.pem")
    with open(os.path.join(folder, "index"), "w", encoding="ascii") as f:
        f.writelines(f"R\t391231235959Z\t260101000000Z\t{0x7000000000000000 + 7919 * i:016X}\tunknown\t/CN=d{i}\n"
                     for i in range(entries))
    with open(os.path.join(folder, "number"), "w", encoding="ascii") as f:
        f.write(f"{0x1000 + entries:08X}\n")
    with open(os.path.join(folder, "config"), "w", encoding="ascii") as f:
        f.write(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {folder}/index\ncrlnumber = {folder}/number\n"
                "default_md = sha256\ndefault_crl_days = 30\ncrl_extensions = extensions\n"
                "[extensions]\nauthorityKeyIdentifier = keyid:always\n")
    site.openssl("ca", "-gencrl", "-config", os.path.join(folder, "config"), "-keyfile", site.pki["ca_key"], "-cert",
                 site.pki["ca"], "-out", path)
    return path


# --- measuring --------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, site, load, say):
        self.site, self.load_program, self.say = site, load, say
        self.results = []  # {row, candidate, round, report of cmg-load}

    def load(self, candidate, row):
        pki = self.site.pki
        watch = [part for name, pid in candidate.watched().items() for part in ("--watch", f"{name}={pid}")]
        certificates = [part for path in self.site.devices for part in ("--certificate", path)]
        command = [self.load_program, "--port", candidate.port, "--target", candidate.target, "--ca", pki["ca"],
                   *certificates, "--key", pki["client_key"], *row.arguments(), *watch]
        result = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=False, timeout=OPEN_LIMIT_S + (row.duration + row.warm_up) / 1000,
                                preexec_fn=lambda: os.sched_setaffinity(0, self.site.other_cpus))
        try:
            return json.loads(result.stdout)
        except ValueError:
            raise Fault(f"cmg-load: {result.stderr}") from None

    def measure(self, row, candidates, rounds):
        for number in range(rounds):
            turn = number % len(candidates)
            for candidate in candidates[turn:] + candidates[:turn]:
                if row.fresh:
                    candidate.restart()
                    self.load(candidate, Row("", connections=8, duration=300, warm_up=0))
                report = self.load(candidate, row)
                if report["errors"]:
                    self.say(f"  {candidate.name}: {report['errors']} errors, first: {report.get('first_fault')}")
                self.results.append({"row": row.title, "candidate": candidate.name, "round": number, **report})
        print_row(self, row, sys.stderr if self.say is not print else sys.stdout)

    def of(self, row, candidate):
        return [r for r in self.results if r["row"] == row.title and r["candidate"] == candidate]

    def names(self, row):
        return list(dict.fromkeys(r["candidate"] for r in self.results if r["row"] == row.title))


def cpu(report, *processes):
    """µs per request of these processes together; None when it has none of them, or nothing was answered."""
    if not report["requests"] or any(p not in report["processes"] for p in processes):
        return None
    return sum(report["processes"][p]["cpu_us_per_request"] for p in processes)


def kb_per_connection(report):
    return report["processes"]["gateway"]["rss_bytes_per_connection"] / 1000


def whole(report):
    return cpu(report, *report["processes"])


def ratios(bench, row, ours, theirs, figure, base):
    """Of the same round each."""
    pairs = [(figure(a), base(b)) for a, b in zip(bench.of(row, ours), bench.of(row, theirs))]
    return [a / b for a, b in pairs if a is not None and b]


def spread(values, digits=2):
    if not values:
        return "-"
    digits = 4 if statistics.median(values) < 0.1 else digits
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def median(values, digits=0):
    values = [v for v in values if v is not None]
    return f"{statistics.median(values):,.{digits}f}" if values else "-"


# --- what is shown ----------------------------------------------------------------------------------------------------

HEAD = ("candidate", "gateway µs/op", "inside µs/op", "gateway : nginx", "both : nginx", "op/s", "p50 ms", "p99 ms",
        "errors")
IDLE_HEAD = ("candidate", "kB a connection", "to nginx", "connections", "errors")


def cells(bench, row, name):
    reports = bench.of(row, name)
    errors = str(sum(r["errors"] for r in reports))
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


def print_row(bench, row, out):
    lines = [IDLE_HEAD if row.mode == "idle" else HEAD] + [cells(bench, row, name) for name in bench.names(row)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(f"\n{row.title}", file=out)
    for line in lines:
        first, *rest = (cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths)))
        print("  " + "  ".join([first, *rest]), file=out, flush=True)


# --- the rows ---------------------------------------------------------------------------------------------------------


def small_rows(quick):
    if quick:
        return [Row("keep-alive, HTTP/1.1, 32 connections", duration=1200, warm_up=300),
                Row(f"full handshake and one request, CRL of {SMALL_CRL}", mode="handshake", connections=8, duration=1200,
                    warm_up=200),
                Row("idle connections, after one request each", mode="idle", connections=1000, duration=1, warm_up=0,
                    fresh=True)]
    rows = [Row(f"keep-alive, HTTP/1.1, {n} connection{'s' if n > 1 else ''}", connections=n) for n in (1, 32, 256, 4096)]
    rows += [Row(f"keep-alive, HTTP/2, {n} connections of {s} streams", protocol="h2", connections=n, streams=s)
             for n, s in ((32, 1), (8, 32))]
    return rows + [Row(f"full handshake and one request, CRL of {SMALL_CRL}", mode="handshake", connections=8),
                   Row("resumed handshake and one request", mode="resume", connections=8),
                   Row("idle connections, after one request each", mode="idle", connections=5000, duration=1, warm_up=0,
                       fresh=True)]


def measure_small(bench, ours, crl, options):
    site = bench.site
    candidates = [Nginx(site, crl), TwoNginx(site, crl)]
    if Haproxy.program():
        candidates.append(Haproxy(site, crl))
    resumers = [Nginx(site, crl, "nginx", "tickets"), Nginx(site, crl, "nginx, cache", "cache"), ours]
    for candidate in candidates:
        candidate.start()
    candidates.append(ours)
    rounds = options.rounds or (2 if options.quick else 5)
    for row in small_rows(options.quick):
        if row.mode == "resume":
            for candidate in resumers[:-1]:
                candidate.start()
            bench.measure(row, resumers, rounds)
            for candidate in resumers[:-1]:
                candidate.end()
        else:
            bench.measure(row, candidates, rounds)
    for candidate in candidates[:-1]:
        candidate.end()


def measure_large(bench, ours, options):
    """Handshakes with a long CRL. nginx is at work on it for a second and more at the million: few of them are enough."""
    site, entries = bench.site, options.crl
    path = make_crl(site, entries, "large")
    nginx = Nginx(site, path)
    nginx.start()
    began = time.monotonic()
    ours.set_crl(path)
    wait_for_crl(ours, entries)
    bench.say(f"\nthe CRL of {entries:,} entries was uploaded, signed, sent to the gateway and in use after "
              f"{time.monotonic() - began:.1f} s")
    row = Row(f"full handshake and one request, CRL of {entries:,}", mode="handshake", connections=8,
              duration=2000 if options.quick else 4000, warm_up=500)
    bench.measure(row, [nginx, ours], options.rounds or (2 if options.quick else 3))
    rss = {c.name: resident_mb(c.watched()["gateway"]) for c in (nginx, ours)}
    bench.say("  resident memory of the gateway: " + ", ".join(f"{n} {mb:.0f} MB" for n, mb in rss.items()))
    nginx.end()
    return rss


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1000


def wait_for_crl(ours, entries, within_s=60):
    """Until the gateway holds it: a revoked device of the small one is not asked; the gateway's memory or log tells."""
    until = time.monotonic() + within_s
    wanted = bundle_sequence(ours)
    while time.monotonic() < until:
        text = machine.tail(os.path.join(ours.folder, "gateway.log"), 20000)
        if f"sequence={wanted}" in text:
            return
        time.sleep(0.1)
    raise Fault(f"the gateway did not take the CRL of {entries} entries:\n{text[-1500:]}"
                f"{machine.tail(os.path.join(ours.folder, 'connector.log'), 1500)}")


def bundle_sequence(ours):
    result = subprocess.run([os.path.join(ours.site.programs, "cmg"), "status", "--json", "--socket",
                             ours.report["admin_socket"]], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(result.stdout)["bundle"]["sequence"]


# --- from the beginning to the end ------------------------------------------------------------------------------------


def programs(options):
    build = os.path.abspath(options.build)
    load = os.path.join(build, "tests", "bench", "cmg-load")
    for path in [load] + [os.path.join(build, "bin", n) for n in ("cmg", "cmg-mp", "cmg-gateway", "cmg-connector")]:
        if not os.access(path, os.X_OK):
            raise Fault(f"{path} is missing: run make build")
    return os.path.join(build, "bin"), load


def conditions():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    gateway, other = machine.cores()
    return {"cpu": model, "cores": os.cpu_count(), "gateway_core": sorted(gateway), "other_cores": sorted(other),
            "load_before": os.getloadavg()[0], "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def run(options, folder, processes):
    bin_folder, load = programs(options)
    say = print if not options.json else lambda *parts: print(*parts, file=sys.stderr)
    about = conditions()
    say(f"{about['cpu']}, {about['cores']} cores; the gateway on core {about['gateway_core']}, all else on "
        f"{about['other_cores']}; load average before: {about['load_before']:.2f}"
        + (" (busy: trust the ratios, not the figures)" if about["load_before"] > 0.5 else ""))
    site = Site(folder, bin_folder, processes)
    ours = Opencmg(site)
    ours.make()
    site.start_upstream()
    ours.start()
    ours.publish()
    crl = make_crl(site, SMALL_CRL, "small")
    ours.set_crl(crl)
    wait_for_crl(ours, SMALL_CRL)
    bench = Bench(site, load, say)
    measure_small(bench, ours, crl, options)
    about["crl_rss_mb"] = measure_large(bench, ours, options) if options.crl else {}
    about["load_after"] = os.getloadavg()[0]
    if options.json:
        print(json.dumps({"conditions": about, "results": bench.results}, indent=1))
    return 1 if any(r["errors"] for r in bench.results) else 0


def on_signal(number, frame):
    raise Stopped


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the most telling rows, in 90 seconds")
    parser.add_argument("--json", action="store_true", help="all figures of all rounds on standard output")
    parser.add_argument("--rounds", type=int, help="how often each candidate has its turn")
    parser.add_argument("--crl", type=int, default=LARGE_CRL, metavar="ENTRIES", help="of the long CRL; 0: none")
    parser.add_argument("--build", default=os.path.join(REPOSITORY, "build"), metavar="DIR", help="the build's folder")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    folder, processes = tempfile.mkdtemp(prefix="opencmg-bench-"), Processes()
    try:
        return run(options, folder, processes)
    except Fault as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        processes.end_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
