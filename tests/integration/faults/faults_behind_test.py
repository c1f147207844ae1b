# SPDX-License-Identifier: Apache-2.0
"""Faults behind the gateway: it sees only that nobody answers. `cmg status` and `cmg analyze` name what the connectors know."""
import contextlib
import re
import subprocess

import pytest

from kit import pki, programs
from kit.analyze import analyze, good
from kit.device import Device
from kit.programs import program, until
from kit.site import CONFIGURATIONS, start_second_gateway


@pytest.fixture
def apart(own_site):
    until("all is well before", lambda: own_site.cmg("status")["problems"] == [], 10)
    return own_site


def restart_with(site, name, file, change):
    path = site.folder / file
    path.write_text(change(path.read_text()))
    site.kill(name)
    site.run(name)


def known(site, cause):
    return until(f"the site knows of {cause}",
                 lambda: next((p for p in site.cmg("status")["problems"] if p["cause"] == cause), None), 15)


def asked_with_the_site(site, *credential):
    report = analyze(site, *credential, "--socket", site.report["admin_socket"])
    failed = [s for s in report["steps"] if s["outcome"] == "failed"]
    assert len(failed) == 1, report["steps"]
    return failed[0]


def test_a_connector_without_the_client_certificate_that_it_needs_is_named_by_the_analyzer(apart):
    """It does not start: without the site the analyzer can only say that no connection point is there."""
    restart_with(apart, "cmg-connector", "connector.yaml", lambda text: re.sub(r"(?m)^client_certificate:.*\n", "", text))
    known(apart, "connector_certificate")
    until("the gateway misses it", lambda: apart.metric("cmg_tunnels") == 0, 10)
    fault = asked_with_the_site(apart, *good(apart))
    assert fault["cause"] == "connector_certificate" and fault["id"] == "connectors"
    assert "connector cp1" in fault["found"] and "names no client certificate" in fault["found"]
    assert "cmg connector add ID --cert FILE" in fault["remedy"]
    alone = analyze(apart, *good(apart), "--socket", apart.folder / "none.sock")
    assert next(s for s in alone["steps"] if s["outcome"] == "failed")["cause"] == "no_connection_point"
    apart.sql("UPDATE connector SET seen = seen - 600")
    assert [p["cause"] for p in apart.cmg("status")["problems"]] == ["connector_certificate"], "not that it is silent"


def test_a_management_point_with_a_certificate_of_another_ca_is_told_with_its_issuer(apart, tmp_path):
    other = pki.Ca(tmp_path, "Other Internal CA").device("localhost", usage=[pki.SERVER_AUTH], dns="localhost", file="mp")
    before = (apart.folder / "mp.yaml").read_text()
    restart_with(apart, "cmg-mp", "mp.yaml", lambda text: re.sub(r"(?m)^    certificate:.*\n    key:.*\n",
                                                                 f"    certificate: {other.path}\n    key: {other.key}\n", text))
    until("it answers again", lambda: apart.cmg("status", check=False)[0] == 0, 10)
    device = Device(apart, tmp_path).with_certificate(apart.pki("certificate"), apart.pki("key")).at("https")
    failure = device.must_fail("policy")
    assert failure["reason"] == "tls" and "Other Internal CA" not in str(failure), "nothing of the inside goes to devices"
    problem = known(apart, "endpoint_unreachable")
    assert "connector cp1" in problem["found"] and "Other Internal CA" in problem["found"] and "anchors" in problem["remedy"]
    fault = asked_with_the_site(apart, *good(apart), "--role", apart.role("https"))
    assert fault["cause"] == "endpoint_unreachable" and "Other Internal CA" in fault["found"] and "anchors" in fault["remedy"]
    restart_with(apart, "cmg-mp", "mp.yaml", lambda _: before)
    until("it is well again", lambda: device.run("policy")[0] == 0 and not apart.cmg("status")["problems"], 15)


def test_a_gateway_that_no_connector_reaches_is_told_with_what_the_connector_met(apart):
    apart.kill("cmg-gateway")
    problem = until("the reason is known", lambda: next((p for p in apart.cmg("status")["problems"] if "refused" in p["found"]),
                                                         None), 15)
    assert problem["cause"] == "gateway_unreachable" and "; connector cp1: " in problem["found"]
    _, screen, _ = programs.run([program("cmg"), "status", "--socket", apart.report["admin_socket"]])
    assert "Connection refused" in re.sub(r"\s+", " ", screen)


