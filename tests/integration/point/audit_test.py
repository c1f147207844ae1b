# SPDX-License-Identifier: Apache-2.0
"""What requests of the admin API leave in the audit, whatever they ask."""
import http.client
import json
import random
import re
import socket
from pathlib import Path
from urllib.parse import quote

ROUTES = Path(__file__).parents[3] / "src/mp/admin/socket/routes.c"
CHANGES = re.findall(r'\{"(POST|PUT|PATCH|DELETE)", "(/v1/[^"]+)"', ROUTES.read_text())
UNTOLD = {"/v1/traces"}  # a question that is forgotten soon (docs/protocol/wire.md 8)
REQUESTS = 1000

NAMES = ["a", "b", "gw-x", "approval", "crl_check", "default", "%00", "ä", "x" * 300, "CON", "-", "*"]
VALUES = [None, True, False, 0, -1, 443, 2**63 - 1, 1e300, "", "a", "b", "x.example", "manual", "https://x.example/", "x: 1", "x" * 5000,
          "\u0000", [], ["a"], {}, {"a": {}}, [[["deep"]]]]
BODIES = [{"id": "a", "host": "x.example"}, {"id": "b"}, {"name": "a", "content": "x: 1"}, {"name": "a"}, {"value": "manual"}, {"value": "auto"},
          {"devices": []}, {"days": 1}, {"name": "b", "priority": 1, "settings": {}}, {"name": "a", "rule": "all"}, {"hosts": []}, {}]
MEMBERS = sorted({member for body in BODIES for member in body} | {"url", "data", "kind", "tenant", "pem", "revoke_old", "renew", "port", "uses"})


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


def body_of(chance):
    kind = chance.random()
    if kind < 0.5:
        return json.dumps(chance.choice(BODIES))
    body = dict(chance.choice(BODIES)) if kind < 0.75 else {}
    for _ in range(chance.randrange(4)):
        body[chance.choice(MEMBERS)] = chance.choice(VALUES)
    text = json.dumps(body)
    return text[:chance.randrange(len(text) + 1)] if kind > 0.95 else text


def test_each_change_of_the_admin_api_is_in_the_audit_and_nothing_else_is(own_site):
    chance, done, last = random.Random(20261130), set(), newest(own_site)
    assert len(CHANGES) > 40
    for number in range(REQUESTS):
        method, route = CHANGES[number % len(CHANGES)]
        path = re.sub(r"\*", lambda _: quote(chance.choice(NAMES), safe="%"), route)
        body = body_of(chance)
        status, text = ask(own_site, method, path, body)
        now = newest(own_site)
        assert status != 0 and status < 500, (method, path, body, status, text)
        if status < 300 and route not in UNTOLD and b'"removed":0' not in text and b'"dry_run":true' not in text:
            done.add(route)
            assert now > last, (method, path, body, status, text)
        else:
            assert now == last, (method, path, body, status, text)
        last = now
    assert len(done) >= 8, done
    assert own_site.cmg("status")["site"]
