# SPDX-License-Identifier: Apache-2.0
"""Identity at the management point (PROTOCOL 8): what nobody vouched for decides nothing, who was removed or blocked stays
out, one machine has one identity."""
import json
import secrets
import time

import pytest

from kit import gatewayclient, pki, programs
from kit.device import Device
from kit.gatewayclient import HTTP2
from kit.inside import Inside, by_pki, same_device
from kit.programs import program, until

WITHIN_S = 5


@pytest.fixture(scope="module")
def inside(site, tmp_path_factory):
    return Inside(site, tmp_path_factory.mktemp("inside"))


@pytest.fixture
def new_bulk(site):
    return lambda *options: site.add("token", "new", *options)["token"].split(".", 2)[2]


@pytest.fixture
def keys(tmp_path):
    return lambda: pki.self_signed(tmp_path, f"key-{secrets.token_hex(4)}")


@pytest.fixture
def root(site, tmp_path):
    """A PKI of this test's own, so that it may revoke."""
    it = pki.Ca(tmp_path, f"Identity Root {secrets.token_hex(4)}")
    site.cmg("trust", "add", "--anchor", it.path, "--crl", it.crl())
    return it


def unique(name):
    return f"{name}-{secrets.token_hex(4)}"


def approved(answer):
    body = json.loads(answer.body)
    assert (answer.status, body["approval"]) == (200, "approved"), answer
    return body


def waits(site, answer, reason):
    """The record that waits for just this reason."""
    body = json.loads(answer.body)
    assert (answer.status, body["approval"], body["device_token"]) == (202, "pending", None), answer
    record = site.cmg("device", "show", body["guid"])["device"]
    assert reason in record["reason"] and record["state"] == "pending", record
    return record


def refused(answer, reason):
    assert answer.status in (400, 401, 403, 429) and json.loads(answer.body)["reason"] == reason, answer


def opens_the_gateway(site, device):
    path = "/CCM_Proxy_MutualAuth/ServiceMetadata"
    return gatewayclient.request(site, HTTP2, "GET", path, **device.client()).status == 200


# --- who was shut out ---


def test_a_removed_device_does_not_come_back_by_its_spent_token_until_an_administrator_says_so(site, inside, new_bulk, keys):
    bulk, device = new_bulk("--uses", "1"), keys()
    body = approved(inside.register(device, bulk))
    guid, token = body["guid"], body["device_token"]
    site.cmg("device", "remove", guid)
    record = waits(site, inside.register(device, bulk), "same key as ")
    assert f"({guid}), which was removed" in record["reason"]
    waits(site, inside.register(device, bulk), f"({guid}), which was removed")
    refused(inside.sts(device, token), "not_registered")
    site.cmg("device", "approve", record["guid"])
    assert inside.sts(device, approved(inside.register(device, bulk))["device_token"]).status == 200


def test_a_token_that_was_made_since_is_an_administrators_word_for_a_removed_device(site, inside, new_bulk, keys):
    device, other = keys(), new_bulk()
    guid = approved(inside.register(device, new_bulk()))["guid"]
    second = int(time.time())
    until("another second", lambda: int(time.time()) > second, 2)  # by which tokens and removals are told apart
    site.cmg("device", "remove", guid)
    waits(site, inside.register(device, other), f"({guid}), which was removed")
    assert approved(inside.register(device, new_bulk()))["guid"] != guid


def test_a_device_that_was_removed_to_be_forgotten_registers_as_any(site, inside, new_bulk, keys):
    bulk, device = new_bulk("--uses", "1"), keys()
    guid = approved(inside.register(device, bulk))["guid"]
    site.cmg("device", "remove", guid, "--forget")
    assert approved(inside.register(device, bulk))["guid"] != guid


