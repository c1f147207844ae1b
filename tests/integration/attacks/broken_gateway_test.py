# SPDX-License-Identifier: Apache-2.0
"""A gateway that was broken into does nothing to devices but keep them from the site: each attack leaves a device with
what it had, and the next run through the real gateway heals it without a hand (THREAT_MODEL.md)."""
import contextlib
import email.utils
import glob
import gzip
import itertools
import json
import re
import time
from dataclasses import replace

import pytest
from cryptography import x509

from kit.between import Between
from kit.broken import BrokenGateway, Victim, content, refusal
from kit.gatewayclient import Answer
from kit.programs import until

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
OF_THE_USER = "policy", "--scenario", "user"
DOCUMENTS = {"settings": "settings", "policy": "policy"}  # what is asked for → what is kept


@pytest.fixture
def new_victim(site, ca, tmp_path):
    """kind → a device that registered and has its policy."""
    with contextlib.ExitStack() as ending:
        def make(kind):
            victim = Victim(site, tmp_path, ending.enter_context(BrokenGateway(site)))
            if kind == "pki":
                pair = ca.device(victim.name)
                victim.with_certificate(pair.path, pair.key).at("https").shows(pair.path, pair.key)
            else:
                victim.at("ehttp")
                victim.run("status")
                victim.run("policy")  # makes its key
                victim.shows(victim.certificate, victim.key).registered_by_token()
            victim.must("run", "--once")
            return victim
        yield make


@pytest.fixture(params=["token", "pki"])
def kind(request):
    return request.param


@pytest.fixture
def victim(new_victim, kind):
    return new_victim(kind)


@pytest.fixture
def other(new_victim, kind):
    return new_victim(kind)


@pytest.fixture
def policies(site):
    """Changes policies of every device, which are removed again."""
    made = set()

    def put(name, text, *options):
        made.add(name)
        site.cmg("policy", "add", name, "--content", text, *options)
    yield put
    for name in made:
        site.cmg("policy", "remove", name)


def instead(**answers):
    """For each kind of request: an answer, or what makes one of the request and of the real answer."""
    def alter(asked, relay):
        answer = answers.get(asked.what.replace(" ", "_"))
        return relay(asked) if answer is None else answer(asked, relay) if callable(answer) else answer
    return alter


def with_members(**changes):
    """The site's own answer but for some members; None takes one out."""
    def make(asked, relay):
        answer = relay(asked)
        members = {**json.loads(answer.body), **changes}
        return replace(answer, body=json.dumps({n: v for n, v in members.items() if v is not None}).encode())
    return make


def attacked(victim, alter, *command, environment=None):
    """Runs it against the attack; nothing was lost by it. Returns (exit code, report)."""
    before, sequences = victim.held(), victim.sequences()
    victim.gateway.alter, victim.environment = alter, {**victim.gateway.environment, **(environment or {})}
    try:
        code, report = victim.run(*(command or ("run", "--once")))
    finally:
        victim.gateway.alter, victim.environment = None, victim.gateway.environment
    assert victim.held() == before, report
    for name, floors in sequences.items():
        assert all(victim.sequences()[name][who] >= floor for who, floor in floors.items()), (name, report)
    assert code == 0 or report["reason"] and report["detail"] and report["remedy"], report
    return code, report


def heals(victim):
    """By itself, with the next run; its identity is the one that it had."""
    guid = victim.guid
    report = victim.must("run", "--once")
    assert victim.guid == guid and victim.document("policy")["audience"] == guid
    return report


def fails(victim, alter, *command, reason=None, environment=None):
    code, report = attacked(victim, alter, *command, environment=environment)
    assert code == 1 and reason in (None, report["reason"]), report
    heals(victim)
    return report


def refuses(victim, alter, reason):
    """Of a device that lost a part of its state before."""
    victim.gateway.alter = alter
    report = victim.must_fail("run", "--once")
    victim.gateway.alter = None
    assert report["reason"] == reason, report


# --- identity ---------------------------------------------------------------------------------------------------------


def sent_back(registration):
    return instead(settings=refusal(401, "MP_Not_Registered", "not_registered"), registration=registration)


def registers(victim):
    return ("register", "--token-file", victim.site.report["token_file"]) if "device_token" in victim.identity() else (
        "register",)


def test_another_devices_guid_beside_the_sites_word_is_not_read(victim, other):
    changes = with_members(guid=other.guid, device_token=other.identity().get("device_token"), approval="pending")
    before = victim.guid
    victim.gateway.alter = instead(registration=changes)
    victim.must(*registers(victim))
    victim.gateway.alter = None
    assert victim.guid == before
    heals(victim)


