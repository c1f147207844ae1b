# SPDX-License-Identifier: Apache-2.0
"""What stands between a device and its gateway: something that ends TLS and starts it anew, a proxy that does not serve."""
import contextlib
import select
import socket
import ssl
import threading


class Between:
    """Listens on loopback and serves each connection in a thread, until the end of the `with`."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve_quietly, args=(connection,), daemon=True).start()

    def serve_quietly(self, connection):
        with connection, contextlib.suppress(OSError):
            self.serve(connection)


class Terminator(Between):
    """A load balancer that shows the gateway's certificate, asks for none, and passes the bytes on."""

    def __init__(self, certificate, key, port):
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.onward = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.onward.check_hostname, self.onward.verify_mode = False, ssl.CERT_NONE
        self.gateway = port

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as device, \
                socket.create_connection(("127.0.0.1", self.gateway)) as bare, \
                self.onward.wrap_socket(bare, server_hostname="localhost") as gateway:
            pump(device, gateway)


def pump(one, other):
    """Both ways, until either ends; in one thread, since a TLS connection takes no two."""
    while True:
        ready = [s for s in (one, other) if s.pending()] or select.select([one, other], [], [], 20)[0]
        if not ready:
            return
        for source in ready:
            data = read_if_any(source)
            if data == b"":
                return
            (other if source is one else one).sendall(data or b"")


def read_if_any(source):
    """None where nothing but a record of TLS itself came: a session ticket makes a connection readable, and has no bytes."""
    source.setblocking(False)
    try:
        return source.recv(65536)
    except ssl.SSLWantReadError:
        return None
    finally:
        source.setblocking(True)


class RefusingProxy(Between):
    """Wants a login whatever comes, by these methods (RFC 9110 11.7.1)."""

    def __init__(self, methods=("Basic realm=x",)):
        super().__init__()
        self.methods = "".join(f"Proxy-Authenticate: {method}\r\n" for method in methods)

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 407 Proxy Authentication Required\r\n{self.methods}Content-Length: 0\r\n\r\n".encode())
