# SPDX-License-Identifier: Apache-2.0
"""Who is told of the site's problems, by webhook and mail: once when one begins, once when it is over, and in words."""
import base64
import contextlib
import hashlib
import hmac
import json
import sqlite3
import time

import pytest

from kit import pki, programs
from kit.device import Device
from kit.programs import until
from kit.receivers import Hook, Mail

DAY = 86400
SECRET = "correct-horse-battery-staple"


@pytest.fixture
def watched(own_site):
    until("all is well before", lambda: own_site.cmg("status")["problems"] == [], 60)
    own_site.cmg("settings", "set", "alert_check", "1s")
    return own_site


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def server(tmp_path):
    """The certificate of a receiver, and its CA."""
    ca = pki.Ca(tmp_path, "receivers")
    return ca.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost"), ca.path


def lose_the_connector(site):
    site.kill("cmg-connector")
    site.sql("UPDATE connector SET seen = seen - 600")


def fault_of(site, receiver):
    """The answer of a test that the server does not take, which is no fault of the request."""
    answer = site.admin("POST", f"/v1/alerts/{receiver}/test")
    assert not answer["taken"] and answer["answer"] is None
    return answer["fault"]


def signature(headers, body, key):
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_a_problem_is_told_once_when_it_begins_and_once_when_it_is_over(watched, secret):
    with Hook() as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url, "--secret-file", secret)
        lose_the_connector(watched)
        [began] = until("it is told", lambda: hook.alerts("connector_silent"), 30)
        assert began["event"] == "began" and began["of"] == "cp1" and began["ended"] is None
        assert "connector cp1 was last heard of" in began["found"] and "start cmg-connector there" in began["remedy"]
        headers, body = next(message for message in hook.got if b"connector_silent" in message[1])
        assert headers["webhook-signature"] == signature(headers, body, SECRET.encode())
        message = json.loads(body)
        assert message["site"] and began["found"] in message["text"] and began["remedy"] in message["text"]
        watched.run("cmg-connector")
        [over] = until("its end is told", lambda: hook.alerts("connector_silent", "over"), 60)
        assert over["ended"] >= over["began"] == began["began"]
        assert [a["event"] for a in hook.alerts("connector_silent")] == ["began", "over"]


def test_what_lasts_is_told_again_as_often_as_was_said(watched):
    with Hook() as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url, "--remind", "1m")
        watched.cmg("alerts", "add", "quiet", "--webhook", hook.url, "--remind", "never")
        lose_the_connector(watched)
        until("both are told", lambda: len(hook.alerts("connector_silent")) == 2, 30)
        until("and that is noted", lambda: all(row["sent"] for row in watched.cmg("alerts", "list")["receivers"]), 30)
        watched.sql("UPDATE alert_told SET told = told - 120")
        until("one of them is told again", lambda: hook.alerts("connector_silent", "still"), 30)
        assert len(hook.alerts("connector_silent", "still")) == 1


def test_a_mail_goes_over_tls_with_a_login_and_says_what_to_do(watched, secret, server):
    pair, ca = server
    with Mail(pair, ("cmg", SECRET)) as mail:
        watched.cmg("alerts", "add", "ops", "--mail", "ada@example.com, bob@example.com", "--smtp", mail.url, "--from",
                    "cmg@example.com", "--user", "cmg", "--secret-file", secret, "--server-ca", ca)
        tested = watched.cmg("alerts", "test", "ops")
        assert tested["taken"] and "queued as 4711" in tested["answer"]
        lose_the_connector(watched)
        until("a mail of it is there", lambda: any("connector_silent" in one[2].get_body().get_content() for one in mail.got), 30)
    sender, to, text = next(one for one in mail.got if "connector_silent" in one[2].get_body().get_content())
    assert sender == "cmg@example.com" and to == ["ada@example.com", "bob@example.com"]
    assert text["Auto-Submitted"] == "auto-generated" and text["Message-ID"]
    body = " ".join(text.get_body().get_content().split())
    assert "connector cp1 was last heard of" in body and "What to do: start cmg-connector there" in body


