# SPDX-License-Identifier: Apache-2.0
"""cmg plan: a fleet from a file and from a running site, as text, JSON, HTML and a list."""
import csv
import html.parser
import json

import pytest

from kit import programs
from kit.device import Device
from kit.programs import program

HEADER = "name,join,certificate,version,crl,scenario"
FLEET = f"""\
{HEADER},root
moves,domain,pki,2309,internet,device,yes
old,domain,pki,5.00.8913,internet,device,yes
hybrid,hybrid,pki,1910,internet,user,yes
workgroup,workgroup,no,2002,none,device,yes
rootless,none,none,2409,none,device,no
in-ad,ad,yes,2409,ad,device,yes
unsure,,none,2409,none,device,
"""


def plan(*arguments, text=None):
    return programs.run([program("cmg"), "plan", *arguments], False)


def plan_json(*arguments):
    code, out, err = plan(*arguments, "--json")
    assert out, err
    return code, json.loads(out)


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "fleet.csv"
    path.write_text(FLEET)
    return path


def test_two_setups_stand_side_by_side_with_who_is_cut_off_and_why(fleet):
    code, report = plan_json("--inventory", fleet, "--to-mp", "ehttp", "--to-server-cert", "internal")
    assert code == 0
    today, proposed, changes = report["today"], report["proposed"], report["changes"]
    assert today["methods"] == {"pki": 3, "entra": 0, "token": 2} and today["cut_off"] == 1 and today["unknown"] == 1
    assert proposed["methods"] == {"pki": 0, "entra": 1, "token": 3} and proposed["cut_off"] == 2
    assert proposed["unknown"] == 1 and proposed["unknown_groups"][0]["depends_on"] == ["join"]
    assert changes["cut_off"]["examples"] == ["old", "rootless"] and changes["rescued"]["examples"] == ["in-ad"]
    why = {group["examples"][0]: [r["id"] for r in group["reasons"]] for group in proposed["cut_off_groups"]}
    assert why == {"old": ["ehttp-old-client"], "rootless": ["root-missing"]}
    each = {device["name"]: (device["today"]["method"], device["proposed"]["method"]) for device in report["devices"]}
    assert each["moves"] == ("pki", "token") and each["rootless"] == ("token", "cut off") and len(each) == 7
    assert report["devices"][1]["proposed"]["reasons"] == ["ehttp-old-client"]
    steps = [step["id"] for step in report["steps"]]
    assert steps.index("hand-out-root") < steps.index("update-clients") < steps.index("change") < steps.index("prove")
    assert today["user_policy"]["works"] == proposed["user_policy"]["works"] == 1


def test_without_a_proposal_it_tells_of_today(fleet):
    code, report = plan_json("--inventory", fleet, "--mp", "https", "--crl-relay", "on")
    assert code == 0 and report["proposed"] is None and report["changes"] is None
    assert report["today"]["methods"]["pki"] == 4 and report["today"]["cut_off"] == 0


def test_what_is_unknown_can_be_assumed_knowingly(fleet):
    _, report = plan_json("--inventory", fleet, "--assume", "join=none")
    assert report["today"]["unknown"] == 0 and report["today"]["methods"]["token"] == 3
    assert plan("--inventory", fleet, "--assume", "join=forest")[0] == 2
    assert plan("--inventory", fleet, "--assume", "colour=red")[0] == 2


