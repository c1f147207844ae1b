# SPDX-License-Identifier: Apache-2.0
"""Inventory: a device reports what it is, in parts and by changes, and the site shows it and goes by it."""
import csv
import hashlib
import io
import json
import re
import time
import uuid

import pytest

from cryptography.hazmat.primitives import serialization

from kit import programs
from kit.inside import Inside, signature
from kit.programs import program
from kit.service import Service
from kit.teller import Teller

REPORT_MAX, PART_MAX, CHANGES = 512 * 1024 + 4096, 256 * 1024, 32


@pytest.fixture
def device(new_device):
    return new_device().at("ehttp").registered_by_token()


@pytest.fixture(scope="module")
def inside(site, tmp_path_factory):
    return Inside(site, tmp_path_factory.mktemp("inside"))


@pytest.fixture
def new_teller(site, inside, tmp_path):
    return lambda: Teller(site, inside, tmp_path)


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()

    def add(name, *lines, mode=0o755):
        path = folder / name
        path.write_text("\n".join(("#!/bin/sh", *lines, "")))
        path.chmod(mode)
    add.folder = folder
    return add


def shown(site, guid):
    return site.cmg("inventory", "show", guid)["facts"]


def fingerprint(facts):
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    text = re.sub(r"(?<=\\u)[0-9a-f]{4}", lambda digits: digits[0].upper(), text)
    return hashlib.sha256(text.encode()).hexdigest()


def report_of(facts, base="", change=None, **given):
    return json.dumps({"base": base, "change": facts if change is None else change, "fingerprint": fingerprint(facts),
                       "taken": int(time.time()), **given}).encode()


def put(teller, whole, start=0, part=None, uid=None, size=None, sha256=None, **fields):
    uid = uid or str(uuid.uuid4())
    part = whole[start:] if part is None else part
    target = (f"/CCM_Incoming/inventory/{uid}?start={start}&size={len(whole) if size is None else size}"
              f"&sha256={sha256 or hashlib.sha256(whole).hexdigest()}")
    return teller.send("PUT", target, part, **fields)


def word(answer):
    assert answer.status == 200, answer
    said = json.loads(answer.body)
    assert said["signed"].count(".") == 2
    return said["result"], said["came"]


def access_token_of(device):
    return device.identity()["access_token"]


# --- the client, through the gateway ---


def test_a_device_reports_what_it_is_and_the_site_shows_it(site, device):
    report = device.must("inventory")
    assert report["inventory"]["whole"]
    facts = shown(site, device.guid)
    assert facts["system"]["processors"] > 0 and facts["system"]["memory"] > 0
    assert facts["os"]["kernel"] and facts["disk"]["/"]["size"] > 0 and 0 <= facts["disk"]["/"]["free"] <= 100
    assert facts["tpm"]["present"] in (True, False)
    ends = [c["not_after"] for c in facts["certificate"].values()]
    assert min(ends) > time.time(), "its own certificate is there with its end"
    record = site.cmg("device", "show", device.guid)["device"]
    assert record["inventory"]["taken"] and record["facts"]["os.kernel"] == facts["os"]["kernel"]


def test_what_changed_alone_is_sent_and_what_is_gone_is_gone(site, device, scripts):
    scripts("colour", "echo green")
    scripts("rack", """echo '{"row": "b", "place": 7, "hot": true}'""")
    device.must("set", f"InventoryScripts={scripts.folder}")
    first = device.must("inventory")["inventory"]
    assert shown(site, device.guid)["script"] == {"colour": "green", "rack": {"row": "b", "place": 7, "hot": True}}
    (scripts.folder / "colour").unlink()
    scripts("rack", """echo '{"row": "c", "place": 7}'""")
    second = device.must("inventory")["inventory"]
    assert first["whole"] and not second["whole"] and second["size"] < first["size"]
    assert shown(site, device.guid)["script"] == {"rack": {"row": "c", "place": 7}}
    changes = site.cmg("inventory", "changes", device.guid)["changes"]
    assert changes[0]["change"]["script"] == {"colour": None, "rack": {"row": "c", "hot": None}}


def test_a_site_that_does_not_hold_the_last_report_gets_all_of_it(site, device):
    device.must("inventory")
    last = json.loads((device.state / "inventory.json").read_text())
    last["fingerprint"] = "0" * 64
    (device.state / "inventory.json").write_text(json.dumps(last))
    assert device.must("inventory")["inventory"]["whole"]
    assert shown(site, device.guid)["os"]["kernel"]


