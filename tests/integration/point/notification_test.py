# SPDX-License-Identifier: Apache-2.0
"""Devices that wait for what the site has to tell them: told at once, through gateway and connector, by the site alone."""
import contextlib
import json
import threading

import pytest
from cryptography.hazmat.primitives import serialization

from kit import gatewayclient, inside
from kit.gatewayclient import HTTP1
from kit.programs import until
from kit.service import WITHIN_S, Service, shown

TARGET = "/CCM_Notification"


@pytest.fixture
def new_service(new_device):
    """A device that waits already, as its service."""
    with contextlib.ExitStack() as running:
        def make(*settings):
            device = new_device().at("ehttp").registered_by_token()
            device.must("set", "ClientAlwaysOnInternet=1", *settings)
            service = running.enter_context(Service(device))
            service.runs(1)
            return service.listens()
        yield make


@pytest.fixture
def service(new_service):
    return new_service()


@pytest.fixture
def policy(site):
    site.cmg("policy", "add", "woken", "--content", "blue")
    yield "woken"
    site.cmg("policy", "remove", "woken")


def notify(site, *arguments):
    return site.cmg("device", "notify", *arguments)["notification"]


def is_taken(device, notification):
    until("its word has come", lambda: shown(device)["taken"] >= notification["id"], WITHIN_S)


# --- told at once ---

def test_a_device_that_is_woken_fetches_its_policy_at_once_and_waits_again(site, service, policy):
    answer = site.cmg("device", "wake", service.device.name)["notification"]
    assert answer["waits"] is True, answer
    report = service.runs(2)
    assert report["ok"] and policy in [p["name"] for p in report["policies"]]
    service.listens()
    is_taken(service.device, answer)
    assert shown(service.device)["queued"] == 0


def test_a_message_is_handed_to_the_handler_and_the_device_goes_on_waiting(site, new_service, tmp_path):
    heard, handler = tmp_path / "heard", tmp_path / "handler"
    handler.write_text(f'#!/bin/sh\ncat "$1" >> {heard}; echo >> {heard}\n')
    handler.chmod(0o755)
    service = new_service(f"NotificationHandler={handler}")
    for text in ("Save your work: at 18:00 we restart", "Grüße"):
        is_taken(service.device, notify(site, service.device.guid, "--message", text))
    assert heard.read_text().splitlines() == ["Save your work: at 18:00 we restart", "Grüße"] == service.said()
    assert len(service.reports) == 1 and shown(service.device)["listens"]


def test_a_collection_or_all_are_told_and_nobody_else(site, new_service, settings):
    one, two, other = new_service(), new_service(), new_service()
    settings.collection("told", "--device", one.device.guid, "--device", two.device.guid)
    told = notify(site, "--collection", "told", "--message", "to some", "--spread", "1s")
    assert told["waits"] is None and told["collection"] == "told"
    for s in (one, two):
        is_taken(s.device, told)
    everybody = notify(site, "--all", "--message", "to all")
    for s in (one, two, other):
        is_taken(s.device, everybody)
    assert one.said() == two.said() == ["to some", "to all"] and other.said() == ["to all"]


# --- told later ---

def test_who_does_not_wait_is_told_when_it_next_comes_and_of_each_kind_once(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("set", "ClientAlwaysOnInternet=1")
    for _ in range(3):
        last = notify(site, device.name, "--policy")
    assert last["waits"] is False and shown(device)["queued"] == 1
    message = notify(site, device.name, "--message", "welcome back")
    with Service(device) as service:
        is_taken(device, message)
        service.runs(2)  # its own, and the one that was asked for
        assert service.said() == ["welcome back"]
        service.listens()
        assert len(service.reports) == 2 and shown(device)["queued"] == 0


def test_who_comes_too_late_is_told_nothing_of_what_has_ended_or_was_for_those_before(site, new_device):
    notify(site, "--all", "--message", "before its time")
    device = new_device().at("ehttp").registered_by_token()
    device.must("set", "ClientAlwaysOnInternet=1")
    with Service(device) as service:
        service.runs(1)
        service.listens()
        is_taken(device, notify(site, device.name, "--message", "in its time"))
        assert service.said() == ["in its time"]


def test_what_waits_for_a_device_is_bounded(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    for i in range(16):
        notify(site, device.name, "--message", f"number {i}")
    code, answer = site.cmg("device", "notify", device.name, "--message", "one too many", check=False)
    assert code == 1 and answer["error"]["status"] == 413 and "16" in answer["error"]["what"], answer
    assert shown(device)["queued"] == 16


# --- refused ---

@pytest.mark.parametrize("arguments", [["--message", "a\nb"], ["--message", ""], ["--message", "x" * 1025],
                                       ["--policy", "--expires", "1s"], ["--policy", "--expires", "400d"]])
def test_what_no_device_could_be_told_is_refused(site, new_device, arguments):
    device = new_device().at("ehttp").registered_by_token()
    code, answer = site.cmg("device", "notify", device.name, *arguments, check=False)
    assert code == 1 and answer["error"]["status"] == 400, answer


def test_a_blocked_device_is_told_nothing(site, service):
    site.cmg("device", "block", service.device.name)
    code, answer = site.cmg("device", "wake", service.device.name, check=False)
    assert code == 1 and answer["error"]["status"] == 409 and "blocked" in answer["error"]["what"], answer
    notify(site, "--all", "--message", "to those who stand")
    until("it waits no more", lambda: not shown(service.device)["listens"], WITHIN_S)
    assert service.said() == []
    site.cmg("device", "unblock", service.device.name)


class Asker:
    """A device that speaks for itself, through the gateway."""

    def __init__(self, site, device):
        self.site, self.device = site, device

    def ask(self, query, signer=None):
        target = f"{TARGET}{query}"
        headers = [("Authorization", f"Bearer {self.device.identity()['access_token']}")]
        if signer:
            key = serialization.load_pem_private_key(signer.key.read_bytes(), None)
            headers += list(inside.signature(key, "GET", target).items())
        return gatewayclient.request(self.site, HTTP1, "GET", f"/CCM_Proxy_ServerAuth/{self.site.role('ehttp')}{target}",
                                     headers, **self.device.client())


@pytest.fixture
def asker(site, new_device):
    device = new_device().at("ehttp").registered_by_token()
    device.must("policy")
    return Asker(site, device)


def test_nobody_listens_for_another_device_or_without_its_signature(site, asker, new_device):
    other = new_device().at("ehttp").registered_by_token()
    for signer in (None, other):
        answer = asker.ask("?after=0&wait=10", signer)
        assert answer.status in (401, 403), answer
    assert not shown(asker.device)["listens"]


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=99999999999999999", "?wait=soon"])
def test_an_odd_number_is_refused(asker, query):
    answer = asker.ask(query, asker.device)
    assert answer.status == 400 and json.loads(answer.body)["reason"] == "bad_request", answer


def test_a_device_waits_once_and_the_newer_request_ends_the_older_one(asker):
    first = []
    older = threading.Thread(target=lambda: first.append(asker.ask("?after=0&wait=270", asker.device)))
    older.start()
    until("the older one waits", lambda: shown(asker.device)["listens"], WITHIN_S)
    newer = threading.Thread(target=lambda: asker.ask("?after=0&wait=10", asker.device), daemon=True)
    newer.start()
    older.join(WITHIN_S)
    assert first and first[0].status == 204 and not first[0].body, first
    newer.join(WITHIN_S)
