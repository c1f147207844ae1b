# SPDX-License-Identifier: Apache-2.0
"""Faults around the programs: the device's clock and disk, proxies, what ends TLS on the way. Each looks like something
else at first sight, and is named as what it is, by the analyzer and by the device."""
import glob
import json
import subprocess
import time

import pytest
from cryptography import x509

from kit import programs
from kit.analyze import analyze, good, run
from kit.between import RefusingProxy, Terminator
from kit.device import Device
from kit.programs import program
from kit.servers import free_port

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")


def fault_of(report):
    failed = [s for s in report["steps"] if s["outcome"] == "failed"]
    assert len(failed) == 1, report["steps"]
    return failed[0]


def assert_named(device, cause, *words):
    """By `cmg-client policy`, `analyze` and `status`, with what was found and what to do."""
    code, failure = device.run("policy")
    assert code == 1 and failure["reason"] == cause and failure["remedy"], failure
    for word in words:
        assert word in failure["detail"], failure
    fault = fault_of(device.run("analyze")[1])
    assert fault["cause"] == cause and fault["remedy"], fault
    return failure, fault


@pytest.fixture
def by_token(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    return device


@pytest.fixture
def by_certificate(site, new_device):
    device = new_device().with_certificate(site.pki("certificate"), site.pki("key")).at("https")
    device.must("policy")
    return device


# --- the device's clock -----------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    if not FAKETIME:
        pytest.skip("no faketime: run make deps")

    def turn(by):
        monkeypatch.setenv("LD_PRELOAD", FAKETIME[0])
        monkeypatch.setenv("FAKETIME", by)
        monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return turn


@pytest.mark.parametrize("by", ["-400d", "-2h", "+30d", "+4000d"])
def test_a_wrong_clock_is_no_bad_certificate_and_no_other_site(by_token, clock, by):
    """The gateway's certificate seems to be out of its time, or the signed location data to have ended."""
    clock(by)
    assert_named(by_token, "clock_wrong", "here it is", "there")


@pytest.mark.parametrize("by", ["-400d", "+4000d"])
def test_a_wrong_clock_is_no_bad_certificate_of_the_device(by_certificate, clock, by):
    clock(by)
    assert_named(by_certificate, "clock_wrong", "here it is", "there")


def test_a_certificate_that_has_ended_is_told_as_that_by_a_right_clock(site, new_device, ca):
    ended = ca.device("ended", days=(-30, -2), file="ended-for-good")
    device = new_device().with_certificate(ended.path, ended.key).at("https")
    assert_named(device, "expired", "it expired on")


# --- its disk and its files -------------------------------------------------------------------------------------------


def small_disk(folder, command):
    """Runs it while the folder is a file system without room, seen by it alone."""
    script = ('mount -t tmpfs -o size=64k none "$0" && cp -a "$0.kept/." "$0/" && '
              '{ head -c 99999 /dev/zero >"$0/fill"; exec "$@"; } 2>/dev/null')
    folder.rename(f"{folder}.kept")
    folder.mkdir(mode=0o700)
    try:
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, folder, *command], capture_output=True, text=True,
                              check=False, timeout=60)
    finally:
        folder.rmdir()
        (folder.parent / f"{folder.name}.kept").rename(folder)