def test_a_registration_is_answered_by_nobody_but_the_site(victim, other):
    theirs = json.loads(other.gateway.real("registration").body)
    ours = json.loads(victim.gateway.real("registration").body)
    for changes, reason in (({"signed": theirs["signed"], "guid": other.guid}, "answer_untrusted"),
                            ({"signed": ours["signed"]}, "answer_untrusted"),
                            ({"signed": None, "guid": other.guid}, "bad_answer"),
                            ({"signed": "a.b.c"}, "answer_untrusted"),
                            ({"signed": 7}, "bad_answer")):
        report = fails(victim, instead(registration=with_members(**changes)), *registers(victim), reason=reason)
        assert report["remedy"], changes


def test_a_device_that_is_sent_back_to_register_does_not_run_another_devices_policy(victim, other):
    theirs = other.gateway
    for registration in (with_members(guid=other.guid), theirs.real("registration")):
        def alter(asked, relay):
            if asked.what == "registration":
                return registration(asked, relay) if callable(registration) else registration
            if asked.what == "settings" and not any(a.what == "registration" for a, _ in victim.gateway.seen):
                return refusal(401, "MP_Not_Registered", "not_registered")
            return theirs.real(asked.what) if asked.what in DOCUMENTS else relay(asked)
        victim.gateway.seen.clear()
        code, report = attacked(victim, alter)
        assert code == 1, report
        heals(victim)


@pytest.mark.parametrize("lie", [("CMGService_Invalid_Token", 401, "unknown_key"),
                                 ("CMGService_Invalid_Token", 401, "revoked"),
                                 ("CMGService_Invalid_Client_Certificate", 401, "revoked"),
                                 ("CMGService_Not_Allowed", 403, "blocked"),
                                 ("CMGService_Not_Allowed", 403, "mode_forbids_pki"),
                                 ("CMGService_Not_Allowed", 403, "cmg_disallowed"),
                                 ("MP_Not_Registered", 401, "not_registered"),
                                 ("MP_Denied", 403, "cloned"),
                                 ("MP_Denied", 403, "approval_pending")], ids=lambda lie: f"{lie[0]}-{lie[2]}")
def test_whatever_a_device_is_refused_with_it_keeps_its_credentials(victim, lie):
    code, status, reason = lie
    no = refusal(status, code, reason)
    fails(victim, lambda asked, relay: no)
    for where in ("registration", "token", "settings", "policy"):
        attacked(victim, instead(**{where: no}))
        if "access_token" in victim.identity():
            victim.changed(access_token=None)  # so that it asks for one
            attacked(victim, instead(**{where: no}))
        heals(victim)


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_token(new_victim):
    return new_victim("token")


def asks_for_a_token(victim):
    victim.changed(access_token=None)
    return victim


def test_a_token_service_answer_of_another_request_device_or_nobody_is_refused(by_token, new_victim):
    other = new_victim("token")
    theirs, older = (json.loads(v.gateway.real("token").body) for v in (other, by_token))
    for changes, reason in (({"signed": theirs["signed"]}, "answer_untrusted"),
                            ({"signed": older["signed"]}, "answer_untrusted"), ({"signed": None}, "bad_answer"),
                            (theirs, "answer_untrusted"), (older, "answer_untrusted")):
        fails(asks_for_a_token(by_token), instead(token=with_members(**changes)), reason=reason)
    registration = by_token.gateway.real("registration")
    fails(asks_for_a_token(by_token), instead(token=registration), reason="answer_untrusted")


def test_another_devices_token_beside_the_sites_word_is_not_taken(by_token, new_victim):
    token = new_victim("token").identity()["access_token"]
    code, report = attacked(asks_for_a_token(by_token), instead(token=with_members(access_token=token, user="eve")))
    assert code == 0 and by_token.identity()["access_token"] != token, report


def test_a_renewal_that_another_answer_was_put_under_leaves_the_device_token(by_token):
    by_token.changed(device_token_renew=1, access_token=None)
    older = by_token.gateway.real("token")
    before = by_token.identity()["device_token"]
    by_token.gateway.alter = instead(token=older)
    by_token.run("run", "--once")
    by_token.gateway.alter = None
    assert by_token.identity()["device_token"] == before
    heals(by_token)
    assert by_token.identity()["device_token"] != before, "renewed by the real gateway"


# --- documents --------------------------------------------------------------------------------------------------------


