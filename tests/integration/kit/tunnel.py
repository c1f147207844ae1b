# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy (CONNECT alone) with names of its own: the resolver of an office network."""
import re
import socket
import threading

WAIT_S = 20


class ConnectProxy:
    scheme = None  # of the login that it wants

    def login(self, head):
        return True

    def __init__(self, names):
        self.names, self.asked, self.heads = names, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        near.settimeout(WAIT_S)
        try:
            with near:
                head = b""
                while b"\r\n\r\n" not in head and len(head) < 65536:
                    head += near.recv(4096)
                if not self.login(head):
                    near.sendall(f"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {self.scheme}\r\n\r\n".encode())
                    return
                name, port = head.split()[1].decode().rsplit(":", 1)
                self.heads.append(head)
                self.asked.append(name)
                address = self.names.get(name)
                if not address:
                    near.sendall(b"HTTP/1.1 502 Unknown Name\r\n\r\n")
                    return
                with socket.create_connection((address, int(port)), WAIT_S) as far:
                    near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    back = threading.Thread(target=pipe, args=(far, near), daemon=True)
                    back.start()
                    pipe(near, far)
                    back.join(WAIT_S)
        except (OSError, ValueError, IndexError):
            pass


class NegotiateProxy(ConnectProxy):
    """Takes each ticket once, as Kerberos does: those that its helper program, at `helper`, prints one after the other."""
    scheme = "Negotiate"

    def __init__(self, names, folder, prints="Negotiate "):
        super().__init__(names)
        self.seen, self.lock, self.folder = set(), threading.Lock(), folder
        self.helper = folder / "ticket"
        self.helper.write_text(f"#!/bin/sh\n[ $# = 0 ] || exit 9\necho x >>{folder}/tickets\n"
                               f"echo \"{prints}$(wc -l <{folder}/tickets | sed 's/ //g')ticket\"\n")
        self.helper.chmod(0o700)

    def login(self, head):
        found = re.search(rb"\r\nProxy-Authorization: Negotiate (\d+ticket)\r\n", head)
        with self.lock:
            good = bool(found) and found[1] not in self.seen
            self.seen.add(found and found[1])
            return good


def pipe(source, to):
    """Until either end has had enough."""
    try:
        while data := source.recv(65536):
            to.sendall(data)
    except OSError:
        pass
    for end in (source, to):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
