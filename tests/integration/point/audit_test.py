# SPDX-License-Identifier: Apache-2.0
"""What requests of the admin API leave in the audit, whatever they ask."""
import http.client
import json
import random
import re
import socket
from urllib.parse import quote

from kit.programs import REPOSITORY

PATHS = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())["paths"]
CHANGES = [(method.upper(), path) for path in PATHS for method in PATHS[path] if method in ("post", "put", "patch", "delete")]
UNTOLD = {"/v1/traces"}  # what is forgotten soon
REQUESTS = 3000

OBJECTS = ["a", "b"]
NAMES = ["approval", "crl_check", "default", "%00", "ä", "x" * 300, "CON", "-", "*"]
VALUES = [None, True, False, 0, -1, 443, 2**63 - 1, 1e300, "", "a", "b", "x.example", "manual", "https://x.example/", "x: 1", "x" * 5000,
          "\u0000", [], ["a"], {}, {"a": {}}, [[["deep"]]]]
SENSIBLE = {
    "/v1/gateways": {"id": "a", "host": "x.example"}, "/v1/connectors": {"id": "b"}, "/v1/tokens": {}, "/v1/policies": {"name": "a", "content": "x: 1"},
    "/v1/collections": {"name": "b", "rules": ["name=nobody"]}, "/v1/client-settings": {"name": "a", "priority": 5, "settings": {"allow_cmg": "no"}},
    "/v1/endpoints": {"id": "a", "url": "http://localhost:9", "role": "a", "name": "a", "auth": ["pki"]}, "/v1/endpoints/{endpoint}": {"answer_s": 9},
    "/v1/sources": {"id": "a", "kind": "crl", "url": "http://127.0.0.1:1/a.crl", "via": "connector"}, "/v1/settings/{setting}": {"value": "manual"},
    "/v1/alerts": {"id": "a", "kind": "webhook", "url": "https://127.0.0.1:1/"}, "/v1/traces": {"request_id": "00000000-0000-4000-8000-000000000000"}}
MEMBERS = sorted({member for body in SENSIBLE.values() for member in body} | {"data", "users", "devices", "pem", "revoke_old", "renew", "join", "uses"})


def ask(site, method, path, body=None):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(60)
    try:
        connection.sock.connect(site.report["admin_socket"])
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def newest(site):
    events = json.loads(ask(site, "GET", "/v1/audit?limit=1")[1])["events"]
    return events[0]["id"] if events else 0


def path_of(route, chance):
    return re.sub("{.*?}", lambda _: quote(chance.choice(OBJECTS if chance.random() < 0.7 else NAMES), safe="%"), route)


def body_of(route, chance):
    body, kind = dict(SENSIBLE.get(route, {})), chance.random()
    for _ in range(0 if kind < 0.5 else chance.randrange(4)):
        body[chance.choice(MEMBERS)] = chance.choice(VALUES)
    text = json.dumps(body)
    return text[:chance.randrange(len(text) + 1)] if kind > 0.95 else text


def test_each_change_of_the_admin_api_is_in_the_audit_and_nothing_else_is(own_site):
    chance, done, last = random.Random(20261130), set(), newest(own_site)
    assert len(CHANGES) > 40
    for number in range(REQUESTS):
        method, route = CHANGES[number % len(CHANGES)]
        path, body = path_of(route, chance), body_of(route, chance)
        status, text = ask(own_site, method, path, body)
        now = newest(own_site)
        full = status == 503 and route == "/v1/traces"  # so many are asked at once, and no more
        assert full or status != 0 and status < 500, (method, path, body, status, text)
        if status < 300 and route not in UNTOLD and b'"removed":0' not in text and b'"dry_run":true' not in text:
            done.add(route)
            assert now > last, (method, path, body, status, text)
        else:
            assert now == last, (method, path, body, status, text)
        last = now
    assert {"/v1/gateways", "/v1/connectors/{connector}", "/v1/policies", "/v1/settings/{setting}", "/v1/tokens"} <= done, done
    assert own_site.cmg("status")["site"]
