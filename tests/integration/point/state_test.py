# SPDX-License-Identifier: Apache-2.0
"""State messages: a device tells what became of what it was given, and the site shows it."""
import json
import subprocess
import time
import uuid

import pytest

from kit import pki, programs
from kit.inside import Inside
from kit.teller import Teller

KEPT, THINGS, AT_ONCE = 64, 256, 64


@pytest.fixture
def device(new_device):
    return new_device().at("ehttp").registered_by_token()


@pytest.fixture
def policy(site):
    name = f"told-{uuid.uuid4().hex[:8]}"
    site.cmg("policy", "add", name, "--content", "x")
    yield name
    site.cmg("policy", "remove", name)


@pytest.fixture(scope="module")
def inside(site, tmp_path_factory):
    return Inside(site, tmp_path_factory.mktemp("inside"))


@pytest.fixture
def new_teller(site, inside, tmp_path):
    return lambda: Teller(site, inside, tmp_path)


def handler(folder, *lines):
    path = folder / f"handler-{uuid.uuid4().hex[:8]}"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def states(site, guid):
    return site.cmg("device", "show", guid)["device"]["states"]


def told(site, device, subject):
    return next((s for s in states(site, device.guid) if s["subject"] == subject), None)


def message(**given):
    return {"id": str(uuid.uuid4()), "kind": "policy", "subject": "p", "version": 1, "state": "applied", "detail": "",
            "at": int(time.time()), **given}


def signed_word(answer):
    return json.loads(answer.body)


def test_that_a_policy_was_applied_is_told_through_the_gateway_and_shown(site, device, policy):
    device.must("policy")
    state = told(site, device, policy)
    assert (state["kind"], state["state"], state["version"]) == ("policy", "applied", 1), state


def test_a_handler_that_fails_is_told_with_the_end_of_what_it_said_and_so_is_that_it_works_again(site, device, policy, tmp_path):
    bad = handler(tmp_path, "yes filler | head -2000", "echo out of cheese >&2", "exit 7")
    device.must("set", f"PolicyHandler={bad}")
    device.must_fail("policy")
    state = told(site, device, policy)
    assert state["state"] == "failed" and "exit code 7" in state["detail"], state
    assert state["detail"].endswith("out of cheese\n") and len(state["detail"]) <= 4096, state
    before = len(device_messages(site, device))
    device.must_fail("policy")
    assert len(device_messages(site, device)) == before, "the same is told once"
    device.must("set", f"PolicyHandler={handler(tmp_path, 'echo done')}")
    device.must("policy")
    state = told(site, device, policy)
    assert (state["state"], state["detail"]) == ("applied", "done\n"), state


def device_messages(site, device):
    return site.cmg("inventory", "messages", device.guid)["messages"]


def test_what_a_handler_says_in_no_utf8_and_with_controls_is_told_and_steers_no_terminal(site, device, policy, tmp_path):
    program = handler(tmp_path, r"printf 'a\377b\033[31mc\000d'")
    device.must("set", f"PolicyHandler={program}")
    subprocess.run([programs.program("cmg-client"), "policy", "--dir", device.state], check=True, capture_output=True, timeout=60)
    assert told(site, device, policy)["detail"] == "a?b\x1b[31mc d"
    _, out, _ = programs.run([programs.program("cmg"), "device", "show", device.guid, "--socket", site.report["admin_socket"]])
    assert policy in out and "\x1b" not in out


def test_what_can_not_be_told_waits_and_goes_with_the_next_run(site, device, policy):
    (device.state / "messages.json").write_text(json.dumps([message(subject="waited", detail="since yesterday")]))
    device.must("policy")
    assert told(site, device, "waited")["detail"] == "since yesterday"
    assert json.loads((device.state / "messages.json").read_text()) == []


