# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.json: it is OpenAPI 3.1 as far as it uses it, it is what the routes' table says, and a running site answers each
request with the members that it names, and no others."""
import hashlib
import http.client
import json
import re
import socket
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jsonschema import Draft202012Validator, RefResolver

from kit import pki
from kit.device import Device
from kit.programs import REPOSITORY

DOCUMENT = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
REF = {"type": "object", "properties": {"$ref": {"type": "string", "pattern": "^#/components/(schemas|responses)/[a-z_]+$"}},
       "required": ["$ref"], "additionalProperties": False}
CONTENT = {"type": "object", "minProperties": 1, "patternProperties": {"^application/[a-z+-]+$": {
    "type": "object", "properties": {"schema": {"type": "object"}}, "required": ["schema"], "additionalProperties": False}}}
RESPONSE = {"type": "object", "properties": {"description": {"type": "string", "minLength": 1}, "content": CONTENT},
            "required": ["description"], "additionalProperties": False}
PARAMETER = {"type": "object", "properties": {"name": {"type": "string"}, "in": {"enum": ["path", "query"]}, "required": {"type": "boolean"},
                                              "schema": {"type": "object"}},
             "required": ["name", "in", "required", "schema"], "additionalProperties": False,
             "if": {"properties": {"in": {"const": "path"}}}, "then": {"properties": {"required": {"const": True}}}}
OPERATION = {"type": "object", "properties": {
    "operationId": {"type": "string", "pattern": "^[a-z_]+$"}, "summary": {"type": "string", "minLength": 5},
    "x-role": {"enum": ["reader", "operator", "administrator"]}, "parameters": {"type": "array", "items": PARAMETER},
    "requestBody": {"type": "object", "properties": {"required": {"type": "boolean"}, "content": CONTENT}, "required": ["content"],
                    "additionalProperties": False},
    "responses": {"type": "object", "patternProperties": {"^([2-5][0-9][0-9]|default)$": {"anyOf": [RESPONSE, REF]}},
                  "additionalProperties": False, "minProperties": 2}},
    "required": ["operationId", "summary", "x-role", "parameters", "responses"], "additionalProperties": False}
# OpenAPI 3.1's own structure, of the part that is used here.
OPENAPI = {"type": "object", "properties": {
    "openapi": {"type": "string", "pattern": r"^3\.1\.\d+$"},
    "info": {"type": "object", "properties": {name: {"type": "string"} for name in ("title", "version", "description")} |
             {"license": {"type": "object", "required": ["name"]}}, "required": ["title", "version"], "additionalProperties": False},
    "servers": {"type": "array", "items": {"type": "object", "required": ["url"]}},
    "paths": {"type": "object", "patternProperties": {"^/": {"type": "object", "patternProperties": {
        "^(get|put|post|delete|patch)$": OPERATION}, "additionalProperties": False}}, "additionalProperties": False},
    "components": {"type": "object", "properties": {
        "schemas": {"type": "object", "patternProperties": {"^[a-z_]+$": {"type": "object"}}, "additionalProperties": False},
        "responses": {"type": "object", "patternProperties": {"^[a-z_]+$": RESPONSE}}}, "additionalProperties": False}},
    "required": ["openapi", "info", "paths"], "additionalProperties": False}


def operations():
    """operationId → (method, path, operation)."""
    return {o["operationId"]: (method.upper(), path, o) for path, item in DOCUMENT["paths"].items() for method, o in item.items()}


def everything(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(inner)


def referred(ref):
    found = DOCUMENT
    for word in ref.removeprefix("#/").split("/"):
        found = found[word]
    return found


def test_it_is_what_the_table_of_routes_says():
    done = subprocess.run([REPOSITORY / "tools" / "openapi-doc", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_its_structure_is_openapis():
    Draft202012Validator(OPENAPI).validate(DOCUMENT)
    for value in everything(DOCUMENT):
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            assert referred(value["$ref"])
        if isinstance(value, dict) and set(value) & {"schema"}:
            Draft202012Validator.check_schema(value["schema"])
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert len(operations()) == sum(map(len, DOCUMENT["paths"].values())), "an operationId stands twice"
    for _, path, operation in operations().values():
        assert re.findall(r"{(\w+)}", path) == [p["name"] for p in operation["parameters"] if p["in"] == "path"]


# --- against a site ---


def ask(site, method, path, body, data=None):
    """(status, answer)."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(60)
    try:
        connection.sock.connect(site.report["admin_socket"])
        connection.request(method, path, json.dumps(body) if body is not None else data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


def named(schema):
    """The members that a schema names, with their own schemas; None: it does not say."""
    if "$ref" in schema:
        return named(referred(schema["$ref"]))
    parts = [schema, *schema.get("allOf", [])]
    found = [part["properties"] if "properties" in part else named(part) if "$ref" in part else None for part in parts]
    return {name: kind for part in found if part for name, kind in part.items()} or None


def not_named(schema, value, where=""):
    """What is there and the document does not tell."""
    if isinstance(value, list):
        return [bad for item in value for bad in not_named(schema.get("items", {}), item, where + "[]")]
    members = named(schema)
    if not isinstance(value, dict) or members is None:
        return []
    return [f"{where}/{name}" for name in value if name not in members] + \
        [bad for name in value if name in members for bad in not_named(members[name], value[name], f"{where}/{name}")]


class Asking:
    def __init__(self, site):
        self.site, self.asked = site, set()

    def __call__(self, name, *segments, body=None, data=None, problem=None):
        """Asks, and holds request and answer against the document. `problem`: the status of the refusal that is right here."""
        method, path, operation = operations()[name]
        self.asked.add(name)
        if body is not None:
            self.valid(operation["requestBody"]["content"]["application/json"]["schema"], body, name)
        for segment in segments:
            path = re.sub(r"{\w+}", str(segment), path, count=1)
        status, answer = ask(self.site, method, path, body, data)
        if problem:
            assert status == problem, (name, status, answer)
            self.valid({"$ref": "#/components/schemas/problem"}, answer, name)
            return answer
        assert str(status) in operation["responses"], (name, status, answer)
        told = operation["responses"][str(status)].get("content")
        assert (told is None) == (answer is None), (name, answer)
        if told:
            self.valid(told["application/json"]["schema"], answer, name)
        return answer

    @staticmethod
    def valid(schema, value, name):
        faults = [fault.message for fault in
                  Draft202012Validator(schema, resolver=RefResolver.from_schema(DOCUMENT)).iter_errors(value)]
        assert not faults and not not_named(schema, value), (name, faults, not_named(schema, value))


@pytest.fixture
def asking(own_site):
    return Asking(own_site)


def test_a_running_site_answers_each_request_with_the_members_that_it_names(own_site, asking, tmp_path):
    device = Device(own_site, tmp_path).at("ehttp").registered_by_token()
    device.must("inventory")
    roles(own_site, asking)
    tokens_and_devices(asking, device.guid)
    targeting(asking, device.guid)
    published(asking, own_site.folder / "pki" / "ca.pem")
    trusted(asking, pki.Ca(tmp_path, "Another"))
    told_and_asked(asking, own_site.folder / "pki" / "client.pem")
    asking("device_remove", device.guid)
    assert asking("device_approve", device.guid) == {"readmitted": device.guid}
    assert asking.asked == set(operations())


def roles(site, asking):
    for name, thing in (("gateway", {"id": "g9", "host": "g9.example", "port": 443}), ("connector", {"id": "c9"})):
        asking(f"{name}_add", body=thing)
        asking(f"{name}_add", body={**thing, "id": thing["id"] + "j", "join": {}})
        asking(f"{name}_add", body=thing, problem=409)
        asking(f"{name}_list")
    asking("connector_certificate", "c9", body={"certificate_pem": (site.folder / "pki" / "client.pem").read_text()})
    asking("gateway_remove", "g9")
    asking("connector_remove", "c9")
    asking("mp_list")
    asking("mp_remove", "none", problem=404)
    asking("status")
    asking("bundle")
    asking("enrollment")
    asking("keys_reload")
    asking("restore_done", problem=404)


def tokens_and_devices(asking, guid):
    token = asking("token_add", body={"uses": 2, "names": ["KIOSK-*"]})
    asking("token_add", body={"join": {"valid_s": 3600}})
    asking("token_block", token["id"])
    asking("token_unblock", token["id"])
    asking("token_list")
    asking("device_list")
    for name in ("device_get", "device_block", "device_unblock", "device_approve", "resultant", "policy_resultant",
                 "device_messages", "device_changes", "device_inventory"):
        asking(name, guid)
    asking("notify", body={"what": "policy", "device": guid})
    asking("device_remove_waiting", body={"dry_run": True})


def targeting(asking, guid):
    asking("collection_put", body={"name": "k9", "rules": ["name=LAB-*"]})
    asking("collection_device_add", "k9", guid)
    asking("collection_get", "k9")
    asking("collection_list")
    asking("client_settings_put", body={"name": "n9", "collection": "k9", "priority": 1, "settings": {"allow_cmg": True}})
    asking("client_settings_list")
    asking("client_settings_remove", "n9")
    asking("policy_put", body={"name": "p9", "content": "{}", "collections": ["k9"]})
    asking("policy_put", body={"name": "p9", "content": "{ }"})
    digest = hashlib.sha256(b"x").hexdigest()
    asking("content_file_get", digest, problem=404)
    asking("content_file_put", digest, data=b"x")
    asking("content_file_get", digest)
    asking("content_add", body={"name": "c9", "version": "1", "files": [{"path": "x", "sha256": digest}]})
    asking("content_list")
    asking("content_get", "c9", "1")
    asking("content_remove", "c9", "1")
    asking("policy_list")
    asking("policy_remove", "p9")
    asking("collection_device_remove", "k9", guid)
    asking("collection_remove", "k9")
    asking("settings_list")
    asking("setting_put", "crl_check", body={"value": "on"})


def published(asking, anchors):
    asking("endpoint_add", body={"id": "e9", "role": "e9", "url": "https://inside.example", "auth": ["pki"], "x_forwarded": True,
                                 "anchors_pem": anchors.read_text()})
    asking("endpoint_set", "e9", body={"max_body": 100, "anchors_pem": None})
    asking("endpoint_list")
    asking("endpoint_remove", "e9")


def trusted(asking, ca):
    added = asking("trust_add", body={"kind": "anchor", "data": ca.path.read_text()})
    asking("trust_add", body={"kind": "crl", "data": ca.crl().read_text()})
    asking("fetch_hosts_put", added["id"], body={"fetch_hosts": ["lists.example"]})
    asking("trust_list")
    asking("trust_remove", added["id"])
    asking("source_add", body={"id": "s9", "kind": "oidc", "url": "https://idp.example/.well-known/openid-configuration", "via": "internet"})
    asking("source_list")
    asking("tenant_add", body={"id": "t9", "issuers": ["https://idp.example"], "audiences": ["cmg"], "source": "s9"})
    asking("tenant_disable", "t9")
    asking("tenant_enable", "t9")
    asking("tenant_list")
    asking("tenant_remove", "t9")
    asking("source_remove", "s9")
    signer = pki.Ca(ca.folder, "SMS Token Signing", key=rsa.generate_private_key(65537, 2048))
    asking("endpoint_add", body={"id": "e8", "role": "e8", "url": "http://inside.example", "auth": ["token"]})
    asking("foreign_add", body={"id": "f9", "issuer": "urn:sccm:oauth2:1", "pem": signer.path.read_text(), "endpoints": ["e8"]})
    asking("foreign_list")
    asking("foreign_remove", "f9")


def told_and_asked(asking, certificate):
    asking("alert_add", body={"id": "a9", "kind": "webhook", "url": "https://localhost:1/"})
    asking("alert_test", "a9")
    asking("alert_list")
    asking("alert_remove", "a9")
    for body, name in (({"certificate_pem": certificate.read_text()}, "question_add"),
                       ({"request_id": "00000000-0000-4000-8000-000000000000"}, "trace_add")):
        asking("question_get", asking(name, body=body)["id"])
    asking("audit")
