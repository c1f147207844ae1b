# SPDX-License-Identifier: Apache-2.0
"""A device does not depend on one management point: when the server of the one it chose is down, another is asked."""
import json
import re

import pytest

from kit import programs
from kit.analyze import step
from kit.device import Device
from kit.programs import until
from kit.servers import free_port

FIRST, LAST = "10000000000000000001", "99999999999999999999"  # role ids, before and behind all others


def others(site):
    return {site.role("https"), site.role("ehttp")}


def chosen(device):
    return device.must("status")["management_point"]["id"]


@pytest.fixture
def device(own_site, tmp_path):
    """It gets in by a token, and has fetched its policy."""
    it = Device(own_site, tmp_path).registered_by_token()
    it.must("policy")
    return it


def test_another_management_point_is_asked_when_the_chosen_ones_server_is_down(own_site, device):
    with own_site.another_process(FIRST):
        report = device.must("policy")
        assert report["management_point"]["id"] in others(own_site) and report["method"] == "token"
        status = device.must("status")
        assert status["management_point"]["id"] in others(own_site) and status["last"]["ok"]
        [failed] = status["failed_management_points"]
        assert failed["id"] == FIRST and failed["why"].startswith("refused: ")
        text = programs.run([programs.program("cmg-client"), "status", "--dir", device.state])[1]
        assert re.search(rf"passed over until .*: management point {FIRST}, refused: ", text)
        log = (device.state / "logs" / "LocationServices.log").read_text()
        assert f"Management point {FIRST} is passed over, it failed lately: refused: " in log


def test_the_one_that_failed_is_passed_over_and_comes_back_in_its_turn(own_site, device):
    port = free_port()
    url = f"https://localhost:{port}"
    with own_site.another_process(FIRST, port, url):
        until("the new one is chosen", lambda: device.run("policy")[0] == 0 and chosen(device) == FIRST, 10)
    device.must("policy")
    assert chosen(device) in others(own_site)
    with own_site.another_process(FIRST, port, url):
        device.must("policy")
        assert chosen(device) in others(own_site)  # not yet
        path = device.state / "state.json"
        state = json.loads(path.read_text())
        state["management_points"][FIRST]["at"] -= 601
        path.write_text(json.dumps(state))
        device.must("policy")
        assert chosen(device) == FIRST
        assert device.must("status")["failed_management_points"] == []


def test_when_all_are_down_the_device_says_so_and_is_back_at_once_when_one_is(own_site, device):
    with own_site.another_process(FIRST):
        own_site.kill("cmg-mp")
        report = device.must_fail("policy")
        assert report["reason"] == "refused" and report["code"] == "CMGConnector_BadGateway"
        assert {p["id"] for p in device.must("status")["failed_management_points"]} == {FIRST} | others(own_site)
        own_site.run("cmg-mp")
        until("its policy is there again", lambda: device.run("policy")[0] == 0, 15)


def test_a_management_point_that_was_set_by_hand_is_not_left(own_site, device):
    with own_site.another_process(FIRST):
        device.must("set", f"RoleId={FIRST}")
        assert device.must_fail("policy")["reason"] == "refused"
        assert device.must("status")["management_point"]["id"] == FIRST
        device.must("set", f"RoleId={own_site.role('ehttp')}")
        device.must("policy")


def test_a_method_is_never_given_up_because_a_server_is_down(own_site, tmp_path):
    """The one management point that takes certificates is down: the device does not fall back to its token."""
    device = Device(own_site, tmp_path).registered_by_token()
    device.must("policy")
    device.with_certificate(own_site.pki("certificate"), own_site.pki("key"))
    device.must("register")
    assert device.must("status")["method"] == "pki"
    port = free_port()
    with own_site.another_process(LAST, port, f"https://localhost:{port}"):
        own_site.kill("cmg-mp")
        report = device.must_fail("policy")
        assert report["reason"] == "refused" and report["method"] == "pki"


@pytest.mark.parametrize("role", [FIRST, LAST])
def test_the_analyzer_names_the_one_that_is_down_although_others_answer(own_site, device, role):
    with own_site.another_process(role):
        code, report = device.run("analyze")
        assert code == 1 and [s["id"] for s in report["steps"] if s["outcome"] == "failed"] == [f"mp.{role}.sts"]
        assert step(report, f"mp.{role}.sts")["cause"] == "refused"
        for other in others(own_site):
            assert step(report, f"mp.{other}.policy")["outcome"] == "ok"
        until("the site knows of it", lambda: [p["of"] for p in own_site.cmg("status")["problems"]
                                               if p["cause"] == "endpoint_unreachable"] == [f"{role}.ccm_sts"], 10)