def test_people_read_who_is_cut_off_and_what_comes_first(fleet):
    code, out, _ = plan("--inventory", fleet, "--to-mp", "ehttp")
    assert code == 0 and "would be cut off" in out and "ehttp-old-client" in out and "\x1b" not in out
    assert out.index("Update old clients") < out.index("Change the set-up")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_the_page_stands_alone_with_its_chart_and_nothing_of_the_file_is_markup(tmp_path):
    hostile, page, listed = tmp_path / "<b>.csv", tmp_path / "page.html", tmp_path / "list.csv"
    hostile.write_text(f'{HEADER}\n"<script>x</script>",none,none,1910,none,device\n"=cmd|\'x\'!A1",none,none,1910,none,'
                       'device\n"<img src=x>",<svg>,none,1910,none,device\n')
    code, out, _ = plan("--inventory", hostile, "--to-mp", "ehttp", "--html", page, "--list", listed)
    assert code == 1 and "line 4, column 15" in out
    tags = Page(page.read_text()).tags
    assert "script" not in tags and "img" not in tags and "b" in tags and "svg" in tags and "rect" in tags
    assert "&lt;script&gt;" in page.read_text() and "//" not in page.read_text().replace("</", "")
    rows = list(csv.reader(listed.open(newline="")))
    assert rows[0] == ["name", "today", "today_reasons", "proposed", "proposed_reasons"]
    assert rows[2][0] == "'=cmd|'x'!A1" and rows[2][3] == "cut off" and "ehttp-old-client" in rows[2][4]


def test_bad_rows_are_told_by_line_and_column_and_none_is_dropped(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + "\r\ngood,none,none,2002,none,device\r\nbad,none,none,2002,web,device\r\n"
                     "short,none\r\n\"open,none,none,2002,none,device\r\nlast,none,none,2002,none,device\r\n").encode())
    code, report = plan_json("--inventory", path)
    inventory = report["inventory"]
    assert code == 1 and inventory["rows"] == 5 and inventory["bad_rows"] == 3 and inventory["devices"] == 2
    assert [(f["line"], f["column"], f["field"]) for f in inventory["faults"]] == \
        [(3, 20, "crl"), (4, 7, ""), (5, 1, "")]
    assert "expected internet, ad, internal, none" in inventory["faults"][0]["text"]


@pytest.mark.parametrize("text,words", [("", "empty"), ("name,join\nx,none\n", "certificate"), ("a\0b,c\n", "NUL")])
def test_a_file_that_is_no_inventory_is_refused_with_what_is_expected(tmp_path, text, words):
    path = tmp_path / "no.csv"
    path.write_text(text)
    code, out, err = plan("--inventory", path)
    assert code == 1 and not out and words in err and "name,join,certificate,version,crl,scenario" in err


@pytest.mark.parametrize("options", [(), ("--inventory", "x", "--devices"), ("--inventory", "x", "--mp", "http"),
                                     ("--inventory", "/dev/null", "--to-clients", "kerberos")])
def test_wrong_usage_ends_with_2(options):
    code, out, err = plan(*options)
    assert (code == 2 or "/dev/null" in options) and code and not out and err


def test_the_sites_own_devices_are_planned(site, tmp_path):
    pki = Device(site, tmp_path).with_certificate(site.pki("certificate"), site.pki("key")).at("https")
    pki.must("register")
    token = Device(site, tmp_path).registered_by_token()
    _, report = plan_json("--devices", "--socket", site.report["admin_socket"], "--to-mp", "ehttp",
                          "--assume", "join=none", "--assume", "version=2409", "--assume", "certificate=none")
    assert report["today"]["setup"]["mp"] == ["https", "ehttp"] and report["proposed"]["setup"]["mp"] == ["ehttp"]
    assert report["today"]["setup"]["crl_check"] == "on" and report["today"]["setup"]["connector_cert"] == "yes" and report["inventory"]["devices"] >= 2
    assert report["changes"] and pki.guid != token.guid


def test_the_example_of_the_documents_is_read_whole():
    code, report = plan_json("--inventory", programs.REPOSITORY / "examples" / "fleet.csv", "--to-mp", "ehttp")
    page = (programs.REPOSITORY / "docs" / "plan.md").read_text()
    assert code == 0 and report["inventory"]["bad_rows"] == 0 and report["inventory"]["ignored_columns"] == []
    assert report["inventory"]["devices"] == 6 and all(f"`{name}`" in page for name in (HEADER + ",root").split(","))
