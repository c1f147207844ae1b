# SPDX-License-Identifier: Apache-2.0
"""From a fault to health by the words that were told: the commands of a remedy are read out of the answer, what they leave open is filled in, and they
are run as they stand."""
import json
import re
import shlex
import socket
import time
import uuid

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kit import gatewayclient, pki
from kit.batch import judge
from kit.chains import ca as authority
from kit.chains import ROOT, SERVER, UNKNOWN, constraints, leaf, raw, usage
from kit.directory import PASSWORD, READER, Directory
from kit.gatewayclient import HTTP2
from kit.idp import signing_key
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"


def commands(remedy):
    """Each `cmg …` in the text, up to where the sentence goes on; what stands between quotes is a word."""
    return [found.strip() for found in re.findall(r"cmg ((?:[a-z-]+ )+(?:'[^']*'|[^;,:()'])*)", remedy)]


def follow(site, remedy, choose, settle=True, **given):
    """Runs the command that `choose` begins, with words in capitals replaced by what they stand for."""
    chosen = [c for c in commands(remedy) if choose in c]
    assert chosen, (choose, remedy)
    words = [str(given.get(word, word)) for word in shlex.split(chosen[0])]
    assert not [w for w in words if re.fullmatch(r"[A-Z]+", w) and w not in map(str, given.values())], words
    answer = site.cmg(*words)
    if settle:
        site.settle()
    return answer


def problem(site, device, target=METADATA):
    answer = gatewayclient.request(site, HTTP2, "GET", target, **device.client())
    return answer.problem() if answer.status >= 400 else None


@pytest.fixture
def added(site):
    """Takes away what a remedy added."""
    ids = []
    yield lambda answer: ids.append(answer["id"] if "id" in answer else answer["trust"][0]["id"])
    for one in ids:
        site.cmg("trust", "remove", one, check=False)  # a newer list took its place
    site.settle()


def test_from_an_unknown_ca_to_a_device_that_is_let_in(site, tmp_path, added):
    """Root, list, intermediate, a list that ended: each refusal tells the next command, until none is left."""
    root = pki.Ca(tmp_path, "Root of the remedies")
    middle = pki.Ca(tmp_path, "Middle of the remedies", root)
    device = middle.device("pc-1")
    files = {"--intermediate": middle.path, "--anchor": root.path}
    fault = problem(site, device)
    assert fault["reason"] == "incomplete_chain"
    added(follow(site, fault["remedy"], "trust add --intermediate", FILE=files["--intermediate"]))
    fault = problem(site, device)
    assert fault["reason"] == "incomplete_chain" and "a root with --anchor FILE" in fault["remedy"]
    added(site.add("trust", "add", "--anchor", files["--anchor"]))
    for ca, days in ((middle, (-9, -1)), (middle, (-1, 30)), (root, (-1, 30))):
        fault = problem(site, device)
        assert fault["reason"] in ("crl_unavailable", "crl_expired"), fault
        path = ca.crl(number=len(str(days)) + days[1], days=days, file=f"{ca.name}{days[1]}.crl")
        added(follow(site, fault["remedy"], "trust add --crl", FILE=path))
    until("the device is let in", lambda: problem(site, device) is None, 10)


def test_a_connector_that_is_known_gets_its_certificate_by_the_command_that_is_named(site, ca, tmp_path):
    code, answer = site.cmg("connector", "add", "cp1", "--cert", ca.good.path, "--out", tmp_path / "x.yaml", check=False)
    assert code != 0
    remedy = answer["error"]["remedy"]
    assert "cmg connector certificate cp1 FILE" in remedy

# --- commands, run as they were told ---


