# SPDX-License-Identifier: Apache-2.0
"""Server certificates of a public CA (ACME): the real gateway answers the challenges (tls-alpn-01, RFC 8737) of a real ACME
server, asked by the real client; and requests for a CA of one's own."""
import base64
import hashlib
import json
import os
import shutil
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from kit import acme, gatewayclient, pki, programs
from kit.programs import program, until
from kit.servers import free_port, takes_connections

WITHIN_S = 15  # files are looked at every 10 s
NAME = "gw.example.test"

needs_acme = pytest.mark.skipif(acme.why_not() is not None, reason=acme.why_not() or "")


class Gateway:
    """One that has joined and has no server certificate yet, in a folder of its own."""

    def __init__(self, site, folder):
        folder.mkdir(parents=True)
        self.folder, self.port, self.config, self.process = folder, free_port(), folder / "gateway.yaml", None
        shutil.copy(site.folder / "gateway.bootstrap.json", folder / "gateway.bootstrap.json")
        (folder / "gateway.bootstrap.json").chmod(0o600)
        self.config.write_text(
            f'listen: ["127.0.0.1:{self.port}"]\nserver_certificates: [{{certificate: gateway.pem, key: gateway.key}}]\n'
            f'bootstrap: gateway.bootstrap.json\nstate: state\nworkers: 2\nadmin_listen: "127.0.0.1:{free_port()}"\n'
            'log: {format: text, level: info, file: gateway.log}\n')

    def start(self):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = programs.start([program("cmg-gateway"), "--config", self.config], stderr)
        until("the gateway listens", lambda: takes_connections(self.port), 20)
        return self

    def end(self):
        programs.end(self.process)
        self.process = None

    def acme(self, *names):
        return self.folder.joinpath("state", "acme", *names)

    def log(self):
        return (self.folder / "gateway.log").read_text(errors="replace")

    def obtain(self, server, *hosts, directory=None, wait_s=60):
        hosts = [option for host in hosts or [NAME] for option in ("--host", host)]
        return server.certificate("--acme", *hosts, "--directory", directory or server.directory, "--email", "admin@example.test",
                                  "--agree-terms", "--config", self.config, wait_s=wait_s)

    def renew(self, server, *options):
        return server.certificate("--renew", "--config", self.config, *options)

    def certificate(self):
        return x509.load_pem_x509_certificate((self.folder / "gateway.pem").read_bytes())

    def shown(self, name=NAME):
        """What a client is shown, whoever issued it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with gatewayclient.connect(self.port, context, name) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(True))

    def trusted(self, root, name=NAME):
        """A client that trusts this root alone lets it in."""
        context = ssl.create_default_context(cadata=root.decode())
        try:
            gatewayclient.connect(self.port, context, name).close()
            return True
        except ssl.SSLCertVerificationError:
            return False

    def challenge(self, name=NAME, method="begin", digest=b"x"):
        """As the ACME client calls its hook."""
        auth = base64.urlsafe_b64encode(hashlib.sha256(digest).digest()).rstrip(b"=").decode()
        return subprocess.run([program("cmg-gateway"), method, "tls-alpn-01", name, "token", auth], check=False,
                              env={**os.environ, "CMG_GATEWAY_STATE": str(self.folder / "state")}).returncode


def knock(gateway, name, protocols):
    """(certificate, what came behind the handshake), as a CA asks; ssl.SSLError when refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    with gatewayclient.connect(gateway.port, context, name) as connection:
        assert connection.selected_alpn_protocol() == "acme-tls/1"
        return x509.load_der_x509_certificate(connection.getpeercert(True)), connection.recv(100)


def names_of(certificate):
    return certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value.get_values_for_type(x509.DNSName)


@pytest.fixture
def gateway(site, tmp_path):
    it = Gateway(site, tmp_path / "gateway")
    yield it
    it.end()


@pytest.fixture
def bare(gateway, tmp_path):
    """A gateway that runs with some certificate or other."""
    pair = pki.Ca(tmp_path, "some").device("x", usage=(pki.SERVER_AUTH,), dns="other.example.test")
    shutil.copy(pair.path, gateway.folder / "gateway.pem")
    shutil.copy(pair.key, gateway.folder / "gateway.key")
    (gateway.folder / "gateway.key").chmod(0o600)
    return gateway.start()


