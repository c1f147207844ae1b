# SPDX-License-Identifier: Apache-2.0
"""A server inside that speaks HTTP/2 over TLS, frame by frame: what gRPC's servers do, and what reached it."""
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings


class H2Server:
    """answer(connection, stream, fields) is called when a request has ended."""
    streams = 100  # of a connection, at most

    def __init__(self, pair, answer):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.path, pair.key)
        self.context.set_alpn_protocols(["h2"])
        self.answer, self.seen = answer, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"https://localhost:{self.listener.getsockname()[1]}"

    def serve(self):
        while True:
            try:
                bare, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connection, args=(bare,), daemon=True).start()

    def connection(self, bare):
        try:
            with self.context.wrap_socket(bare, server_side=True) as tls:
                it = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
                it.initiate_connection()
                it.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.streams})
                tls.sendall(it.data_to_send())
                while data := tls.recv(65536):
                    for event in it.receive_data(data):
                        self.take(it, event)
                    tls.sendall(it.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            pass

    def take(self, it, event):
        if isinstance(event, h2.events.RequestReceived):
            self.seen.append((event.stream_id, list(event.headers)))
        elif isinstance(event, h2.events.DataReceived):
            it.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.answer(it, event.stream_id, next(f for n, f in reversed(self.seen) if n == event.stream_id))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