def test_all_of_it_is_sent_when_that_is_asked_for(device):
    device.must("inventory")
    assert not device.must("inventory")["inventory"]["whole"]
    assert device.must("inventory", "--full")["inventory"]["whole"]


def test_run_reports_when_it_is_due_and_not_before(site, device):
    assert device.must("run", "--once")["inventory"]["whole"]
    assert "inventory" not in device.must("run", "--once")
    last = json.loads((device.state / "inventory.json").read_text())
    last["taken"] -= 86400
    (device.state / "inventory.json").write_text(json.dumps(last))
    assert not device.must("run", "--once")["inventory"]["whole"]
    device.must("set", "InventoryInterval=0")
    (device.state / "inventory.json").unlink()
    assert "inventory" not in device.must("run", "--once")


def test_a_service_that_is_told_to_reports_at_once_what_its_other_process_sees(site, device, scripts):
    scripts("mark", "echo before")
    device.must("set", f"InventoryScripts={scripts.folder}")
    device.must("inventory")
    scripts("mark", "echo after")
    with Service(device) as service:
        assert "inventory" not in service.listens().runs(1), "it is not due"
        site.admin("POST", "/v1/notifications", {"what": "inventory", "device": device.guid})
        assert not service.runs(2)["inventory"]["whole"]
    assert shown(site, device.guid)["script"] == {"mark": "after"}
    assert not json.loads((device.state / "state.json").read_text())["report_wanted"]


def test_a_report_that_was_broken_off_goes_on_with_the_same_id(site, device):
    device.must("inventory")
    facts = {"os": {"version": "1"}, "blob": {f"n{i:05}": "x" * 64 for i in range(6000)}}
    uid = str(uuid.uuid4())
    (device.state / "upload.json").write_text(json.dumps({
        "id": uid, "guid": device.guid, "report": report_of(facts).decode(), "made": int(time.time())}))
    report = device.must("inventory")["inventory"]
    assert report["size"] > 3 * 128 * 1024
    assert shown(site, device.guid)["os"] == {"version": "1"} and not (device.state / "upload.json").exists()


def test_what_the_site_has_of_a_report_is_not_sent_again(site, inside, device):
    """As after a client that was ended between two parts, whose state says nothing of how far it came."""
    device.must("policy")
    facts = {"os": {"version": "1"}, "blob": {f"n{i:05}": "x" * 64 for i in range(6000)}}
    whole, uid, came = report_of(facts), str(uuid.uuid4()), 200_001
    target = f"/CCM_Incoming/inventory/{uid}?start=0&size={len(whole)}&sha256={hashlib.sha256(whole).hexdigest()}"
    key = serialization.load_pem_private_key(device.key.read_bytes(), None)
    fields = {**signature(key, "PUT", target, whole[:came]), **inside.asserted(access_token_of(device))}
    assert word(inside.request("ehttp", "PUT", target, fields, whole[:came], inside.connector)) == ("partial", came)
    (device.state / "upload.json").write_text(json.dumps({
        "id": uid, "guid": device.guid, "report": whole.decode(), "made": int(time.time())}))
    device.must("inventory")
    starts = [int(n) for n in re.findall(uid + r"\?start=(\d+)", device.log())]
    assert starts[0] == 0 and starts[1] == came and sorted(starts) == starts, starts
    assert shown(site, device.guid)["os"] == {"version": "1"}


@pytest.mark.parametrize("when_ms", [0, 20, 60, 150, 400])
def test_a_client_that_is_killed_at_any_time_reports_the_next_time(site, device, when_ms):
    process = programs.start([program("cmg-client"), "inventory", "--full", "--dir", device.state], programs.subprocess.DEVNULL)
    try:
        process.wait(when_ms / 1000)
    except programs.subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    device.must("inventory")
    assert shown(site, device.guid)["os"]["kernel"]


@pytest.mark.parametrize("lines, mode, fault", [
    (("exit 3",), 0o755, "exit code 3"), (("yes",), 0o755, "printed more than"), (("echo x",), 0o777, "others may change it")])
