# SPDX-License-Identifier: Apache-2.0
"""The management points from inside: what they judge again, whatever a gateway or a host on the office network says."""
import base64
import json
import secrets
import select
import socket
import ssl
import threading
import time
import urllib.parse

import pytest

from kit import pki
from kit.inside import ACCESS, DEVICE, Inside, base64url, payload
from kit.programs import until


@pytest.fixture(scope="module")
def inside(site, tmp_path_factory):
    return Inside(site, tmp_path_factory.mktemp("inside"))


@pytest.fixture
def bulk(site):
    """A bulk registration token for two devices: the JWT."""
    return site.add("token", "new", "--uses", "2")["token"].split(".", 2)[2]


@pytest.fixture
def keys(tmp_path):
    count = iter(range(100))
    return lambda: pki.self_signed(tmp_path, f"device-{next(count)}")


@pytest.fixture
def device(inside, bulk, keys):
    """A registered one; its device token is .token."""
    it = keys()
    answer = json.loads(inside.register(it, bulk).body)
    it.guid, it.token = answer["guid"], answer["device_token"]
    return it


def reason(answer):
    return json.loads(answer.body)["reason"]


def token_of(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)["access_token"]


# --- registration ---


def test_registering_again_with_the_same_key_gives_the_same_guid_and_costs_no_use(inside, bulk, keys):
    first, second, third = keys(), keys(), keys()
    guid = json.loads(inside.register(first, bulk).body)["guid"]
    assert json.loads(inside.register(first, bulk).body)["guid"] == guid
    assert inside.register(second, bulk).status == 200
    assert reason(inside.register(third, bulk)) == "token_used_up"


def test_a_known_name_waits_for_approval_and_replaces_nobody(inside, bulk, keys):
    name = f"known-{secrets.token_hex(4)}"
    first = json.loads(inside.register(keys(), bulk, name=name).body)
    answer = inside.register(keys(), bulk, name=name.upper())
    other = json.loads(answer.body)
    assert (answer.status, other["approval"], other["device_token"]) == (202, "pending", None)
    assert other["guid"] != first["guid"]


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_client_that_knows_no_tokens_is_given_none_whatever_it_sends(inside, keys, bulk, mode):
    answer = inside.register(keys(), bulk, mode=mode, version=1910)
    assert answer.status == 403 and "token-needs-2002" in answer.problem()["detail"]
    assert inside.register(keys(), bulk, mode=mode, version=2002).status == 200
    assert inside.register(keys(), bulk, mode=mode, version=0).status == 200  # unknown counts as new enough


def test_a_registration_that_another_key_signed_is_refused(inside, bulk, keys):
    assert inside.register(keys(), bulk, signer=keys().private).status == 401


@pytest.mark.parametrize("name", ["pc\x1b[2J", "pc\n", "pc\x7f", "pc\x9b", "\u202ecp", "pc\u2066", "pc\u200b", "pc\u2028", ""])
def test_a_name_that_could_steer_who_reads_it_is_no_devices_name(inside, bulk, keys, name):
    """Administrators see it in terminals, logs and the console."""
    assert inside.register(keys(), bulk, name=name or "x" * 300).status == 400
    assert name or inside.register(keys(), bulk, name=f"Gerät {secrets.token_hex(4)} 東京").status == 200


def test_a_signature_outside_of_the_window_is_told_the_time(inside, bulk, keys):
    answer = inside.register(keys(), bulk, created=int(time.time()) - 4000)
    assert (answer.status, reason(answer)) == (401, "clock_skew")
    assert "date" in answer.headers


def test_a_request_can_not_be_sent_twice(inside, bulk, device):
    nonce = secrets.token_urlsafe(16)
    assert inside.register(device, bulk, nonce=nonce).status == 200
    assert reason(inside.register(device, bulk, nonce=nonce)) == "nonce_reused"


def test_identity_headers_of_a_host_that_is_no_connector_are_nobodys(inside, keys):
    spoofed = {"CMG-Auth-Method": "pki", "CMG-Client-Id": "x", "Client-Cert": ":AAAA:"}
    answer = inside.register(keys(), headers=spoofed, show=None)
    assert (answer.status, json.loads(answer.body)["approval"]) == (202, "pending")
    answer = inside.request("ehttp", "GET", "/SMS_MP/.sms_pol?MACHINE", {"CMG-Auth-Method": "token", "CMG-Client-Id": "x"})
    assert (answer.status, reason(answer)) == (401, "no_identity")


