# SPDX-License-Identifier: Apache-2.0
"""Servers that nobody here wrote, run on loopback from a temporary folder: nginx, and git's own HTTP backend."""
import contextlib
import hashlib
import os
import random
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import programs
from .programs import until

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/plain txt; application/gzip gz; }}
    default_type application/octet-stream;
    sendfile on;
    server {{
        listen 127.0.0.1:{port}{tls};
        server_name inside.example;
        root {www};
        autoindex off;
        location /packed/ {{ gzip on; gzip_min_length 1; gzip_types *; alias {www}/; }}
        location /gone/ {{ return 410 "it is gone\\n"; }}
        location /moved/ {{ return 301 https://elsewhere.example/; }}
        location /nothing/ {{ return 204; }}
    }}
}}
"""


def free_port():
    """For a program that can't be given a socket, or that a test starts later. Neither the system (32768 and above) nor `cmg
    quickstart` (20000 and above) gives it to somebody else in between."""
    while True:
        port = random.randrange(10000, 20000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def takes_connections(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Nginx:
    def __init__(self, folder, www, tls=None):
        """`tls`: certificate, key, and the CA whose client certificates are required."""
        folder.mkdir()
        self.scheme = "https" if tls else "http"
        directives = " ssl" if tls else ""
        for name, path in zip(("ssl_certificate", "ssl_certificate_key", "ssl_client_certificate"), tls or ()):
            directives += f";\n        {name} {path}"
        directives += ";\n        ssl_verify_client on" if tls else ""
        self.port = free_port()
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, www=www, port=self.port, user=user,
                                                             tls=directives))
        with open(folder / "stderr", "wb") as stderr:
            self.process = programs.start(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], stderr)
        try:
            until("nginx serves", lambda: takes_connections(self.port), 10)
        except AssertionError:
            self.close()
            raise AssertionError((folder / "stderr").read_text()) from None

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.port}"

    def close(self):
        programs.end(self.process)


# --- git http-backend -------------------------------------------------------------------------------------------------


class GitHandler(BaseHTTPRequestHandler):
    """RFC 3875 in a few lines."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        path, _, query = self.path.partition("?")
        environment = {**os.environ, "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1",
                       "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                       "CONTENT_TYPE": self.headers.get("Content-Type", ""), "REMOTE_USER": "device",
                       "REMOTE_ADDR": "127.0.0.1", "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                       "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        body = self.read_body()
        environment["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, text = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


class Serving:
    def __init__(self, handler, **attributes):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        for name, value in attributes.items():
            setattr(self.server, name, value)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://localhost:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def git_server(root):
    return Serving(GitHandler, root=root)


class SinkHandler(BaseHTTPRequestHandler):
    """Answers an upload with its length and hash."""
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        digest, length, buffer = hashlib.sha256(), 0, bytearray(1 << 20)
        left = int(self.headers["Content-Length"]) if "Content-Length" in self.headers else None
        while True:
            if left is None:
                size = int(self.rfile.readline().split(b";")[0], 16)
            else:
                size = min(left, len(buffer))
                left -= size
            taken = 0
            while taken < size:
                n = self.rfile.readinto(memoryview(buffer)[:min(len(buffer), size - taken)])
                if not n:
                    return
                digest.update(memoryview(buffer)[:n])
                taken += n
            if "Content-Length" not in self.headers:
                self.rfile.readline()
            length += size
            if size == 0:
                break
        text = f"{length} {digest.hexdigest()}\n".encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT

    def log_message(self, *arguments):
        pass


def sink():
    return Serving(SinkHandler)
