# SPDX-License-Identifier: Apache-2.0
"""--check-config finds what the start would fail at, or peers would refuse: all of it at once, each with its line and what to do."""
import codecs
import re
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kit import pki, programs
from kit.programs import program, until

PROGRAMS = {"cmg-gateway": "gateway.yaml", "cmg-mp": "mp.yaml", "cmg-connector": "connector.yaml"}


@pytest.fixture
def server_ca(site, tmp_path):
    return site.ca(tmp_path)


@pytest.fixture
def changed(site):
    """(program, {old: new}) → exit code and what it said of its configuration with that put in, and the line of each."""
    made = []

    def check(name, swaps, **how):
        text = (site.folder / PROGRAMS[name]).read_text()
        for old, new in swaps.items():
            assert old in text, text
            text = text.replace(old, str(new), 1)
        file = site.folder / "changed.yaml"
        file.write_text(text)
        made.append(file)
        code, out, err = programs.run([program(name), "--check-config", "--config", file], False, **how)
        return code, out + err, lambda part: 1 + text[:text.index(str(part))].count("\n")
    yield check
    for file in made:
        file.unlink(missing_ok=True)


def server(ca, file, **more):
    return ca.device("localhost", file=file, **{"usage": (pki.SERVER_AUTH,), "dns": "localhost", **more})


def of_gateway(pair):
    return {"pki/gateway.pem": pair.path, "pki/gateway.key": pair.key}


def of_mp(site, pair):
    return {str(site.folder / "pki/mp.pem"): pair.path, str(site.folder / "pki/mp.key"): pair.key}


def faulty(ca, tmp_path):
    """(name, pair, what is told) of certificates with which no server starts."""
    good, other = server(ca, "good"), server(ca, "other")
    def with_files(name, certificate, key):
        (tmp_path / f"{name}.crt").write_bytes(certificate)
        (tmp_path / f"{name}.k").write_bytes(key)
        (tmp_path / f"{name}.k").chmod(0o600)
        return pki.Pair(good.certificate, good.private, tmp_path / f"{name}.crt", tmp_path / f"{name}.k")
    leaf, key = good.path.read_bytes(), good.key.read_bytes()
    yield with_files("anothers", leaf, other.key.read_bytes()), "another certificate's"
    yield with_files("order", ca.path.read_bytes() + leaf, key), "put that first"
    yield with_files("utf16", leaf.decode().encode("utf-16"), key), "UTF-16"
    yield with_files("empty", b"", key), "empty"
    encrypted = good.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.BestAvailableEncryption(b"secret"))
    yield with_files("encrypted", leaf, encrypted), "is an encrypted key: openssl pkey"
    yield with_files("key-in-utf16", leaf, key.decode().encode("utf-16")), "iconv -f UTF-16"
    readable = with_files("readable", leaf, key)
    readable.key.chmod(0o640)
    yield readable, "chmod 600"
    yield with_files("nothing", b"Bag Attributes\n", key), "certificate"
    yield with_files("broken-behind", leaf + leaf.replace(b"MII", b"MIJ"), key), "certificate 2"
    yield server(ca, "weak", key=rsa.generate_private_key(65537, 1024)), "key too small"


@pytest.mark.parametrize("name", ["cmg-gateway", "cmg-mp"])
def test_a_server_certificate_that_does_not_load_is_told_with_its_line(site, changed, server_ca, tmp_path, name):
    for pair, told in faulty(server_ca, tmp_path):
        code, said, line = changed(name, of_gateway(pair) if name == "cmg-gateway" else of_mp(site, pair))
        assert code == 1 and told in said and f"changed.yaml:{line(pair.path)}: " in said, (told, said)


def below(folder, ca, **how):
    """An intermediate that what it issues has behind it."""
    it = pki.Ca(folder, "Between", ca, **how)
    make = it.device
    it.device = lambda *args, **more: make(*args, **{**more, "chain": [it]})
    return it


def fetchable(ca):
    """Its issuer is not there, but it says where that is to be had, as those of public CAs do."""
    key = pki.new_key()
    at = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://pki.example/ca"))
    extensions = [(x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([pki.SERVER_AUTH]), False),
                  (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False), (x509.AuthorityInformationAccess([at]), False)]
    return pki.save(ca.folder, "fetchable", pki.build(pki.name_of("localhost"), key.public_key(), pki.name_of("Far"), ca.private,
                                                      extensions), key)


