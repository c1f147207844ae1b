# SPDX-License-Identifier: Apache-2.0
"""A device: cmg-client with a state folder of its own."""
import json
import uuid
from pathlib import Path

from . import programs
from .programs import program


class Device:
    environment = None  # of its commands; None: the test's

    def __init__(self, site, folder, name=None, enroll=True):
        self.site = site
        self.name = name or f"device-{uuid.uuid4().hex[:8]}"
        self.state = Path(folder) / self.name
        self.state.mkdir(mode=0o700)
        if enroll:
            self.must("enroll", site.report["enrollment"])
        self.must("set", f"Name={self.name}")

    def run(self, *arguments):
        """(exit code, report)."""
        code, out, err = programs.run([program("cmg-client"), *arguments, "--dir", self.state, "--json"], False,
                                      env=self.environment)
        assert out.strip(), f"cmg-client {arguments} printed nothing: {err}"
        return code, json.loads(out)

    def must(self, *arguments):
        code, report = self.run(*arguments)
        assert code == 0, report
        return report

    def must_fail(self, *arguments):
        code, report = self.run(*arguments)
        assert code == 1 and not report["ok"], (code, report)
        return report

    # --- kinds of devices ---

    def at(self, mode):
        self.must("set", f"RoleId={self.site.role(mode)}")
        return self

    def with_certificate(self, certificate, key):
        self.must("set", f"Certificate={certificate}", f"Key={key}")
        return self

    def registered_by_token(self, token_file=None):
        report = self.must("register", "--token-file", token_file or self.site.report["token_file"])
        assert report["approval"] == "approved", report
        return self

    def joined_to(self, provider, name="device-1"):
        """It gets an Entra token of its own by its certificate at the provider (RFC 7523)."""
        certificate, key = provider.device_certificate(name)
        self.must("set", f"EntraIssuer={provider.issuer}", f"EntraCA={provider.ca.path}", f"EntraClientId={name}",
                  f"EntraCertificate={certificate}", f"EntraKey={key}", f"EntraResource={provider.resource}",
                  "EntraScope=api")
        return self

    # --- what it holds ---

    def identity(self):
        return json.loads((self.state / "identity.json").read_text())

    def policies(self):
        """Name → content, as verified and stored."""
        stored = json.loads((self.state / "policy.json").read_text())
        return {policy["name"]: policy["content"] for policy in stored["policies"]}

    @property
    def guid(self):
        return self.identity()["guid"]

    @property
    def certificate(self):
        return self.state / "certificate.pem"

    @property
    def key(self):
        return self.state / "key.pem"

    def client(self):
        """Its own certificate, for requests by hand."""
        return {"certificate": self.certificate, "key": self.key}

    def log(self):
        return "".join(p.read_text() for p in sorted((self.state / "logs").glob("*.log")))
