# SPDX-License-Identifier: Apache-2.0
"""A real OpenID provider beside the site: npm's oidc-provider, which stands for a Microsoft Entra tenant by its claims."""
import base64
import json
import ssl
import subprocess
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import gatewayclient, pki
from .programs import until

HERE = Path(__file__).parent.parent / "idp"
WAIT_S = 20
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def number(n):
    return base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def signing_key(kid):
    """(private key, private JWK) for RS256."""
    key = rsa.generate_private_key(65537, 2048)
    n = key.private_numbers()
    return key, {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(n.public_numbers.n),
                 "e": number(n.public_numbers.e), "d": number(n.d), "p": number(n.p), "q": number(n.q),
                 "dp": number(n.dmp1), "dq": number(n.dmq1), "qi": number(n.iqmp)}


def public_jwk(key):
    numbers = key.public_key().public_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
        return {"kty": "EC", "crv": "P-256", "x": size(numbers.x), "y": size(numbers.y), "use": "sig", "alg": "ES256"}
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "use": "sig", "alg": "RS256"}


class Provider:
    """One tenant. Its applications (clients) are devices, but for `sign-in`, by which users sign in."""

    resource = "https://cmg.example/site"

    def __init__(self, folder, port, devices=("device-1",), lifetime=3600, tenant=None, plain_port=0):
        if not (HERE / "node_modules").is_dir():
            pytest.skip("npm's oidc-provider is not there: make deps says why")
        self.folder, self.port, self.lifetime = Path(folder), port, lifetime
        self.folder.mkdir(exist_ok=True)
        self.tenant = tenant or str(uuid.uuid4())
        self.issuer = f"https://localhost:{port}"
        self.plain_port = plain_port  # the same over http, for who fetches its keys
        self.discovery = f"http://127.0.0.1:{plain_port}/.well-known/openid-configuration"
        self.ca = pki.Ca(self.folder, "Provider Root")
        self.tls = self.ca.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file="provider")
        self.device_keys = {name: pki.new_key() for name in devices}
        self.device_ids = {name: str(uuid.uuid4()) for name in devices}
        self.process = None
        self.keys_cache_control = None  # Cache-Control of the key set
        self.kid = 0
        self.rotate()

    # --- the process ---

    def rotate(self):
        """Another signing key, and the old one is gone."""
        self.kid += 1
        self.private, self.jwk = signing_key(f"key-{self.kid}")

    def configuration(self):
        clients = [{"client_id": name, "token_endpoint_auth_method": "private_key_jwt", "redirect_uris": [],
                    "response_types": [], "grant_types": ["client_credentials"],
                    "token_endpoint_auth_signing_alg": public_jwk(key)["alg"],
                    "jwks": {"keys": [public_jwk(key)]}} for name, key in self.device_keys.items()]
        clients.append({"client_id": "sign-in", "token_endpoint_auth_method": "none", "redirect_uris": [],
                        "response_types": [], "application_type": "native",
                        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]})
        return {"port": self.port, "plain_port": self.plain_port, "issuer": self.issuer, "certificate": str(self.tls.path), "key": str(self.tls.key),
                "jwks": {"keys": [self.jwk]}, "clients": clients, "resource": self.resource, "lifetime": self.lifetime,
                "keys_cache_control": self.keys_cache_control,
                "devices": self.device_ids, "device_claims": {"tid": self.tenant, "idtyp": "app"},
                "user_claims": {"tid": self.tenant, "deviceid": next(iter(self.device_ids.values()))}}

    def start(self):
        path = self.folder / "provider.json"
        path.write_text(json.dumps(self.configuration()))
        self.log = open(self.folder / "provider.log", "ab")
        self.process = subprocess.Popen(["node", str(HERE / "server.mjs"), str(path)], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd=HERE)
        until("the provider listens", self._answers, WAIT_S)
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "provider.log").read_text()
        try:
            return self.get("/.well-known/openid-configuration")["issuer"] == self.issuer
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.log.close()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    # --- asking it ---

    def context(self):
        return ssl.create_default_context(cafile=str(self.ca.path))

    def get(self, path):
        with urllib.request.urlopen(self.issuer + path, context=self.context(), timeout=WAIT_S) as answer:
            return json.load(answer)

    def post(self, path, form):
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.issuer + path, data)
        with urllib.request.urlopen(request, context=self.context(), timeout=WAIT_S) as answer:
            return json.load(answer)

    def jwks(self):
        return self.get("/jwks")

    def jwks_file(self):
        path = self.folder / "jwks.json"
        path.write_text(json.dumps(self.jwks()))
        return path

    def device_token(self, name="device-1"):
        """By client credentials with a key (RFC 7523), as a device gets it."""
        now, key = int(time.time()), self.device_keys[name]
        claims = {"iss": name, "sub": name, "aud": self.issuer, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
        assertion = jwt.encode(claims, key, public_jwk(key)["alg"])
        return self.post("/token", {"grant_type": "client_credentials", "client_id": name, "resource": self.resource,
                                    "scope": "api", "client_assertion_type": ASSERTION,
                                    "client_assertion": assertion})["access_token"]

    def forge(self, key=None, headers=None, **claims):
        """A token as this provider would make it, but for what is given; a claim that is None is left out."""
        now = int(time.time())
        content = {"iss": self.issuer, "aud": self.resource, "iat": now, "nbf": now, "exp": now + 3600,
                   "jti": str(uuid.uuid4()), "tid": self.tenant, "deviceid": next(iter(self.device_ids.values()))}
        content = {name: value for name, value in {**content, **claims}.items() if value is not None}
        return jwt.encode(content, key or self.private, "RS256", {"kid": self.jwk["kid"], "typ": "at+jwt", **(headers or {})})

    def device_certificate(self, name="device-1"):
        return credential(self.folder, name, self.device_keys[name])


def credential(folder, name, key):
    """(certificate, key) files of a device's credential at its provider, self-signed."""
    certificate = pki.build(pki.name_of(name), key.public_key(), pki.name_of(name), key, [])
    pair = pki.save(folder, name, certificate, key)
    return pair.path, pair.key


def let_through(site, version, token, path="/CCM_STS"):
    """Does the gateway let it pass? What the management point says of the empty request does not matter."""
    answer = gatewayclient.request(site, version, "POST", f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}{path}",
                                   [("Authorization", f"Bearer {token}")])
    return not answer.headers.get("cmg-status-text", "").startswith("CMGService_")


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def knows(device, provider):
    """Enough for a user to sign in."""
    device.must("set", f"EntraIssuer={provider.issuer}", f"EntraCA={provider.ca.path}", "EntraUserClientId=sign-in",
                f"EntraResource={provider.resource}", "EntraUserScope=openid profile offline_access api")
    return device


def holds(device, token, lifetime=3600, **more):
    """As if this had come from a sign-in, without the browser."""
    path = device.state / "user.json"
    path.touch(0o600)
    path.write_text(json.dumps({"name": "", "token": token, "expires": int(time.time()) + lifetime, "site_expires": 0,
                                **more}))
    return device