def test_a_script_that_fails_is_a_fault_among_the_facts_and_keeps_up_nothing(site, device, scripts, lines, mode, fault):
    scripts("bad", *lines, mode=mode)
    scripts("good", "echo fine")
    device.must("set", f"InventoryScripts={scripts.folder}")
    device.must("inventory")
    facts = shown(site, device.guid)["script"]
    assert fault in facts["bad"]["fault"] and facts["good"] == "fine"


def test_show_prints_what_would_be_reported_without_a_request(new_device):
    facts = new_device(enroll=False).must("inventory", "--show")
    assert facts["os"]["kernel"]


# --- at the management point, from inside ---


FACTS = {"os": {"name": "Debian", "version": "12.5"}, "disk": {"/": {"size": 10, "free": 4}, "/var": {"size": 9, "free": 40}}}


def test_a_report_comes_in_parts_each_of_which_counts_once_in_whatever_order_they_are_repeated(site, new_teller):
    teller, whole, uid = new_teller(), report_of(FACTS), str(uuid.uuid4())
    half = len(whole) // 2
    assert word(put(teller, whole, 0, whole[:half], uid)) == ("partial", half)
    assert word(put(teller, whole, 0, whole[:half], uid)) == ("partial", half)
    assert word(put(teller, whole, 0, b"", uid)) == ("partial", half)
    assert word(put(teller, whole, half + 1, whole[half + 1:], uid)) == ("partial", half), "a part that does not join on"
    assert word(put(teller, whole, half, whole[half:], uid)) == ("taken", len(whole))
    assert word(put(teller, whole, half, whole[half:], uid)) == ("taken", len(whole)), "the answer was lost"
    assert shown(site, teller.guid) == FACTS


def test_a_part_of_a_report_that_is_not_there_begins_nothing(new_teller):
    teller, whole = new_teller(), report_of(FACTS)
    assert word(put(teller, whole, 10)) == ("partial", 0)


def test_another_report_takes_the_place_of_one_that_was_never_whole(site, new_teller):
    teller, whole, first = new_teller(), report_of(FACTS), str(uuid.uuid4())
    assert word(put(teller, whole, 0, whole[:10], first)) == ("partial", 10)
    assert word(put(teller, whole)) == ("taken", len(whole))
    assert word(put(teller, whole, 10, whole[10:], first)) == ("partial", 0)


def test_a_report_whose_hash_is_another_is_damaged_and_changes_nothing(site, new_teller):
    teller = new_teller()
    assert word(put(teller, report_of(FACTS))) == ("taken", len(report_of(FACTS)))
    assert word(put(teller, report_of({"os": {"name": "x"}}), sha256="0" * 64))[0] == "damaged"
    assert shown(site, teller.guid) == FACTS


def test_a_change_is_applied_to_what_it_is_a_change_of_and_else_the_whole_is_wanted(site, new_teller):
    teller = new_teller()
    later = {"os": {"name": "Debian", "version": "13"}}
    change = {"os": {"version": "13"}, "disk": None}
    assert word(put(teller, report_of(later, fingerprint(FACTS), change)))[0] == "full_wanted"
    put(teller, report_of(FACTS))
    assert word(put(teller, report_of(later, fingerprint(FACTS), change)))[0] == "taken"
    assert shown(site, teller.guid) == later
    assert word(put(teller, report_of(later, fingerprint(FACTS), change)))[0] == "full_wanted"
    assert site.cmg("inventory", "changes", teller.guid)["changes"][0]["change"] == change


