# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder: `openssl ocsp` with an index of its own."""
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