def test_a_gateway_without_a_way_inside_is_left_for_one_that_has_it(apart, tmp_path):
    """It answers for itself, so that it seems well until the device asks for something inside."""
    second = start_second_gateway(apart)
    device = Device(apart, tmp_path).at("ehttp").registered_by_token()
    device.must("set", f"CMGFQDNs=localhost:{second.port};localhost:{apart.port}")
    assert device.must("policy")["gateway"] == f"localhost:{second.port}"
    apart.cmg("gateway", "remove", "gw2")
    until("it has no way inside", lambda: apart.log("cmg-connector").count("gateway removed"), 10)
    assert device.must("policy")["gateway"] == f"localhost:{apart.port}"
    states = {g["gateway"]: g for g in device.must("status")["gateways"]}
    assert states[f"localhost:{apart.port}"]["state"] == "in use"
    left = states[f"localhost:{second.port}"]
    assert left["state"] == "failed" and "no_connection_point" in left["why"]
    seen = len(device.log())
    device.must("policy")
    assert f"localhost:{second.port}" not in device.log()[seen:], "the next run begins with the one that works"
    apart.kill("cmg-connector")
    until("no gateway has a way", lambda: apart.metric("cmg_tunnels") == 0, 10)
    assert device.must_fail("policy")["reason"] == "no_connection_point"


@contextlib.contextmanager
def no_room(site, name, folder):
    """The program's state on a full file system; it is started by the caller. Yields the file that takes all the room."""
    state, kept = site.folder / folder, site.folder / (folder + ".kept")
    site.kill(name)
    state.rename(kept)
    state.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", state], check=False, capture_output=True).returncode:
        state.rmdir()
        kept.rename(state)
        pytest.skip("this machine does not let a test mount a small file system")
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", state], check=True)
        subprocess.run(["sh", "-c", f"head -c 9999999 /dev/zero >'{state}/fill'"], check=False, stderr=subprocess.DEVNULL)
        yield state / "fill"
    finally:
        site.kill(name)
        subprocess.run(["umount", state], check=True)
        state.rmdir()
        kept.rename(state)


def test_a_store_without_room_is_named_to_administrators_and_not_to_devices(apart, tmp_path):
    if apart.store:
        pytest.skip("the database server's disk is not this one")
    with no_room(apart, "cmg-mp", "state"):
        apart.run("cmg-mp")
        until("it answers", lambda: apart.cmg("status", check=False)[0] == 0, 10)
        code, failure = apart.cmg("token", "new", check=False)
        assert code == 1 and "full" in failure["error"]["what"], failure
        assert failure["error"]["request_id"] in apart.log("cmg-mp")
        first = apart.cmg("status")["problems"][0]
        assert first["cause"] == "store_full" and "full" in first["found"] and "make room" in first["remedy"], first
        device = Device(apart, tmp_path).at("ehttp")
        assert "full" not in str(device.must_fail("register", "--token-file", apart.report["token_file"])["detail"])


@pytest.mark.parametrize("program_name, of", [("cmg-gateway", "gateways"), ("cmg-connector", "connectors")])
def test_a_gateway_or_connector_whose_disk_is_full_works_on_and_is_named(apart, tmp_path, program_name, of):
    folder = re.search(r"^state: *\"?([^\"\n]+)", (apart.folder / CONFIGURATIONS[program_name]).read_text(), re.M)[1]
    device = Device(apart, tmp_path).registered_by_token()
    with no_room(apart, program_name, folder) as fill:
        apart.run(program_name)
        problem = known(apart, "state_not_kept")
        [role] = apart.cmg("status")[of]
        assert problem["of"] == role["id"] and role["state_fault"] in problem["found"], problem
        assert "No space left on device; make room on its file system" in problem["found"]
        until("policy goes on", lambda: device.run("policy")[0] == 0, 10)
        fill.unlink()
        apart.kill(program_name)
        apart.run(program_name)
        until("all is well", lambda: apart.cmg("status")["problems"] == [], 15)


def test_a_site_that_does_not_know_the_gateway_is_not_asked(apart):
    """The admin socket at hand may be of another site."""
    apart.kill("cmg-connector")
    until("the gateway misses it", lambda: apart.metric("cmg_tunnels") == 0, 10)
    apart.sql("UPDATE connector SET seen = seen - 600", "UPDATE gateway SET host = 'elsewhere.example'")
    fault = asked_with_the_site(apart, *good(apart))
    assert fault["cause"] == "no_connection_point" and "by what the site knows" not in fault["found"]
