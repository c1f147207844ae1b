# SPDX-License-Identifier: Apache-2.0
"""Lists in a directory that answers nobody who does not say who they are, as Active Directory is installed: the
connector finds it by its own file, binds, and tells what the server said where that fails."""
import re
import shutil
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import conftest
from kit import gatewayclient, kerberos, pki
from kit.directory import PASSWORD, READER, Directory
from kit.gatewayclient import HTTP1
from kit.programs import until
from kit.servers import free_port

METADATA = "/CCM_Proxy_MutualAuth/ServiceMetadata"
SOON_S = 30


class Place:
    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.servers = pki.Ca(folder, "Servers")
        names = ["localhost", socket.gethostname()]  # libldap looks for the latter where the URL says localhost
        pair = self.servers.device("localhost", usage=(pki.SERVER_AUTH,), dns=names, file="server")
        self.site = conftest.running_site(folder / "site", None).take_apart()
        self.realm = None if kerberos.missing() else kerberos.Realm(folder / "realm")
        environment = {}
        if self.realm:
            environment = {**self.realm.environment, "KRB5_KTNAME": str(self.realm.keytab("ldap/localhost"))}
        self.directory = Directory(folder / "slapd", tls=pair, closed_but_for=self.site.report["pki"]["ca"], environment=environment)
        self.configuration = self.site.folder / "connector.yaml"
        self.plain = self.configuration.read_text()
        self.password = folder / "password"

    def close(self):
        conftest.end_site(self.site)
        self.directory.close()
        if self.realm:
            self.realm.close()

    def configure(self, servers=None, **more):
        """The connector with this `directory`; nothing: with none."""
        lines = {"servers": f"[{', '.join(servers or [self.secure])}]", "ca": self.servers.path, **more} if more else {}
        block = "".join(f"  {name}: {value}\n" for name, value in lines.items())
        self.configuration.write_text(self.plain + ("\ndirectory:\n" + block if block else ""))
        self.site.stop("cmg-connector")
        self.site.run("cmg-connector")
        self.site.wait_ready()

    @property
    def secure(self):
        return f"ldaps://localhost:{self.directory.tls_port}"

    def write_password(self, text, file=None):
        (file or self.password).write_text(text + "\n")
        (file or self.password).chmod(0o600)

    def root(self):
        """A trusted root, its device, and its list's place, by the name alone."""
        self.count += 1
        ca = pki.Ca(self.folder, f"Root {self.count}")
        ca.one, ca.id = ca.device(f"device-{self.count}"), f"list-{self.count}"
        der = x509.load_pem_x509_crl(ca.crl().read_bytes()).public_bytes(serialization.Encoding.DER)
        ca.there = self.directory.publish(ca.name, der)
        ca.url = re.sub("//.*?/", "///", ca.there)
        self.site.add("trust", "add", "--anchor", ca.path)
        return ca

    def add(self, ca, url=None):
        self.site.add("trust", "add", "--crl-source", ca.id, "--url", url or ca.url, "--via", "connector", "--refresh", "1s")

    def verdict(self, ca):
        answer = gatewayclient.request(self.site, HTTP1, "GET", METADATA, **ca.one.client())
        return "ok" if answer.status == 200 else answer.problem()["reason"]

    def let_in(self, ca):
        until("the list is there", lambda: self.verdict(ca) == "ok", SOON_S)

    def told(self, ca, words):
        """The problem of this source in `cmg status`, once it says so."""
        def find():
            return next((p for p in self.site.cmg("status")["problems"] if ca.id in p["found"] and words in p["found"]), None)
        return until(f"the status says {words}", find, SOON_S)


@pytest.fixture(scope="module")
def place():
    folder = conftest.temporary_folder()
    it = Place(folder)
    try:
        yield it
    finally:
        it.close()
        shutil.rmtree(folder, ignore_errors=True)


SIMPLE = {"bind": "simple", "bind_dn": f'"{READER}"'}


def test_a_password_reads_the_list_of_a_directory_that_the_url_does_not_name(place):
    place.write_password(PASSWORD)
    place.configure(password_file=place.password, **SIMPLE)
    ca = place.root()
    place.add(ca)
    place.let_in(ca)


