# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that certificates point to (RFC 5280 4.2.1.13): fetched from the hosts that were named for the anchor,
and nowhere else, whatever stands in a certificate."""
import http.server
import json
import shutil
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import conftest
from kit import gatewayclient, pki, programs
from kit.gatewayclient import HTTP2
from kit.programs import until

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
SOON_S = 15
LISTS_MAX = 256


class Publisher:
    """Gives what it was told to, once the gate is open, and remembers who asked for what."""

    def __init__(self):
        self.lists, self.asked, self.gate = {}, [], threading.Event()
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                outer.gate.wait(20)
                body = outer.lists.get("/many" if self.path.startswith("/many-") else self.path)
                if self.path.startswith("/moved"):
                    self.send_response(302)
                    self.send_header("Location", f"http://localhost:{outer.port}/list")
                    self.end_headers()
                    return
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://localhost:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Place:
    def __init__(self, folder):
        self.folder, self.count, self.named = folder, 0, []
        self.site = conftest.running_site(folder / "site", None).take_apart()
        self.configure("allow_targets: [loopback]\n")

    def configure(self, more):
        path = self.site.folder / "gateway.yaml"
        lines = [line for line in path.read_text().splitlines(True) if not line.startswith("allow_targets")]
        path.write_text("".join(lines) + more)
        self.restart()

    def restart(self):
        self.site.stop("cmg-gateway")
        self.site.run("cmg-gateway")
        self.site.wait_ready()

    def root(self, *hosts):
        """A trusted CA of its own for a test, whose certificates' pointers to these hosts are followed."""
        self.count += 1
        ca = pki.Ca(self.folder, f"Pointing Root {self.count}")
        options = [word for host in hosts for word in ("--fetch-host", host)]
        ca.id = self.site.add("trust", "add", "--anchor", ca.path, *options)["trust"][0]["id"]
        if hosts:
            self.named.append(ca.id)
        return ca

    def forget_hosts(self):
        """What one test's certificates point to is none of the next one's business."""
        for anchor in self.named:
            self.site.cmg("trust", "fetch-hosts", anchor)
        self.named.clear()

    def ask(self, device, version=HTTP2):
        return gatewayclient.request(self.site, version, "GET", METADATA, **device.client())

    def verdict(self, device, version=HTTP2):
        answer = self.ask(device, version)
        return "ok" if answer.status == 200 else answer.problem()["reason"]

    def let_in(self, device):
        until("its list is there", lambda: self.verdict(device) == "ok", SOON_S)

    def close(self):
        conftest.end_site(self.site)


def der(path):
    return x509.load_pem_x509_crl(path.read_bytes()).public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def place():
    path = conftest.temporary_folder()
    it = Place(path)
    yield it
    it.close()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def publisher(place):
    it = Publisher()
    yield it
    place.forget_hosts()
    it.close()


def publish(publisher, ca, path="/list", **crl):
    publisher.lists[path] = der(ca.crl(**crl))
    return publisher.url + path


def host(publisher):
    return f"localhost:{publisher.port}"


def test_a_list_that_a_certificate_points_to_is_fetched_and_obeyed(place, publisher, version):
    ca = place.root(host(publisher))
    at = [publisher.url + "/list"]
    good, bad = (ca.device(f"pointing-{place.count}-{n}", crl_at=at) for n in range(2))
    publish(publisher, ca, revoked=[bad])
    publisher.gate.clear()  # else the list may be there before the request is
    first = place.ask(good, version)
    assert first.problem()["reason"] == "crl_unavailable"
    assert f"fetched from {host(publisher)}" in first.problem()["detail"]
    publisher.gate.set()
    place.let_in(good)
    assert place.verdict(bad, version) == "revoked"
    assert publisher.asked == ["/list"], "one list, however many devices point to it"


def test_an_administrator_sees_where_it_comes_from(place, publisher):
    ca = place.root(host(publisher))
    device = ca.device("seen", crl_at=[publish(publisher, ca)])
    place.verdict(device)
    place.let_in(device)
    until("status shows it", lambda: f"{publisher.url}/list" in json.dumps(place.site.cmg("status")), SOON_S)
    code, text, _ = programs.run([programs.program("cmg"), "status", "--socket", place.site.report["admin_socket"]])
    assert f"{publisher.url}/list" in text


def test_a_host_that_was_not_named_is_not_asked_and_the_refusal_says_so(place, publisher):
    ca = place.root("crl.example.com")
    device = ca.device("unnamed", crl_at=[publish(publisher, ca)])
    problem = place.ask(device).problem()
    assert problem["reason"] == "crl_unavailable"
    assert f"does not let the list that it points to be fetched from {host(publisher)}" in problem["detail"]
    assert "cmg trust fetch-hosts" in problem["remedy"]
    assert publisher.asked == []
    place.site.cmg("trust", "fetch-hosts", ca.id, host(publisher).upper())
    place.let_in(device)


