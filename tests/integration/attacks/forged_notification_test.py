# SPDX-License-Identifier: Apache-2.0
"""A gateway that was broken into tells devices nothing in the site's name: no word of its own, none of another device, and
none twice (THREAT_MODEL.md)."""
import contextlib

import pytest

from kit.broken import BrokenGateway, Victim
from kit.gatewayclient import Answer
from kit.programs import until
from kit.service import WITHIN_S, Service

REFUSED = "A notification is refused"


class Keeper:
    """How the gateway answers who waits: `answers`, one by one, then as the site does; what the site said is in `told`."""

    def __init__(self):
        self.answers, self.told = [], []

    def __call__(self, asked, relay):
        if "/CCM_Notification?" not in asked.target:
            return relay(asked)
        if self.answers:
            return self.answers.pop(0)
        answer = relay(asked)
        if answer.status == 200:
            self.told.append(answer)
        return answer


@pytest.fixture
def new_service(site, tmp_path):
    with contextlib.ExitStack() as ending:
        def make(**answers):
            victim = Victim(site, tmp_path, ending.enter_context(BrokenGateway(site))).at("ehttp")
            victim.must("set", "ClientAlwaysOnInternet=1", "NotificationWait=10")
            victim.run("policy")  # makes its key
            victim.shows(victim.certificate, victim.key).registered_by_token()
            victim.gateway.alter = Keeper()
            victim.gateway.alter.answers += answers.get("answers", [])
            service = ending.enter_context(Service(victim))
            service.runs(1)
            return service
        yield make


def refuses(service):
    log = service.device.state / "logs" / "PolicyAgent.log"
    until("the word is refused", lambda: REFUSED in log.read_text(), WITHIN_S)


def tells(site, service, text):
    service.listens()
    site.cmg("device", "notify", service.device.name, "--message", text)
    until("it is told", lambda: text in service.said(), WITHIN_S)
    return service.device.gateway.alter.told[-1]


def test_a_word_is_taken_once_whoever_repeats_it(site, new_service):
    service = new_service()
    gateway = service.device.gateway.alter
    once = tells(site, service, "once")
    service.listens()  # else the next request is answered before the site has told anything
    gateway.answers = [once]
    tells(site, service, "and another")  # the request that waits is answered by the site, the next one by the gateway
    refuses(service)
    assert service.said() == ["once", "and another"] and len(service.reports) == 1


def test_another_devices_word_is_not_taken(site, new_service):
    other = tells(site, new_service(), "for another")
    service = new_service(answers=[other])
    refuses(service)
    assert service.said() == [] and len(service.reports) == 1


@pytest.mark.parametrize("body", [b"", b"wake", b'{"notifications": [{"what": "message", "message": "mine"}]}', b"a.b.c"])
def test_a_word_that_the_site_did_not_sign_is_not_taken(new_service, body):
    service = new_service(answers=[Answer(200, "OK", {"content-type": "application/jose"}, body)])
    refuses(service)
    assert service.said() == [] and len(service.reports) == 1


def test_another_document_of_the_sites_for_this_device_is_no_word(new_service):
    first = new_service()
    policy = next(answer for asked, answer in first.device.gateway.seen if asked.what == "policy" and answer.status == 200)
    first.device.gateway.alter.answers = [policy] * 3
    refuses(first)  # after the request that waits now has ended
    assert first.said() == []
