# SPDX-License-Identifier: Apache-2.0
"""What a publisher of keys may send: nothing bad of it replaces the keys that are in use, or has them fetched elsewhere."""
import json
import os
import time
import uuid

import jwt
import pytest

from kit.gatewayclient import HTTP2
from kit.idp import let_through, signing_key
from kit.programs import until
from kit.servers import Nginx, free_port

ISSUER, AUDIENCE = "https://login.example/tenant/v2.0", "api://cmg"
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")
SOON_S = 15


def public(jwk):
    return {name: value for name, value in jwk.items() if name not in PRIVATE}


class Publisher:
    """A static web server with a discovery document and a key set, and the keys of who it stands for and of an attacker."""

    def __init__(self, site, folder):
        self.site, self.www = site, folder / "keys-www"
        self.www.mkdir()
        self.private, self.jwk = signing_key("honest")
        self.attacker, self.attackers_jwk = signing_key("attacker")
        self.nginx = Nginx(folder / "keys-nginx", self.www)
        self.good()
        site.cmg("source", "add", "keys", "--kind", "oidc", "--url", f"{self.nginx.url}/discovery", "--refresh", "1s")
        site.cmg("tenant", "add", "tenant", "--issuer", ISSUER, "--audience", AUDIENCE, "--source", "keys")

    def close(self):
        self.site.cmg("tenant", "remove", "tenant")
        self.site.cmg("source", "remove", "keys")
        self.nginx.close()

    def put(self, name, text):
        beside = self.www / "new"
        beside.write_text(text if isinstance(text, str) else json.dumps(text))
        os.replace(beside, self.www / name)

    def good(self):
        self.put("jwks", {"keys": [public(self.jwk)]})
        self.put("discovery", {"issuer": ISSUER, "jwks_uri": f"{self.nginx.url}/jwks"})

    def failures(self):
        return self.site.metric('cmg_source_failures{source="keys",kind="oidc"}')

    def lets_in(self, key, kid):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "deviceid": str(uuid.uuid4()), "iat": now, "exp": now + 600}
        token = jwt.encode(claims, key, "RS256", {"kid": kid})
        return let_through(self.site, HTTP2, token)


@pytest.fixture(scope="module")
def publisher(site, folder):
    it = Publisher(site, folder)
    until("the keys are in use", lambda: it.lets_in(it.private, "honest"), SOON_S)
    yield it
    it.close()


def elsewhere(p):
    """The attacker's server has a key set of its own, and may be asked for it by nobody."""
    return {"issuer": ISSUER, "jwks_uri": f"http://localhost:{free_port()}/jwks"}


BAD_DISCOVERY = {
    "another server's keys": elsewhere,
    "the same server by another name": lambda p: {"jwks_uri": f"http://127.0.0.1:{p.nginx.port}/attackers"},
    "a file": lambda p: {"jwks_uri": f"file://{p.www}/attackers"},
    "a redirect": lambda p: {"jwks_uri": f"{p.nginx.url}/moved/attackers"},
    "no key set": lambda p: {"issuer": ISSUER},
    "a list": lambda p: [],
    "no JSON": lambda p: "<html>sign in</html>",
    "a member twice": lambda p: f'{{"jwks_uri": "{p.nginx.url}/attackers", "jwks_uri": "{p.nginx.url}/jwks"}}',
}
BAD_KEYS = {
    "none": lambda p: {"keys": []},
    "none that signs": lambda p: {"keys": [{**public(p.attackers_jwk), "use": "enc"}]},
    "a secret one": lambda p: {"keys": [{"kty": "oct", "kid": "attacker", "k": "c2VjcmV0", "alg": "HS256"}]},
    "no set": lambda p: public(p.attackers_jwk),
    "no JSON": lambda p: "",
    "half of it": lambda p: json.dumps({"keys": [public(p.attackers_jwk)]})[:-20],
    "too much of it": lambda p: {"keys": [public(p.attackers_jwk)], "x": "x" * 1024 * 1024},
}
CASES = [("discovery", name) for name in BAD_DISCOVERY] + [("jwks", name) for name in BAD_KEYS]


@pytest.mark.parametrize("document,name", CASES)
def test_a_bad_document_changes_nothing_and_a_good_one_is_taken_again(publisher, document, name):
    p = publisher
    p.put("attackers", {"keys": [public(p.attackers_jwk)]})
    p.put(document, (BAD_DISCOVERY if document == "discovery" else BAD_KEYS)[name](p))
    try:
        until("it is refused", lambda: p.failures() > 0, SOON_S)
        assert p.lets_in(p.private, "honest"), "the last good keys stay"
        assert not p.lets_in(p.attacker, "attacker")
    finally:
        p.good()
    until("the good one is fetched again", lambda: p.failures() == 0, SOON_S)
    assert p.lets_in(p.private, "honest")
    assert not p.lets_in(p.attacker, "attacker")


def test_a_key_that_is_withdrawn_counts_no_more(publisher):
    p = publisher
    p.put("jwks", {"keys": [public(p.attackers_jwk)]})  # now the issuer's own, only
    try:
        until("the old key is gone", lambda: not p.lets_in(p.private, "honest"), SOON_S)
        assert p.lets_in(p.attacker, "attacker")
    finally:
        p.good()
    until("it is back", lambda: p.lets_in(p.private, "honest"), SOON_S)


def test_a_source_that_is_not_there_or_gives_no_keys_is_refused(site):
    def add(source):
        return site.cmg("tenant", "add", "sourceless", "--issuer", "https://i.example", "--audience", "a", "--source", source,
                        check=False)
    code, answer = add("nowhere")
    assert code == 1 and "nowhere" in answer["error"]["what"] and "cmg source add" in answer["error"]["what"]
    site.cmg("source", "add", "some-list", "--url", "http://localhost:9/x.crl")
    code, answer = add("some-list")
    assert code == 1 and "kind crl" in answer["error"]["what"]
    site.cmg("source", "remove", "some-list")