def test_a_refusal_tells_what_to_do_about_its_cause_and_not_about_its_reason(inside, ca, keys):
    encrypts = ca.device("encrypts", digital_signature=False, file="encrypts-alone")
    signs = pki.build(pki.name_of("signs"), encrypts.private.public_key(), pki.name_of(ca.name), ca.private,
                      [(pki.key_usage(digital_signature=True, key_cert_sign=True), True)])
    signs = pki.save(ca.folder, "signs", signs, encrypts.private)
    answer = inside.request("https", "GET", "/SMS_MP/.sms_pol?MACHINE", show=(signs.path, signs.key))
    assert reason(answer) == "constraint_violated" and "without keyCertSign" in json.loads(answer.body)["remedy"], answer
    claims = {"aud": "x", "exp": 4000000000}
    nobodys = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": "k"}, claims)) + ".AAAA"
    show = keys()
    answer = inside.request("ehttp", "GET", "/SMS_MP/.sms_pol?MACHINE", {"Authorization": f"Bearer {nobodys}"},
                            show=(show.path, show.key))
    assert "names its issuer" in json.loads(answer.body)["remedy"], answer


def test_a_connector_that_contradicts_itself_is_not_believed(inside, ca):
    der = ca.good.certificate.public_bytes(pki.serialization.Encoding.DER)
    headers = {"CMG-Auth-Method": "pki", "CMG-Client-Id": "00" * 32, "Client-Cert": f":{base64.b64encode(der).decode()}:"}
    assert inside.request("https", "GET", "/SMS_MP/.sms_aut?MPLIST", headers, show=inside.connector).status == 400


# --- the token service ---


@pytest.mark.parametrize("mode", ["https", "ehttp"])
def test_a_device_token_gives_an_access_token_for_eight_hours(inside, device, mode):
    answer = inside.sts(device, device.token, mode=mode)
    assert (answer.status, json.loads(answer.body)["expires_in"]) == (200, 8 * 3600)


def test_the_token_service_takes_no_access_token_and_no_other_key(inside, device, keys):
    access = token_of(inside.sts(device, device.token))
    assert reason(inside.sts(device, access)) == "wrong_purpose"
    assert inside.sts(device, device.token, signer=keys().private).status == 401


def test_directly_inside_the_binding_is_to_the_certificate_of_tls(inside, device, keys):
    other = keys()
    assert inside.sts(device, device.token, show=(device.path, device.key)).status == 200
    assert reason(inside.sts(device, device.token, show=(other.path, other.key))) == "not_bound"
    assert reason(inside.sts(device, device.token, show=None)) == "not_bound"


def test_a_renewed_device_token_and_for_a_day_the_old_one_are_good(inside, device):
    renewed = inside.sts(device, device.token, DEVICE)
    assert json.loads(renewed.body)["expires_in"] == 90 * 86400
    assert inside.sts(device, token_of(renewed)).status == 200
    assert inside.sts(device, device.token).status == 200


def test_a_device_token_is_renewed_five_times_a_day_and_no_more(inside, device):
    assert [inside.sts(device, device.token, DEVICE).status for _ in range(6)] == [200] * 5 + [429]


def test_an_expired_device_token_is_renewed_in_grace_but_gives_no_access(site, inside, device, mint):
    now = int(time.time())
    site.sql(f"INSERT INTO device_token (id, guid, issued, expires, superseded) "
             f"VALUES ('old-{device.guid}', '{device.guid}', {now - 91 * 86400}, {now - 3600}, 0)")

    def old(**claims):
        times = {"iat": now - 91 * 86400, "nbf": now - 91 * 86400, "exp": now - 3600}
        return mint.token("device", device.certificate, **{"sub": device.guid, "jti": f"old-{device.guid}", **times, **claims})

    assert reason(inside.sts(device, old(), ACCESS)) == "expired"
    assert inside.sts(device, token_of(inside.sts(device, old(), DEVICE))).status == 200
    assert reason(inside.sts(device, old(jti="never-issued"), DEVICE)) == "revoked"
    assert reason(inside.sts(device, old(exp=now - 200 * 86400, iat=now - 300 * 86400, nbf=now - 300 * 86400),
                             DEVICE)) == "expired"