def test_a_removed_devices_certificate_opens_no_gateway_until_its_guid_is_approved(site, inside, root):
    device = root.device(unique("gone"))
    guid = approved(by_pki(inside, device))["guid"]
    until("the gateway knows its CA", lambda: opens_the_gateway(site, device), WITHIN_S)
    site.cmg("device", "remove", guid)
    until("the gateway refuses it", lambda: not opens_the_gateway(site, device), WITHIN_S)
    waits(site, by_pki(inside, device), f"({guid}), which was removed")
    site.cmg("device", "approve", guid)
    until("the gateway lets it in", lambda: opens_the_gateway(site, device), WITHIN_S)


@pytest.mark.parametrize("how", ["block", "remove"])
def test_who_was_shut_out_does_not_return_by_a_renewed_certificate_with_another_key(site, inside, root, how):
    name = unique("out")
    guid = approved(by_pki(inside, root.device(name)))["guid"]
    site.cmg("device", how, guid)
    renewed = root.device(name, file=unique("renewed"))
    record = waits(site, by_pki(inside, renewed), f"({guid}), which {'is blocked' if how == 'block' else 'was removed'}")
    until("the gateway refuses it", lambda: not opens_the_gateway(site, renewed), WITHIN_S)
    site.cmg("device", "approve", "--all-pending")
    assert site.cmg("device", "show", record["guid"])["device"]["state"] == "pending", "it wants a word of its own"
    site.cmg("device", "approve", record["guid"])
    until("the gateway lets it in", lambda: opens_the_gateway(site, renewed), WITHIN_S)
    approved(by_pki(inside, renewed))


@pytest.mark.parametrize("how", ["block", "remove"])
@pytest.mark.parametrize("before, after", [("{host}", "{host}.corp.example"), ("{host}", "other"), ("{host}.corp.example", "other"),
                                           ("alias.corp.example", "{host}"), ("alias", "other")])


def test_who_was_shut_out_does_not_return_by_telling_another_of_its_certificates_names(site, inside, root, how, before, after):
    host, alias = unique("desk").lower(), unique("alias")
    names = {"dns": [f"{host}.corp.example", f"{alias}.corp.example"]}
    tells = [text.format(host=host).replace("alias", alias).replace("other", unique("other")) for text in (before, after)]
    guid = approved(by_pki(inside, root.device(f"{host}.corp.example", file=unique("old"), **names), name=tells[0]))["guid"]
    site.cmg("device", how, guid)
    renewed = root.device(f"{host}.corp.example", file=unique("renewed"), **names)
    waits(site, by_pki(inside, renewed, name=tells[1]), f"({guid}), which {'is blocked' if how == 'block' else 'was removed'}")
    until("the gateway refuses it", lambda: not opens_the_gateway(site, renewed), WITHIN_S)


def test_a_machine_of_which_one_record_is_blocked_registers_by_none_of_its_keys(site, inside, root, keys, new_bulk):
    name, own = unique("both"), keys()
    guid = approved(by_pki(inside, root.device(name), own=own))["guid"]
    token = approved(inside.register(own, new_bulk()))["device_token"]
    site.cmg("device", "block", guid)
    refused(inside.sts(own, token), "blocked")
    refused(inside.register(own, new_bulk()), "blocked")
    refused(by_pki(inside, root.device(name, file=unique("renewed")), own=own), "blocked")
    refused(by_pki(inside, root.device(unique("other")), own=own), "blocked")
    site.cmg("device", "unblock", guid)
    assert inside.sts(own, token).status == 200


def test_who_was_blocked_takes_nobody_along_with_whom_a_hardware_id_alone_connects_it(site, inside, keys, new_bulk):
    victim, thief, board = keys(), keys(), unique("board")
    token = approved(inside.register(victim, new_bulk(), hardware=board))["device_token"]
    guid = waits(site, inside.register(thief, new_bulk(), hardware=board), "same hardware id")["guid"]
    site.cmg("device", "approve", guid)
    site.cmg("device", "block", guid)
    assert inside.sts(victim, token).status == 200
    approved(inside.register(victim, new_bulk(), hardware=board))


# --- what a connector asserts ---

NOBODYS = "its certificate leads to no anchor of the site here"