def test_what_was_named_for_one_anchor_counts_for_no_other(place, publisher):
    place.root(host(publisher))
    other = place.root()
    device = other.device("of-another", crl_at=[publish(publisher, other)])
    assert place.verdict(device) == "crl_unavailable"
    assert publisher.asked == []


def test_a_certificate_that_reaches_no_anchor_points_to_nothing(place, publisher, tmp_path):
    known = place.root(host(publisher))
    namesake = pki.Ca(tmp_path, known.name)
    device = namesake.device("forged", crl_at=[publish(publisher, namesake)])
    assert place.verdict(device) in ("untrusted_root", "incomplete_chain", "bad_signature")
    assert publisher.asked == []


@pytest.mark.parametrize("form", ["https://{host}/list", "ldap://{host}/list", "http://user@{host}/list", "http://{host}/list?q=#/list", "http://{host}/li st",
                                  "http://{host}\\@elsewhere.example/list", "http://{host}#/list", "file:///etc/passwd",
                                  "http://127.0.0.1:{port}/list", "http://localhost:1{port}/list", "http://localhost/list",
                                  "http://{host}/" + 500 * "a"])


def test_pointers_of_another_form_or_place_are_not_followed(place, publisher, form):
    ca = place.root(host(publisher))
    publish(publisher, ca)
    device = ca.device(f"form-{place.count}", crl_at=[form.format(host=host(publisher), port=publisher.port)])
    assert place.verdict(device) == "crl_unavailable"
    followed = ca.device(f"good-form-{place.count}", crl_at=[publish(publisher, ca)])
    place.verdict(followed)
    until("another one is fetched", lambda: publisher.asked, SOON_S)
    assert publisher.asked == ["/list"]


def test_a_pointer_with_a_query_is_followed(place, publisher):
    """As of EJBCA and Dogtag (RFC 5280 4.2.1.13: any HTTP URI)."""
    ca = place.root(host(publisher))
    path = "/ejbca/publicweb/webdist/certdist?cmd=crl&issuer=CN=Query,E=a@example.com?x"
    device = ca.device("query", crl_at=[publish(publisher, ca, path)])
    place.verdict(device)
    place.let_in(device)
    assert publisher.asked == [path]


@pytest.mark.parametrize("url,words", [
    ("ldap:///CN=CA,CN=CDP,DC=lab?certificateRevocationList?base", "--via connector --url 'ldap:///CN=CA,CN=CDP,DC=lab?certificateRevocationList?base'"),
    ("ldap://dc1.example.com/CN=CA", "--via connector --url 'ldap://dc1.example.com/CN=CA'"),
    ("https://{host}/list", "https is not followed"), ("http://{host}/a list.crl", "it holds blanks"),
    ("http://{host}/" + 600 * "a", "longer than 511")])


def test_a_pointer_that_is_not_followed_is_named_with_the_way_out(place, publisher, url, words):
    ca = place.root(host(publisher))
    url = url.format(host=host(publisher))
    device = ca.device(f"unfollowed-{place.count}", crl_at=[url])
    problem = place.ask(device).problem()
    assert problem["reason"] == "crl_unavailable" and words in problem["detail"] and url[:100] in problem["detail"], problem
    code, out, _ = programs.run([programs.program("cmg"), "trust", "check", "--sample", device.path, "--json", "--socket",
                                 place.site.report["admin_socket"]], False)
    assert code == 1 and words in json.loads(out)["detail"] and url[:100] in json.loads(out)["detail"], out


def test_while_a_pointer_fails_the_refusal_says_with_what(place, publisher):
    ca = place.root(host(publisher))
    device = ca.device("failing", crl_at=[publisher.url + "/nothing"])
    detail = lambda: place.ask(device).problem()["detail"]
    until("the refusal says why", lambda: f"can't be had from {host(publisher)}" in detail() and "404" in detail(), SOON_S)
    publisher.lists["/nothing"] = der(place.root().crl())  # of another CA: then it is that CA's
    device = ca.device("moved", crl_at=[publisher.url + "/moved"])
    until("the refusal says why", lambda: "redirects are not followed" in detail(), SOON_S)


def test_a_fresh_list_that_is_pointed_to_gives_way_to_its_successor_alone(place, publisher):
    ca = place.root(host(publisher))
    other = place.root()
    at = [publish(publisher, ca, number=5)]
    good, bad = (ca.device(f"kept-{place.count}-{n}", crl_at=at) for n in range(2))
    publish(publisher, ca, revoked=[bad], number=5)
    place.verdict(good)
    place.let_in(good)
    assert place.verdict(bad) == "revoked"
    log = lambda: place.site.log("cmg-gateway")
    publish(publisher, other, number=9)
    place.restart()  # asks again at once
    until("another CA's list is refused", lambda: "no successor of the list in use" in log(), SOON_S)
    publish(publisher, ca, number=4)
    place.restart()
    until("an older one is refused", lambda: "older than the list in use" in log(), SOON_S)
    assert (place.verdict(good), place.verdict(bad)) == ("ok", "revoked")
    (place.site.folder / "gateway-state" / "pointed").rename(place.site.folder / "gateway-state" / "lost")
    place.restart()
    until("the older one is known as older", lambda: "older than one that was in use before" in log(), SOON_S)
    assert place.verdict(bad) != "ok"