def test_a_wrong_password_is_told_by_the_test(watched, tmp_path, server):
    pair, ca = server
    path = tmp_path / "wrong"
    path.write_text("hunter2")
    path.chmod(0o600)
    with Mail(pair, ("cmg", SECRET)) as mail:
        watched.cmg("alerts", "add", "ops", "--mail", "ada@example.com", "--smtp", mail.url, "--from", "cmg@example.com",
                    "--user", "cmg", "--secret-file", path, "--server-ca", ca)
        done = programs.run([programs.program("cmg"), "alerts", "test", "ops", "--socket", watched.report["admin_socket"]],
                            False)
    assert done[0] == 1 and "does not take the login" in done[1] and "hunter2" not in done[1] + done[2]


def test_a_mail_server_without_starttls_gets_nothing_unless_it_was_said(watched):
    with Mail() as mail:
        common = ["--mail", "ada@example.com", "--smtp", mail.url, "--from", "cmg@example.com"]
        watched.cmg("alerts", "add", "strict", *common)
        assert "offers no STARTTLS" in fault_of(watched, "strict")
        assert not mail.got
        watched.cmg("alerts", "add", "local", *common, "--plain")
        assert watched.cmg("alerts", "test", "local")["taken"]
        assert mail.got


def test_a_secret_is_sealed_and_shown_nowhere(watched, secret):
    with Hook() as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url, "--secret-file", secret, "--auth", "bearer")
        assert watched.cmg("alerts", "test", "team")["taken"]
        assert hook.got[0][0]["Authorization"] == f"Bearer {SECRET}"
        shown = json.dumps([watched.cmg("alerts", "list"), watched.cmg("status"), watched.cmg("audit")]) + watched.log("cmg-mp")
        assert SECRET not in shown and "T0PSECRETPATH" not in shown
        if not watched.store:
            with contextlib.closing(sqlite3.connect(watched.folder / "state" / "site.db")) as store:
                assert SECRET not in "\n".join(store.iterdump())
        watched.sql("UPDATE alert_receiver SET url = 'http://127.0.0.1:9/'")  # who can write to the store has it sent elsewhere
        _, refused = watched.cmg("alerts", "test", "team", check=False)
        assert "for another address" in json.dumps(refused)


def test_what_a_receiver_did_not_take_is_a_problem_and_is_told_when_it_does(watched):
    with Hook(status=503) as hook, Hook() as other:
        watched.cmg("alerts", "add", "broken", "--webhook", hook.url)
        watched.cmg("alerts", "add", "whole", "--webhook", other.url)
        lose_the_connector(watched)
        failing = lambda: [p for p in watched.cmg("status")["problems"] if p["cause"] == "alerts_failing"]  # noqa: E731
        [problem] = until("it is a problem", failing, 30)
        assert problem["of"] == "broken" and "the server answered 503" in problem["found"]
        until("the other one is told of that, too", lambda: other.alerts("alerts_failing"), 30)
        tried = hook.tried
        hook.status = 200
        watched.sql("UPDATE alert_receiver SET next_try = 0")
        [began] = until("it is told", lambda: hook.alerts("connector_silent"), 30)
        assert began["event"] == "began" and tried < 4, "it is not tried at each look"
        until("and is no problem any more", lambda: not failing(), 10)
        until("which the other one is told", lambda: other.alerts("alerts_failing", "over"), 30)
        assert not hook.alerts("alerts_failing")


def test_what_came_and_went_while_a_receiver_was_away_is_told_once_it_is_back(watched):
    with Hook(status=500) as hook:
        watched.cmg("alerts", "add", "away", "--webhook", hook.url)
        lose_the_connector(watched)
        until("it was tried", lambda: hook.tried, 30)  # all was well before, so it was with that
        watched.run("cmg-connector")
        until("it is over", lambda: "connector_silent" not in [p["cause"] for p in watched.cmg("status")["problems"]], 30)
        hook.status = 200
        until("it is told", lambda: (watched.sql("UPDATE alert_receiver SET next_try = 0"),
                                     hook.alerts("connector_silent", "over"))[1], 60, 1)