@pytest.fixture
def middle(root, tmp_path):
    """A CA that gateways know only by the devices that show it."""
    return pki.Ca(tmp_path, f"Identity Middle {secrets.token_hex(4)}", parent=root)


@pytest.fixture
def unlisted(site):
    """Devices of CAs whose list nobody has are let in."""
    site.cmg("settings", "set", "on_unavailable", "allow")
    yield
    site.cmg("settings", "set", "on_unavailable", "fail")


@pytest.mark.parametrize("told", [False, True], ids=["alone", "with its CAs"])
@pytest.mark.parametrize("of", ["nobody", "an imitation", "itself", "the root, but for a bit"])
def test_a_connectors_word_makes_no_certificate_the_pkis(site, inside, root, tmp_path, of, told):
    name = unique("FINANCE")
    ca = pki.Ca(tmp_path, root.name if of == "an imitation" else unique("Nobody"), file=unique("ca"))
    device = (pki.self_signed(tmp_path, name) if of == "itself" else
              pki.tampered(tmp_path, root.device(name), unique("altered")) if of == "the root, but for a bit" else
              ca.device(name))
    record = waits(site, by_pki(inside, device, name=name, chain=[ca] if told else ()), NOBODYS)
    assert "cmg trust add --intermediate FILE" in record["reason"] and record["vouched"]["name_by"] is None, record
    approved(by_pki(inside, root.device(name, file=unique("real")), name=name))  # it holds nobody up
    site.cmg("device", "remove", record["guid"], "--forget")


def test_who_was_approved_in_spite_of_its_certificate_stays_so_and_gets_no_token(site, inside, tmp_path):
    device = pki.Ca(tmp_path, unique("Nobody")).device(unique("pc"))
    guid = waits(site, by_pki(inside, device), NOBODYS)["guid"]
    site.cmg("device", "approve", guid)
    body = approved(by_pki(inside, device))
    assert body["guid"] == guid and body["device_token"] is None
    assert site.cmg("device", "show", guid)["device"]["method"] == "pki"


def test_an_intermediate_that_the_device_alone_tells_is_enough(site, inside, root, middle):
    device = middle.device(unique("below"))
    guid = waits(site, by_pki(inside, device), NOBODYS)["guid"]
    assert approved(by_pki(inside, device, chain=[middle]))["guid"] == guid
    assert approved(by_pki(inside, device))["guid"] == guid, "its key is known"
    site.cmg("trust", "add", "--intermediate", middle.path)
    approved(by_pki(inside, middle.device(unique("below"))))


@pytest.mark.parametrize("others", [0, 12])
def test_a_client_tells_the_intermediates_that_are_in_its_file(site, unlisted, middle, tmp_path, others):
    """As many as it may."""
    chain = [middle, *(pki.Ca(tmp_path, unique("Other")) for _ in range(others))]
    pair = middle.device(unique("below"), chain=chain)
    until("the gateway lets it in", lambda: opens_the_gateway(site, pair), WITHIN_S)
    device = Device(site, tmp_path).with_certificate(pair.path, pair.key).at("https")
    device.must("run", "--once")
    assert site.cmg("device", "show", device.guid)["device"]["vouched"]["registration"] == "certificate"


@pytest.mark.parametrize("reason", ["revoked", "wrong_usage", "not_yet_valid"])
def test_a_certificate_that_is_no_good_is_refused_whatever_a_connector_asserts(site, inside, root, reason):
    how = {"wrong_usage": {"usage": (pki.SERVER_AUTH,)}, "not_yet_valid": {"days": (1, 9)}}
    device = root.device(unique("bad"), **how.get(reason, {}))
    if reason == "revoked":
        site.cmg("trust", "add", "--crl", root.crl([device], number=2))
    answer = by_pki(inside, device)
    refused(answer, reason)
    assert json.loads(answer.body)["remedy"]


