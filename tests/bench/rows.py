# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: what the load generator does in each."""

from candidates import DEVICES

SMALL_CRL, MANY = 10, 512


class Row:
    def __init__(self, title, mode="keep-alive", protocol="h1", connections=32, streams=1, duration=2000, warm_up=500,
                 fresh=False, rate=0, token=None, target=None, devices=DEVICES, key=None):
        self.title, self.mode, self.protocol = title, mode, protocol
        self.connections, self.streams, self.rate = connections, streams, rate
        self.duration, self.warm_up, self.fresh = duration, warm_up, fresh
        self.token, self.target = token, target  # token: a Token of ours, instead of the devices' certificates
        self.devices = devices                   # that take turns
        self.key = key or title                  # a word for the plot and for ratios between rows

    def arguments(self):
        rate = ["--rate", self.rate] if self.rate else []
        return ["--mode", self.mode, "--protocol", self.protocol, "--connections", self.connections, "--streams",
                self.streams, "--duration", self.duration, "--warm-up", self.warm_up, *rate]


def keep_alive(quick):
    if quick:
        return [Row("keep-alive, HTTP/1.1, 32 connections", duration=1200, warm_up=300, key="keep-alive")]
    keys = {32: "keep-alive", 4096: "keep-alive 4096"}
    return [Row(f"keep-alive, HTTP/1.1, {n} connection{'s' if n > 1 else ''}", connections=n, key=keys.get(n))
            for n in (1, 32, 256, 4096)] + \
        [Row(f"keep-alive, HTTP/1.1, {MANY} connections of as many devices", connections=MANY, devices=MANY, key="many devices")] + \
        [Row(f"keep-alive, HTTP/2, {n} connection{'s' if n > 1 else ''} of {s} stream{'s' if s > 1 else ''}", protocol="h2", connections=n,
             streams=s, key=key) for n, s, key in ((1, 1, None), (32, 1, "h2"), (256, 1, None), (4096, 1, None), (8, 32, None))]


def handshake(entries, quick, key):
    """With a long list nginx works on one handshake for a second and more."""
    duration = (1200 if quick else 2000) if entries <= SMALL_CRL else (2000 if quick else 4000)
    return Row(f"full handshake and one request, CRL of {entries:,}", mode="handshake", connections=8, duration=duration,
               warm_up=200 if quick else 500, key=key)


RESUMED = Row("resumed handshake and one request", mode="resume", connections=8, key="resumed")


def idle(quick):
    return [Row(f"{n:,} idle connections, after one request each", mode="idle", connections=n, duration=1, warm_up=0,
                fresh=True, key=f"idle {n}") for n in ((1000,) if quick else (100, 1000, 5000, 15000))]


def half_load(most_per_second):
    """Evenly spaced requests, so many that nginx twice is half busy; who is late counts as late."""
    rate = max(1, int(most_per_second / 2))
    return Row(f"half load: {rate:,} requests a second, HTTP/1.1, 32 connections", rate=rate, duration=4000, warm_up=1000,
               key="half load")