def test_a_full_disk_is_no_other_site(by_token):
    if subprocess.run(["unshare", "--mount", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine does not let a test have mounts of its own")
    (by_token.state / "location.jws").unlink()
    for policy in by_token.state.glob("policy.*"):
        policy.unlink()
    policy = small_disk(by_token.state, [program("cmg-client"), "policy", "--dir", by_token.state])
    assert policy.returncode == 1 and "Failed: state: " in policy.stdout and "No space left" in policy.stdout, policy
    analysis = small_disk(by_token.state, [program("cmg-client"), "analyze", "--dir", by_token.state])
    assert analysis.returncode == 1 and "First cause state" in analysis.stdout, analysis.stdout
    assert "space" in analysis.stdout


def test_a_key_of_another_certificate_is_named_with_both_files(site, new_device, ca):
    other = ca.device("another-key")
    device = new_device().with_certificate(site.pki("certificate"), other.key).at("https")
    failure, fault = assert_named(device, "credential_unusable", "belongs to another certificate", str(other.key))
    assert "cmg-client set Certificate=FILE Key=FILE" in failure["remedy"]
    assert "cmg-client set Certificate=FILE Key=FILE" in fault["remedy"]


def test_a_file_that_is_not_there_is_told_when_it_is_set_and_taken_all_the_same(site, new_device):
    device = new_device()
    code, _, err = programs.run([program("cmg-client"), "set", "Certificate=/nonexistent/c.pem", "Name=x", "--dir",
                                 device.state])
    assert code == 0 and "Certificate is set, but /nonexistent/c.pem can't be read" in err and "Name" not in err
    assert device.must("get", "Certificate") == {"Certificate": "/nonexistent/c.pem"}
    code, _, err = programs.run([program("cmg-client"), "set", f"Certificate={site.pki('certificate')}", "Key=", "--dir",
                                 device.state])
    assert code == 0 and not err


# --- what stands between ----------------------------------------------------------------------------------------------


def test_a_load_balancer_that_ends_tls_is_told_from_a_device_without_a_certificate(site, by_token, by_certificate):
    """It shows the gateway's own certificate, so that nothing seems wrong but that no client certificate arrives."""
    for device, cause in ((by_certificate, "missing"), (by_token, "not_bound")):
        with Terminator(site.folder / "pki" / "gateway.pem", site.folder / "pki" / "gateway.key", site.port) as between:
            device.must("set", f"CMGFQDNs=localhost:{between.port}")
            for kept in device.state.glob("location.jws"):
                kept.unlink()
            failure = device.must_fail("policy")
            assert failure["reason"] == cause and "did show its certificate" in failure["detail"], failure
            assert "load balancer" in failure["remedy"] and "cmg-client analyze" in failure["remedy"]
            fault = fault_of(device.run("analyze")[1])
            assert fault["cause"] == "tls_intercepted" and "load balancer" in fault["remedy"], fault


def with_proxy(monkeypatch, url, no_proxy="elsewhere.example"):
    monkeypatch.setenv("https_proxy", url)
    monkeypatch.setenv("no_proxy", no_proxy)


def test_a_proxy_that_is_not_there_is_no_gateway_that_refuses(site, by_token, monkeypatch):
    url = f"http://somebody:secret@127.0.0.1:{free_port()}"
    with_proxy(monkeypatch, url)
    failure, fault = assert_named(by_token, "proxy", url.split("@")[1])
    assert "secret" not in str(failure) + str(fault) and "no_proxy" in fault["remedy"] and fault["id"] == "tcp"


@pytest.mark.parametrize("login", ["", "somebody:wrong@"])
@pytest.mark.parametrize("methods, words", [(["Basic realm=x"], "http://USER:PASSWORD@HOST:PORT"), ([], "http://USER:PASSWORD@HOST:PORT"),
                                            (["NTLM", "Negotiate"], "no other method than Basic is spoken here")])


def test_a_proxy_that_wants_a_login_is_told_with_its_answer_and_what_it_takes(site, by_token, monkeypatch, login, methods, words):
    with RefusingProxy(methods) as proxy:
        with_proxy(monkeypatch, f"http://{login}localhost:{proxy.port}")
        failure, fault = assert_named(by_token, "proxy", "407", "wants a login", f"localhost:{proxy.port}")
        for told in (failure["detail"] + failure["remedy"], fault["found"] + fault["remedy"]):
            assert words in told and "no_proxy" in told and "wrong@" not in told, told
            assert all(method.split()[0] in told for method in methods), told


def test_a_proxy_at_the_gateways_address_is_told_by_what_it_says_in_clear(site, by_token):
    """It is no gateway that fails at TLS: HTTP in clear, where the device dialled."""
    with RefusingProxy() as proxy:
        by_token.must("set", f"CMGFQDNs=localhost:{proxy.port}")
        (by_token.state / "location.jws").unlink()
        failure, fault = assert_named(by_token, "not_tls", "HTTP/1.1 407 Proxy Authentication Required")
        assert "HTTP/1.1 407" in fault["found"]
        assert "https_proxy" in failure["remedy"] and "https_proxy" in fault["remedy"]


def test_a_host_that_no_proxy_names_is_not_blamed_on_the_proxy(site, monkeypatch):
    with_proxy(monkeypatch, "http://127.0.0.1:1", ".example, localhost")
    assert analyze(site, *good(site))["ok"]
    fault = fault_of(run(f"localhost:{free_port()}"))
    assert fault["cause"] == "connection_refused", fault


@pytest.mark.parametrize("name,address,words", [
    ("gw.internal.example", "10.1.2.3", "private address"), ("gw.internal.example", "100.64.0.9", "private address"),
    ("gw.internal.example", "fd00::1", "private address"), ("gw.six.example", "2001:db8::1", "IPv6 alone"),
    ("gw.public.example", "198.51.100.7", "")])


def test_a_name_that_leads_elsewhere_than_the_internet_is_told_with_its_address(tmp_path, name, address, words):
    """In a machine without any network but this name."""
    (tmp_path / "hosts").write_text(f"{address} {name}\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    command = ["unshare", "--net", "--mount", "sh", "-c", script, tmp_path / "hosts"]
    if subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine does not let a test have a network of its own")
    done = subprocess.run([*command, program("cmg"), "analyze", name, "--json", "--timeout", "2"], capture_output=True,
                          text=True, check=False, timeout=60)
    report = json.loads(done.stdout)
    fault = fault_of(report)
    assert fault["cause"] == "no_route" and words in fault["found"] and address in report["steps"][0]["found"], report
    assert words or ("private" not in done.stdout and "IPv6" not in done.stdout)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_bulk_token_that_was_used_up_is_named_and_not_that_the_device_is_not_registered(site, new_device, tmp_path):
    (tmp_path / "token").write_text(site.cmg("token", "new")["token"])
    new_device().at("ehttp").registered_by_token(tmp_path / "token")
    late = new_device().at("ehttp")
    assert late.must_fail("register", "--token-file", tmp_path / "token")["reason"] == "token_used_up"
    fault = fault_of(late.run("analyze")[1])
    assert fault["cause"] == "token_used_up" and fault["id"] == "registered" and "cmg token new" in fault["remedy"], fault


def test_a_token_that_expired_in_a_drawer_is_told_with_the_day_and_both_ways_back(site, by_token, mint):
    """Its own clock tells the device nothing of it when the token was exchanged behind its back."""
    identity, now = by_token.identity(), int(time.time())
    certificate = x509.load_pem_x509_certificate(by_token.certificate.read_bytes())
    ended = now - 120 * 86400
    identity["device_token"] = mint.token("device", certificate, sub=by_token.guid, iat=ended - 9, nbf=ended - 9, exp=ended)
    del identity["access_token"]
    (by_token.state / "identity.json").write_text(json.dumps(identity))
    failure, fault = assert_named(by_token, "expired", time.strftime("%Y-%m-%d", time.gmtime(ended)))
    for remedy in (failure["remedy"], fault["remedy"]):
        assert "cmg-client run" in remedy and "cmg token new" in remedy


def test_a_token_that_another_copy_of_the_device_renewed_is_told_with_the_way_back(site, by_token, mint):
    identity = by_token.identity()
    certificate = x509.load_pem_x509_certificate(by_token.certificate.read_bytes())
    identity["device_token"] = mint.token("device", certificate, sub=by_token.guid)  # the store does not know it
    del identity["access_token"]
    (by_token.state / "identity.json").write_text(json.dumps(identity))
    failure, fault = assert_named(by_token, "revoked", "no longer counts")
    for told in (failure, fault):
        assert "cmg token new" in told["remedy"] and "cmg-client register" in told["remedy"], told


# --- what a device waits for ------------------------------------------------------------------------------------------


def test_status_of_a_device_that_has_done_nothing_yet_says_what_comes_next(site, tmp_path):
    device = Device(site, tmp_path, enroll=False)
    assert "cmg-client enroll FILE" in device.must("status")["next"]
    device.must("set", f"SiteKey={site.cmg('status')['pin']}")
    assert "CMGFQDNs" in device.must("status")["next"]
    device.must("enroll", site.report["enrollment"])
    assert "cmg-client register" in device.must("status")["next"]
    _, screen, _ = programs.run([program("cmg-client"), "status", "--dir", device.state])
    assert "what to do next" in screen
    device.at("ehttp").registered_by_token()
    assert device.must("status")["next"] is None