def test_a_list_that_is_lacking_here_or_has_ended_holds_up_nobody_whom_gateways_let_in(site, inside, tmp_path):
    """They may have asked by OCSP, or fetched a newer one."""
    root = pki.Ca(tmp_path, unique("Listless"))
    site.cmg("trust", "add", "--anchor", root.path)
    approved(by_pki(inside, root.device(unique("pc"))))
    gone = root.device(unique("gone"))
    site.cmg("trust", "add", "--crl", root.crl([gone], days=(-3, -1)))
    approved(by_pki(inside, root.device(unique("pc"))))
    refused(by_pki(inside, gone), "revoked")


@pytest.mark.parametrize("pem", ["", "no certificates", "of nine", "of too many bytes"])
def test_what_a_device_tells_to_be_above_it_has_its_form_and_bounds(inside, root, middle, pem):
    text = {"of nine": pki.pem_of(middle.certificate).decode() * 9,
            "of too many bytes": pki.pem_of(middle.certificate).decode() + "-" * 32 * 1024}.get(pem, pem)
    answer = by_pki(inside, middle.device(unique("below")), chain=text)
    assert answer.status == 400 and "chain_pem" in json.loads(answer.body)["detail"], answer


# --- certificates that are renewed ---


def test_a_certificate_renewed_with_another_key_goes_on_by_the_word_of_the_devices_own_key(site, inside, root, keys):
    name, own = unique("renews"), keys()
    first = approved(by_pki(inside, root.device(name), own=own))["guid"]
    renewed = root.device(name, file=unique("renewed"))
    assert approved(by_pki(inside, renewed, own=own, name=name, hardware=""))["guid"] == first
    assert approved(by_pki(inside, renewed, name=name, hardware=""))["guid"] == first, "it is the record's key now"


def test_without_that_word_it_waits_and_is_approved_by_guid(site, inside, root, keys):
    name = unique("renews")
    first = approved(by_pki(inside, root.device(name), name=name))["guid"]
    renewed = root.device(name, file=unique("renewed"))
    record = waits(site, by_pki(inside, renewed, name=name), f"same name as {name} ({first})")
    waits(site, by_pki(inside, root.device(name, file=unique("again")), own=keys()), "same name as ")
    code, answer = programs_cmg(site, "device", "approve", name)
    assert code != 0 and first in answer and record["guid"] in answer, "which of the two?"
    site.cmg("device", "approve", record["guid"])
    approved(by_pki(inside, renewed, name=name))


def programs_cmg(site, *arguments):
    code, out, err = programs.run([program("cmg"), *arguments, "--socket", site.folder / "admin.sock"], False)
    return code, out + err


def test_the_word_of_another_devices_own_key_or_for_another_key_is_none(site, inside, root, keys):
    own, device, thief = keys(), root.device(unique("honest")), root.device(unique("thief"))
    guid = approved(by_pki(inside, device, own=own))["guid"]
    answer = by_pki(inside, thief, word=same_device(own, device))
    assert answer.status == 400 and "same_device" in answer.problem()["detail"], answer
    assert approved(by_pki(inside, thief, own=own))["guid"] != guid, "a certificate of another name is another device's"


# --- what a device tells of itself ---


def test_a_told_hardware_id_takes_nobody_down_with_its_certificate(site, inside, root, keys, new_bulk):
    victim, attacker, board = keys(), root.device(unique("attacker")), unique("board")
    token = approved(inside.register(victim, new_bulk(), hardware=board))["device_token"]
    waits(site, by_pki(inside, attacker, hardware=board), "same hardware id as ")
    site.cmg("trust", "add", "--crl", root.crl([attacker], number=2))
    assert inside.sts(victim, token).status == 200
    approved(inside.register(victim, new_bulk(), hardware=board))