def test_another_devices_documents_are_refused(victim, other):
    for what, kept in DOCUMENTS.items():
        fails(victim, instead(**{what: other.gateway.real(what)}), reason=f"{kept}_untrusted")
    swapped = instead(policy=victim.gateway.real("settings"), settings=victim.gateway.real("policy"))
    fails(victim, swapped, reason="settings_untrusted")


@pytest.fixture
def outdated(victim, site, policies):
    """Kind of request → the site's answer of before the administrator changed policy and client settings."""
    older = {what: victim.gateway.real(what) for what in DOCUMENTS}
    policies("newer", "n")
    site.cmg("settings", "client", "set", "newer", "--collection", collection_of(site, victim), "--priority", "1",
             "policy_interval=77m")
    victim.must("run", "--once")
    yield older
    site.cmg("settings", "client", "remove", "newer")
    site.cmg("collection", "remove", f"of-{victim.name}")


def collection_of(site, device):
    site.cmg("collection", "add", f"of-{device.name}", "--device", device.guid)
    return f"of-{device.name}"


def test_older_documents_are_refused(victim, outdated):
    for what, kept in DOCUMENTS.items():
        report = fails(victim, instead(**{what: outdated[what]}), reason=f"{kept}_untrusted")
        assert "sequence" in report["detail"], report


@pytest.mark.parametrize("lost", ["policy.jws", "settings.jws", "sequences.json", "location.jws", "state.json",
                                  "policy.json", "certificate.pem"])
def test_older_documents_are_refused_also_after_a_file_was_lost(victim, outdated, lost):
    (victim.state / lost).unlink(missing_ok=True)
    for what, kept in DOCUMENTS.items():
        refuses(victim, instead(**{what: outdated[what]}), f"{kept}_untrusted")
    heals(victim)
    assert victim.policies()["newer"] == "n"


def test_older_documents_are_refused_also_by_a_device_that_forgot_who_it_is(victim, outdated, kind):
    guid = victim.guid
    (victim.state / "identity.json").unlink()
    if kind == "token":
        victim.registered_by_token()
    for what, kept in DOCUMENTS.items():
        refuses(victim, instead(**{what: outdated[what]}), f"{kept}_untrusted")
    heals(victim)
    assert victim.guid == guid


def test_documents_of_an_earlier_identity_are_refused_and_the_sequences_outlive_it(victim, site, outdated, kind):
    guid, sequences = victim.guid, victim.sequences()
    site.cmg("device", "remove", guid, "--forget")
    site.settle()
    again = ("register", "--token-file", site.report["token_file"]) if kind == "token" else ("register",)
    victim.must(*again)
    assert victim.guid != guid and all(victim.sequences()[what] == sequences[what] for what in DOCUMENTS)
    for what, kept in DOCUMENTS.items():
        refuses(victim, instead(**{what: outdated[what]}), f"{kept}_untrusted")
    victim.gateway.alter = None
    heals(victim)


