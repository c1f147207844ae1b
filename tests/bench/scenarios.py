# SPDX-License-Identifier: Apache-2.0
"""What is no row of requests: a gigabyte each way, a long CRL that comes while traffic runs, and tokens judged for the first
time. Each returns what `--json` shows, and prints its table."""
import http.client
import json
import os
import ssl
import statistics
import subprocess
import threading
import time

import machine
from candidates import GIGABYTE
from figures import first_line, median, print_table, spread
from machine import Fault
from rows import Row

CURL_LIMIT_S = 300


# --- a gigabyte -------------------------------------------------------------------------------------------------------


def curl(site, candidate, *arguments):
    pki = site.pki
    command = ["curl", "-sS", "--fail", "--http1.1", "--resolve", f"localhost:{candidate.port}:127.0.0.1", "--cacert",
               pki["ca"], "--cert", pki["client"], "--key", pki["client_key"], "-o", "/dev/null", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CURL_LIMIT_S,
                            preexec_fn=lambda: os.sched_setaffinity(0, site.other_cpus))
    if result.returncode != 0:
        raise Fault(f"{candidate.name}: curl: {result.stderr}")


def one_gigabyte(site, candidate, way):
    if candidate.fault:
        raise candidate.fault
    base = f"https://localhost:{candidate.port}{candidate.target.removesuffix('/file').rstrip('/')}"
    pids = candidate.watched()
    for pid in pids.values():
        machine.reset_peak(pid)
    before = {name: (machine.cpu_s(pid), machine.memory_mb(pid)) for name, pid in pids.items()}
    began = time.monotonic()
    if way == "down":
        curl(site, candidate, base + "/gigabyte")
    else:
        curl(site, candidate, "-T", os.path.join(site.folder, "upstream", "gigabyte"), "-H", "Expect:", base + "/sink")
    seconds = time.monotonic() - began
    return {"candidate": candidate.name, "way": way, "mb_per_s": GIGABYTE / 1e6 / seconds,
            "processes": {name: {"cpu_s": machine.cpu_s(pid) - before[name][0],
                                 "grown_mb": machine.memory_mb(pid, "VmHWM") - before[name][1]}
                          for name, pid in pids.items()}}


def gigabyte(site, candidates, rounds, out):
    """Those that serve; of the others, why not."""
    results, unserved = [], {}
    for number in range(rounds):
        turn = number % len(candidates)
        for candidate in candidates[turn:] + candidates[:turn]:
            try:
                results += [{"round": number, **one_gigabyte(site, candidate, way)} for way in ("down", "up")]
            except Fault as why:
                unserved[candidate.name] = first_line(why)
    lines = [("candidate", "way", "MB/s", "to nginx x2", "gateway CPU s", "inside CPU s", "gateway's peak grew by MB")]
    for way in ("down", "up"):
        yardstick = {r["round"]: r["mb_per_s"] for r in results if r["candidate"] == "nginx x2" and r["way"] == way}
        for candidate in candidates:
            own = [r for r in results if r["candidate"] == candidate.name and r["way"] == way]
            if own:
                lines.append((candidate.name, way, median([r["mb_per_s"] for r in own]),
                              spread([r["mb_per_s"] / yardstick[r["round"]] for r in own if r["round"] in yardstick]),
                              median([r["processes"]["gateway"]["cpu_s"] for r in own], 2),
                              median([r["processes"]["inside"]["cpu_s"] for r in own if "inside" in r["processes"]], 2),
                              f"{max(r['processes']['gateway']['grown_mb'] for r in own):.1f}"))
    print_table("1 GB through it, one connection", lines, out)
    for name, why in unserved.items():
        print(f"  {name} does not serve: {why}", file=out)
    return results


# --- a long CRL comes while traffic runs ------------------------------------------------------------------------------

STEADY = 500  # requests a second meanwhile


def steady_load(bench, candidate, seconds, meanwhile=None):
    """The report of a steady load; `meanwhile` runs beside it, a second after its beginning."""
    row = Row("steady", rate=STEADY, duration=int(seconds * 1000), warm_up=500)
    fault = []

    def beside():
        time.sleep(1.5)
        try:
            meanwhile()
        except Fault as why:
            fault.append(why)

    thread = threading.Thread(target=beside) if meanwhile else None
    if thread:
        thread.start()
    report = bench.load(candidate, row)
    if thread:
        thread.join()
    if fault:
        raise fault[0]
    return report


def changed_crl(bench, candidate, change, in_use):
    """The gateway's CPU seconds for taking a CRL, seconds until it is in use, and what other requests noticed."""
    quiet = steady_load(bench, candidate, 4)
    took = {}

    def meanwhile():
        pids = candidate.crl_pids()
        before, began = sum(machine.cpu_with_ended_threads_s(pid) for pid in pids), time.monotonic()
        change()
        in_use()
        took["seconds"] = time.monotonic() - began
        took["cpu_s"] = sum(machine.cpu_with_ended_threads_s(pid) for pid in candidate.crl_pids()) - before

    busy = steady_load(bench, candidate, 12, meanwhile)
    took["cpu_s"] -= took["seconds"] * quiet["processes"]["gateway"]["cpu_s"] / quiet["seconds"]  # the traffic's own part
    return {"candidate": candidate.name, **took, "quiet": quiet["latency"], "meanwhile": busy["latency"],
            "errors": busy["errors"] + quiet["errors"]}