@pytest.mark.parametrize("by", ["approval", "word"])
def test_a_revoked_devices_other_key_is_not_good_again_by_a_confederate_or_another_hardware_id(site, inside, root, keys,
                                                                                             new_bulk, by):
    device, own, board, name = root.device(unique("lost")), keys(), unique("board"), unique("own")
    token = approved(inside.register(own, new_bulk(), hardware=board, name=name))["device_token"]
    if by == "word":
        approved(by_pki(inside, device, own=own, hardware=board))
    else:
        site.cmg("device", "approve", waits(site, by_pki(inside, device, hardware=board), "same hardware id")["guid"])
    access = json.loads(inside.sts(own, token).body)["access_token"]
    site.cmg("trust", "add", "--crl", root.crl([device], number=2))
    confederate = root.device(unique("friend"))
    record = waits(site, by_pki(inside, confederate, hardware=board), "same hardware id")
    site.cmg("device", "approve", record["guid"])
    by_pki(inside, root.device(unique("second-friend")), own=own, hardware="")
    inside.register(own, new_bulk(), hardware=unique("elsewhere"), name=name)
    inside.register(own, new_bulk(), hardware="", name=name)
    refused(inside.sts(own, token), "revoked")
    refused(inside.policy(own, access), "revoked")
    refused(inside.register(own, new_bulk(), hardware=board, name=name), "revoked")


def test_rules_go_by_the_name_that_somebody_stands_for(site, inside, root, keys, new_bulk):
    prefix = unique("FINANCE")
    site.cmg("collection", "add", prefix, "--rule", f"name={prefix}-*")

    def members():
        return {d["guid"] for d in site.cmg("collection", "show", prefix)["collection"]["devices"]}
    kiosk = root.device(unique("kiosk"))
    liar = approved(by_pki(inside, kiosk, name=f"{prefix}-9"))["guid"]
    told = approved(inside.register(keys(), new_bulk(), name=f"{prefix}-1"))["guid"]
    assert members() == set()
    by_certificate = approved(by_pki(inside, root.device(f"{prefix}-2.corp.example"), name=f"{prefix}-2"))["guid"]
    by_dns = approved(by_pki(inside, root.device(unique("x"), dns=f"{prefix}-3.corp.example"), name=f"{prefix}-3"))["guid"]
    by_token = approved(inside.register(keys(), new_bulk("--name", f"{prefix}-*"), name=f"{prefix}-4"))["guid"]
    assert members() == {by_certificate, by_dns, by_token}
    site.cmg("device", "approve", told, liar)
    assert members() == {by_certificate, by_dns, by_token, told}, "an administrator's word is not above a certificate's"
    shown = {guid: site.cmg("device", "show", guid)["device"]["vouched"] for guid in (liar, told, by_token)}
    assert (shown[told]["name_by"], shown[by_token]["name_by"]) == ("administrator", "token")
    assert shown[liar]["name"] == kiosk.certificate.subject.rfc4514_string().removeprefix("CN=")
    site.cmg("collection", "remove", prefix)


def test_a_host_inside_that_nobody_vouches_for_holds_up_no_device_by_its_name(site, inside, keys, new_bulk):
    name, board = unique("squatted"), unique("board")
    waits(site, inside.register(keys(), show=None, name=name, hardware=board), "nobody vouches")
    approved(inside.register(keys(), new_bulk(), name=name, hardware=board))


# --- one machine, one identity ---


def test_a_key_with_two_hardware_ids_is_told_and_the_second_is_refused_as_cloned(site, inside, keys, new_bulk):
    device, first, second = keys(), unique("board"), unique("board")
    name = unique("disk")
    body = approved(inside.register(device, new_bulk(), hardware=first, name=name))
    refused(inside.register(device, new_bulk(), hardware=second, name=unique("copy")), "cloned")
    assert inside.sts(device, body["device_token"]).status == 200, "who of the two is the first goes on"
    [problem] = [p for p in site.cmg("status")["problems"] if p["cause"] == "cloned" and p["of"] == body["guid"]]
    assert first in problem["found"] and second in problem["found"] and "cmg device" in problem["remedy"]
    assert site.cmg("device", "show", body["guid"])["device"]["other_hardware"] == second
    site.cmg("device", "approve", body["guid"])  # it is the same machine, with another board
    assert not [p for p in site.cmg("status")["problems"] if p["of"] == body["guid"]]
    approved(inside.register(device, new_bulk(), hardware=second, name=name))