@pytest.fixture
def registered(new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    return device


def test_from_a_name_that_is_not_published_to_its_server(site, upstream):
    target = "/CCM_Proxy_MutualAuth/nowhere/x"
    ask = lambda: gatewayclient.request(site, HTTP2, "GET", target, certificate=site.pki("certificate"), key=site.pki("key"))
    fault = ask().problem()
    assert fault["reason"] == "unknown_endpoint"
    follow(site, fault["remedy"], "endpoint add", ID="nowhere", URL=upstream.url)
    until("its server answers", lambda: ask().status == 200, 10)
    site.add("endpoint", "remove", "nowhere")


def test_from_a_blocked_device_to_policy(site, registered):
    site.add("device", "block", registered.guid)
    fault = registered.must_fail("policy")
    assert fault["reason"] == "blocked"
    follow(site, fault["remedy"], "device unblock", NAME=registered.name)
    until("it is let in", lambda: registered.run("policy")[0] == 0, 10)


def test_from_a_blocked_bulk_token_to_a_registration(site, new_device, tmp_path):
    made = site.add("token", "new", "--uses", "2")
    (tmp_path / "token").write_text(made["token"])
    site.add("token", "block", made["id"])
    device = new_device().at("ehttp")
    fault = device.must_fail("register", "--token-file", tmp_path / "token")
    assert fault["reason"] == "blocked"
    follow(site, fault["remedy"], "token unblock", ID=made["id"])
    until("it registers", lambda: device.run("register", "--token-file", tmp_path / "token")[0] == 0, 10)


def test_from_a_device_that_waits_to_policy_by_what_it_is_told_itself(site, new_device):
    first = new_device().at("ehttp").registered_by_token()
    second = new_device()
    second.must("set", f"Name={first.name}")
    second.at("ehttp")
    assert second.must("register", "--token-file", site.report["token_file"])["approval"] == "pending"
    fault = second.must_fail("policy")
    assert fault["reason"] == "approval_pending"
    follow(site, fault["remedy"], "device approve")
    until("it has its policy", lambda: second.run("policy")[0] == 0, 10)


def test_from_devices_that_wait_to_none_by_what_the_status_tells(site, new_device):
    first = new_device().at("ehttp").registered_by_token()
    second = new_device()
    second.must("set", f"Name={first.name}")
    second.at("ehttp").must("register", "--token-file", site.report["token_file"])
    waiting = lambda: next((p for p in site.cmg("status")["problems"] if p["cause"] == "approval_pending"), None)
    while problem := waiting():
        guid = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", problem["found"])[0]
        follow(site, problem["remedy"], "device approve", GUID=guid)
    assert second.must("policy")["ok"]


def test_from_settings_that_forbid_the_gateway_to_policy(site, registered):
    site.cmg("collection", "add", "forbidden", "--device", registered.guid)
    site.cmg("settings", "client", "set", "never", "--collection", "forbidden", "--priority", "1", "allow_cmg=no")
    site.settle()
    try:
        until("it is refused", lambda: registered.run("policy")[0] == 1, 10)
        fault = registered.must_fail("policy")
        assert fault["reason"] == "cmg_disallowed"
        won = follow(site, fault["remedy"], "settings resultant", DEVICE=registered.guid)
        name = next(s["winner"]["from"] for s in won["settings"] if s["name"] == "allow_cmg")
        assert "never" in name
        follow(site, fault["remedy"], "settings client set", NAME="never")
        until("it is let in", lambda: registered.run("policy")[0] == 0, 10)
    finally:
        site.cmg("settings", "client", "remove", "never", check=False)
        site.cmg("collection", "remove", "forbidden", check=False)


class Tenant:
    """An issuer that nobody ever asks: its keys are given as a file."""

    def __init__(self, folder):
        self.issuer, self.audience, self.file = f"https://{uuid.uuid4()}.example", "https://cmg.example/site", folder / "jwks.json"
        self.key, jwk = signing_key("k1")
        self.file.write_text(json.dumps({"keys": [{n: jwk[n] for n in ("kty", "use", "alg", "kid", "n", "e")}]}))

    def token(self):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.audience, "iat": now, "nbf": now, "exp": now + 3600, "jti": str(uuid.uuid4()),
                  "deviceid": str(uuid.uuid4())}
        return jwt.encode(claims, self.key, "RS256", {"kid": "k1", "typ": "at+jwt"})

    def refusal(self, site):
        answer = gatewayclient.request(site, HTTP2, "POST", f"/CCM_Proxy_ServerAuth/{site.role('ehttp')}/CCM_STS",
                                       [("Authorization", f"Bearer {self.token()}")], b"")
        return answer.problem() if answer.headers.get("cmg-status-text", "").startswith("CMGService_") else None


def test_from_a_tenant_that_nobody_onboarded_to_one_that_is_and_again_when_it_is_switched_off(site, tmp_path):
    tenant = Tenant(tmp_path)
    fault = tenant.refusal(site)
    assert fault["reason"] in ("wrong_issuer", "unknown_tenant"), fault
    follow(site, fault["remedy"], "tenant add", ID="remedied", URL=tenant.issuer, TEXT=tenant.audience, FILE=tenant.file)
    try:
        until("its tokens are taken", lambda: tenant.refusal(site) is None, 10)
        site.add("tenant", "disable", "remedied")
        fault = tenant.refusal(site)
        assert fault["reason"] == "unknown_tenant", fault
        follow(site, fault["remedy"], "tenant enable", ID="remedied")
        until("its tokens are taken again", lambda: tenant.refusal(site) is None, 10)
    finally:
        site.add("tenant", "remove", "remedied")


