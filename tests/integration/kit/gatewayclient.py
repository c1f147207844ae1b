# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand and HTTP/2 by python3-h2, over TLS with any client certificate: requests that no tool would send."""
import http.client
import json
import socket
import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

HTTP1, HTTP2 = "http/1.1", "h2"
WAIT_S = 15


@dataclass
class Answer:
    status: int
    reason: str = ""  # HTTP/1.1 only
    headers: dict = field(default_factory=dict)  # lower case names; repeated ones joined by ", "
    body: bytes = b""
    interim: list = field(default_factory=list)  # statuses of 1xx answers, HTTP/2 only

    def problem(self):
        assert self.headers.get("content-type") == "application/problem+json", (self.status, self.headers, self.body)
        return json.loads(self.body)


def context(ca, certificate=None, key=None, alpn=HTTP1):
    """certificate: the leaf, then what else is sent."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(cafile=str(ca))
    ctx.set_ciphers("DEFAULT@SECLEVEL=0")  # so that weak certificates can be shown
    ctx.set_alpn_protocols([alpn])
    if certificate:
        ctx.load_cert_chain(str(certificate), str(key))
    return ctx


def connect(port, ctx, name="localhost"):
    bare = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
    bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return ctx.wrap_socket(bare, server_hostname=name)
    except BaseException:
        bare.close()
        raise


def serial_shown(site, name="localhost"):
    """The serial number of the certificate that a new connection with this name is shown."""
    with connect(site.port, context(site.report["ca"]), name) as connection:
        return int(connection.getpeercert()["serialNumber"], 16)


def join(headers):
    joined = {}
    for name, value in headers:
        name = name.lower()
        joined[name] = joined[name] + ", " + value if name in joined else value
    return joined


# --- HTTP/1.1 ---------------------------------------------------------------------------------------------------------


def read_h1(tls, method="GET"):
    answer = http.client.HTTPResponse(tls, method=method)
    try:
        answer.begin()
        return Answer(answer.status, answer.reason, join(answer.getheaders()), answer.read())
    finally:
        answer.close()


def send_raw(port, ctx, data, method="GET"):
    """Any bytes, and the answer to them."""
    with connect(port, ctx) as tls:
        tls.sendall(data)
        return read_h1(tls, method)


class H1:
    """One connection that is kept, one request after the other."""

    def __init__(self, port, ctx, name="localhost"):
        self.tls = connect(port, ctx, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def request(self, method, target, headers=(), body=None, host="localhost"):
        self.tls.sendall(written_h1(method, target, headers, body, host))
        return read_h1(self.tls, method)


def written_h1(method, target, headers, body, host):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------


class Gentle(h2.connection.H2Connection):
    """Goes on with its streams after a GOAWAY, which python-h2 takes for the end."""

    def _receive_goaway_frame(self, frame):
        told = h2.events.ConnectionTerminated()
        told.last_stream_id, told.error_code = frame.last_stream_id, frame.error_code
        return [], [told]


class H2:
    """One connection, one stream at a time; nothing of what is sent is checked or corrected."""

    def __init__(self, port, ctx, name="localhost"):
        self.tls = connect(port, ctx, name)
        assert self.tls.selected_alpn_protocol() == HTTP2
        self.h2 = Gentle(
            h2.config.H2Configuration(client_side=True, validate_outbound_headers=False,
                                      normalize_outbound_headers=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.tls.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.tls.sendall(data)

    def events(self):
        """The next batch; None once the peer has closed."""
        data = self.tls.recv(65536)
        if not data:
            return None
        batch = self.h2.receive_data(data)
        for event in batch:
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        return batch

    def request(self, method, target, headers=(), body=None, host="localhost"):
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", host), (":path", target)]
        fields += [(name.lower(), value) for name, value in headers]
        if body is not None and not any(name.lower() == "content-length" for name, _ in headers):
            fields.append(("content-length", str(len(body))))
        self.h2.send_headers(stream, fields, end_stream=not body)
        self.flush()
        answer = Answer(0)
        done = self._send_body(stream, body or b"", answer)
        while not done:
            done = self._take(stream, self.events(), answer)
        return answer

    def _send_body(self, stream, body, answer):
        """True when the whole answer came before all of the body went."""
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
            if room == 0:
                if self._take(stream, self.events(), answer):
                    return True
                continue
            self.h2.send_data(stream, body[:room], end_stream=room == len(body))
            body = body[room:]
            self.flush()
        return False

    def _take(self, stream, batch, answer):
        assert batch is not None, "the gateway closed the connection before its answer was whole"
        for event in batch:
            if getattr(event, "stream_id", stream) != stream:
                continue
            if isinstance(event, h2.events.InformationalResponseReceived):
                answer.interim.append(int(dict(event.headers)[":status"]))
            elif isinstance(event, h2.events.ResponseReceived):
                answer.status = int(dict(event.headers)[":status"])
                answer.headers = join([h for h in event.headers if not h[0].startswith(":")])
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
            elif isinstance(event, h2.events.ConnectionTerminated):
                assert event.error_code == 0 and event.last_stream_id >= stream, f"broken off: {event}"  # else the answer comes
            elif isinstance(event, h2.events.StreamReset):
                if answer.status:
                    return True  # an early answer, then the rest of the upload is not wanted
                raise AssertionError(f"broken off: {event}")
            elif isinstance(event, h2.events.StreamEnded):
                return True
        return False


def request(site, version, method, target, headers=(), body=None, certificate=None, key=None, host=None, sni="localhost"):
    """One request on a connection of its own, whose server certificate must be for `sni`."""
    ctx = context(site.report["ca"], certificate, key, version)
    host = host or f"localhost:{site.port}"
    if version == HTTP1:
        with H1(site.port, ctx, sni) as connection:
            return connection.request(method, target, list(headers), body, host)
    with H2(site.port, ctx, sni) as connection:
        return connection.request(method, target, list(headers), body, host)
