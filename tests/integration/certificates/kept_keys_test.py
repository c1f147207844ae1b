# SPDX-License-Identifier: Apache-2.0
"""Keys that stay where nobody can copy them: a device's in a TPM."""
import pytest

from kit import programs, tpm
from kit.device import Device

lacking = tpm.missing("tpm2", "swtpm", "tpm2_create")
pytestmark = pytest.mark.skipif(bool(lacking), reason=lacking)


@pytest.fixture(name="chip")
def with_a_tpm(tmp_path):
    it = tpm.Tpm(tmp_path)
    yield it
    it.stop()


@pytest.fixture
def device_beside(site, tmp_path, chip):
    def new(**more):
        class Beside(Device):
            environment = chip.environment
        return Beside(site, tmp_path, **more)
    return new


@pytest.mark.parametrize("make", [tpm.Tpm.key, tpm.Tpm.file_of_key], ids=["a handle", "a file that the TPM wrapped"])
def test_a_device_whose_certificates_key_is_in_its_tpm_gets_its_policy(chip, device_beside, ca, make):
    key = make(chip)
    pair = chip.certificate_of(key, ca, f"laptop-{make.__name__}")
    device = device_beside().with_certificate(pair.path, key).at("https")
    report = device.must("run", "--once")
    assert report["method"] == "pki" and report["policies"], report


def test_a_token_device_whose_own_key_is_in_its_tpm_keeps_that_key_and_its_tokens(chip, device_beside):
    device = device_beside().at("ehttp")
    device.must("set", f"DeviceKey={chip.key()}")
    device.registered_by_token()
    assert "PRIVATE KEY" not in device.key.read_text()
    assert device.must("policy")["method"] == "token"
    device.certificate.unlink()
    assert device.must("policy")["method"] == "token"
    assert "PRIVATE KEY" not in device.key.read_text()


def test_a_device_key_of_another_curve_is_told(chip, device_beside):
    chip.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "group:P-384", "-out", "p384.key")
    (chip.folder / "p384.key").chmod(0o600)
    device = device_beside().at("ehttp")
    device.must("set", f"DeviceKey={chip.folder / 'p384.key'}")
    report = device.must_fail("register", "--token-file", device.site.report["token_file"])
    assert "P-256" in report["detail"] and "DeviceKey" in report["remedy"], report


def test_a_tpm_that_does_not_answer_costs_no_device_its_identity(chip, device_beside):
    device = device_beside().at("ehttp")
    device.must("set", f"DeviceKey={chip.key()}")
    device.registered_by_token()
    before = device.key.read_bytes()
    device.must("set", "DeviceKey=")
    chip.stop()
    assert "tpm2 does not start" in str(device.must_fail("policy"))
    assert device.key.read_bytes() == before
    chip.start()
    assert device.must("policy")["method"] == "token"


@pytest.mark.parametrize(("key", "words"), [
    ("handle:0x81000009", ["handle:0x81000009", "no such private key"]),
    ("handle:nonsense", ["handle:nonsense", "no such private key"]),
    ("pkcs11:object=nobody's;type=private?pin-source=file:/nowhere/pin", ["/nowhere/pin", "PIN is not there"])])
def test_a_key_that_can_not_be_had_is_named_when_it_is_set(chip, device_beside, key, words):
    device = device_beside()
    done = programs.run([programs.program("cmg-client"), "set", f"Key={key}", "--dir", device.state], env=chip.environment)
    assert all(word in done[2] for word in ["Key is set, but", *words]), done


@pytest.mark.parametrize(("key", "words"), [("pkcs11:object=x?pin-value=1234", ["holds the PIN", "pin-source=file:"]),
                                            ("handle:0x81 000001", ["blank"]), ("handl:0x81000001", ["absolute path"])])
def test_what_is_no_uri_of_a_key_is_not_set(device_beside, key, words):
    device = device_beside()
    done = programs.run([programs.program("cmg-client"), "set", f"Key={key}", "--dir", device.state], False)
    assert done[0] == 2 and all(word in done[2] for word in words), done
    assert "1234" not in done[2]


def test_the_key_of_another_certificate_in_the_tpm_is_told(chip, device_beside, ca):
    key = chip.key()
    stranger = ca.device("somebody-else")
    device = device_beside().with_certificate(stranger.path, key)
    assert "belongs to another certificate" in str(device.must_fail("register"))


def test_requests_that_show_different_keys_share_no_connection(chip, device_beside, ca):
    """Registered by its certificate, a device shows its own key to whom tokens are asked for: each is who it says."""
    key = chip.key()
    pair = chip.certificate_of(key, ca, "laptop-both")
    device = device_beside().with_certificate(pair.path, key).at("https")
    device.must("set", f"DeviceKey={chip.key('0x81000002')}")
    assert device.must("register")["method"] == "pki"
    device.must("set", "Certificate=", "Key=")
    device.at("ehttp").registered_by_token()
    assert device.must("policy")["method"] == "token"
