# SPDX-License-Identifier: Apache-2.0
"""cmg choices: the matrix of the choices and the judgement of single combinations."""
import itertools
import json
import re

import pytest

from kit import programs
from kit.programs import program


def cmg(*arguments):
    code, out, err = programs.run([program("cmg"), *arguments], False)
    return code, out, err


def check(**inputs):
    """(exit code, answer) of cmg choices check."""
    options = [word for name, value in inputs.items() for word in (f"--{name.replace('_', '-')}", value)]
    code, out, err = cmg("choices", "check", *options, "--json")
    return code, json.loads(out) if out else err


def test_the_matrix_is_printed_for_people_and_for_programs():
    code, out, _ = cmg("choices")
    assert code == 0 and "pki,entra,token" in out and "entra,token" in out and "public,internal" in out
    code, out, _ = cmg("choices", "--json")
    matrix = {row["mp"]: row for row in json.loads(out)["matrix"]}
    assert code == 0 and matrix["https"]["clients"] == ["pki", "entra", "token"]
    assert matrix["ehttp"]["clients"] == ["entra", "token"]
    assert all(row["server_cert"] == ["public", "internal"] for row in matrix.values())
    assert json.loads(out)["order"] == ["pki", "entra", "token"]


@pytest.mark.parametrize("mp,client,cert", itertools.product(("https", "ehttp"), ("pki", "entra", "token"),
                                                             ("public", "internal")))
def test_every_cell_of_the_matrix_is_judged(mp, client, cert):
    code, answer = check(mp=mp, client=client, server_cert=cert)
    supported = not (mp == "ehttp" and client == "pki")
    assert code == (0 if supported else 1) and answer["supported"] is supported
    assert set(answer) >= {"supported", "reasons", "requirements", "limitations"} and answer["reasons"]
    assert ("ehttp-forbids-pki" in answer["ids"]) is not supported


RULED_OUT = {
    "token-needs-2002": dict(mp="https", client="token", client_version="1910"),
    "ehttp-old-client": dict(mp="ehttp", client="token", client_version="1910", join="none"),
    "entra-needs-join": dict(mp="https", client="entra", join="domain"),
    "user-needs-join": dict(mp="https", client="pki", scenario="user", join="none"),
    "root-missing": dict(mp="https", client="pki", server_cert="internal", client_has_root="no"),
    "connector-certificate-missing": dict(mp="https", client="pki", connector_cert="no"),
    "crl-unreachable": dict(mp="https", client="pki", crl="ad"),
    "crl-nowhere": dict(mp="https", client="pki", crl="none", crl_relay="on"),
}
WAYS_OUT = [dict(mp="https", client="token", client_version="2002"), dict(mp="ehttp", client="entra",
            client_version="1910", join="hybrid"), dict(mp="https", client="pki", scenario="user", join="hybrid"),
            dict(mp="https", client="pki", crl="ad", crl_relay="on"), dict(mp="https", client="pki", crl="none",
            crl_check="off"), dict(mp="https", client="token", crl="none"), dict(mp="ehttp", client="token",
            server_cert="internal", client_has_root="unknown")]


@pytest.mark.parametrize("rule", RULED_OUT)
def test_each_condition_that_rules_out_is_named(rule):
    code, answer = check(**RULED_OUT[rule])
    assert code == 1 and not answer["supported"] and rule in answer["ids"]


@pytest.mark.parametrize("inputs", WAYS_OUT)
def test_each_way_out_is_supported(inputs):
    assert check(**inputs)[0] == 0


def test_what_is_needed_and_what_is_lost_is_told():
    _, answer = check(mp="https", client="pki", server_cert="internal")
    text = " ".join(answer["requirements"])
    assert "root" in text and "connector" in text.lower()
    _, answer = check(mp="ehttp", client="token")
    assert any("user" in line.lower() for line in answer["limitations"])


@pytest.mark.parametrize("options", [("--mp", "http", "--client", "pki"), ("--mp", "https"), ("--client", "pki"),
                                     ("--mp", "https", "--client", "pki", "--nonsense", "1"),
                                     ("--mp", "https", "--client", "pki", "--client-version", "soon")])
def test_wrong_usage_ends_with_2(options):
    code, out, err = cmg("choices", "check", *options)
    assert code == 2 and err and not out


def test_every_condition_can_be_explained():
    conditions = json.loads(cmg("choices", "--json")[1])["conditions"]
    for condition in conditions:
        code, out, _ = cmg("explain", condition["id"], "--json")
        assert code == 0 and json.loads(out)[0]["text"] == condition["text"]
    code, out, _ = cmg("explain", "revoked", "--json")
    assert code == 0 and {"CMGService_Invalid_Client_Certificate", "CMGService_Invalid_Token"} == \
        {one["code"] for one in json.loads(out)}
    assert cmg("explain", "no-such-thing")[0] == 1


def test_questions_are_answered_by_name_with_cases_that_check_agrees_with():
    code, out, _ = cmg("explain")
    assert code == 0 and "enhanced-http-client-work" in out and "Does Enhanced HTTP mean" in out
    everything = json.loads(cmg("explain", "--json")[1])
    questions = [item for item in everything if item["kind"] == "question"]
    assert len(questions) >= 9
    for item in questions:
        code, out, _ = cmg("explain", item["id"], "--json")
        assert code == 0 and json.loads(out) == [item] and item["cases"] and item["conditions"]
        text = cmg("explain", item["id"])[1]
        assert item["title"] in text and all(case["what"] in text for case in item["cases"])


def test_choices_are_explained_with_what_follows_from_them():
    pki = json.loads(cmg("explain", "pki", "--json")[1])
    assert pki[0]["id"] == "client=pki" and "ehttp-forbids-pki" in [c["id"] for c in pki[0]["conditions"]]
    assert {item["id"] for item in json.loads(cmg("explain", "internal", "--json")[1])} == \
        {"server-cert=internal", "crl=internal"}


def test_a_mistyped_name_is_answered_with_names_like_it():
    code, out, err = cmg("explain", "crl-unreach")
    assert code == 1 and not out and "crl-unreachable" in err


def test_the_page_of_the_documents_says_what_the_command_says():
    docs = programs.REPOSITORY / "docs"
    choices, refusals = (" ".join((docs / name).read_text().split()) for name in ("choices.md", "refusals.md"))
    for item in json.loads(cmg("explain", "--json")[1]):
        page = refusals if item["kind"] in ("refusal", "cause") else choices
        assert item["text"].replace("|", "\\|") in page or item.get("id") == "0x87d00231", item


def test_what_an_analysis_or_a_log_names_can_be_explained():
    for name, words in (("tls_intercepted", "load balancer"), ("clock_wrong", "time service"), ("broken_off", "log"),
                        ("0x87D00231", "LocationServices.log"), ("no_connection_point", "cmg-connector")):
        code, out, _ = cmg("explain", name)
        assert code == 0 and words in re.sub(r"\s+", " ", out), out
    code, _, err = cmg("explain", "tls_intercpted")
    assert code == 1 and "did you mean: cmg explain tls_intercepted" in err


def test_what_the_device_has_is_asked_too():
    code, answer = check(mp="https", client="pki", cmg_allowed="no")
    assert code == 1 and "cmg-forbidden" in answer["ids"]
    code, answer = check(mp="https", client="pki", join="hybrid", scenario="user", user_sign_in="no")
    assert code == 1 and answer["ids"][0] == "user-not-signed-in"