def test_from_a_token_of_another_site_to_a_registration(site, new_device, mint, tmp_path):
    device = new_device().at("ehttp")
    foreign = mint.token("bulk", iss="urn:opencmg:OTHER")
    parts = site.cmg("token", "new")["token"].split(".", 2)
    (tmp_path / "token").write_text(f"{parts[0]}.{parts[1]}.{foreign}")
    fault = device.must_fail("register", "--token-file", tmp_path / "token")
    assert fault["reason"] == "wrong_issuer", fault
    (tmp_path / "token").write_text(follow(site, fault["remedy"], "token new")["token"])
    assert device.must("register", "--token-file", tmp_path / "token")["approval"] == "approved"


def test_from_a_token_that_counts_no_longer_to_policy(site, registered, mint, tmp_path):
    """Another copy of the device renewed it behind this one's back."""
    identity = registered.identity()
    certificate = x509.load_pem_x509_certificate(registered.certificate.read_bytes())
    identity["device_token"] = mint.token("device", certificate, sub=registered.guid)
    del identity["access_token"]
    (registered.state / "identity.json").write_text(json.dumps(identity))
    fault = registered.must_fail("policy")
    assert fault["reason"] == "revoked" and "cmg-client register" in fault["remedy"]
    (tmp_path / "token").write_text(follow(site, fault["remedy"], "token new")["token"])
    registered.must("register", "--token-file", tmp_path / "token")
    assert registered.must("policy")["ok"]


def test_from_an_endpoint_with_anchors_of_its_own_to_the_device_below_another(site, ca, upstream):
    ids = {t["subject"]: t["id"] for t in site.cmg("trust", "list")["trust"] if t["kind"] == "anchor"}
    other = next(i for subject, i in ids.items() if "evaluation" in subject)  # of the device that asks whether it is reached
    own = next(i for subject, i in ids.items() if "Test Root" in subject)
    site.publish("chosen", "--url", upstream.url, "--auth", "pki", "--client-anchors", other)
    try:
        target = "/CCM_Proxy_MutualAuth/chosen/x"
        fault = problem(site, ca.good, target)
        assert fault["reason"] == "untrusted_root"
        follow(site, fault["remedy"], "endpoint set", ID="chosen", LIST=f"{other},{own}")
        until("it is let in", lambda: problem(site, ca.good, target) is None, 10)
    finally:
        site.add("endpoint", "remove", "chosen")


def test_from_a_body_over_the_limit_to_one_that_passes(site, upstream):
    site.publish("small", "--url", upstream.url, "--auth", "pki", "--max-body", "1KiB")
    try:
        send = lambda: gatewayclient.request(site, HTTP2, "POST", "/CCM_Proxy_MutualAuth/small/x", body=b"x" * 2048,
                                             certificate=site.pki("certificate"), key=site.pki("key"))
        fault = send().problem()
        assert fault["reason"] == "body"
        follow(site, fault["remedy"], "endpoint set", ID="small", SIZE="4KiB")
        until("it passes", lambda: send().status == 200, 10)
    finally:
        site.add("endpoint", "remove", "small")


def test_from_an_uploaded_list_that_ends_to_none_that_does_by_what_the_status_tells(site, tmp_path, added):
    root = pki.Ca(tmp_path, "Ending Root")
    added(site.add("trust", "add", "--anchor", root.path))
    added(site.add("trust", "add", "--crl", root.crl(number=1, days=(-9, 1))))
    told = lambda: next((p for p in site.cmg("status")["problems"] if "Ending Root" in p["found"]), None)
    fault = until("it is told", told, 10)
    assert fault["cause"] == "list_ends_soon"
    added(follow(site, fault["remedy"], "trust add --crl", FILE=root.crl(number=2, days=(-1, 300), file="next.crl")))
    assert told() is None


def test_from_a_list_in_a_directory_alone_to_a_device_that_is_let_in(own_site, tmp_path):
    """The list's place has no host, the connector no directory, the directory asks who it is, the password is wrong: each is told with what to do."""
    servers = pki.Ca(tmp_path, "Servers of the remedies")
    names = ["localhost", socket.gethostname()]  # libldap looks for the latter where the URL says localhost
    directory = Directory(tmp_path / "slapd", tls=servers.device("localhost", usage=(pki.SERVER_AUTH,), dns=names, file="server"),
                          closed_but_for=own_site.report["pki"]["ca"])
    connector, password = own_site.folder / "connector.yaml", tmp_path / "password"
    plain = connector.read_text()

    def configure(**keys):
        connector.write_text(plain + "\ndirectory:\n" + "".join(f"  {name}: {value}\n" for name, value in keys.items()))
        own_site.stop("cmg-connector")
        own_site.run("cmg-connector")
        own_site.wait_ready()

    def say(text):
        password.write_text(text + "\n")
        password.chmod(0o600)

    def told(words):
        find = lambda: next((p for p in own_site.cmg("status")["problems"] if p["cause"] == "source_failing" and words in p["found"]), None)
        return until(f"the status says {words}", find, 75)  # reports come each minute

    try:
        root = pki.Ca(tmp_path, "Root in a directory")
        crl = x509.load_pem_x509_crl(root.crl().read_bytes()).public_bytes(serialization.Encoding.DER)
        directory.publish(root.name, crl)
        device = root.device("pc-1", crl_at=["ldap:///cn=Root%20in%20a%20directory,dc=lab?certificateRevocationList?base?objectClass=cRLDistributionPoint"])
        own_site.add("trust", "add", "--anchor", root.path)
        fault = problem(own_site, device)
        assert fault["reason"] == "crl_unavailable"
        follow(own_site, fault["detail"], "--via connector")
        told("set 'directory: {servers")
        servers_keys = {"servers": f"[ldaps://localhost:{directory.tls_port}]", "ca": servers.path}
        configure(**servers_keys)
        told("set 'directory' (servers, bind)")
        say("not the reader's")
        configure(**servers_keys, bind="simple", bind_dn=READER, password_file=password)
        told("does not take the bind of 'directory'")
        say(PASSWORD)
        until("the device is let in", lambda: problem(own_site, device) is None, 75)
        told_any = lambda: [p for p in own_site.cmg("status")["problems"] if p["cause"] == "source_failing"]
        until("the status is well", lambda: not told_any(), 75)
    finally:
        directory.close()


