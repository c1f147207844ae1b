#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Devices that wait for notifications, through gateway and connector at cmg-mp: what each costs the three programs in memory,
how soon one is told (from the administrator's request to the device's answer), how soon all are, and what cmg-client takes.

    /usr/bin/python3 tests/bench/listening.py [--devices N] [--told N]
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import selectors
import shutil
import signal
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

import machine
from figures import print_table
from machine import Fault
from opencmg import AdminSocket

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("CMG_BIN", str(REPOSITORY / "build" / "bin"))
sys.path.insert(0, str(REPOSITORY / "tests" / "integration"))
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402
from kit import inside  # noqa: E402
from kit.programs import program, until  # noqa: E402
from kit.site import Site  # noqa: E402

TARGET = "/CCM_Notification?after=0&wait=270"
PROGRAMS = ("cmg-gateway", "cmg-connector", "cmg-mp")


class Makers:
    """The PKI of the evaluation site, by its CA's key."""

    def __init__(self, site):
        self.ca = x509.load_pem_x509_certificate(pathlib.Path(site.pki("ca")).read_bytes())
        self.key = serialization.load_pem_private_key(pathlib.Path(site.pki("ca_key")).read_bytes(), None)

    def device(self, name):
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
        certificate = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                       .issuer_name(self.ca.subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
                       .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=90))
                       .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
                       .sign(self.key, hashes.SHA256()))
        return key, certificate


class Device:
    """Its request waits on a connection of its own."""

    def __init__(self, site, makers, number):
        self.site, self.guid, self.name = site, str(uuid.uuid4()), f"listener-{number}"
        self.key, self.certificate = makers.device(self.name)
        self.tls = None

    def row(self):
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        spki = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = [hashes.Hash(hashes.SHA256()) for _ in range(2)]
        digest[0].update(spki)
        digest[1].update(der)
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return digest[0].finalize().hex(), digest[1].finalize().hex(), pem

    def connect(self, folder):
        path = folder / "one.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM) + self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.site.report["ca"])
        context.load_cert_chain(path)
        bare = machine.socket.create_connection(("127.0.0.1", self.site.port))
        self.tls = context.wrap_socket(bare, server_hostname="localhost")

    def listen(self, after=0):
        target = f"/CCM_Notification?after={after}&wait=270"
        fields = "".join(f"{n}: {v}\r\n" for n, v in inside.signature(self.key, "GET", target).items())
        self.tls.setblocking(True)
        self.tls.sendall(f"GET /CCM_Proxy_MutualAuth/{self.site.role('https')}{target} HTTP/1.1\r\nHost: localhost\r\n"
                         f"{fields}\r\n".encode())
        self.tls.setblocking(False)

    def answer(self):
        """b'' while nothing but records of TLS came."""
        try:
            return self.tls.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return b""


def store(site, devices):
    now = int(time.time())
    database = sqlite3.connect(site.folder / "state" / "site.db", timeout=60)
    for d in devices:
        spki, sha256, pem = d.row()
        database.execute("INSERT INTO device (guid, name, hardware_id, method, state, blocked, spki, client_version, registered, "
                         "last_seen, voucher, machine, vouched_name, vouched_by) VALUES (?, ?, '', 'pki', 'approved', 0, ?, 2603, "
                         "?, ?, 'certificate', ?, ?, 'certificate')", (d.guid, d.name, spki, now, now, spki, d.name))
        database.execute("INSERT INTO device_certificate (sha256, guid, subject, not_after, added, pem, vouched) VALUES "
                         "(?, ?, ?, ?, ?, ?, 1)", (sha256, d.guid, f"CN={d.name}", now + 90 * 86400, now, pem))
    database.commit()
    database.close()


def listening(site):
    return site.cmg("status")["listening"]


class Crowd:
    def __init__(self, site, folder, count):
        self.site, makers = site, Makers(site)
        self.devices = [Device(site, makers, i) for i in range(count)]
        store(site, self.devices)
        self.events = selectors.EpollSelector()
        for d in self.devices:
            d.connect(folder)
            d.listen()
            self.events.register(d.tls, selectors.EVENT_READ, d)
        until("all listen", lambda: listening(site) >= count, 120, 0.5)

    def told(self, wanted, within_s):
        """The devices that are answered, until there are so many, with when."""
        seen, end_at = [], time.monotonic() + within_s
        while len(seen) < wanted:
            if time.monotonic() > end_at:
                raise Fault(f"{len(seen)} of {wanted} devices were told within {within_s} s")
            for key, _ in self.events.select(1):
                if key.data.answer().startswith(b"HTTP/1.1 200"):
                    seen.append((key.data, time.monotonic()))
        return seen


def send(site, body):
    admin = AdminSocket(site.report["admin_socket"])
    admin.request("POST", "/v1/notifications", json.dumps(body), {"Content-Type": "application/json"})
    answer = json.loads(admin.getresponse().read())
    admin.close()
    return answer["notification"]["id"]


def tell_one(crowd, device):
    began = time.monotonic()
    number = send(crowd.site, {"what": "policy", "device": device.guid})
    [(who, when)] = crowd.told(1, 60)
    assert who is device
    device.listen(number)
    return (when - began) * 1000


def tell_all(crowd):
    began = time.monotonic()
    send(crowd.site, {"what": "policy", "all": True})
    return max(when for _, when in crowd.told(len(crowd.devices), 300)) - began


def client_kb(site, folder):
    """Of `cmg-client run` that waits: resident, and of that its own, with the process beside it."""
    from kit.device import Device as Installed
    device = Installed(site, folder).at("ehttp").registered_by_token()
    device.must("set", "ClientAlwaysOnInternet=1")
    with subprocess.Popen([program("cmg-client"), "run", "--dir", device.state], stdout=subprocess.DEVNULL) as process:
        until("it listens", lambda: site.cmg("device", "show", device.guid)["device"]["notifications"]["listens"], 60)
        pids = [process.pid, *machine.children(process.pid)]
        found = [(machine.memory_mb(p) * 1000, private_kb(p)) for p in pids]
        process.send_signal(signal.SIGTERM)
    return found


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def measure(count, told):
    machine.raise_file_limit()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cmg-listening-", dir="/dev/shm"))
    site = Site(folder / "site", None).start()
    try:
        pids = {name: site.report["pids"][name] for name in PROGRAMS}
        before = {name: machine.memory_mb(pid) for name, pid in pids.items()}
        crowd = Crowd(site, folder, count)
        after = {name: machine.memory_mb(pid) for name, pid in pids.items()}
        times = sorted(tell_one(crowd, random.choice(crowd.devices)) for _ in range(told))
        until("all listen", lambda: listening(site) >= count, 120, 0.5)
        everybody = tell_all(crowd)
        print_table(f"{count:,} devices that listen, each with its TLS connection (load average {os.getloadavg()[0]:.1f})",
                    [("process", "kB each"), *((n, f"{(after[n] - before[n]) * 1000 / count:.1f}") for n in PROGRAMS)], sys.stdout)
        print(f"one of them, told: median {statistics.median(times):.1f} ms, 99 of 100 within "
              f"{times[int(len(times) * 0.99) - 1]:.1f} ms, all {told} within {times[-1]:.1f} ms; all {count:,}: {everybody:.1f} s")
        for rss, own in client_kb(site, folder):
            print(f"cmg-client run, a process of it: {rss:.0f} kB resident, {own} kB its own")
    finally:
        site.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--told", type=int, default=1000)
    options = parser.parse_args()
    measure(options.devices, options.told)