WRONG = {
    "cut off": b"{", "a list": b"[]", "empty": b"{}", "no fingerprint": b'{"base": "", "change": {}, "taken": 1}', "taken before time": report_of({}, taken=-1),
    "another fingerprint": report_of(FACTS, fingerprint="0" * 64), "a group that is a number": report_of({"os": 1}),
    "a broken number": report_of({"os": {"v": 1.5}}), "a list within": report_of({"os": {"v": [1]}}),
    "too many groups": report_of({f"s{i}": {} for i in range(40)}), "too deep": report_of({"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}),
    "far too deep": b'{"base":"","change":{"a":' + b"[" * 900 + b"]" * 900 + b'},"fingerprint":"","taken":1}',
    "a zero octet": b'{"base": "", "change": {"os": {"a": "\\u0000"}}, "fingerprint": "", "taken": 1}'}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_report_that_is_none_is_refused_and_does_not_lie_about(site, new_teller, wrong):
    teller, uid = new_teller(), str(uuid.uuid4())
    answer = put(teller, wrong, uid=uid)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "MP_Bad_Request"), answer
    assert word(put(teller, wrong, 0, b"", uid)) == ("partial", 0), "nothing of it is kept"
    assert site.cmg("inventory", "show", teller.guid, check=False)[0] == 1


@pytest.mark.parametrize("target, status", [
    ("", 400), ("/", 400), ("/x?start=0&size=1&sha256=" + "0" * 64, 400), ("/ID", 413),
    ("/ID?start=-1&size=1&sha256=" + "0" * 64, 413), (f"/ID?start=0&size={REPORT_MAX + 1}&sha256=" + "0" * 64, 413),
    (f"/ID?start=0&size={2**70}&sha256=" + "0" * 64, 413), ("/ID?start=0&size=0&sha256=" + "0" * 64, 413),
    ("/ID?start=0&size=1&sha256=" + "G" * 64, 400), ("/ID?start=0&size=1", 400),
    ("/ID?start=1&size=1&sha256=" + "0" * 64, 400), ("/ID/../../state?start=0&size=9&sha256=" + "0" * 64, 400)])
def test_a_request_that_names_no_part_is_refused(new_teller, target, status):
    target = target.replace("ID", str(uuid.uuid4()))
    assert new_teller().send("PUT", f"/CCM_Incoming/inventory{target}", b"x").status == status


@pytest.mark.parametrize("part", [b"\xff", b"a\x00b", "\u00e9".encode()[:1]])
def test_a_part_that_is_no_text_is_refused(new_teller, part):
    assert put(new_teller(), part + b"x" * 9, part=part).status == 400


def test_a_device_can_not_grow_the_store_by_parts_reports_or_changes(site, new_teller):
    teller = new_teller()
    assert put(teller, b"x" * (PART_MAX + 1)).status == 413, "by its head"
    big = {"blob": {f"n{i:05}": "x" * 80 for i in range(5000)}}
    whole, uid = report_of(big), str(uuid.uuid4())
    for start in range(0, len(whole), PART_MAX):
        answer = put(teller, whole, start, whole[start:start + PART_MAX], uid)
    assert word(answer)[0] == "taken"
    before = FACTS
    put(teller, report_of(before))
    for turn in range(CHANGES + 8):
        after = {"os": {"name": "Debian", "version": str(turn)}}
        assert word(put(teller, report_of(after, fingerprint(before), {"os": {"version": str(turn)}, "disk": None})))[0] == "taken"
        before = after
    assert len(site.cmg("inventory", "changes", teller.guid)["changes"]) == CHANGES


def test_no_device_reports_for_another_or_sees_what_another_is(site, new_teller):
    one, other = new_teller(), new_teller()
    whole, uid = report_of(FACTS), str(uuid.uuid4())
    put(one, whole, 0, whole[:20], uid)
    assert word(put(other, whole, 20, whole[20:], uid)) == ("partial", 0), "another's report goes on for nobody else"
    assert put(one, whole, 20, whole[20:], uid, signer=other.own.private).status == 401
    for method in ("GET", "HEAD", "POST", "DELETE"):
        assert one.send(method, f"/CCM_Incoming/inventory/{uid}").status == 405
    assert word(put(one, whole, 20, whole[20:], uid))[0] == "taken"
    assert site.cmg("inventory", "show", other.guid, check=False)[0] == 1


def test_a_blocked_device_reports_nothing(site, new_teller):
    teller = new_teller()
    site.cmg("device", "block", teller.guid)
    assert put(teller, report_of(FACTS)).status == 403


# --- what the site does with it ---


def test_devices_are_listed_by_what_they_are_and_what_is_not_known_meets_no_condition(site, new_teller):
    old, new, silent = new_teller(), new_teller(), new_teller()
    mark = uuid.uuid4().hex[:8]
    put(old, report_of({**FACTS, "script": {"mark": mark, "rack": {"row": "b", "hot": True}}}))
    put(new, report_of({"os": {"version": "13"}, "script": {"mark": mark}, "tpm": {"present": True}, "system": {"memory": 8 << 30},
                        "certificate": {"a": {"not_after": 1800000000}, "b": {"not_after": 1900000000}}}))

    def found(where):
        names = {old.guid: "old", new.guid: "new", silent.guid: "silent"}
        listed = site.cmg("device", "list", "--where", f"{where},script.mark={mark}")["devices"]
        return sorted(names[d["guid"]] for d in listed)

    assert found("os.version<13") == ["old"] and found("os.version>=12") == ["new", "old"] and found("os.version=13") == ["new"]
    assert found("os.version<12.10") == ["old"] and found("os.version>12") == ["new", "old"]
    assert found("disk.free<5%") == ["old"] and found("disk.free<4") == [] and found("disk.free!=5%") == ["old"]
    assert found("os.name=deb*") == ["old"] and found("os.name!=deb*") == []
    assert found("tpm.present=yes") == ["new"] and found("system.memory>=8GiB") == ["new"] and found("system.memory<8GiB") == []
    assert found("certificate.ends<2027-02-01") == ["new"] and found("certificate.ends<2027-01-01") == []
    assert found("script.rack.row=b") == ["old"] and found("script.rack.hot=yes") == ["old"] and found("script.rack.row!=c") == ["old"]
    assert silent.guid in {d["guid"] for d in site.cmg("device", "list", "--where", "version>=2002")["devices"]}


@pytest.mark.parametrize("where", ["os.version", "os.version<", "os.version<x", "disk.free<5GiB", "disk.free<101%", "os.name<a", "tpm.present=maybe",
                                   "no.such=1", "system.memory<much", "certificate.ends<soon", "script.=1", ",", "os.version<13,"])
def test_conditions_that_are_none_are_refused_with_what_there_is(site, where):
    code, answer = site.cmg("device", "list", "--where", where, check=False)
    assert code == 1 and answer["error"]["status"] == 400, answer


def test_a_rule_by_facts_makes_members_and_the_policy_follows_at_the_next_request(site, device, scripts):
    mark = uuid.uuid4().hex[:8]
    scripts("mark", f"echo {mark}")
    device.must("set", f"InventoryScripts={scripts.folder}")
    site.cmg("collection", "add", f"facts-{mark}", "--rule", f"script.mark={mark}")
    site.cmg("policy", "add", f"facts-{mark}", "--content", "x", "--collection", f"facts-{mark}")
    try:
        device.must("policy")
        assert f"facts-{mark}" not in device.policies()
        device.must("inventory")
        device.must("policy")
        assert f"facts-{mark}" in device.policies()
        scripts("mark", "echo other")
        device.must("inventory")
        device.must("policy")
        assert f"facts-{mark}" not in device.policies()
    finally:
        site.cmg("policy", "remove", f"facts-{mark}")
        site.cmg("collection", "remove", f"facts-{mark}")


def test_the_export_is_csv_that_no_spreadsheet_takes_for_formulas(site, new_teller):
    teller, mark = new_teller(), uuid.uuid4().hex[:8]
    put(teller, report_of({"os": {"name": '=cmd|"/c calc"!A1', "version": "1,2", "id": "@x", "kernel": "-1+1"},
                           "system": {"vendor": "a\nb", "model": "+1"}, "script": {"mark": mark}}))
    _, out, _ = programs.run([program("cmg"), "inventory", "export", "--csv", "--where", f"script.mark={mark}", "--socket",
                              site.report["admin_socket"]])
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 1 and rows[0]["guid"] == teller.guid, out
    assert rows[0]["os.name"] == """'=cmd|"/c calc"!A1""" and rows[0]["os.version"] == "1,2"
    assert rows[0]["os.id"] == "'@x" and rows[0]["os.kernel"] == "'-1+1" and rows[0]["system.model"] == "'+1"
    assert rows[0]["system.vendor"] == "a"
    assert site.cmg("inventory", "export", "--where", f"script.mark={mark}")["devices"][0]["guid"] == teller.guid


def test_what_a_device_says_steers_no_terminal(site, new_teller):
    teller = new_teller()
    assert word(put(teller, report_of({"os": {"name": "\x1b[31mred", "\x1b]0;x\x07": "y"}, "script": {"l": ["\x1b[2J"]}})))[0] == "taken"
    for words in (("inventory", "show"), ("device", "show")):
        _, out, _ = programs.run([program("cmg"), *words, teller.guid, "--socket", site.report["admin_socket"]])
        assert "\x1b" not in out and "\x07" not in out
