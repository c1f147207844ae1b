# SPDX-License-Identifier: Apache-2.0
"""Who gets alerts: a web server, and a mail server (Debian's aiosmtpd), on loopback."""
import email
import email.policy
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from .servers import free_port


def tls(pair):
    """`pair`: of kit.pki, for localhost; None: in clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.path, pair.key)
    return context


class Hook:
    """Keeps what was POSTed; answers with `status` (and its own address for a 302)."""

    def __init__(self, pair=None, status=200):
        self.status, self.tried, self.got = status, 0, []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.tried += 1
                if hook.status == 200:
                    hook.got.append((dict(self.headers), body))
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if pair:
            self.server.socket = tls(pair).wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if pair else 'http'}://localhost:{self.server.server_port}/hook/T0PSECRETPATH"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def alerts(self, cause=None, event=None):
        """All alerts of all messages, as they came."""
        every = [alert for _, body in list(self.got) for alert in json.loads(body)["alerts"]]
        return [a for a in every if cause in (None, a["cause"]) and event in (None, a["event"])]


class Mail:
    """Keeps mails; with `pair` it takes them over STARTTLS alone, with `login` (name, password) after that alone."""

    def __init__(self, pair=None, login=None):
        self.got = []

        def authenticate(_server, _session, _envelope, _mechanism, data):
            return AuthResult(success=(data.login.decode(), data.password.decode()) == login, handled=False)

        more = {"tls_context": tls(pair), "require_starttls": True} if pair else {}
        if login:
            more |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": bool(pair)}
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port(), **more)
        self.url = f"smtp://localhost:{self.controller.port}"

    async def handle_DATA(self, _server, _session, envelope):
        self.got.append((envelope.mail_from, envelope.rcpt_tos,
                         email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 2.0.0 Ok: queued as 4711"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()