def test_a_message_that_no_management_point_takes_does_not_stand_in_the_way_of_others(site, device, policy):
    (device.state / "messages.json").write_text(json.dumps([message(state="nonsense")]))
    device.must("policy")
    device.must("policy")
    assert json.loads((device.state / "messages.json").read_text()) == []


def test_a_damaged_queue_is_an_empty_one(site, device, policy):
    (device.state / "messages.json").write_text("[{")
    device.must("policy")
    assert told(site, device, policy)["state"] == "applied"


# --- at the management point, from inside ---


def test_a_message_that_is_sent_twice_counts_once_and_the_answer_is_signed_for_the_device(site, new_teller):
    teller, one = new_teller(), message()
    first, again = teller.tell(one), teller.tell(one)
    assert (first.status, again.status) == (200, 200)
    assert (signed_word(first)["new"], signed_word(again)["new"], signed_word(again)["taken"]) == (1, 0, 1)
    assert signed_word(first)["signed"].count(".") == 2
    assert len(site.cmg("inventory", "messages", teller.guid)["messages"]) == 1


@pytest.mark.parametrize("wrong", [
    {"id": "1"}, {"id": 5}, {"kind": "love"}, {"kind": None}, {"state": "fine"}, {"subject": ""}, {"subject": "x" * 129},
    {"subject": "a\nb"}, {"subject": "a\u202eb"}, {"detail": "x" * 4097}, {"at": -1}, {"at": 2**40}, {"at": "now"}, {"version": -1}])
def test_a_message_that_is_none_is_refused_and_nothing_of_its_request_is_kept(site, new_teller, wrong):
    teller = new_teller()
    answer = teller.tell(message(), message(**wrong))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "MP_Bad_Request"), answer
    assert states(site, teller.guid) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages": {}}', b'{"messages": []}', b'{"messages": [1]}', b"\xff",
                                  b'{"messages": [' + b"[" * 100 + b"]" * 100 + b"]}"])
def test_a_body_that_is_none_is_refused(new_teller, body):
    assert new_teller().send("POST", "/CCM_System/state", body).status == 400


def test_more_messages_than_a_request_may_have_are_refused_and_too_large_a_body_by_its_head(new_teller):
    teller = new_teller()
    assert teller.tell(*[message() for _ in range(AT_ONCE + 1)]).status == 400
    assert teller.send("POST", "/CCM_System/state", **{"Content-Length": str(513 * 1024)}).status == 413


def test_a_device_can_not_grow_the_store_however_much_it_tells(site, new_teller):
    teller = new_teller()
    for turn in range(6):
        assert teller.tell(*[message(subject=f"{turn}-{i}") for i in range(AT_ONCE)]).status == 200
    assert len(site.cmg("inventory", "messages", teller.guid)["messages"]) == KEPT
    shown = {s["subject"] for s in states(site, teller.guid)}
    assert len(shown) == THINGS
    assert any(subject.startswith("5-") for subject in shown), "the last ones are there"


def test_a_device_tells_of_itself_alone_and_only_signed_by_its_key(site, new_teller, tmp_path):
    one, other = new_teller(), new_teller()
    body = json.dumps({"messages": [message()], "guid": other.guid}).encode()
    assert one.send("POST", "/CCM_System/state", body).status == 200
    assert states(site, other.guid) == []
    stranger = pki.self_signed(tmp_path, "stranger")
    answer = one.send("POST", "/CCM_System/state", body, signer=stranger.private)
    assert answer.status == 401, answer
    answer = one.send("POST", "/CCM_System/state", body, signer=other.own.private)
    assert answer.status == 401, answer


def test_a_blocked_device_tells_nothing_and_with_a_removed_one_goes_what_it_told(site, new_teller):
    teller = new_teller()
    assert teller.tell(message()).status == 200
    site.cmg("device", "block", teller.guid)
    assert teller.tell(message()).status == 403
    site.cmg("device", "remove", teller.guid)
    assert site.cmg("inventory", "messages", teller.guid, check=False)[0] == 1
