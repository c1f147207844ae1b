# SPDX-License-Identifier: Apache-2.0
"""A gateway that was broken into: it has the real one's certificate and stands at its address, sees all that a device
sends in the clear, hands on to the real gateway what it likes, and answers what it likes."""
import base64
import json
import os
import ssl
from dataclasses import dataclass, field, replace

from . import gatewayclient
from .between import Between
from .device import Device
from .gatewayclient import Answer

ENDINGS = {"/ServiceMetadata": "metadata", "/CCM_Client/registration": "registration", "/CCM_STS": "token",
           "?SETTINGS": "settings", "?MACHINE": "policy", "/CCM_User/policy": "user policy"}
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "host")


@dataclass
class Asked:
    method: str
    target: str
    headers: list = field(default_factory=list)
    body: bytes = b""

    @property
    def what(self):
        return next((what for ending, what in ENDINGS.items() if self.target.endswith(ending)), self.target)

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)

    def without(self, *names):
        return replace(self, headers=[h for h in self.headers if h[0].lower() not in names])


def refusal(status, code, reason, **headers):
    problem = {"type": "about:blank", "title": code, "status": status, "code": code, "reason": reason, "detail": reason,
               "remedy": "none", "request_id": "00000000-0000-4000-8000-000000000000"}
    return Answer(status, code, {"content-type": "application/problem+json", "cmg-status-text": code, **headers},
                  json.dumps(problem).encode())


class BrokenGateway(Between):
    """A device comes here by its environment, which says that this is the proxy on its way to the gateway's address.
    `alter(asked, relay)` gives the answer: an Answer, bytes that are sent as they are, or pieces of them for ever."""

    def __init__(self, site):
        super().__init__()
        self.site = site
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(site.folder / "pki/gateway.pem", site.folder / "pki/gateway.key")
        self.shown = {}  # the certificate and key with which it speaks for the device to the real gateway
        self.alter = None
        self.seen = []  # (asked, the real answer or None)

    @property
    def environment(self):
        return {**os.environ, "https_proxy": f"http://127.0.0.1:{self.port}", "no_proxy": ""}

    def serve(self, connection):
        if not read_head(connection):
            return
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with self.context.wrap_socket(connection, server_side=True) as device:
            while (asked := read_request(device)) and self.answer(device, asked):
                pass

    def relay(self, asked):
        ctx = gatewayclient.context(self.site.report["ca"], **self.shown)
        headers = [h for h in asked.headers if h[0].lower() not in HOP_BY_HOP]
        with gatewayclient.H1(self.site.port, ctx) as real:
            host = f"localhost:{self.site.port}"
            answer = real.request(asked.method, asked.target, headers, asked.body or None, host)
        self.seen[-1] = (asked, answer)
        return answer

    def answer(self, device, asked):
        """False: the connection ends."""
        self.seen.append((asked, None))
        answer = (self.alter or (lambda a, relay: relay(a)))(asked, self.relay)
        if isinstance(answer, Answer):
            device.sendall(written(answer))
            return True
        for piece in [answer] if isinstance(answer, bytes) else answer:
            device.sendall(piece)
        return False

    def real(self, what):
        """The last answer of the site's to such a request that was one."""
        return [answer for asked, answer in self.seen if answer and asked.what == what and answer.status == 200][-1]


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            break
        head += byte
    return head


def read_request(stream):
    head = read_head(stream)
    if not head:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    asked = Asked(*first.split(" ")[:2], [tuple(line.split(": ", 1)) for line in lines])
    missing = int(asked.header("content-length") or 0)
    while missing:
        piece = stream.recv(missing)
        assert piece, "the request was broken off"
        asked.body += piece
        missing -= len(piece)
    return asked


def written(answer):
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items() if name not in HOP_BY_HOP]
    if answer.status != 304:
        lines.append(f"content-length: {len(answer.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + answer.body


def content(jws):
    part = jws.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(part + b"=="))


class Victim(Device):
    """A device all of whose traffic goes through a gateway that was broken into."""

    def __init__(self, site, folder, gateway, name=None):
        self.gateway = gateway
        self.environment = gateway.environment
        super().__init__(site, folder, name)

    def shows(self, certificate, key):
        self.gateway.shown = {"certificate": certificate, "key": key}
        return self

    def held(self):
        """What no attack may take from it or replace."""
        identity = self.identity()
        return {"guid": identity["guid"], "token": identity.get("device_token"), "key": self.key.read_bytes(),
                "in force": (self.state / "policy.json").read_text(), "settings": self.document("settings")["content"],
                "user's": (self.state / "user-policy.json").read_text()
                if (self.state / "user-policy.json").exists() else None}

    def document(self, name):
        return content((self.state / f"{name}.jws").read_bytes())

    def sequences(self):
        """By kind, and by site and key."""
        return json.loads((self.state / "sequences.json").read_text())

    def changed(self, **members):
        """By hand, in its identity; None takes a member out."""
        identity = {name: value for name, value in {**self.identity(), **members}.items() if value is not None}
        (self.state / "identity.json").write_text(json.dumps(identity))