def test_a_connection_is_secured_before_the_password_goes_over_it(place):
    place.write_password(PASSWORD)
    place.configure([f"ldap://localhost:{place.directory.port}"], start_tls="on", password_file=place.password, **SIMPLE)
    ca = place.root()
    place.add(ca)
    place.let_in(ca)


def test_the_connector_s_own_certificate_reads_the_list(place):
    place.configure(bind="external")
    ca = place.root()
    place.add(ca)
    place.let_in(ca)


def test_where_one_server_is_gone_the_next_one_is_asked(place):
    place.write_password(PASSWORD)
    place.configure([f"ldaps://localhost:{free_port()}", place.secure], password_file=place.password, **SIMPLE)
    ca = place.root()
    place.add(ca)
    place.let_in(ca)


def test_servers_that_are_all_gone_are_told_as_that(place):
    place.configure([f"ldap://localhost:{free_port()}", f"ldap://localhost:{free_port()}"], bind="none")
    ca = place.root()
    place.add(ca)
    place.told(ca, "none of the 2 servers of 'directory' answers")


def test_a_server_that_the_url_names_is_shown_neither_password_nor_certificate(place):
    place.write_password(PASSWORD)
    place.configure(password_file=place.password, **SIMPLE)
    ca = place.root()
    place.add(ca, ca.there)
    assert "set 'directory'" in place.told(ca, "(authentication required)")["found"]


def test_a_server_of_another_ca_is_not_shown_the_password(place):
    other = pki.Ca(place.folder, "Others")
    place.write_password(PASSWORD)
    place.configure(ca=other.path, password_file=place.password, **SIMPLE)
    ca = place.root()
    place.add(ca)
    place.told(ca, "Can't contact LDAP server")
    assert place.verdict(ca) == "crl_unavailable"


def test_a_wrong_password_is_told_shown_once_and_healed_by_its_file(place):
    file, before = place.folder / "wrong", place.directory.refused_binds()
    place.write_password("wrong", file)
    place.configure(password_file=file, **SIMPLE)
    ca = place.root()
    place.add(ca)
    assert "does not take the bind" in place.told(ca, "Invalid credentials")["found"]
    failures = f'cmg_source_failures{{source="{ca.id}",kind="crl"}}'
    until("it was tried again", lambda: place.site.metric(failures) >= 3, SOON_S)
    assert place.directory.refused_binds() == before + 1  # the third time is told what the first one was
    place.write_password(PASSWORD, file)
    place.let_in(ca)


@pytest.mark.skipif(bool(kerberos.missing()), reason=kerberos.missing())
@pytest.mark.parametrize("how", ["ldaps", "in clear, secured by Kerberos"])
def test_a_ticket_reads_the_list(place, monkeypatch, how):
    monkeypatch.setenv("KRB5_CONFIG", place.realm.environment["KRB5_CONFIG"])
    account = f"reader-{how[:2]}"
    servers = [place.secure if how == "ldaps" else f"ldap://localhost:{place.directory.port}"]
    place.configure(servers, bind="gssapi", keytab=place.realm.keytab(account))
    ca = place.root()
    place.add(ca)
    place.let_in(ca)
    assert f"uid={account}," in (place.directory.folder / "stderr").read_text(errors="replace")


@pytest.mark.skipif(bool(kerberos.missing()), reason=kerberos.missing())
def test_what_kerberos_says_stays_inside(place, monkeypatch):
    """It names servers."""
    monkeypatch.setenv("KRB5_CONFIG", place.realm.environment["KRB5_CONFIG"])
    place.configure([f"ldap://127.0.0.1:{place.directory.port}"], bind="gssapi", keytab=place.realm.keytab("reader-lost"))
    ca = place.root()
    place.add(ca)
    place.told(ca, "in the connector's own log")
    assert "127.0.0.1@LAB" in place.site.log("cmg-connector") and "127.0.0.1@LAB" not in place.site.log("cmg-gateway")
