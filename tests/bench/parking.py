# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 server over TLS that answers no request until it reads a line from its standard input; then all at once. Tells
each second, as a line, how many connections and how many requests it has."""
import asyncio
import json
import ssl
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings

STREAMS = 100_000
BODY = b"x" * 1024
ANSWER = [(":status", "200"), ("content-length", str(len(BODY)))]


class Parked(asyncio.Protocol):
    everybody = set()

    def __init__(self):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS})
        self.waiting, self.blocked, self.transport = set(), set(), None

    def connection_made(self, transport):
        self.transport = transport
        self.everybody.add(self)
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, exc):
        self.everybody.discard(self)

    def data_received(self, data):
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.waiting.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.waiting.discard(event.stream_id)
            elif isinstance(event, h2.events.WindowUpdated):
                self.send_bodies()
        self.flush()

    def answer_all(self):
        for stream in self.waiting:
            self.h2.send_headers(stream, ANSWER)
        self.blocked |= self.waiting
        self.waiting = set()
        self.send_bodies()
        self.flush()

    def send_bodies(self):
        for stream in list(self.blocked):
            if self.h2.local_flow_control_window(stream) < len(BODY):
                return
            self.h2.send_data(stream, BODY, end_stream=True)
            self.blocked.discard(stream)

    def flush(self):
        self.transport.write(self.h2.data_to_send())


def answer():
    if not sys.stdin.readline():
        asyncio.get_running_loop().stop()
    for connection in list(Parked.everybody):
        connection.answer_all()


async def serve(port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    await loop.create_server(Parked, "127.0.0.1", port, ssl=context, backlog=1024)
    loop.add_reader(sys.stdin, answer)
    while True:
        print(json.dumps({"connections": len(Parked.everybody), "waiting": sum(len(c.waiting) for c in Parked.everybody)}),
              flush=True)
        await asyncio.sleep(1)


asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
