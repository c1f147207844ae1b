# SPDX-License-Identifier: Apache-2.0
"""OCSP responders: `openssl ocsp` with an index of its own, and one that takes its time for each of many at once."""
import datetime
import http.server
import threading
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from . import pki, programs
from .programs import until
from .servers import free_port


class Responder:
    """Knows `good` and `revoked`; signs by `signer` (a Pair), or by the CA itself."""

    def __init__(self, folder, ca, good=(), revoked=(), signer=None, more=()):
        folder.mkdir()
        self.port = free_port()
        lines = [self.line("V", pair, "") for pair in good] + [self.line("R", pair, "250101000000Z") for pair in revoked]
        (folder / "index.txt").write_text("".join(lines))
        (folder / "index.txt.attr").write_text("unique_subject = no\n")
        if signer is None:
            signer = pki.save(folder, "signer", ca.certificate, ca.private)
        with open(folder / "log", "wb") as log:
            self.process = programs.start(
                ["/usr/bin/openssl", "ocsp", "-index", folder / "index.txt", "-port", self.port, "-rsigner", signer.path,
                 "-rkey", signer.key, "-CA", ca.path, *more], log)
        # A connection that says nothing would make it spin: what it prints tells that it is there.
        until("the responder waits", lambda: "waiting for OCSP" in (folder / "log").read_text(), 10)

    @staticmethod
    def line(state, pair, when):
        serial = f"{pair.certificate.serial_number:X}"
        return f"{state}\t490101000000Z\t{when}\t{serial.zfill(len(serial) + len(serial) % 2)}\tunknown\t/CN=x\n"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def close(self):
        programs.end(self.process)


class SlowResponder:
    """Says "good" of each of `devices` after `delay` seconds, however many ask."""

    def __init__(self, ca, devices, delay):
        responder, by_serial = self, {d.certificate.serial_number: d.certificate for d in devices}
        self.asked = self.connections = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                responder.connections += 1

            def do_POST(self):
                responder.asked += 1
                question = ocsp.load_der_ocsp_request(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(delay)
                now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
                body = ocsp.OCSPResponseBuilder().add_response(
                    by_serial[question.serial_number], ca.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now,
                    now + datetime.timedelta(minutes=5), None, None).responder_id(
                        ocsp.OCSPResponderEncoding.HASH, ca.certificate).sign(ca.private, hashes.SHA256()).public_bytes(
                            serialization.Encoding.DER)
                self.send_response(200)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