@pytest.fixture
def server(gateway, tmp_path):
    it = acme.Pebble(tmp_path, gateway.port)
    yield it
    it.close()


# --- the whole way ---

@needs_acme
def test_the_first_certificate_is_issued_to_a_gateway_that_had_none(gateway, server):
    code, told = gateway.obtain(server)
    assert code == 1 and "the gateway, which answers the CA, does not run" in told, told
    assert "start it" in told and "cmg-gateway certificate --renew --now" in told
    gateway.start()  # with a stand-in, which no client trusts
    assert not gateway.trusted(server.root())
    code, told = gateway.renew(server, "--now")
    assert code == 0 and "The CA issued a certificate" in told, told + server.said()[-3000:]
    until("it is shown", lambda: gateway.trusted(server.root()), WITHIN_S)
    assert names_of(gateway.shown()) == [NAME]
    assert "a challenge was answered host=gw.example.test" in gateway.log()
    assert list(gateway.acme("challenges").iterdir()) == []


@needs_acme
def test_who_can_read_a_key_of_it_is_its_owner_alone(gateway, server):
    gateway.obtain(server)
    gateway.start()
    assert gateway.obtain(server)[0] == 0
    assert gateway.acme().stat().st_mode & 0o777 == 0o700
    keys = [path for path in gateway.acme().rglob("*key*.pem")]
    assert len(keys) == 2 and not [path for path in keys if path.stat().st_mode & 0o077]
    assert (gateway.folder / "gateway.key").resolve() in keys


@needs_acme
def test_a_certificate_that_is_young_is_not_asked_for_again_and_a_new_name_is(gateway, server):
    gateway.obtain(server)
    gateway.start()
    assert gateway.obtain(server)[0] == 0
    first = gateway.certificate()
    code, told = gateway.renew(server)
    assert code == 0 and "the CA was not asked" in told
    assert gateway.certificate() == first
    code, told = gateway.obtain(server, NAME, "apps.example.test")
    assert code == 0 and set(names_of(gateway.certificate())) == {NAME, "apps.example.test"}, told
    assert [path.name for path in gateway.acme("client", NAME).iterdir()] == ["cert.pem"]  # what was replaced is gone


@needs_acme
def test_one_that_ends_soon_is_renewed_and_shown_without_a_restart(gateway, server):
    gateway.obtain(server)
    gateway.start()
    assert gateway.obtain(server)[0] == 0
    until("the first one is shown", lambda: gateway.trusted(server.root()), WITHIN_S)
    key = serialization.load_pem_private_key((gateway.folder / "gateway.key").read_bytes(), None)
    old = pki.Ca(gateway.folder, "old").device("x", usage=(pki.SERVER_AUTH,), dns=NAME, key=key, days=(-60, 20), file="old")
    gateway.acme("client", NAME, "cert.pem").write_bytes(old.path.read_bytes())
    until("the old one is shown", lambda: gateway.shown() == old.certificate, WITHIN_S)
    code, told = gateway.renew(server)
    assert code == 0 and "The CA issued a certificate" in told, told
    until("the next one is shown", lambda: gateway.trusted(server.root()), WITHIN_S)
    assert gateway.process.poll() is None


@needs_acme
def test_a_name_that_leads_elsewhere_is_refused_by_the_ca_and_told_in_words(gateway, server):
    server.lead("gone.example.test", "127.0.0.2")
    gateway.obtain(server, "gone.example.test")
    gateway.start()
    code, told = gateway.obtain(server, "gone.example.test")
    assert code == 1 and "the CA issued no certificate" in told, told
    assert "TCP port 443 is open" in told and "address record leads to this machine" in told
    assert "gone.example.test: Failed to connect to 127.0.0.2" in told, told
    assert list(gateway.acme("challenges").iterdir()) == []
    code, told = gateway.renew(server)  # CAs count failures
    assert code == 1 and "the last try failed at" in told and "--renew --now" in told, told