# --- those that wait ---


def test_why_a_device_waits_is_said_wherever_it_is_seen(own_site, tmp_path):
    inside, bulk = Inside(own_site, tmp_path), own_site.add("token", "new", "--uses", "9")["token"].split(".", 2)[2]
    first = approved(inside.register(pki.self_signed(tmp_path, "a"), bulk, hardware="board", name="one"))["guid"]
    guid = json.loads(inside.register(pki.self_signed(tmp_path, "b"), bulk, hardware="board", name="two").body)["guid"]
    why = f"same hardware id as one ({first})"
    assert why in own_site.logs()
    for words in (["list"], ["show", guid]):
        code, text = programs_cmg(own_site, "device", *words)
        assert code == 0 and why in text, text
    [problem] = [p for p in own_site.cmg("status")["problems"] if p["cause"] == "approval_pending"]
    assert guid in problem["found"] and why in problem["found"] and "cmg device approve GUID" in problem["remedy"]
    assert any(why in e["detail"] for e in own_site.admin("GET", "/v1/audit")["events"])
    own_site.cmg("device", "approve", "--all-pending")
    assert own_site.cmg("status")["devices"]["pending"] == 0


@pytest.mark.parametrize("word", ["pending", "approval_pending", "cloned"])
def test_the_words_of_it_are_explained(word):
    assert programs.run([program("cmg"), "explain", word], False)[0] == 0


def test_several_are_approved_at_once(site, inside, keys, new_bulk):
    board = unique("fleet")
    approved(inside.register(keys(), new_bulk(), hardware=board))
    waiting = [waits(site, inside.register(keys(), new_bulk(), hardware=board), "same hardware id")["guid"] for _ in range(3)]
    assert [d["state"] for d in site.cmg("device", "approve", *waiting)["devices"]] == ["approved"] * 3


def test_a_device_without_a_hardware_id_waits_for_no_other(inside, keys, new_bulk):
    for _ in range(2):
        approved(inside.register(keys(), new_bulk(), hardware=""))


def test_one_machine_or_name_fills_neither_the_store_nor_the_audit(site, inside, keys, new_bulk):
    board = unique("crowd")
    approved(inside.register(keys(), new_bulk(), hardware=board))
    answers = [inside.register(keys(), show=None, hardware=board) for _ in range(9)]
    assert [a.status for a in answers] == [202] * 8 + [429]
    vouched = [inside.register(keys(), new_bulk(), hardware=board) for _ in range(8)]  # whom a token vouches for waits beside them
    assert [a.status for a in vouched] == [202] * 8
    refused(inside.register(keys(), new_bulk(), hardware=board), "too_many_wait")
    device = keys()
    guid = approved(inside.register(device, new_bulk()))["guid"]
    for i in range(5):
        again = pki.save(inside.connector[0].parent, f"again-{i}", pki.build(
            pki.name_of("x"), device.private.public_key(), pki.name_of("x"), device.private, []), device.private)
        assert json.loads(inside.register(again, new_bulk(), hardware="").body)["guid"] == guid
    events = [e for e in site.admin("GET", "/v1/audit")["events"] if e["object"] == guid]
    assert len(events) == 1, events
    for record in site.cmg("device", "list")["devices"]:
        if record["hardware_id"] == board:
            site.cmg("device", "remove", record["guid"], "--forget")


# --- what a waiting or a shut-out record tells of itself ----------------------------------------------------------------


def test_a_device_that_waits_keeps_the_name_that_the_administrator_saw(site, inside, keys):
    key, seen = keys(), unique("PRINTER")
    guid = json.loads(inside.register(key, show=None, name=seen, hardware=unique("board")).body)["guid"]
    inside.register(key, show=None, name=unique("FINANCE"), hardware=unique("board"))
    site.cmg("device", "approve", guid)
    device = site.cmg("device", "show", guid)["device"]
    assert device["name"] == seen and device["vouched"]["name"] == seen