def kinds(site, tmp_path):
    """Makes a problem of each kind that is to be told; {cause: words that it is told with}."""
    now = int(time.time())
    Device(site, tmp_path, "old").registered_by_token()
    short = pki.Ca(tmp_path, "short", days=(-1, 3))
    site.cmg("trust", "add", "--anchor", short.path)
    site.cmg("trust", "add", "--crl", short.crl(days=(-1, 2)))
    for name in ("cmg-gateway", "cmg-connector"):
        site.kill(name)
    [gateway] = site.cmg("status")["gateways"]
    report = {"started": now, "refusals": {}, "ahead_s": 4000, "disk_free": 5 << 20, "disk_size": 100 << 30,
              "refused": {"hour": now // 3600, "now": {"expired": 900}, "last": {}, "hours": [3, 5]},
              "not_after": now + 3 * DAY}
    site.sql(f"UPDATE device_token SET expires = {now - 90 * DAY + 3 * DAY}",
             "UPDATE device SET other_hardware = 'board-2', other_hardware_at = 1",
             f"UPDATE gateway SET seen = {now}, report = '{json.dumps(report)}'", "UPDATE connector SET seen = seen - 600")
    return {"token_ends_soon": "old", "cloned": "board-2", "anchor_ends_soon": "short", "list_ends_soon": "short",
            "certificate_ends_soon": f"gateway {gateway['id']} expires", "connector_silent": "cp1",
            "refusals_rising": "refused 900 requests within an hour, where 4 an hour were usual", "clock_skew": "ahead of",
            "disk_nearly_full": "has 5 MiB left"}


def test_each_kind_of_problem_is_told_in_words_with_a_remedy(watched, tmp_path):
    with Hook() as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url)
        for cause, words in kinds(watched, tmp_path).items():
            told = until(f"{cause} is told", lambda wanted=cause: hook.alerts(wanted, "began"), 30)
            assert any(words in a["found"] for a in told) and all(len(a["remedy"]) > 20 for a in told), told


def test_a_gateway_that_is_lost_is_told(watched):
    with Hook() as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url)
        watched.kill("cmg-gateway")
        [lost] = until("it is told", lambda: hook.alerts("gateway_unreachable"), 90)
        assert "gw1" in lost["found"] and lost["remedy"]


@pytest.mark.parametrize("options, words", [
    (["--webhook", "http://example.com/x"], "https"),
    (["--webhook", "ftp://example.com/x"], "URL"),
    (["--mail", "ada@example.com", "--smtp", "smtp://mx", "--from", "x\r\nBcc: all@example.com"], "no mail address"),
    (["--mail", "ada@example.com>,x", "--smtp", "smtp://mx", "--from", "c@example.com"], "no mail address"),
    (["--mail", "ada@example.com", "--smtp", "https://mx", "--from", "c@example.com"], "smtp://"),
    (["--mail", "ada@example.com", "--smtp", "smtp://mx", "--from", "c@example.com", "--plain", "--user", "u"], "over TLS"),
])
def test_a_receiver_that_could_not_be_used_is_refused(site, secret, options, words):
    more = ["--secret-file", secret] if "--user" in options else []
    code, fault = site.cmg("alerts", "add", "x", *options, *more, check=False)
    assert code == 1 and words in fault["error"]["what"], fault
    assert site.cmg("alerts", "list")["receivers"] == []


def test_a_secret_that_others_can_read_is_refused(site, secret):
    secret.chmod(0o644)
    code, fault = site.cmg("alerts", "add", "x", "--webhook", "https://example.com/x", "--secret-file", secret, check=False)
    assert code == 1 and "chmod 600" in fault["error"]["what"]


def test_a_redirect_is_not_followed(watched):
    with Hook(status=302) as hook:
        watched.cmg("alerts", "add", "team", "--webhook", hook.url)
        assert "redirects are not followed" in fault_of(watched, "team") and hook.tried == 1