def print_changes(results, entries, out):
    lines = [("candidate", "gateway CPU s", "in use after s", "p99.9 ms before", "p99.9 ms meanwhile", "worst ms", "errors")]
    lines += [(r["candidate"], f"{r['cpu_s']:.2f}", f"{r['seconds']:.1f}", f"{r['quiet']['p999_us'] / 1000:.1f}",
               f"{r['meanwhile']['p999_us'] / 1000:.1f}", f"{r['meanwhile']['max_us'] / 1000:.1f}", str(r["errors"]))
              for r in results]
    print_table(f"A CRL of {entries:,} entries comes while {STEADY} requests a second run", lines, out)


def wait_for_answer(candidate, within_s=120):
    """Any answer to a device's request: it was judged by the list."""
    pki, until = candidate.site.pki, time.monotonic() + within_s
    context = ssl.create_default_context(cafile=pki["ca"])
    context.load_cert_chain(candidate.site.devices[0], pki["client_key"])
    while time.monotonic() < until:
        connection = http.client.HTTPSConnection("localhost", candidate.port, context=context, timeout=within_s)
        try:
            connection.request("GET", candidate.started_target)
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise Fault(f"{candidate.name} does not answer within {within_s} s of its start")


def start_up(candidate):
    """The gateway ends and starts, with its list: seconds until its first answer, CPU and memory by then."""
    candidate.end_gateway()
    began = time.monotonic()
    candidate.start_gateway()
    wait_for_answer(candidate)
    seconds, pids = time.monotonic() - began, candidate.crl_pids()
    return {"candidate": candidate.name, "seconds": seconds,
            "cpu_s": sum(machine.cpu_with_ended_threads_s(pid) for pid in pids),
            "memory_mb": sum(machine.memory_mb(pid) for pid in pids)}


def start_ups(candidates, entries, rounds, out):
    results = [start_up(candidate) for _ in range(rounds) for candidate in candidates]
    lines = [("candidate", "first answer after s", "CPU s", "resident MB, its master's too")]
    for candidate in candidates:
        own = [r for r in results if r["candidate"] == candidate.name]
        lines.append((candidate.name, spread([r["seconds"] for r in own]), spread([r["cpu_s"] for r in own]),
                      f"{statistics.median(r['memory_mb'] for r in own):.0f}"))
    print_table(f"Start with a CRL of {entries:,} entries", lines, out)
    return results


# --- tokens judged for the first time ---------------------------------------------------------------------------------


def cold_tokens(site, out, count=2000):
    """`cmg token check --batch`, the gateway's own code: CPU per token, less what one token alone costs."""
    import jwt  # Debian's python3-jwt
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    results, lines = [], [("algorithm", "µs a token")]
    for algorithm, private in (("ES256", ec.generate_private_key(ec.SECP256R1())), ("RS256", rsa.generate_private_key(65537, 2048))):
        folder = site.subfolder("tokens-" + algorithm)
        kind = jwt.algorithms.ECAlgorithm if algorithm == "ES256" else jwt.algorithms.RSAAlgorithm
        jwk = kind.to_jwk(private.public_key())
        jwk = {**(json.loads(jwk) if isinstance(jwk, str) else jwk), "kid": "k", "alg": algorithm, "use": "sig"}
        with open(os.path.join(folder, "jwks.json"), "w", encoding="ascii") as f:
            json.dump({"keys": [jwk]}, f)
        now = int(time.time())
        tokens = [jwt.encode({"iss": "https://i.example", "aud": "a", "exp": now + 3600, "jti": str(i)}, private, algorithm,
                             {"kid": "k"}) for i in range(count)]
        spent = [check_seconds(site, folder, tokens[:n]) for n in (1, count)]
        each = (spent[1] - spent[0]) / (count - 1) * 1e6
        results.append({"algorithm": algorithm, "cpu_us": each})
        lines.append((algorithm, f"{each:.0f}"))
    print_table("Tokens judged for the first time (cmg token check --batch)", lines, out)
    return results


def check_seconds(site, folder, tokens):
    path = os.path.join(folder, "batch.json")
    with open(path, "w", encoding="ascii") as f:
        json.dump([{"jwks": os.path.join(folder, "jwks.json"), "issuer": "https://i.example", "audience": "a", "token": t}
                   for t in tokens], f)
    before = os.times()
    result = subprocess.run([os.path.join(site.programs, "cmg"), "token", "check", "--batch", path, "--json"],
                            capture_output=True, text=True, check=False, timeout=120)
    after = os.times()
    answers = json.loads(result.stdout)
    if not all(a["ok"] for a in answers):
        raise Fault(f"cmg token check refused a good token: {next(a for a in answers if not a['ok'])}")
    return after.children_user + after.children_system - before.children_user - before.children_system