@pytest.fixture
def clock():
    if not FAKETIME:
        pytest.skip("no faketime: run make deps")
    return lambda by: {"LD_PRELOAD": FAKETIME[0], "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_not_modified_for_ever_ends_with_the_document(victim, clock, what):
    unchanged = {what: Answer(304, "Not Modified")}
    code, report = attacked(victim, instead(**unchanged))
    assert code == 0, report
    fresh = {other: victim.gateway.real(other) for other in DOCUMENTS if other != what}
    metadata = victim.gateway.real("metadata")
    for days in (2, 6):
        code, report = attacked(victim, instead(metadata=metadata, **fresh, **unchanged),
                                environment=clock(f"+{days}d"))
        assert code == 0, report
    for days in (16, 40):
        fails(victim, instead(**fresh, **unchanged), environment=clock(f"+{days}d"))
    heals(victim)


def test_client_settings_are_not_kept_from_a_device_by_saying_that_there_are_none(victim):
    for status in (404, 501):
        fails(victim, instead(settings=refusal(status, "MP_Unknown_Path", "unknown_path")))


# --- location ---------------------------------------------------------------------------------------------------------


def test_an_older_list_of_gateways_is_not_taken_again(victim, site):
    older = victim.gateway.real("metadata")
    name = f"gw-{victim.name}"  # one that was there before can't be added again
    site.cmg("gateway", "add", name, "--host", "later.example.com")
    try:
        site.settle()
        until("the gateway tells of the new one", lambda: victim.must("run", "--once") and "later.example.com" in str(
            victim.document("location")), 20)
        newer = victim.document("location")["sequence"]
        attacked(victim, instead(metadata=older))
        assert victim.document("location")["sequence"] == newer
        (victim.state / "location.jws").unlink()
        refuses(victim, instead(metadata=older), "location_untrusted")
        heals(victim)
    finally:
        site.cmg("gateway", "remove", name)
        site.settle()


@pytest.mark.parametrize("signed", ["a.b.c", None, "policy"])
def test_a_gateway_that_tells_what_the_site_did_not_sign_is_passed_over_for_another(victim, site, signed):
    """The device knows two; whichever it asks first is the broken one. The fixture's stands at both addresses."""
    victim.must("set", f"CMGFQDNs=localhost:1;localhost:{site.port}")
    told = victim.gateway.real("policy").body.decode() if signed == "policy" else signed
    hosts = []

    def alter(asked, relay):
        hosts.append(asked.header("host"))
        lies = asked.what == "metadata" and hosts[-1] == hosts[0]
        return with_members(signed=told)(asked, relay) if lies else relay(asked)
    code, report = attacked(victim, alter)
    assert code == 0 and len(set(hosts)) == 2 and hosts[-1] == report["gateway"] != hosts[0], report
    hosts.clear()
    code, report = attacked(victim, lambda asked, relay: hosts.append(asked.header("host")) or relay(asked))
    assert code == 0 and hosts[0] == report["gateway"], "the broken one is asked last from now on"


def test_an_older_list_of_gateways_counts_no_longer_than_its_life(victim, clock):
    older = victim.gateway.real("metadata")
    report = fails(victim, instead(metadata=older), environment=clock("+8d"))
    assert report["reason"] in ("location_untrusted", "clock_wrong"), report


# --- time -------------------------------------------------------------------------------------------------------------


def created(asked):
    return int(re.search(r"created=(\d+)", asked.header("signature-input")).group(1))


@pytest.mark.parametrize("ahead", [590, 900, 86400, 10 * 365 * 86400, -86400])
def test_signatures_of_times_to_come_are_not_to_be_had(victim, ahead):
    date = email.utils.formatdate(time.time() + ahead, usegmt=True)
    for code, reason in (("MP_Clock_Skew", "clock_skew"), ("CMGService_Invalid_Token", "expired")):
        victim.gateway.seen.clear()
        attacked(victim, lambda asked, relay, no=refusal(401, code, reason, date=date): no)
        assert victim.gateway.seen and all(abs(created(asked) - time.time()) <= 610 for asked, _ in victim.gateway.seen)
    heals(victim)


def test_the_sites_word_for_the_time_counts_for_the_request_that_it_answers_alone(victim, clock):
    stolen = []

    def alter(asked, relay):
        answer = relay(asked)
        if asked.what in DOCUMENTS and answer.status == 401 and b"signed_time" in answer.body and not stolen:
            stolen.append(answer)
        return answer
    victim.gateway.alter, victim.environment = alter, {**victim.gateway.environment, **clock("+20m")}
    victim.run("run", "--once")
    victim.gateway.alter, victim.environment = None, victim.gateway.environment
    assert stolen, "the site signs its time for a device whose clock is wrong"
    victim.gateway.seen.clear()
    attacked(victim, instead(**dict.fromkeys(("settings", "policy", "token"), stolen[0])), environment=clock("+40m"))
    for asked, _ in victim.gateway.seen:
        assert created(asked) > time.time() + 40 * 60 - 610, asked.what
    heals(victim)


# --- HTTP -------------------------------------------------------------------------------------------------------------


def chunks_for_ever():
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def fields_for_ever():
    yield b"HTTP/1.1 200 OK\r\n"
    yield from (b"x-%d: %s\r\n" % (i, b"y" * 60000) for i in itertools.count())


BOMB = gzip.compress(bytes(64 * 1024 * 1024))
GARBAGE = {
    "endless chunks": chunks_for_ever,
    "endless fields": fields_for_ever,
    "announced too long": lambda: [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 1000],
    "until the end": lambda: itertools.chain([b"HTTP/1.0 200 OK\r\n\r\n"], itertools.repeat(b"x" * 65536, 256)),
    "compressed bomb": lambda: [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/jose\r\n"
                                b"content-length: %d\r\n\r\n" % len(BOMB) + BOMB],
    "HTTP/0.9": lambda: [b"<html>"],
    "no HTTP": lambda: [b"\x00\xff\x16\x03SSH-2.0-x\r\n\r\n"],
    "HTTP/1.0 without a body": lambda: [b"HTTP/1.0 200 OK\r\n\r\n"],
    "two lengths": lambda: [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n{}}{}"],
    "cut off": lambda: [b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{"],
    "nothing": lambda: [b""],
    "no content": lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "interim only": lambda: [b"HTTP/1.1 100 Continue\r\n\r\n" * 50],
    "nested": lambda: [b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + b"[" * 200000],
    "unknown status": lambda: [b"HTTP/1.1 999 x\r\ncontent-length: 0\r\n\r\n"],
    "terminal escapes": lambda: [b"HTTP/1.1 403 \x1b[2J\r\ncmg-status-text: \x1b[2J\x07\r\ncontent-length: 9\r\n\r\n"
                                 b"\x1b[2J\x1b]0;x"],
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_a_run_and_nothing_else(by_token, garbage):
    for where in ("metadata", "token", "settings", "policy"):
        report = fails(asks_for_a_token(by_token), instead(**{where: lambda asked, relay: GARBAGE[garbage]()}))
        assert "\x1b" not in json.dumps(report, ensure_ascii=False)


class Elsewhere(Between):
    def __init__(self):
        super().__init__()
        self.came = 0

    def serve(self, connection):
        self.came += 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 305, 401, 407, 426])
def test_nobody_is_sent_elsewhere_and_no_cookie_is_kept(by_token, status):
    with Elsewhere() as elsewhere:
        fields = {"location": f"https://127.0.0.1:{elsewhere.port}/x", "set-cookie": "a=b; Path=/; Secure",
                  "alt-svc": f'h2="127.0.0.1:{elsewhere.port}"',
                  "refresh": f"0; url=https://127.0.0.1:{elsewhere.port}/", "www-authenticate": 'Basic realm="x"',
                  "proxy-authenticate": "NTLM", "upgrade": "h2c",
                  "strict-transport-security": "max-age=1"}
        by_token.gateway.seen.clear()
        fails(by_token, instead(policy=Answer(status, "Moved", fields, b"")))
        assert elsewhere.came == 0
    assert all(asked.header("cookie") is None and not (asked.header("authorization") or "").startswith("Basic")
               for asked, _ in by_token.gateway.seen)


def test_what_is_altered_on_the_way_to_the_site_is_refused_there(victim, other):
    """The signature covers method, path and body; the token is bound to the key."""
    def altered(asked, relay):
        if asked.what == "settings":
            return relay(replace(asked, target=asked.target.replace("SETTINGS", "MACHINE")))
        return relay(asked)
    report = fails(victim, altered)
    assert report["reason"] == "signature_wrong", report
    fails(victim, instead(policy=lambda asked, relay: relay(asked.without("signature", "signature-input"))))
    theirs = other.identity().get("access_token")
    if theirs:
        fails(victim, instead(policy=lambda asked, relay: relay(replace(
            asked.without("authorization"), headers=[*asked.without("authorization").headers,
                                                     ("Authorization", f"Bearer {theirs}")]))))


# --- user policy ------------------------------------------------------------------------------------------------------


@pytest.fixture
def signs_in(mint):
    """A user is signed in on the device: as after the exchange at the token service."""
    def sign_in(device, user):
        certificate = x509.load_pem_x509_certificate(device.gateway.shown["certificate"].read_bytes())
        token = mint.token("user", certificate, sub=device.guid, act={"sub": device.guid}, user=user)
        later = int(time.time()) + 3600
        path = device.state / "user.json"
        path.write_text(json.dumps({"name": user, "token": token, "site_token": token, "expires": later,
                                    "site_expires": later, "site_device": device.guid}))
        path.chmod(0o600)
        return device.must(*OF_THE_USER)
    return sign_in


def test_user_policy_of_another_user_another_device_or_of_before_is_refused(victim, other, policies, signs_in):
    policies("of-eve", "e", "--user", "eve@example.com")
    policies("of-ada", "1", "--user", "ada@example.com")
    signs_in(other, "ada@example.com")
    signs_in(victim, "eve@example.com")
    eves = victim.gateway.real("user policy")
    signs_in(victim, "ada@example.com")
    older = victim.gateway.real("user policy")
    policies("of-ada", "2", "--user", "ada@example.com")
    victim.must(*OF_THE_USER)
    for answer in (eves, other.gateway.real("user policy"), older, victim.gateway.real("policy")):
        fails(victim, instead(user_policy=answer), *OF_THE_USER, reason="policy_untrusted")
    assert content(victim.gateway.real("policy").body)["type"] == "policy"
