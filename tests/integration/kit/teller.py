# SPDX-License-Identifier: Apache-2.0
"""A registered device whose requests are made by hand, to tell a management point what no client would."""
import json
import secrets

from . import pki
from .inside import signature


class Teller:
    def __init__(self, site, inside, folder):
        self.inside = inside
        self.own = pki.self_signed(folder, f"teller-{secrets.token_hex(4)}")
        bulk = site.add("token", "new")["token"].split(".", 2)[2]
        registered = json.loads(inside.register(self.own, bulk).body)
        self.guid = registered["guid"]
        self.access = json.loads(inside.sts(self.own, registered["device_token"]).body)["access_token"]

    def send(self, method, target, body=b"", signer=None, **fields):
        lines = signature(signer or self.own.private, method, target, body)
        lines.update(self.inside.asserted(self.access))
        lines.update(fields)
        return self.inside.request("ehttp", method, target, lines, body, self.inside.connector)

    def tell(self, *messages):
        return self.send("POST", "/CCM_System/state", json.dumps({"messages": messages}).encode())