def test_a_device_that_waits_keeps_what_the_administrator_saw_whoever_vouches_for_it(site, inside, keys, new_bulk):
    """Else it would be approved under a name, and as one machine with a device, that nobody looked at."""
    bulk, seen, board, finance = new_bulk("--uses", "4"), unique("PRINTER"), unique("board"), unique("FINANCE")
    approved(inside.register(keys(), bulk, name=seen))
    victim = approved(inside.register(keys(), bulk, hardware=board))["guid"]
    key = keys()
    before = waits(site, inside.register(key, bulk, name=seen, hardware=""), "same name as ")
    assert inside.register(key, bulk, name=finance, hardware=board).status == 202
    after = site.cmg("device", "show", before["guid"])["device"]
    assert {n: after[n] for n in ("name", "hardware_id", "reason", "same_as")} == {n: before[n] for n in (
        "name", "hardware_id", "reason", "same_as")}
    site.cmg("device", "approve", before["guid"])
    device = site.cmg("device", "show", before["guid"])["device"]
    assert device["vouched"]["name"] == seen
    assert device["machine"] != site.cmg("device", "show", victim)["device"]["machine"]


def test_what_a_blocked_device_told_of_itself_shuts_nobody_else_out(site, inside, keys, root, new_bulk):
    name, board = unique("SRV-DB"), unique("board")
    site.cmg("device", "block", approved(inside.register(keys(), new_bulk(), name=name, hardware=board))["guid"])
    victim = root.device(name)
    until("the victim is let in", lambda: opens_the_gateway(site, victim), 10)
    assert by_pki(inside, victim, name=name, hardware=board).status == 202
    [record] = [d for d in site.cmg("device", "list")["devices"] if d["name"] == name and d["state"] == "pending"]
    assert record["shut_out"] is False
    assert opens_the_gateway(site, victim)


def test_those_whom_nobody_vouches_for_take_no_vouched_devices_place_in_the_queue(site, inside, keys, root):
    name = unique("victim")
    approved(by_pki(inside, root.device(name), name=name))
    for _ in range(9):
        inside.register(keys(), show=None, name=name)
    assert by_pki(inside, root.device(name, file=unique("renewed")), name=name).status == 202


def test_a_shut_out_record_stays_so_whatever_it_tells_afterwards_and_bumps_no_second_bundle(site, inside, root):
    name = unique("shut")
    guid, board = approved(by_pki(inside, root.device(name), hardware=unique("board")))["guid"], unique("board")
    site.cmg("device", "remove", guid)
    renewed = root.device(name, file=unique("renewed"))
    waits(site, by_pki(inside, renewed, name=unique("told"), hardware=board), f"({guid}), which was removed")
    before = site.bundle_sequence()
    for told in (unique("told"), name, unique("told")):
        assert by_pki(inside, renewed, name=told, hardware=board).status == 202
    assert site.bundle_sequence() == before
    assert not opens_the_gateway(site, renewed)


def test_a_told_hardware_id_of_a_removed_device_shuts_out_for_good(site, inside, root, keys, new_bulk):
    """Else who was shut out would tell another one, and be in again; and each turn would be a bundle for all gateways."""
    board, device = unique("board"), root.device(unique("liar"))
    guid = approved(inside.register(keys(), new_bulk(), hardware=board))["guid"]
    site.cmg("device", "approve", guid)  # which stands for the hardware id
    site.cmg("device", "remove", guid)
    waits(site, by_pki(inside, device, hardware=board), "which was removed")
    name = unique("another")
    approved(inside.register(keys(), new_bulk(), name=name))
    before = site.bundle_sequence()
    for told in ({"hardware": ""}, {"hardware": "", "name": name}):
        assert by_pki(inside, device, **told).status == 202
    assert site.bundle_sequence() == before
    until("the gateway refuses it", lambda: not opens_the_gateway(site, device), WITHIN_S)
    site.cmg("device", "approve", guid)
    approved(by_pki(inside, device, hardware=""))