def test_a_removed_device_gets_no_more_tokens(site, inside, device):
    site.cmg("device", "remove", device.guid)
    assert inside.sts(device, device.token).status in (401, 403)


# --- policy and location ---


def test_policy_comes_signed_for_this_device_and_is_not_sent_twice(site, inside, device):
    access = token_of(inside.sts(device, device.token))
    answer = inside.policy(device, access)
    assert payload(answer.body)["audience"] == device.guid
    same = inside.policy(device, access, **{"If-None-Match": answer.headers["etag"]})
    assert (same.status, same.body) == (304, b"")
    name = f"p-{secrets.token_hex(4)}"
    file = site.folder / name
    file.write_text("x" * 500000)
    site.cmg("policy", "add", name, str(file))
    changed = inside.policy(device, access, **{"If-None-Match": answer.headers["etag"]})
    assert name in [p["name"] for p in payload(changed.body)["content"]["policies"]]
    site.cmg("policy", "remove", name)


def test_what_a_device_says_that_it_holds_lifts_its_own_policy_numbers_alone(site, inside, device, bulk, keys):
    """The field is not signed: whoever is on the way may say so, of every device that comes by, once a minute each."""
    def number(of, access, **fields):
        return payload(inside.policy(of, access, **fields).body)["sequence"]
    other = keys()
    its = token_of(inside.sts(other, json.loads(inside.register(other, bulk).body)["device_token"]))
    mine = token_of(inside.sts(device, device.token))
    was, told = number(other, its), int(time.time()) + 300 * 86400
    assert number(device, mine, **{"If-None-Match": f'"{told}"'}) > told
    assert number(other, its) == was
    name = f"p-{secrets.token_hex(4)}"
    (site.folder / name).write_text("x")
    site.cmg("policy", "add", name, str(site.folder / name))
    assert was < number(other, its) < told
    assert number(device, mine) > told + 1  # a new content is a new number of whoever was lifted, too
    site.cmg("policy", "remove", name)


def test_the_same_of_its_settings_is_believed_once_a_minute(inside, device):
    access, told = token_of(inside.sts(device, device.token)), int(time.time()) + 300 * 86400

    def number(held):
        answer = inside.policy(device, access, target="/SMS_MP/.sms_pol?SETTINGS", **{"If-None-Match": f'"{held}"'})
        return payload(answer.body)["sequence"]
    lifted = number(told)
    assert lifted == told + 1
    assert [number(told + n) for n in range(10, 13)] == [lifted] * 3


def test_policy_wants_a_signature_and_an_access_token(inside, device):
    access = token_of(inside.sts(device, device.token))
    assert reason(inside.policy(device, access, signed=False)) == "signature_missing"
    assert reason(inside.policy(device, device.token)) == "wrong_purpose"
    assert inside.policy(device, access, target="/sms_mp/.SMS_POL?machine").status == 200


def test_location_names_every_management_point(inside, device):
    access = token_of(inside.sts(device, device.token))
    answer = inside.request("ehttp", "GET", "/SMS_MP/.sms_aut?MPLIST", inside.asserted(access), show=inside.connector)
    assert {r["mode"] for r in payload(answer.body)["content"]["roles"]} == {"https", "ehttp"}
    answer = inside.request("ehttp", "GET", "/SMS_MP/.sms_aut?SITESIGNCERT", inside.asserted(access),
                            show=inside.connector)
    assert answer.body.count(b"BEGIN CERTIFICATE") == 2


# --- the site's own service ---


@pytest.mark.parametrize("path", ["/.cmg/bundle?after=0", "/.cmg/connector?after=0", "/.CMG/bundle?after=0"])
def test_the_sites_service_is_for_connectors_alone(inside, ca, path):
    for show in (None, (ca.good.path, ca.good.key)):
        assert inside.request("https", "GET", path, show=show).status in (403, 404)


