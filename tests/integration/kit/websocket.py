# SPDX-License-Identifier: Apache-2.0
"""WebSockets through the gateway, by python3-websockets: a server inside, and a client for each version of HTTP."""
import asyncio
import threading
from http import HTTPStatus

import h2.config
import h2.connection
import h2.events
import h2.settings
from websockets.exceptions import ConnectionClosed
from websockets.frames import OP_BINARY, OP_CLOSE, OP_TEXT, Close
from websockets.uri import parse_uri

from . import gatewayclient

try:
    from websockets.client import ClientProtocol
    from websockets.legacy.server import serve
    from websockets.protocol import Protocol, Side, State
except ImportError:  # the names of Debian 12's
    from websockets.client import ClientConnection as ClientProtocol
    from websockets.connection import Connection as Protocol, Side, State
    from websockets.server import serve

EASY = 8 * 1024 * 1024
HANDSHAKE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3, for this key


class Server:
    """Echoes; a path of its own makes it do something else. `heads`: of the handshakes; `ends`: codes of closings."""

    def __init__(self, context=None):
        self.heads, self.ends, self.open = [], [], 0
        self.scheme = "https" if context else "http"
        self.loop, self.started = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.run, args=(context,), daemon=True)
        self.thread.start()
        assert self.started.wait(10)

    def run(self, context):
        asyncio.set_event_loop(self.loop)
        starting = serve(self.handle, "127.0.0.1", 0, ssl=context, max_size=EASY, compression=None, ping_interval=None,
                         close_timeout=1, process_request=self.look, subprotocols=["echo"])
        self.server = self.loop.run_until_complete(starting)
        self.port = self.server.sockets[0].getsockname()[1]
        self.started.set()
        self.loop.run_forever()

    async def look(self, path, headers):
        self.heads.append([(name.lower(), value) for name, value in headers.raw_items()])
        return (HTTPStatus.FORBIDDEN, [("X-From-Inside", "yes")], b"not today\n") if path.endswith("/forbidden") else None

    async def handle(self, socket, path):
        self.open += 1
        try:
            if path.endswith("/leave"):
                await socket.send("bye")
                await socket.close(4001, "that was all")
            if path.endswith("/break"):
                await socket.recv()
                socket.transport.abort()
            async for message in socket:
                await socket.send(message)
        except ConnectionClosed:
            pass
        finally:
            self.ends.append(socket.close_code)
            self.open -= 1

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.port}"

    def close(self):
        async def stop():
            self.server.close()
            await self.server.wait_closed()
        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


class Socket:
    """What both clients share: frames, whole messages alone. `carry` and `more` are of the version."""

    def send(self, message):
        if isinstance(message, str):
            self.frames.send_text(message.encode())
        else:
            self.frames.send_binary(message)
        self.flush()

    def flush(self):
        for data in self.frames.data_to_send():
            if data:
                self.carry(data)

    def receive(self):
        """The next message; (code, reason) of a closing; None when the connection broke."""
        while True:
            for frame in self.frames.events_received():
                self.got.append(frame)
            if self.got:
                frame = self.got.pop(0)
                if frame.opcode == OP_CLOSE:
                    self.flush()
                    closing = Close.parse(frame.data)
                    return int(closing.code), closing.reason
                assert frame.fin and frame.opcode in (OP_TEXT, OP_BINARY)
                return frame.data.decode() if frame.opcode == OP_TEXT else bytes(frame.data)
            data = self.more()
            if not data:
                return None
            self.frames.receive_data(data)

    def leave(self, code, reason=""):
        self.frames.send_close(code, reason)
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()


class OnH1(Socket):
    def __init__(self, port, ctx, target, host, headers=(), name="localhost"):
        subprotocols = [value for name, value in headers if name == "sec-websocket-protocol"]
        headers = [header for header in headers if header[0] != "sec-websocket-protocol"]
        self.tls, self.got = gatewayclient.connect(port, ctx, name), []
        self.frames = ClientProtocol(parse_uri(f"wss://{host}{target}"), max_size=EASY,
                                       subprotocols=subprotocols or None)
        request = self.frames.connect()
        for name, value in headers:
            request.headers[name] = value
        self.frames.send_request(request)
        self.flush()
        self.head = None
        while not self.head:
            data = self.tls.recv(65536)
            assert data, "closed before an answer"
            self.frames.receive_data(data)
            events = self.frames.events_received()
            self.head, self.got = (events[0] if events else None), list(events[1:])
        self.status = self.head.status_code
        assert self.frames.handshake_exc is None or self.status != 101, self.frames.handshake_exc

    def carry(self, data):
        self.tls.sendall(data)

    def more(self):
        try:
            return self.tls.recv(65536)
        except OSError:
            return b""


class OnH2(Socket):
    """RFC 8441."""

    def __init__(self, port, ctx, target, host, headers=(), name="localhost"):
        self.session, self.got = gatewayclient.H2(port, ctx, name), []
        self.tls, self.h2 = self.session.tls, self.session.h2
        self.frames = Protocol(Side.CLIENT, state=State.OPEN, max_size=EASY)
        self.status, self.waiting, self.ended, self.reset = 0, b"", False, False
        while h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL not in self.h2.remote_settings:
            assert self.session.events() is not None
        self.stream = self.h2.get_next_available_stream_id()
        fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", target),
                  (":authority", host), ("sec-websocket-version", "13"), *headers]
        self.h2.send_headers(self.stream, fields)
        self.session.flush()
        while not self.status and not self.reset:
            self.take()

    def take(self):
        try:
            batch = self.session.events()
        except OSError:
            batch = None
        if batch is None:
            self.ended = True
        for event in batch or ():
            if isinstance(event, h2.events.ResponseReceived):
                self.head = dict(event.headers)
                self.status = int(self.head[":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.waiting += event.data
            elif isinstance(event, h2.events.StreamReset):
                self.reset = self.ended = True
            elif isinstance(event, h2.events.StreamEnded):
                self.ended = True

    def carry(self, data):
        while data:
            room = min(self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size, len(data))
            if not room:
                self.take()
                continue
            self.h2.send_data(self.stream, data[:room])
            data = data[room:]
            self.session.flush()

    def more(self):
        while not self.waiting and not self.ended:
            self.take()
        data, self.waiting = self.waiting, b""
        return data

    def body(self):
        """Of an answer that is no WebSocket."""
        while not self.ended:
            self.take()
        return self.waiting


OPEN = {gatewayclient.HTTP1: OnH1, gatewayclient.HTTP2: OnH2}
SWITCHED = {gatewayclient.HTTP1: 101, gatewayclient.HTTP2: 200}
