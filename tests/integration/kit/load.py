# SPDX-License-Identifier: Apache-2.0
"""Constant load by clients that try nothing twice but what a server says it did not take (RFC 9113 6.8, 8.7): whoever gets no
answer, or another one than 200, is a failure. curl, whose own ways of trying again are those of most devices, is one of them."""
import select
import subprocess
import tempfile
import threading
import time

import h2.config
import h2.errors
import h2.events

from . import gatewayclient
from .gatewayclient import HTTP1, HTTP2
from .programs import until

PACE_S = 0.005
WAIT_S = 60  # for one answer


def has_ended(tls):
    """Before anything was asked: a client that looks sees it."""
    return tls.pending() == 0 and bool(select.select([tls], [], [], 0)[0])


class Http1:
    def __init__(self, port, ctx):
        self.tls = gatewayclient.connect(port, ctx)
        self.tls.settimeout(WAIT_S)
        self.used = False

    def may_go_on(self):
        return not (self.used and has_ended(self.tls))

    def ask(self, path):
        self.used = True
        self.tls.sendall(gatewayclient.written_h1("GET", path, [], None, "localhost"))
        answer = gatewayclient.read_h1(self.tls)
        return answer.status, answer.headers.get("connection", "").lower() != "close"


class Http2:
    def __init__(self, port, ctx):
        self.tls = gatewayclient.connect(port, ctx)
        self.tls.settimeout(WAIT_S)
        self.h2 = gatewayclient.Gentle(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.last = None  # the stream that a GOAWAY named; None: none came
        self.h2.initiate_connection()
        self.tls.sendall(self.h2.data_to_send())

    def may_go_on(self):
        while self.last is None and has_ended(self.tls):  # readable: settings, pings, GOAWAY, or the end
            if self.take(0) is None:
                return False
        return self.last is None

    def ask(self, path):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", path)],
                             end_stream=True)
        self.tls.sendall(self.h2.data_to_send())
        self.status, self.whole, self.refused = 0, False, False
        while not self.whole and not self.refused:
            if self.last is not None and self.last < stream:
                return None, False
            if self.take(stream) is None:
                raise AssertionError(f"closed without an answer to stream {stream}; GOAWAY named {self.last}")
        return (None, False) if self.refused else (self.status, self.last is None)

    def take(self, stream):
        data = self.tls.recv(65536)
        if not data:
            return None
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ConnectionTerminated):
                self.last = event.last_stream_id
            elif getattr(event, "stream_id", -1) != stream:
                continue
            elif isinstance(event, h2.events.ResponseReceived):
                self.status = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamReset):
                self.refused = event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
                assert self.refused, f"reset: {event}"
            elif isinstance(event, h2.events.StreamEnded):
                self.whole = True
        self.tls.sendall(self.h2.data_to_send())
        return True


class Load:
    """`clients`: threads of each of the two versions; beside them one curl of each."""

    def __init__(self, port, ca, path, certificate=None, key=None, clients=2):
        self.port, self.path = port, path
        self.answers, self.faults = [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(kind, gatewayclient.context(ca, certificate, key, alpn)), daemon=True)
                        for kind, alpn in ((Http1, HTTP1), (Http2, HTTP2)) for _ in range(clients)]
        identity = ["--cert", certificate, "--key", key] if certificate else []
        self.curls = [self._curl(["--cacert", ca, *identity, version]) for version in ("--http1.1", "--http2")]
        for thread in self.threads:
            thread.start()

    def _curl(self, options):
        out = tempfile.TemporaryFile("w+")
        command = ["curl", "-sS", "--rate", "100/s", "--max-time", str(WAIT_S), "--resolve", f"localhost:{self.port}:127.0.0.1",
                   "-o", "/dev/null", "-w", "%{stderr}%{http_code} %{errormsg}\n", *map(str, options),
                   f"https://localhost:{self.port}{self.path}&n=[1-1000000]"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT), out

    def _run(self, kind, ctx):
        connection = None
        while not self.over.is_set():
            try:
                if connection is None or not connection.may_go_on():
                    connection = self._renewed(connection, kind(self.port, ctx))
                status, stays = connection.ask(self.path)
                if status is not None:
                    self.answers.append(status)
                if not stays:
                    connection = self._renewed(connection, None)
            except (OSError, AssertionError, ValueError) as fault:
                self.faults.append(f"{time.monotonic():.3f} {kind.__name__}: {fault!r}")
                connection = self._renewed(connection, None)
            time.sleep(PACE_S)
        self._renewed(connection, None)

    @staticmethod
    def _renewed(old, new):
        if old:
            old.tls.close()
        return new

    def by_curl(self):
        lines = []
        for _, out in self.curls:
            out.seek(0)
            lines += out.read().split("\n")[:-1]  # the last one is not whole
        return lines

    def goes_on(self, count=50, within_s=90):
        """So many more requests have been answered, each of the kinds."""
        before, before_curl = len(self.answers), len(self.by_curl())
        until("requests are answered", lambda: self.faults or (len(self.answers) >= before + count and
                                                               len(self.by_curl()) >= before_curl + 4), within_s)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(WAIT_S)
        for process, _ in self.curls:
            process.terminate()
            process.wait()

    def failures(self):
        """After the end; [] when nobody missed an answer."""
        told = [line for line in self.by_curl() if line.strip() != "200"]
        return self.faults + [f"answered with {status}" for status in self.answers if status != 200] + told
