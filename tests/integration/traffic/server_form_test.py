# SPDX-License-Identifier: Apache-2.0
"""The forms in which server certificates come: PEM and PKCS#12 are taken, anything else is refused by what it is and what to do."""
import os
import re
import signal
import ssl
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kit import gatewayclient, pki, programs
from kit.programs import until


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def ca(own_site, tmp_path):
    return own_site.ca(tmp_path)


def pair_of(ca, names, file, **more):
    return ca.device(names[0], usage=(pki.SERVER_AUTH,), dns=names, file=file, **more)


def configure(site, *blocks):
    configuration = site.folder / "gateway.yaml"
    text = ", ".join("{" + ", ".join(f"{k}: {v}" for k, v in block.items()) + "}" for block in blocks)
    configuration.write_text(re.sub(r"server_certificates: \[.*\]", f"server_certificates: [{text}]", configuration.read_text()))
    return configuration


def checked(site, *blocks):
    configuration = configure(site, *blocks)
    code, out, err = programs.run([programs.program("cmg-gateway"), "--config", configuration, "--check-config"], False)
    return code, out + err


def pem(pair):
    return {"certificate": pair.path, "key": pair.key}


def restart(site):
    site.stop("cmg-gateway")
    site.run("cmg-gateway")
    site.wait_ready()


def shown(site, name="localhost", **how):
    ctx = gatewayclient.context(site.report["ca"])
    for what, value in how.items():
        if what == "ciphers":
            ctx.maximum_version = ssl.TLSVersion.TLSv1_2
            ctx.set_ciphers(value)
    with gatewayclient.connect(site.port, ctx, name) as connection:
        return int(connection.getpeercert()["serialNumber"], 16)


def pkcs12(pair, path, password="", *more):
    openssl("pkcs12", "-export", "-in", pair.path, "-inkey", pair.key, "-out", path, "-passout", f"pass:{password}", *more)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("password", ["", "a secret"])
def test_pkcs12_is_taken_and_read_anew(own_site, ca, tmp_path, password):
    first, second = (pair_of(ca, ["localhost"], f"p12-{n}") for n in (1, 2))
    block = {"certificate": pkcs12(first, tmp_path / "server.p12", password)}
    if password:
        block["password_file"] = tmp_path / "password"
        block["password_file"].write_text(password + "\n")
        block["password_file"].chmod(0o600)
    assert checked(own_site, block)[0] == 0, checked(own_site, block)
    restart(own_site)
    assert shown(own_site) == first.certificate.serial_number
    pkcs12(second, tmp_path / "server.p12", password)
    os.kill(own_site.pid("cmg-gateway"), signal.SIGHUP)
    until("the new one is shown", lambda: shown(own_site) == second.certificate.serial_number, 5)


def test_what_can_not_be_used_is_refused_by_what_it_is(own_site, ca, tmp_path):
    good, other = pair_of(ca, ["localhost"], "good"), pair_of(ca, ["localhost"], "other")
    def made(name, *arguments):
        openssl(*arguments, "-out", tmp_path / name)
        (tmp_path / name).chmod(0o600)
        return tmp_path / name
    def text(name, data):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
        return tmp_path / name
    leaf, issuer = good.path.read_bytes(), ca.path.read_bytes()
    cases = [
        ({"certificate": pkcs12(good, tmp_path / "wanted.p12", "secret")}, "password_file"),
        ({"certificate": pkcs12(good, tmp_path / "wrong.p12", "secret"), "password_file": text("pw", b"other\n")}, "is not that of"),
        ({"certificate": pkcs12(good, tmp_path / "old.p12", "", "-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe",
                                "PBE-SHA1-RC2-40")}, "pkcs12 -legacy"),
        ({"certificate": made("c.der", "x509", "-in", good.path, "-outform", "DER"), "key": good.key}, "openssl x509 -inform DER"),
        ({"certificate": made("c.p7b", "crl2pkcs7", "-nocrl", "-certfile", good.path), "key": good.key}, "openssl pkcs7 -print_certs"),
        ({"certificate": made("c7.der", "crl2pkcs7", "-nocrl", "-certfile", good.path, "-outform", "DER"), "key": good.key},
         "openssl pkcs7 -inform DER"),
        ({"certificate": text("c16.pem", leaf.decode().encode("utf-16")), "key": good.key}, "iconv -f UTF-16"),
        ({"certificate": text("empty.pem", b""), "key": good.key}, "is empty"),
        ({"certificate": good.key, "key": good.key}, "holds a private key and no certificate"),
        ({"certificate": good.path, "key": made("k.enc", "pkey", "-in", good.key, "-aes256", "-passout", "pass:x")}, "openssl pkey -in"),
        ({"certificate": good.path, "key": made("k.der", "pkey", "-in", good.key, "-outform", "DER")}, "openssl pkey -inform DER"),
        ({"certificate": good.path, "key": other.key}, "is another certificate's"),
        ({"certificate": good.path}, "name the file of its private key"),
        ({"certificate": text("order.pem", issuer + leaf), "key": good.key}, "put that first"),
        (pem(pair_of(ca, ["localhost"], "weak", key=rsa.generate_private_key(65537, 1024))), "key too small"),
    ]
    for block, told in cases:
        code, said = checked(own_site, block)
        assert code != 0 and told in said, (told, said)
    code, said = checked(own_site, *(block for block, _ in cases[3:6]))
    assert all(told in said for _, told in cases[3:6]), said  # each of them, at once


def test_an_exact_name_goes_before_a_wildcard_that_stands_first(own_site, ca):
    wild, exact = pair_of(ca, ["*.gw.test"], "wild"), pair_of(ca, ["puppet.gw.test"], "exact")
    configure(own_site, pem(pair_of(ca, ["localhost"], "own")), pem(wild), pem(exact))
    restart(own_site)
    assert shown(own_site, "puppet.gw.test") == exact.certificate.serial_number
    assert shown(own_site, "other.gw.test") == wild.certificate.serial_number


@pytest.mark.parametrize("first", ["ec", "rsa"])
def test_of_two_for_one_name_the_clients_abilities_choose(own_site, ca, first):
    keys = {"ec": ec.generate_private_key(ec.SECP256R1()), "rsa": rsa.generate_private_key(65537, 2048)}
    pairs = {kind: pair_of(ca, ["localhost"], f"two-{kind}", key=key) for kind, key in keys.items()}
    configure(own_site, pem(pairs[first]), pem(pairs["rsa" if first == "ec" else "ec"]))
    restart(own_site)
    for kind, ciphers in (("rsa", "ECDHE-RSA-AES128-GCM-SHA256"), ("ec", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        assert shown(own_site, ciphers=ciphers) == pairs[kind].certificate.serial_number


def test_a_device_with_a_key_on_p521_comes_in_by_tls_1_2(own_site, ca):
    device = ca.device("p521", key=ec.generate_private_key(ec.SECP521R1()))
    ctx = gatewayclient.context(own_site.report["ca"], device.path, device.key)
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    with gatewayclient.H1(own_site.port, ctx) as connection:
        assert connection.request("GET", "/CCM_Proxy_MutualAuth/ServiceMetadata").status == 200
