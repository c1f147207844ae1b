# SPDX-License-Identifier: Apache-2.0
"""Another real OpenID provider beside the site: Debian's glewlwyd, which names devices and users by claims of its own."""
import contextlib
import json
import sqlite3
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import pki, programs
from .idp import ASSERTION, credential, pem_of
from .programs import until
from .servers import free_port

LIBRARIES = "/usr/lib/glewlwyd"
TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
WAIT_S = 20

CONFIGURATION = """port={port}
external_url="https://localhost:{port}"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_domain="localhost"
cookie_secure=1
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{libraries}/user"
user_middleware_module_path="{libraries}/user_middleware"
client_module_path="{libraries}/client"
user_auth_scheme_module_path="{libraries}/scheme"
plugin_module_path="{libraries}/plugin"
use_secure_connection=true
secure_connection_key_file="{key}"
secure_connection_pem_file="{certificate}"
hash_algorithm="SHA512"
database = {{ type = "sqlite3" path = "{folder}/glewlwyd.db" }};
"""


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class Glewlwyd:
    """Its clients are devices, its users have a name and a password."""

    resource = "https://cmg.example/site"

    def __init__(self, folder, devices=("laptop-1",), users=("ann",)):
        assert TABLES.is_file(), "glewlwyd is missing: run make deps"
        self.folder, self.port, self.cookie = Path(folder), free_port(), ""
        self.folder.mkdir()
        self.issuer = f"https://localhost:{self.port}/api/devices"
        self.ca = pki.Ca(self.folder, "Glewlwyd Root")
        self.tls = self.ca.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file="glewlwyd")
        self.signing = rsa.generate_private_key(65537, 2048)
        self.device_keys = {name: pki.new_key() for name in devices}
        self.process = None
        self.fill_database()
        try:
            self.start()
            self.set_up(users)
        except BaseException:
            self.stop()
            raise

    # --- the process ---

    def fill_database(self):
        with contextlib.closing(sqlite3.connect(self.folder / "glewlwyd.db")) as database:
            database.executescript(TABLES.read_text())

    def start(self):
        path = self.folder / "glewlwyd.conf"
        path.write_text(CONFIGURATION.format(port=self.port, libraries=LIBRARIES, key=self.tls.key,
                                             certificate=self.tls.path, folder=self.folder))
        with open(self.folder / "log", "ab") as log:
            self.process = programs.start(["glewlwyd", "--config-file", path], log, log)
        until("glewlwyd listens", self._signs_in, WAIT_S)

    def _signs_in(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:  # the name and password of its database's first user, in its documentation
            return self.call("POST", "/auth/", {"username": "admin", "password": "password"}) is None
        except OSError:
            return False

    def stop(self):
        programs.end(self.process)

    # --- asking it ---

    def call(self, method, path, body=None, form=None):
        data = json.dumps(body).encode() if body is not None else urllib.parse.urlencode(form).encode() if form else None
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        request = urllib.request.Request(f"https://localhost:{self.port}/api{path}", data, method=method,
                                         headers={"Content-Type": kind, "Cookie": self.cookie})
        tls = ssl.create_default_context(cafile=str(self.ca.path))
        try:
            with urllib.request.urlopen(request, context=tls, timeout=WAIT_S) as answer:
                self.cookie = (answer.headers.get("Set-Cookie") or self.cookie).split(";")[0]
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    # --- what it holds ---

    def set_up(self, users):
        self.call("POST", "/scope/", {"name": "api", "display_name": "api", "password_required": True, "scheme": {}})
        self.call("POST", "/mod/plugin/", {"module": "oidc", "name": "devices", "display_name": "devices",
                                           "enabled": True, "parameters": self.plugin()})
        for name, key in self.device_keys.items():
            self.add_client(name, ["client_credentials", "password"], key)
        for name in users:
            self.call("POST", "/user/?source=database", {
                "username": name, "password": f"secret of {name}", "email": f"{name}@example.com", "enabled": True,
                "scope": ["api", "g_profile"]})

    def plugin(self):
        kinds = {f"auth-type-{kind}-enabled": kind in ("client", "password", "id-token")
                 for kind in ("code", "token", "id-token", "none", "password", "client", "device", "refresh")}
        return {"iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": pem_of(self.signing).decode(),
                "cert": public_pem(self.signing), "access-token-duration": 3600, "refresh-token-duration": 3600,
                "code-duration": 600, "refresh-token-rolling": False, "allow-non-oidc": True, **kinds,
                "jwks-show": True, "resource-allowed": True, "resource-scope": {"api": [self.resource]},
                "resource-change-allowed": False, "request-parameter-allow": True, "client-pubkey-parameter": "pubkey", "scope": [],
                "additional-parameters": [{"user-parameter": "email", "token-parameter": "email"}], "claims": []}

    def add_client(self, name, kinds, key):
        self.call("POST", "/client/?source=database", {
            "client_id": name, "name": name, "confidential": True, "enabled": True, "scope": ["api"],
            "authorization_type": kinds, "token_endpoint_auth_method": ["private_key_jwt"],
            "pubkey": public_pem(key)})

    # --- its tokens ---

    def jwks_file(self):
        path = self.folder / "jwks.json"
        path.write_text(json.dumps(self.call("GET", "/devices/jwks")))
        return path

    def token(self, name, **form):
        now = int(time.time())
        claims = {"iss": name, "sub": name, "aud": f"{self.issuer}/token", "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
        assertion = jwt.encode(claims, self.device_keys[name], "ES256")
        return self.call("POST", "/devices/token", form={
            "client_id": name, "scope": "api", "resource": self.resource, "client_assertion_type": ASSERTION,
            "client_assertion": assertion, **form})["access_token"]

    def device_token(self, name="laptop-1"):
        """By client credentials with a key (RFC 7523)."""
        return self.token(name, grant_type="client_credentials")

    def user_token(self, user="ann", name="laptop-1"):
        """By the user's password, given to the application on that device."""
        return self.token(name, grant_type="password", username=user, password=f"secret of {user}")

    def device_certificate(self, name="laptop-1"):
        return credential(self.folder, name, self.device_keys[name])