@pytest.mark.parametrize("path", ["/.cmg/connector?after=0", "/.CMG/bundle?after=0"])
def test_what_a_connector_carries_for_a_device_is_not_asked_by_the_connector(inside, path):
    """Where it goes is a gateway's word."""
    assert inside.request("ehttp", "GET", path, show=inside.connector).status == 200
    assert inside.request("ehttp", "GET", path, inside.asserted("x"), show=inside.connector).status == 403


def test_a_parked_question_is_answered_as_soon_as_something_changes(site, inside):
    answers = []
    sequence = site.cmg("status")["bundle"]["sequence"]
    asker = threading.Thread(target=lambda: answers.append(
        inside.request("ehttp", "GET", f"/.cmg/bundle?after={sequence}", show=inside.connector)))
    asker.start()
    time.sleep(0.5)
    assert not answers
    site.cmg("token", "block", site.cmg("token", "new")["id"])
    until("the parked question is answered", lambda: answers, 5)
    asker.join()
    assert payload(answers[0].body)["sequence"] > sequence


# --- bodies ---


def unfinished(site, head, body=b"", source="127.0.0.1"):
    """A connection to a management point with a request that never ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = urllib.parse.urlsplit(site.report["mp_urls"]["ehttp"]).port
    stream = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0)))
    stream.sendall(head.encode() + b"Host: localhost\r\n\r\n" + body)
    return stream


def head_of(stream):
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = stream.recv(65536)
        assert piece, answer
        answer += piece
    return int(answer.split()[1]), answer.lower()


@pytest.mark.parametrize("line, bearer, status", [
    ("POST /CCM_System/request", "x", 501), ("PUT /CCM_Incoming/file", "x", 501), ("POST /CCM_Client/registration", "x", 401),
    ("POST /CCM_Client/registration", "a.b.c", 401), ("POST /CCM_STS", "x", 401), ("POST /CCM_STS", None, 401),
    ("POST /.cmg/report", None, 403), ("POST /nothing", None, 404)])
def test_a_request_is_refused_by_its_head_and_its_body_never_waited_for(site, line, bearer, status):
    fields = f"Authorization: Bearer {bearer}\r\n" if bearer else ""
    with unfinished(site, f"{line} HTTP/1.1\r\nContent-Length: 60000\r\n{fields}") as stream:
        assert head_of(stream)[0] == status


def test_addresses_that_fill_the_room_for_strangers_bodies_give_way_to_one_that_holds_little(site):
    line, held, streams = "POST /CCM_Client/registration HTTP/1.1\r\nContent-Length: 64000\r\n", 60_700, []
    try:
        for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"):
            streams += [unfinished(site, line, b" " * held, address) for _ in range((4 << 20) // held)]
        with unfinished(site, line, b" " * held, "127.0.0.6") as newcomer:
            until("somebody gives way", lambda: select.select(streams, [], [], 0)[0], 20)
            status, answer = head_of(select.select(streams, [], [], 0)[0][0])
            assert status == 503 and b"retry-after: 5" in answer and b"no_room_for_bodies" in answer, answer
            newcomer.sendall(b" " * (64_000 - held))
            assert head_of(newcomer)[0] == 400, "what it sent was read"
    finally:
        for stream in streams:
            stream.close()


def test_bodies_that_nobody_vouches_for_hold_a_bounded_memory_and_take_no_room_from_devices(site, inside, bulk, keys):
    streams = []
    try:
        for _ in range(90):
            streams.append(unfinished(site, "POST /CCM_Client/registration HTTP/1.1\r\nContent-Length: 64000\r\n", b" " * 60_000))
        until("an address' strangers are over their share", lambda: select.select(streams, [], [], 0)[0], 20)
        refused = select.select(streams, [], [], 0)[0]
        status, answer = head_of(refused[0])
        assert status == 429 and b"retry-after: 5" in answer and b"too_many_bodies" in answer, answer
        assert len(refused) < 30, "4 MiB are theirs"
        assert inside.register(keys(), bulk).status == 200
    finally:
        for stream in streams:
            stream.close()
    until("the room is free again", lambda: inside.register(keys(), show=None).status == 202, 20, 0.5)