def test_a_redirect_is_not_followed(place, publisher):
    ca = place.root(host(publisher))
    publish(publisher, ca)
    device = ca.device("redirected", crl_at=[publisher.url + "/moved"])
    assert place.verdict(device) == "crl_unavailable"
    until("it is asked for", lambda: publisher.asked, SOON_S)
    until("the failure is told", lambda: "redirects are not followed" in place.site.log("cmg-gateway"), SOON_S)
    assert "/list" not in publisher.asked
    assert place.verdict(device) == "crl_unavailable"


def test_a_list_of_another_ca_is_not_taken(place, publisher, tmp_path):
    ca = place.root(host(publisher))
    device = ca.device("misled", crl_at=[publisher.url + "/list"])
    publish(publisher, pki.Ca(tmp_path, ca.name))
    assert place.verdict(device) == "crl_unavailable"
    until("it is asked for", lambda: publisher.asked, SOON_S)
    assert place.verdict(device) == "crl_unavailable"
    publish(publisher, ca)
    place.let_in(device)


def test_it_outlasts_its_publisher_and_a_restart(place, publisher):
    ca = place.root(host(publisher))
    device = ca.device("lasting", crl_at=[publish(publisher, ca)])
    place.verdict(device)
    place.let_in(device)
    publisher.lists.clear()
    place.restart()
    until("what was kept is used", lambda: place.verdict(device) == "ok", SOON_S)


def test_it_goes_with_the_hosts_name(place, publisher):
    ca = place.root(host(publisher))
    device = ca.device("withdrawn", crl_at=[publish(publisher, ca)])
    place.verdict(device)
    place.let_in(device)
    place.site.cmg("trust", "fetch-hosts", ca.id)
    until("its list is gone", lambda: place.verdict(device) == "crl_unavailable", SOON_S)


def test_the_gateways_own_machine_is_not_asked_unless_its_configuration_says_so(place, publisher):
    ca = place.root(host(publisher))
    device = ca.device("loopback", crl_at=[publish(publisher, ca)])
    place.configure("")
    try:
        assert place.verdict(device) == "crl_unavailable"
        until("the failure is told", lambda: "not allowed here" in place.site.log("cmg-gateway"), SOON_S)
        assert publisher.asked == []
    finally:
        place.configure("allow_targets: [loopback]\n")


@pytest.mark.parametrize("they_exist", [False, True])
def test_a_ca_that_points_to_ever_other_lists_holds_nobody_up(place, publisher, they_exist):
    """There is a maximum; who has most of them gives up one."""
    ca, honest = place.root(host(publisher)), place.root(host(publisher))
    if they_exist:
        publish(publisher, place.root(), "/many")  # good ones, that are of no use to its devices
    key = pki.new_key()
    with_lists = [ca.device(f"many-{n}", key=key, crl_at=[f"{publisher.url}/many-{n}-{k}" for k in range(8)])
                  for n in range(LISTS_MAX // 8 + 4)]
    refused = lambda: {place.verdict(device) for device in with_lists} == {"crl_unavailable"}
    until("as many as there may be were asked for", lambda: refused() and len(set(publisher.asked)) >= LISTS_MAX, 60)
    good = honest.device("honest", crl_at=[publish(publisher, honest, "/honest")])
    place.verdict(good)
    until("the honest one's list comes", lambda: place.verdict(good) == "ok", 60)
    kept = json.loads((place.site.folder / "gateway-state" / "pointed.json").read_text())
    assert len(kept) <= LISTS_MAX


@pytest.mark.parametrize("text", ["", "no host", "http://pki.example.com", "pki.example.com:0", "pki.example.com:99999",
                                  "pki.example.com/crl", "*.example.com", "[::1]"])


def test_what_is_no_host_is_told(place, text):
    ca = place.root()
    answer = place.site.cmg("trust", "fetch-hosts", ca.id, text, check=False)
    assert "is no HOST or HOST:PORT" in json.dumps(answer)


def test_the_check_of_a_sample_knows_what_gateways_will_fetch(place, publisher):
    ca = place.root()
    device = ca.device("sample", crl_at=[publish(publisher, ca)])
    command = [programs.program("cmg"), "trust", "check", "--sample", device.path, "--json", "--socket",
               place.site.report["admin_socket"]]
    check = lambda: json.loads(programs.run(command, False)[1])
    assert check()["reason"] == "crl_unavailable"
    assert f"cmg trust fetch-hosts {ca.id} {host(publisher)}" in check()["detail"]
    place.site.cmg("trust", "fetch-hosts", ca.id, host(publisher))
    assert check()["ok"] and "the list that it points to" in check()["detail"]