@pytest.mark.parametrize("name", ["cmg-gateway", "cmg-mp"])
@pytest.mark.parametrize("form", ["CRLF", "a byte order mark", "both", "its whole chain"])
def test_what_editors_make_of_pem_is_taken(site, changed, server_ca, tmp_path, name, form):
    pair = server(server_ca, "localhost")
    certificate, key = pair.path.read_bytes(), pair.key.read_bytes()
    if form == "its whole chain":
        certificate += server_ca.path.read_bytes()
    if form in ("CRLF", "both"):
        certificate, key = certificate.replace(b"\n", b"\r\n"), key.replace(b"\n", b"\r\n")
    if form in ("a byte order mark", "both"):
        certificate, key = codecs.BOM_UTF8 + certificate, codecs.BOM_UTF8 + key
    pair.path.write_bytes(certificate)
    pair.key.write_bytes(key)
    code, said, _ = changed(name, of_gateway(pair) if name == "cmg-gateway" else of_mp(site, pair))
    assert code == 0 and "warning" not in said, said


def test_a_management_points_certificate_that_does_not_lead_to_its_anchors_is_told(site, changed, server_ca, tmp_path):
    between = pki.Ca(tmp_path, "Between", server_ca)
    for pair in (server(between, "alone"), server(pki.Ca(tmp_path, "Stranger"), "strange")):
        code, said, line = changed("cmg-mp", of_mp(site, pair))
        assert code == 0 and f"changed.yaml:{line(pair.path)}: warning: " in said and "does not lead to `anchors`" in said, said
    code, said, _ = changed("cmg-mp", of_mp(site, server(below(tmp_path, server_ca), "whole")))
    assert code == 0 and "warning" not in said, said


@pytest.mark.parametrize("name", ["cmg-gateway", "cmg-mp"])
def test_a_server_certificate_that_clients_refuse_is_a_warning(site, changed, server_ca, tmp_path, name):
    authority = tmp_path / "authority.key"
    shutil.copy(site.folder / "pki/ca.key", authority)
    authority.chmod(0o600)
    cases = [(server(server_ca, "client-only", usage=(pki.CLIENT_AUTH,)), "serverAuth"),
             (server(server_ca, "over", days=(-9, -1)), "has expired"),
             (pki.Pair(None, None, site.folder / "pki/ca.pem", authority), "a CA's certificate"),
             (server(server_ca, "soon", days=(-9, 6)), "within 7 days"),
             (server(server_ca, "early", days=(2, 9)), "not valid yet"),
             (server(server_ca, "no-signature", digital_signature=False), "digitalSignature"),
             (server(server_ca, "no-name", dns=None), "subjectAltName"),
             (server(server_ca, "foreign-behind", chain=[pki.Ca(tmp_path, "Nobodys")]), "has not issued the one before it"),
             (server(below(tmp_path, server_ca, days=(-9, -1)), "over-behind"), "an issuer in it that has expired"),
             (fetchable(server_ca), "without its issuer")]
    for pair, told in cases:
        code, said, line = changed(name, of_gateway(pair) if name == "cmg-gateway" else of_mp(site, pair))
        assert code == 0 and f"changed.yaml:{line(pair.path)}: warning: " in said and told in said, (told, said)


def test_a_management_points_certificate_for_another_name_is_told(site, changed, server_ca):
    pair = server(server_ca, "elsewhere", dns="mp.elsewhere.example")
    code, said, line = changed("cmg-mp", of_mp(site, pair))
    assert code == 0 and f"changed.yaml:{line(pair.path)}: warning: " in said, said
    assert "'localhost'" in said and "mp.elsewhere.example" in said


@pytest.mark.parametrize("name,key", [("cmg-gateway", "state"), ("cmg-connector", "state"), ("cmg-mp", "state"),
                                      ("cmg-mp", "access_log"), ("cmg-mp", "admin_socket"), ("cmg-gateway", "file"),
                                      ("cmg-connector", "file"), ("cmg-mp", "file")])
def test_a_place_that_can_not_be_written_is_told_with_its_line(site, changed, name, key):
    text = (site.folder / PROGRAMS[name]).read_text()
    old = re.search(rf"\b{key}: ([^,}}\n]+)", text)[0]
    code, said, line = changed(name, {old: f"{key}: {site.folder}/mp.yaml/below/x"})
    assert code == 1 and key in said and "a part of its path is a file" in said, said
    assert f"changed.yaml:{line('mp.yaml/below')}: " in said, said


