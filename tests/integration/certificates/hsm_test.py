# SPDX-License-Identifier: Apache-2.0
"""A site whose root and role CA are in an HSM: their keys are in no file, and it works all the same."""
import os
import pathlib
import tempfile

import pytest

from kit import programs, tpm
from kit.hsm import Hsm
from kit.servers import free_port

lacking = tpm.missing("pkcs11", "softhsm2-util", "pkcs11-tool")
pytestmark = pytest.mark.skipif(bool(lacking), reason=f"{lacking} (Debian has pkcs11-provider from 13 on)")


@pytest.fixture
def token():
    with tempfile.TemporaryDirectory() as folder:  # its own path is short enough for a socket
        yield Hsm(pathlib.Path(folder))


def cmg(token, *arguments, check=True):
    return programs.run([programs.program("cmg"), *arguments], check, env=token.environment)


def init(token, root, role_ca, check=True):
    return cmg(token, "init", "--dir", token.folder / "site", "--site", "LAB", "--mp-ehttp", f"127.0.0.1:{free_port()}",
               "--mp-ehttp-url", "https://localhost:8443", "--root-key", root, "--role-ca-key", role_ca, check=check)


def made_site(token):
    init(token, token.key("root"), token.key("role-ca"))
    configuration = token.folder / "site/mp.yaml"
    configuration.write_text(configuration.read_text() + f"hsm_files: [{token.configuration}, {token.tokens}, {token.folder / 'pin'}]\n")
    return configuration


def test_a_site_whose_root_and_role_ca_are_in_an_hsm_issues_role_certificates_and_new_signing_keys(token):
    configuration = made_site(token)
    kept = [path for path in (token.folder / "site").rglob("*.key") if "PRIVATE KEY" not in path.read_text()]
    assert sorted(path.name for path in kept) == ["role-ca.key", "root.key"]
    assert "no fault" in programs.run([programs.program("cmg-mp"), "--check-config", "--config", configuration], env=token.environment)[1]
    with open(token.folder / "mp.log", "wb") as log:
        mp = programs.start([programs.program("cmg-mp"), "--config", configuration], log, env=token.environment)
    socket = token.folder / "site/admin.sock"
    try:
        programs.until("the management point serves", socket.exists, 20)
        cmg(token, "gateway", "add", "gw1", "--host", "localhost", "--out", token.folder / "gw1.json", "--socket", socket)
        assert "key_pem" in (token.folder / "gw1.json").read_text()
        cmg(token, "keys", "new", "--dir", token.folder / "site", "--socket", socket)
    finally:
        programs.end(mp)


@pytest.mark.parametrize(("root", "role_ca", "words"), [
    ("nobody", "role-ca", ["object=nobody", "no such private key"]),
    ("root", "root", ["its issuer's key"]),
    ("p384", "role-ca", ["P-256"]),
    ("no-id", "role-ca", ["object=no-id", "public half", "--id"])])
def test_keys_that_can_not_be_a_sites_are_refused_and_no_site_is_left(token, root, role_ca, words):
    for label, curve in (("root", "prime256v1"), ("role-ca", "prime256v1"), ("p384", "secp384r1")):
        token.key(label, curve=curve)
    token.key("no-id", "--private")
    code, _, said = init(token, token.uri(root), token.uri(role_ca), check=False)
    assert code == 1 and all(word in said for word in words), said
    assert not (token.folder / "site/mp.yaml").exists()


@pytest.mark.parametrize(("pin", "mode", "words"), [("9999", 0o600, ["the PIN is not the token's"]), ("7531", 0o644, ["pin"])])
def test_a_pin_that_is_wrong_or_that_others_can_read_is_told_without_it(token, pin, mode, words):
    token.pin("other", pin, mode)
    token.key("root")
    code, _, said = init(token, token.uri("root", "other"), token.uri("root"), check=False)
    assert code == 1 and all(word in said for word in words), said
    assert pin not in said


def test_a_role_ca_whose_hsm_is_gone_is_named_by_check_config(token):
    configuration = made_site(token)
    os.rename(token.tokens, token.folder / "elsewhere")
    code, _, said = programs.run([programs.program("cmg-mp"), "--check-config", "--config", configuration], False, env=token.environment)
    assert code == 1 and "role-ca.key" in said and "object=role-ca" in said, said
