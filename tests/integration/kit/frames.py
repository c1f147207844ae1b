# SPDX-License-Identifier: Apache-2.0
"""Frames of HTTP/2 written out octet by octet, right ones and others, and a client that keeps no rule."""
import socket
import struct

import hpack

from . import gatewayclient

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL, INTERNAL, FLOW, _, CLOSED, SIZE, _, _, COMPRESSION, _, CALM = range(12)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def u32(n):
    return struct.pack(">I", n)


def number(n, prefix, first=0):
    """RFC 7541 5.1."""
    most = (1 << prefix) - 1
    if n < most:
        return bytes([first | n])
    text, n = bytes([first | most]), n - most
    while n >= 128:
        text, n = text + bytes([n % 128 | 128]), n // 128
    return text + bytes([n])


def block(fields):
    """Literals without indexing or Huffman codes: any bytes at all."""
    text = b""
    for name, value in fields:
        name, value = name.encode("latin-1"), value.encode("latin-1")
        text += b"\0" + number(len(name), 7) + name + number(len(value), 7) + value
    return text


def head(*more, method="GET", path="/CCM_Proxy_MutualAuth/hostile/h2", scheme="https", authority="localhost"):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *more]


def headers(stream, fields, flags=5):
    return frame(HEADERS, flags, stream, block(fields))


RAW_WAIT_S = 60  # for what comes at once, unless the machine is slow


class Raw:
    """An HTTP/2 client that keeps no rule."""

    def __init__(self, site, preface=PREFACE + frame(SETTINGS, 0, 0)):
        self.tls = gatewayclient.connect(site.port, gatewayclient.context(site.report["ca"], site.pki("certificate"), site.pki("key"),
                                                                    gatewayclient.HTTP2))
        self.tls.settimeout(RAW_WAIT_S)
        self.buffer, self.frames, self.closed = b"", [], False
        self.decoder = hpack.Decoder()
        self.statuses = {}
        self.send(preface)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, data):
        try:
            self.tls.sendall(data)
        except socket.timeout:
            raise AssertionError(f"nothing was taken after {self.frames}") from None
        except OSError:
            self.closed = True
        return self

    def _receive(self):
        try:
            data = self.tls.recv(65536)
        except socket.timeout:
            raise AssertionError(f"nothing came after {self.frames}") from None
        except OSError:
            data = b""
        self.closed = not data
        self.buffer += data
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                return
            kind, flags, stream = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big")
            payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
            self.frames.append((kind, flags, stream, payload))
            if kind == HEADERS:
                self.statuses[stream] = int(dict(self.decoder.decode(payload))[":status"])

    def until(self, done):
        while not (found := done()) and not self.closed:
            self._receive()
        return found

    def outcome(self, stream):
        """("status", n), ("reset", code) or ("goaway", code); a GOAWAY must be followed by the end."""
        def look():
            for kind, flags, of, payload in self.frames:
                if kind == RST and of == stream:
                    return "reset", int.from_bytes(payload, "big")
                if kind == GOAWAY and payload[4:8] != u32(NO_ERROR):
                    return "goaway", int.from_bytes(payload[4:8], "big")
                if kind in (HEADERS, DATA) and of == stream and flags & 1:
                    return "status", self.statuses[stream]
            return None
        found = self.until(look)
        if found and found[0] == "goaway":
            self.until(lambda: False)
            assert self.closed
        return found

    def goaway(self):
        return next((int.from_bytes(p[4:8], "big") for k, _, _, p in self.frames if k == GOAWAY), None)
