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

import haproxy
import machine
import management_point
import parked
import plot
import rows
import scenarios
import targets
from candidates import Nginx, Site, TwoNginx
from figures import Bench, cpu, of_the_same_round
from machine import Fault, Processes
from opencmg import Opencmg

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMALL_CRL, MIDDLE_CRL, LARGE_CRL = rows.SMALL_CRL, 100_000, 1_000_000


class Stopped(Exception):
    """SIGTERM, SIGHUP: tidy up as on Ctrl-C."""


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


# --- the parts --------------------------------------------------------------------------------------------------------


class Whole:
    """One run: the parts in order, with what they share."""

    def __init__(self, bench, ours, crl, options, out):
        self.bench, self.ours, self.crl, self.options, self.out = bench, ours, crl, options, out
        self.site = bench.site
        self.rounds = options.rounds or 2
        self.nginx, self.two = Nginx(self.site, crl), TwoNginx(self.site, crl)
        self.peers = [self.nginx, self.two]
        if haproxy.program():
            self.peers.append(haproxy.Haproxy(self.site, crl))
        if haproxy.can_reverse():
            self.peers.append(haproxy.ReverseHaproxy(self.site, crl))
        self.more = {}  # what is no row of requests
        self.failed = []  # parts that could not be measured

    def requests(self):
        """keep-alive, full handshakes, idle connections; every candidate."""
        everybody = [*self.peers, self.ours]
        if not self.options.quick:
            self.site.make_devices(rows.MANY)
        for row in [*rows.keep_alive(self.options.quick), rows.handshake(SMALL_CRL, self.options.quick, "handshake"),
                    *rows.idle(self.options.quick)]:
            self.bench.measure(row, everybody, self.rounds if row.mode != "idle" or self.options.quick else 1)

    def resumed(self):
        """nginx by stateless tickets, and by a cache that its workers share."""
        resumers = [Nginx(self.site, self.crl, "nginx", "tickets"), Nginx(self.site, self.crl, "nginx, cache", "cache")]
        for candidate in resumers:
            candidate.try_to_start()
        self.bench.measure(rows.RESUMED, [*resumers, self.ours], self.rounds)
        for candidate in resumers:
            candidate.end()

    def half_load(self):
        busiest = [r["per_second"] for r in self.bench.results if r["key"] == "keep-alive" and r["candidate"] == "nginx x2"]
        if not busiest:
            raise Fault("nginx x2 did not serve: there is no half of its load")
        self.bench.measure(rows.half_load(statistics.median(busiest)), [*self.peers, self.ours], self.rounds)

    def tokens(self):
        token = self.ours.make_token()
        by_certificate = rows.Row("our own requests by certificate", key="own pki")
        by_token = rows.Row("our own requests by token, judged before", key="own token", token=token, target=token.target)
        for number in range(self.rounds):
            for row in (by_certificate, by_token) if number % 2 else (by_token, by_certificate):
                self.bench.measure(row, [self.ours], 1)
        pairs = of_the_same_round(*(self.bench.of(row, self.ours.name) for row in (by_token, by_certificate)))
        costs = [(cpu(a, "gateway"), cpu(b, "gateway")) for a, b in pairs]
        extra = [a - b for a, b in costs if None not in (a, b)]
        if not extra:
            raise Fault(f"{self.ours.name} did not serve by token and by certificate in any round")
        self.more["token_extra_us"] = extra
        print(f"  a token costs the gateway {statistics.median(extra):.1f} µs more ({min(extra):.1f} to {max(extra):.1f})",
              file=self.out)
        self.more["cold_tokens"] = scenarios.cold_tokens(self.site, self.out)

    def gigabyte(self):
        self.more["gigabyte"] = scenarios.gigabyte(self.site, [*self.peers, self.ours], 2, self.out)

    def parked(self):
        self.more["parked"] = parked.measure(self.bench, self.ours, self.out)

    def management_point(self):
        self.more["management_point"] = management_point.measure(self.site.folder, self.site.programs, self.out)

    def long_crl(self, entries, key):
        """Handshakes with it, how it comes, and what it takes."""
        site, quick = self.site, self.options.quick
        path = make_crl(site, entries, key.replace(" ", "-"))
        nginx = Nginx(site, path if quick else self.crl, "nginx")
        nginx.start()

        def taken():
            wait_for_crl(self.ours, entries)

        if quick:
            self.ours.set_crl(path)
            taken()
        else:
            changes = [scenarios.changed_crl(self.bench, nginx, lambda: nginx.reload(path), lambda: None),
                       scenarios.changed_crl(self.bench, self.ours, lambda: self.ours.set_crl(path), taken)]
            scenarios.print_changes(changes, entries, self.out)
            self.more[f"changed {key}"] = changes
            self.more[f"start {key}"] = scenarios.start_ups([nginx, self.ours], entries, 3, self.out)
            self.bench.settle(self.ours)
        self.bench.measure(rows.handshake(entries, quick, key), [nginx, self.ours], 2 if quick else 3)
        rss = {c.name: machine.memory_mb(c.watched()["gateway"]) for c in (nginx, self.ours)}
        self.more[f"memory {key}"] = rss
        print("  resident memory of the gateway: " + ", ".join(f"{n} {mb:.0f} MB" for n, mb in rss.items()), file=self.out)
        nginx.end()

    def part(self, measure, *arguments):
        """What keeps one part from going on keeps the others from nothing."""
        try:
            measure(*arguments)
        except Fault as fault:
            self.failed.append(measure.__name__)
            self.bench.say(f"bench: {measure.__name__} could not be measured: {fault}")

    def run(self):
        for candidate in self.peers:
            candidate.try_to_start()
        self.part(self.requests)
        if not self.options.quick:
            self.part(self.half_load)
            self.part(self.gigabyte)
        for candidate in self.peers:
            candidate.end()
        if not self.options.quick:
            self.part(self.resumed)
            self.part(self.tokens)
            self.part(self.management_point)
            self.part(self.parked)
            self.part(self.long_crl, MIDDLE_CRL, "handshake, middle CRL")
        if self.options.crl:
            self.part(self.long_crl, self.options.crl, "handshake, long CRL")


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