@needs_acme
def test_several_names_are_proven_for_one_certificate(gateway, server):
    hosts = [f"h{i}.example.test" for i in range(4)]
    gateway.obtain(server, *hosts)
    gateway.start()
    code, told = gateway.obtain(server, *hosts)
    assert code == 0 and names_of(gateway.certificate()) == hosts, told
    for host in hosts:
        assert f"host={host}" in gateway.log()


@needs_acme
def test_a_gateway_that_was_started_anew_answers_what_was_pending(gateway, server):
    gateway.obtain(server)
    gateway.start()
    assert gateway.challenge("pending.example.test") == 0
    gateway.end()
    gateway.start()
    certificate, _ = knock(gateway, "pending.example.test", ["acme-tls/1"])
    assert names_of(certificate) == ["pending.example.test"]
    assert gateway.obtain(server)[0] == 0
    gateway.end()
    gateway.start()
    assert gateway.trusted(server.root())


@needs_acme
def test_two_runs_do_not_ask_at_once(gateway, server):
    gateway.obtain(server)
    gateway.start()
    held = subprocess.Popen(["flock", "-x", gateway.acme("lock"), "sh", "-c", "echo; read x"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    try:
        held.stdout.readline()
        code, told = gateway.renew(server, "--now")
        assert code == 1 and "another run asks the CA just now" in told, told
    finally:
        held.communicate(b"\n", timeout=10)


@needs_acme
def test_a_ca_that_is_not_there_or_not_trusted_is_told(gateway, server, tmp_path):
    gateway.obtain(server)
    gateway.start()
    code, told = gateway.obtain(server, directory=f"https://localhost:{free_port()}/dir")
    assert code == 1 and "reaches the CA's directory by https" in told, told
    done = subprocess.run([program("cmg-gateway"), "certificate", "--renew", "--now", "--config", gateway.config],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "trusts its certificate" in done.stderr, done.stderr


@needs_acme
def test_certificates_that_somebody_else_put_there_stay(bare, server):
    before = (bare.folder / "gateway.pem").read_bytes()
    code, told = bare.obtain(server)
    assert code == 0, told
    assert (bare.folder / "gateway.pem").read_bytes() == before
    assert f'Next: the configuration names other server certificates, which stay: write under server_certificates' in told
    assert f'certificate: "{bare.acme("client", NAME, "cert.pem")}"' in told


def test_a_missing_client_is_told_with_what_to_install(bare, tmp_path):
    done = subprocess.run([program("cmg-gateway"), "certificate", "--acme", "--host", NAME, "--directory", "letsencrypt-staging",
                           "--email", "a@example.test", "--agree-terms", "--config", bare.config], capture_output=True, text=True,
                          check=False, timeout=30, env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1 and "uacme" in done.stderr and "apt install uacme" in done.stderr, done.stderr


@needs_acme
def test_the_site_is_told_why_there_is_no_next_certificate(own_site, tmp_path):
    server = acme.Pebble(tmp_path, own_site.port)
    try:
        asked = ("--host", "nowhere.example.test", "--directory", server.directory, "--email", "a@example.test", "--agree-terms",
                 "--config", own_site.folder / "gateway.yaml")
        server.lead("nowhere.example.test", "127.0.0.3")
        code, told = server.certificate("--acme", *asked)
        assert code == 1 and "the CA issued no certificate" in told, told

        def problem():
            return next((p for p in own_site.cmg("status")["problems"] if p["cause"] == "certificate_not_issued"), None)
        found = until("status tells of it", problem, 40)
        assert found["of"] == "gw1" and "the CA issued no certificate" in found["found"]
        assert "certificate --renew --now" in found["remedy"]
        server.lead("nowhere.example.test", "127.0.0.1")
        code, told = server.certificate("--renew", "--now", "--config", own_site.folder / "gateway.yaml")
        assert code == 0, told
        until("it is gone", lambda: not problem(), 40)
    finally:
        server.close()


# --- strangers ---

def test_who_asks_for_a_challenge_with_nothing_pending_is_refused_as_by_any_unknown_protocol(bare):
    def refused(name, protocols):
        with pytest.raises(ssl.SSLError) as told:
            knock(bare, name, protocols)
        return str(told.value).split(" (_ssl")[0]
    usual = refused(NAME, ["unknown/1"])
    assert "no application protocol" in usual
    assert [refused(name, ["acme-tls/1"]) for name in (NAME, "other.example.test", None, "127.0.0.1")] == [usual] * 4
    assert bare.challenge() == 0
    assert refused("other.example.test", ["acme-tls/1"]) == usual
    assert knock(bare, NAME, ["acme-tls/1"])
    assert bare.challenge(method="done") == 0
    assert refused(NAME, ["acme-tls/1"]) == usual


def test_several_that_are_pending_are_each_answered_by_their_own_name(bare):
    names = [f"h{i}.example.test" for i in range(3)]
    assert [bare.challenge(name, digest=name.encode()) for name in names] == [0, 0, 0]
    assert [names_of(knock(bare, name, ["acme-tls/1"])[0]) for name in names] == [[name] for name in names]
    assert bare.challenge(names[0], "failed") == 0
    with pytest.raises(ssl.SSLError):
        knock(bare, names[0], ["acme-tls/1"])
    assert names_of(knock(bare, names[1], ["acme-tls/1"])[0]) == [names[1]]


def test_who_offers_other_protocols_beside_is_served_as_ever(bare):
    assert bare.challenge() == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for protocols in (["acme-tls/1", "http/1.1"], ["http/1.1"]):
        context.set_alpn_protocols(protocols)
        with gatewayclient.connect(bare.port, context, NAME) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
            assert names_of(x509.load_der_x509_certificate(connection.getpeercert(True))) == ["other.example.test"]


def test_the_answer_is_the_certificate_of_the_rfc_and_then_the_end(bare):
    assert bare.challenge(digest=b"one") == 0
    certificate, behind = knock(bare, NAME.upper(), ["acme-tls/1"])
    assert behind == b""
    assert names_of(certificate) == [NAME] and certificate.issuer == certificate.subject
    identifier = next(e for e in certificate.extensions if e.oid.dotted_string == "1.3.6.1.5.5.7.1.31")
    assert identifier.critical and identifier.value.value == b"\x04\x20" + hashlib.sha256(b"one").digest()


def test_the_hook_takes_no_other_challenge_and_no_other_name(bare):
    for arguments in (["begin", "http-01", NAME, "t", "a"], ["begin", "dns-01", NAME, "t", "a"], ["begin"],
                      ["begin", "tls-alpn-01", "../../x", "t", "a" * 43], ["begin", "tls-alpn-01", NAME, "t", "short"]):
        done = subprocess.run([program("cmg-gateway"), *arguments], capture_output=True, check=False,
                              env={**os.environ, "CMG_GATEWAY_STATE": str(bare.folder / "state")})
        assert done.returncode == 1, arguments
    assert not bare.acme("challenges").exists() or list(bare.acme("challenges").iterdir()) == []


# --- what is asked for ---

@pytest.mark.parametrize("options, words", [
    ([], "--acme"), (["--acme", "--renew"], "--acme"), (["--acme"], "--host NAME is missing"),
    (["--acme", "--host", NAME], "--directory is missing"),
    (["--acme", "--host", NAME, "--directory", "letsencrypt"], "--email ADDRESS is missing"),
    (["--acme", "--host", NAME, "--directory", "letsencrypt", "--email", "a@b.test"], "--agree-terms is missing"),
])
def test_what_is_missing_is_told_before_anything_is_asked(options, words):
    code, _, told = programs.run([program("cmg-gateway"), "certificate", *options], False)
    assert code == 2 and words in told and "certificate --help" in told


@pytest.mark.parametrize("host, directory, email, words", [
    ("10.0.0.1", "letsencrypt", "a@b.test", "no DNS name"), ("*.example.test", "letsencrypt", "a@b.test", "without wildcard"),
    ("-x.test", "letsencrypt", "a@b.test", "no DNS name"), (NAME, "http://ca.example", "a@b.test", "https"),
    (NAME, "nonsense", "a@b.test", "directory"), (NAME, "letsencrypt", "-x@b.test", "no mail address"),
    (NAME, "letsencrypt", "nobody", "no mail address"),
])
def test_what_is_wrong_is_told_before_anything_is_asked(gateway, host, directory, email, words):
    code, _, told = programs.run([program("cmg-gateway"), "certificate", "--acme", f"--host={host}", f"--directory={directory}",
                                  f"--email={email}", "--agree-terms", "--config", gateway.config], False)
    assert code == 1 and words in told, told
    assert not gateway.acme().exists()


def test_who_has_not_joined_or_has_no_first_certificate_is_told_what_comes_before(gateway, tmp_path):
    for config, words in ((tmp_path / "none.yaml", "cmg-gateway join"), (gateway.config, "certificate --acme")):
        code, _, told = programs.run([program("cmg-gateway"), "certificate", "--renew", "--config", config], False)
        assert code == 1 and words in told, told


# --- a CA of one's own ---

def csr(*options, check=True):
    return programs.run([program("cmg-gateway"), "csr", *options], check)


@pytest.mark.parametrize("more, kind", [([], ec.EllipticCurvePublicKey), (["--rsa"], rsa.RSAPublicKey)])
def test_a_request_names_all_hosts_and_its_key_is_private(tmp_path, more, kind):
    csr("--host", NAME, "--host", "*.Apps.test", "--key", tmp_path / "k", "--out", tmp_path / "r", *more)
    request = x509.load_pem_x509_csr((tmp_path / "r").read_bytes())
    assert request.is_signature_valid and isinstance(request.public_key(), kind)
    assert request.public_key().key_size == (3072 if more else 256)
    assert names_of(request) == [NAME, "*.apps.test"]
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_signs_and_nothing_is_written_over(tmp_path):
    csr("--host", NAME, "--key", tmp_path / "k", "--out", tmp_path / "r")
    before = (tmp_path / "k").read_bytes()
    _, out, _ = csr("--host", NAME, "--key", tmp_path / "k", "--out", tmp_path / "again")
    assert "Took the key" in out and (tmp_path / "k").read_bytes() == before
    code, _, told = csr("--host", NAME, "--key", tmp_path / "k", "--out", tmp_path / "again", check=False)
    assert code == 1 and "is there already" in told
    (tmp_path / "k").chmod(0o644)
    code, _, told = csr("--host", NAME, "--key", tmp_path / "k", "--out", tmp_path / "third", check=False)
    assert code == 1 and "chmod" in told, told


@pytest.mark.parametrize("options, code, words", [([], 2, "--key"), (["--key", "k", "--out", "r"], 1, "--host"),
                                                  (["--host", "10.0.0.1", "--key", "k", "--out", "r"], 1, "no DNS name"),
                                                  (["--host", "a.test", "--host", "A.test", "--key", "k", "--out", "r"], 1, "twice")])
def test_a_wrong_request_is_told_and_nothing_is_written(tmp_path, options, code, words):
    done = subprocess.run([program("cmg-gateway"), "csr", *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code and words in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_the_ca_signs_is_what_the_gateway_starts_with(gateway, tmp_path):
    csr("--host", NAME, "--key", gateway.folder / "gateway.key", "--out", tmp_path / "r")
    request = x509.load_pem_x509_csr((tmp_path / "r").read_bytes())
    ca = pki.Ca(tmp_path, "of one's own")
    signed = pki.build(request.subject, request.public_key(), ca.certificate.subject, ca.private,
                       [(request.extensions[0].value, False), (x509.ExtendedKeyUsage([pki.SERVER_AUTH]), False)])
    (gateway.folder / "gateway.pem").write_bytes(ca.path.read_bytes() + pki.pem_of(signed))
    code, out, err = programs.run([program("cmg-gateway"), "--check-config", "--config", gateway.config], False)
    assert code == 1 and "belongs to certificate 2 of the file: put that first" in err, out + err
    (gateway.folder / "gateway.pem").write_bytes(pki.pem_of(signed) + ca.path.read_bytes())
    code, out, err = programs.run([program("cmg-gateway"), "--check-config", "--config", gateway.config], False)
    assert code == 0, out + err
    gateway.start()
    assert gateway.trusted(ca.path.read_bytes())


def test_json_tells_what_was_done_and_what_is_left(tmp_path):
    _, out, _ = csr("--host", NAME, "--key", tmp_path / "k", "--out", tmp_path / "r", "--json")
    told = json.loads(out)
    assert told["ok"] and len(told["done"]) == 2 and len(told["todo"]) == 2