def test_folders_that_only_lack_are_no_fault_and_are_made_at_the_start(site, changed, tmp_path):
    swaps = {"state: ": f"state: {tmp_path}/a/b #", "file: gateway.log": f"file: {tmp_path}/c/d/gateway.log"}
    code, said, _ = changed("cmg-gateway", swaps)
    assert code == 0, said
    text = re.sub(r'"127\.0\.0\.1:\d+"|127\.0\.0\.1:\d+', '"127.0.0.1:0"', (site.folder / "changed.yaml").read_text())
    (site.folder / "changed.yaml").write_text(text)
    process = programs.start([program("cmg-gateway"), "--config", site.folder / "changed.yaml"], None)
    try:
        until("its log is written", (tmp_path / "c/d/gateway.log").exists, 10)
    finally:
        programs.end(process)


def test_an_ended_role_certificate_is_told_with_the_command_that_makes_another(site, changed, tmp_path):
    if not shutil.which("faketime"):
        pytest.skip("faketime is not here")
    file = site.folder / "gateway.yaml"
    code, out, err = programs.run(["faketime", "+900 days", program("cmg-gateway"), "--check-config", "--config", file], False)
    assert code == 1 and "expired on 20" in err and "cmg gateway add gw1 --renew" in err, out + err
    line = 1 + file.read_text()[:file.read_text().index("bootstrap:")].count("\n")
    assert f"gateway.yaml:{line}: bootstrap:" in err


def test_all_faults_are_told_at_once(site, changed, server_ca, tmp_path):
    pair, told = next(faulty(server_ca, tmp_path))
    code, said, _ = changed("cmg-gateway", {**of_gateway(pair), "gateway.bootstrap.json": "connector.bootstrap.json",
                                            "state: ": f"state: {site.folder}/mp.yaml/x #", "admin_listen: ": "admin_listen: x #"})
    assert code == 1 and all(word in said for word in (told, "bootstrap:", "state:", "admin_listen:")), said


@pytest.mark.parametrize("block,told", [
    ("servers: [\"ldaps://dc1.example.com/CN=x\"]", "is not ldaps://HOST"),
    ("servers: [\"http://dc1.example.com\"]", "is not ldaps://HOST"),
    ("servers: [\"ldaps:///\"]", "is not ldaps://HOST"),
    ("servers: [\"ldap://dc1.example.com\"]\n  bind: external", "does it over TLS"),
    ("servers: [\"ldaps://dc1.example.com\"]\n  bind: simple", "takes bind_dn and password_file"),
    ("servers: [\"ldaps://dc1.example.com\"]\n  bind_dn: CN=reader", "are for bind: simple"),
    ("servers: [\"ldaps://dc1.example.com\"]\n  bind: simple\n  bind_dn: CN=reader\n  password_file: {readable}", "chmod 600"),
    ("servers: [\"ldaps://dc1.example.com\"]\n  bind: simple\n  bind_dn: CN=reader\n  password_file: {empty}", "password_file"),
    ("servers: [\"ldap://dc1.example.com\"]\n  bind: gssapi", "takes keytab"),
    ("servers: [\"ldap://dc1.example.com\"]\n  bind: gssapi\n  keytab: {readable}", "chmod 600"),
    ("servers: [\"ldap://dc1.example.com\"]\n  keytab: {empty}", "is for bind: gssapi"),
    ("bind: none", "servers")])
def test_a_directory_that_could_not_be_asked_is_told_with_its_line(changed, tmp_path, block, told):
    for name, text, mode in (("readable", "secret", 0o640), ("empty", "", 0o600)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    text = block.format(readable=tmp_path / "readable", empty=tmp_path / "empty")
    code, said, line = changed("cmg-connector", {"bootstrap:": f"directory:\n  {text}\nbootstrap:"})
    first = line("directory:")
    assert code == 1 and told in said, said
    assert any(f"changed.yaml:{first + n}: " in said for n in range(5)), said


def test_a_directory_that_can_be_asked_is_no_fault(changed, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "password").chmod(0o600)
    block = (f"servers: [\"ldaps://dc1.example.com\", \"ldap://dc2.example.com:3268\"]\n  start_tls: on\n  bind: simple\n"
             f"  bind_dn: reader@example.com\n  password_file: {tmp_path / 'password'}")
    code, said, _ = changed("cmg-connector", {"bootstrap:": f"directory:\n  {block}\nbootstrap:"})
    assert code == 0, said