def begin(folder, bin_folder, processes):
    """The site, ours running in it, and the CRL that it has."""
    site = Site(folder, bin_folder, processes)
    ours = Opencmg(site)
    ours.make()
    site.start_upstream()
    ours.start()
    ours.publish()
    crl = make_crl(site, SMALL_CRL, "small")
    ours.set_crl(crl)
    wait_for_crl(ours, SMALL_CRL)
    return site, ours, crl


def run(options, folder, processes):
    bin_folder, load = programs(options)
    say = print if not options.json else lambda *parts: print(*parts, file=sys.stderr)
    about = conditions()
    say(f"{about['cpu']}, {about['cores']} cores; the gateway on core {about['gateway_core']}, all else on "
        f"{about['other_cores']}; load average before: {about['load_before']:.2f}"
        + (" (busy: trust the ratios, not the figures)" if about["load_before"] > 0.5 else ""))
    site, ours, crl = begin(folder, bin_folder, processes)
    bench = Bench(site, load, say)
    out = sys.stderr if options.json else sys.stdout
    whole = Whole(bench, ours, crl, options, out)
    whole.run()
    judged = targets.judge(bench.results, whole.more)
    targets.show(judged, out)
    about["load_after"] = os.getloadavg()[0]
    if options.json:
        print(json.dumps({"conditions": about, "results": bench.results, "unserved": bench.unserved, "more": whole.more,
                          "targets": judged}, indent=1))
    if options.plot:
        plot.write(options.plot, bench)
    return 0 if bench.all_served() and not whole.failed else 1


def on_signal(number, frame):
    raise Stopped


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the most telling rows, in 90 seconds")
    parser.add_argument("--json", action="store_true", help="all figures of all rounds on standard output")
    parser.add_argument("--plot", metavar="FILE", help="writes the ratios to nginx as a picture (SVG)")
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
