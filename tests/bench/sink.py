# SPDX-License-Identifier: Apache-2.0
"""Takes HTTP/1.1 uploads with a Content-Length as fast as Python can throw bytes away, and says how many came."""
import re
import socket
import sys
import threading

CHUNK = 1 << 20


def serve(connection):
    space, kept = bytearray(CHUNK), b""
    with connection:
        while True:
            while b"\r\n\r\n" not in kept:
                more = connection.recv(65536)
                if not more:
                    return
                kept += more
            head, _, kept = kept.partition(b"\r\n\r\n")
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            left = (int(found[1]) if found else 0) - len(kept)
            kept = b""
            while left > 0:
                n = connection.recv_into(space, min(left, CHUNK))
                if not n:
                    return
                left -= n
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