def test_from_a_connector_whose_certificate_is_not_the_registered_one_to_health(own_site, tmp_path):
    pair = own_site.ca(tmp_path).device("another connector", file="another")
    path = own_site.folder / "connector.yaml"
    path.write_text(re.sub(r"(?m)^client_certificate:.*$", f"client_certificate: {{certificate: {pair.path}, key: {pair.key}}}",
                           path.read_text()))
    own_site.kill("cmg-connector")
    own_site.run("cmg-connector")
    told = lambda: next((p for p in own_site.cmg("status")["problems"] if p["cause"] == "connector_certificate"), None)
    fault = until("the site tells of it", told, 15)
    follow(own_site, fault["remedy"], "connector certificate", ID="cp1", FILE=pair.path)
    until("it is well", lambda: told() is None, 15)


def test_from_a_gateway_whose_certificate_was_withdrawn_to_its_tunnels(own_site, tmp_path):
    """The certificate that runs counts no more; what the status tells makes the next one."""
    own_site.cmg("gateway", "add", "gw1", "--renew", "--revoke-old", "--out", tmp_path / "lost.json")
    told = lambda: next((p for p in own_site.cmg("status")["problems"] if "was withdrawn" in p["found"]), None)
    fault = until("the connector says why", told, 20)
    assert fault["cause"] == "gateway_unreachable"
    follow(own_site, fault["remedy"], "gateway add", settle=False, ID="gw1", FILE=tmp_path / "new.json")
    own_site.kill("cmg-gateway")
    bootstrap = re.search(r"(?m)^bootstrap: *\"?([^\"\n]+)", (own_site.folder / "gateway.yaml").read_text())[1]
    (own_site.folder / bootstrap).write_bytes((tmp_path / "new.json").read_bytes())
    own_site.run("cmg-gateway")
    until("its tunnels stand", lambda: own_site.ready() and told() is None, 75)  # reports come each minute


# --- the remedy hangs on the cause (a certificate's, at hand) ---

RARE = {"a key for encryption alone": (leaf(ROOT, ku=(usage("key_encipherment"), True)), [], "wrong_usage", "digitalSignature"),
        "no clientAuth": (leaf(ROOT, eku=(x509.ExtendedKeyUsage([SERVER]), False)), [], "wrong_usage", "clientAuth"),
        "a critical extension": (leaf(ROOT, more=[(UNKNOWN, True)]), [], "constraint_violated", "without this extension"),
        "an empty list of names": (leaf(ROOT, more=[raw("2.5.29.17", b"\x30\x00", False)]), [], "constraint_violated", "in the form that the clause"),
        "a name outside of constraints": (leaf(i := authority("I", ROOT, nc=constraints([x509.DNSName("example.com")])), subject="pc.other.example"), [i],
                                          "constraint_violated", "name constraints"),
        "a device that signs": (leaf(ROOT, ku=(usage("digital_signature", "key_cert_sign"), True)), [], "constraint_violated", "keyCertSign"),
        "a device's registration": (leaf(authority("MS-Organization-Access", ROOT)), [], "incomplete_chain", "CertIssuers"),
        "a missing issuer": (leaf(authority("J", ROOT)), [], "incomplete_chain", "--intermediate FILE")}


@pytest.mark.parametrize("subject, middle, reason, words", RARE.values(), ids=RARE)
def test_what_is_told_to_do_hangs_on_the_cause(tmp_path, subject, middle, reason, words):
    (answer,), _ = judge(tmp_path, [subject.der], middle=middle)
    assert answer["reason"] == reason and words in answer["remedy"], answer
