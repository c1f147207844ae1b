# SPDX-License-Identifier: Apache-2.0
"""Every text that tells of a failure names what was found, what was expected or why, and what to do: each command of cmg and
cmg-client with wrong arguments, names, files and sockets, each daemon's --check-config, and the tables of texts themselves."""
import json
import re

import pytest

from kit import programs
from kit.programs import program

FILES = {"broken.json": '{"a":', "hello.txt": "hello\n", "list.csv": "a,b\n1,2\n"}

# Command of cmg → arguments that must fail at a running site, each with what the text has to name. FILE names are made for
# the test; "nofile" is not there, "folder" is one.
CMG = {
    "alerts add": [("", "argument"), ("x", "--webhook"), ("x --webhook https://h/ --smtp smtp://h", "--mail"),
                   ("x --mail a@h", "--smtp"), ("x --webhook foo", "URL"), ("x --webhook https://h/ --secret-file nofile", "nofile"),
                   ("x --webhook https://h/ --server-ca hello.txt", "hello.txt"), ("x --webhook https://h/ --remind soon", "soon")],
    "alerts list": [],
    "alerts remove": [("nobody", "receiver")],
    "alerts test": [("nobody", "receiver"), ("", "argument")],
    "analyze": [("nowhere.invalid", "nowhere.invalid"), ("localhost --token-file nofile", "nofile"), ("http://x", "http://x")],
    "bundle show": [("more", "'more'")],
    "cert check": [("", "certificate"), ("nofile --anchors folder", "nofile"), ("hello.txt --anchors folder", "PEM"),
                   ("hello.txt", "anchors"), ("--batch broken.json", "broken.json"), ("--batch nofile", "nofile")],
    "choices": [("more", "choices more")],
    "choices check": [("", "--client"), ("--mp x --client pki", "https, ehttp"),
                      ("--mp https --client pki --client-version zzz", "zzz")],
    "collection add": [("", "argument"), ("c1 --rule foo!bar", "foo!bar"), ("c1 --device nobody", "nobody")],
    "collection add-device": [("nobody device", "nobody")],
    "collection list": [],
    "collection remove": [("nobody", "nobody")],
    "collection remove-device": [("nobody device", "nobody")],
    "collection show": [("nobody", "nobody")],
    "connector add": [("", "argument"), ("C_X", "a-z0-9-"), ("cp1", "cp1"), ("c9 --cert hello.txt", "hello.txt")],
    "connector certificate": [("cp1 hello.txt", "hello.txt"), ("cp1 nofile", "nofile")],
    "connector list": [],
    "connector remove": [("nobody", "nobody")],
    "audit": [("more", "too many"), ("--since soon", "soon"), ("--since 2026-13-01", "2026-13-01"), ("--limit 0", "1000000")],
    "device approve": [("nobody", "nobody")],
    "device block": [("nobody", "nobody")],
    "device list": [("--where os.version<x", "os.version<x")],
    "device notify": [("nobody --policy", "nobody"), ("nobody", "--policy"), ("--message x", "name the device"),
                      ("nobody --policy --spread 1m", "--spread"), ("--collection nobody --policy", "nobody"),
                      ("--all --policy --expires soon", "soon")],
    "device remove": [("nobody", "nobody")],
    "device show": [("nobody", "nobody"), ("", "argument")],
    "device unblock": [("nobody", "nobody")],
    "device wake": [("nobody", "nobody"), ("", "--all"), ("nobody --all", "--all")],
    "endpoint add": [("x", "--url"), ("bad! --url http://x.example", "A-Za-z0-9"), ("x --url ftp://x", "ftp://x"),
                     ("x --url http://x.example --auth foo", "auth"), ("x --url https://h --anchors nofile", "nofile"),
                     ("x --url https://h --anchors hello.txt", "hello.txt"), ("x --url https://h --max-body zzz", "zzz")],
    "endpoint list": [],
    "endpoint remove": [("nobody", "nobody")],
    "endpoint set": [("", "argument"), ("nobody", "what is to change"), ("nobody --max-body 1KiB", "nobody"),
                     ("nobody --url ftp://x", "nobody"), ("nobody --max-body zzz", "zzz"),
                     ("nobody --anchors nofile", "nofile"), ("nobody --keep-host perhaps", "perhaps")],
    "enrollment": [("--gateway-ca nofile", "nofile"), ("--gateway-ca hello.txt", "hello.txt")],
    "explain": [("nothing", "nothing")],
    "gateway add": [("q", "--host"), ("G_W --host x", "a-z0-9-"), ("gw1 --host x", "gw1"),
                    ("q --host x --port 70000", "70000")],
    "gateway list": [],
    "gateway remove": [("nobody", "nobody")],
    "inventory changes": [("nobody", "nobody")],
    "inventory export": [("--where nonsense", "nonsense"), ("--csv --json", "--csv")],
    "inventory messages": [("nobody", "nobody")],
    "inventory show": [("nobody", "nobody")],
    "init": [("", "--dir"), ("--dir /proc/x --site LAB", "/proc/x"), ("--dir new --site lab", "lab")],
    "keys activate": [("", "--dir"), ("--dir nofile", "nofile")],
    "keys list": [("", "--dir")],
    "keys new": [("", "--dir"), ("--dir nofile", "nofile")],
    "keys retire": [("", "--dir"), ("--dir nofile", "nofile")],
    "plan": [("", "--inventory"), ("--inventory nofile", "nofile"), ("--inventory list.csv", "name"),
             ("--inventory folder", "folder")],
    "content add": [("", "argument"), ("nofile", "nofile"), ("hello.txt --version !", "version")],
    "content list": [],
    "content remove": [("nobody 1", "content"), ("nobody", "argument")],
    "content show": [("nobody 1", "content"), ("nobody", "argument")],
    "policy add": [("p", "policy"), ("p --file nofile", "nofile"), ("p --file folder", "folder")],
    "policy list": [],
    "policy remove": [("nobody", "nobody")],
    "policy resultant": [("nobody", "nobody")],
    "quickstart": [("--dir hello.txt", "hello.txt"), ("--dir new --bin folder", "folder")],
    "restore done": [("more", "too many")],
    "settings client list": [],
    "settings client remove": [("nobody", "nobody")],
    "settings client set": [("x nothing=1", "collection"), ("x --collection nobody --priority 3 allow_cmg=no", "nobody"),
                            ("default allow_cmg=perhaps", "perhaps"), ("default nothing=1", "nothing"),
                            ("default allow_cmg", "SETTING=VALUE")],
    "settings get": [("nobody", "nobody")],
    "settings resultant": [("nobody", "nobody")],
    "settings set": [("crl_check maybe", "on or off"), ("nobody x", "nobody"), ("renewal_grace zzz", "zzz")],
    "setup": [("more", "too many"), ("--dir hello.txt", "hello.txt"), ("--dir folder", "--client"),
              ("--dir folder --client pki --mp ehttp", "Enhanced HTTP"), ("--run-here", "--dir")],
    "site backup": [("", "argument"), ("x --passphrase-file nofile", "nofile"), ("x --certificate hello.txt", "hello.txt")],
    "site restore": [("", "argument"), ("nofile", "nofile"), ("hello.txt", "no backup"), ("folder", "folder")],
    "site verify": [("", "argument"), ("nofile", "nofile"), ("hello.txt", "no backup"), ("folder", "folder")],
    "source add": [("x --kind crl", "--url"), ("x --kind crl --url foo", "http://"), ("x --kind zzz --url http://x", "zzz")],
    "source list": [],
    "source remove": [("nobody", "nobody")],
    "status": [("more", "too many")],
    "tenant add": [("t1", "--issuer"), ("t1 --issuer x --audience y --jwks nofile", "nofile"),
                   ("t1 --issuer x --audience y --jwks broken.json", "broken.json")],
    "tenant disable": [("nobody", "nobody")],
    "tenant enable": [("nobody", "nobody")],
    "tenant list": [],
    "tenant remove": [("nobody", "nobody")],
    "token block": [("nobody", "nobody")],
    "token check": [("--jwks nofile --issuer a --audience b x", "nofile"), ("--jwks broken.json --issuer a --audience b x",
                                                                           "broken.json"), ("--batch broken.json", "broken.json")],
    "token list": [],
    "token new": [("--lifetime 100d", "7 days"), ("--lifetime foo", "foo"), ("--uses 0", "1000000")],
    "token unblock": [("nobody", "nobody")],
    "trace": [("", "argument"), ("7", "8-4-4-4-12"), ("x --timeout 0", "50")],
    "trust add": [("", "--anchor"), ("--anchor nofile", "nofile"), ("--anchor hello.txt", "hello.txt"),
                  ("--crl hello.txt", "hello.txt"), ("--intermediate folder", "folder"), ("--crl-source x", "--url"),
                  ("--crl-source x --url foo", "ldap://")],
    "trust add-foreign": [("x", "--issuer"), ("x --issuer i --key nofile --endpoints e", "nofile")],
    "trust check": [("--sample nofile", "nofile"), ("--sample hello.txt", "hello.txt")],
    "trust fetch-hosts": [("nobody pki.example.com", "anchor"), ("nobody http://x", "http://x")],
    "trust list": [],
    "trust list-foreign": [],
    "trust remove": [("nobody", "nobody")],
    "trust remove-foreign": [("nobody", "nobody")],
    "version": [("more", "too many")],
}

CLIENT = {
    "analyze": [("--timeout 0", "--timeout"), ("", "SiteKey")],
    "enroll": [("", "argument"), ("nofile", "nofile"), ("broken.json", "JSON"), ("hello.txt", "JSON"), ("folder", "folder"),
               ("nofile --dir /proc/nope", "/proc/nope")],
    "get": [("Foo", "Foo"), ("--dir hello.txt", "hello.txt")],
    "join": [("", "standard input"), ("hello", "no join string"), ("@nofile", "nofile"), ("--file hello.txt", "no join string"),
             ("@folder", "folder"), ("cmgg1.x", "run cmg-gateway join"), ("cmg1.x", "not whole")],
    "inventory": [("", "SiteKey"), ("more", "too many")],
    "policy": [("--scenario foo", "device|user"), ("", "SiteKey"), ("--scenario user", "SiteKey")],
    "register": [("", "SiteKey"), ("--token-file nofile", "nofile"), ("--token-file hello.txt", "cmg1."),
                 ("--token-file folder", "folder")],
    "run": [("--once", "SiteKey"), ("--once more", "too many")],
    "set": [("", "argument"), ("foo", "NAME=VALUE"), ("Foo=1", "CMGFQDNs"), ("DisAllowCMG=7", "0 or 1"),
            ("ClientVersion=foo", "YYMM"), ("Certificate=nofile", "absolute"), ("CMGFQDNs=a%20b", "host name")],
    "sign-in": [("", "EntraUserClientId")],
    "sign-out": [("more", "too many")],
    "status": [("more", "too many"), ("--dir hello.txt", "hello.txt")],
}

DAEMONS = {"cmg-gateway": "gateway.yaml", "cmg-connector": "connector.yaml", "cmg-mp": "mp.yaml"}
VAGUE = {"try again", "see the detail", "correct it", "error", "failed", ""}


# Table → header, and how many strings of a row stand before the text and the remedy.
TABLES = {"VERDICT_REASONS": ("src/verdict/reason.h", 1), "MP_REFUSALS": ("src/mp/sender/refusal.h", 2),
          "WEB_FAULTS": ("src/web/http.h", 1)}


@pytest.fixture
def folder_with_files(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remedies(text):
    return [r.strip() for r in re.findall(r"(?:remedy|What to do):(.*)", text)]


def assert_says(command, code, text, found):
    assert code in (1, 2), (command, code, text)
    assert found in text, f"{command}: does not name {found!r}:\n{text}"
    told = remedies(text)
    assert told, f"{command}: no remedy:\n{text}"
    for remedy in told:
        assert remedy.lower() not in VAGUE and len(remedy.split()) >= 3, f"{command}: {remedy!r} is none:\n{text}"


@pytest.mark.parametrize("table", TABLES)
def test_each_row_of_a_table_of_texts_says_what_happened_and_what_to_do(table):
    header, before = TABLES[table]
    text = (programs.REPOSITORY / header).read_text()
    body = re.match(r"(?:.*\\\n)*.*", text[text.index(f"#define {table}(X)"):]).group(0)
    written = len(re.findall(r"^ +X\(", body, re.M))
    body = re.sub(r"/\*.*?\*/", "", re.sub(r'"\s+"', "", re.sub(r"\\\n", " ", body)))
    rows = re.findall(r'X\((\w+),((?:[^"()]|"(?:[^"\\]|\\.)*")*)\)', body)
    assert len(rows) == written >= 15
    for symbol, row in rows:
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', row)
        assert len(strings) == before + 2, (symbol, row)
        what, remedy = strings[-2:]
        assert len(what.split()) >= 3 and not what.isupper(), (symbol, what)
        assert len(remedy.split()) >= 3 and remedy.lower() not in VAGUE, (symbol, remedy)


def words_of(name, pattern):
    return re.findall(pattern, programs.run([program(name), "--help"])[1], re.M)


def test_no_command_is_left_out():
    assert sorted(words_of("cmg", r"^  cmg ([a-z-]+(?: [a-z-]+)*)(?= {2,}| [A-Z])")) == sorted(CMG)
    assert sorted(words_of("cmg-client", r"^  ([a-z-]+) +[A-Z]")) == sorted(CLIENT)


def asks_a_site(words):
    return "--socket" in programs.run([program("cmg"), *words.split(), "--help"])[1]


@pytest.mark.parametrize("words", CMG)
def test_each_command_of_cmg_says_what_was_wrong_and_what_to_do(site, folder_with_files, words):
    socket = ["--socket", site.report["admin_socket"]] if asks_a_site(words) else []
    cases = [*CMG[words], ("--nonsense", "--nonsense")]
    for arguments, found in cases:
        command = [program("cmg"), *words.split(), *arguments.split(), *socket]
        code, out, err = programs.run(command, False)
        assert_says(command[1:], code, err + out, found)
        if code == 1 and not out and words != "quickstart":
            code, _, err = programs.run([*command, "--json"], False)
            told = json.loads(err)["error"]
            assert code == 1 and told["what"] and told["remedy"].lower() not in VAGUE, (command, told)


@pytest.mark.parametrize("words", CMG)
def test_each_command_that_asks_a_site_says_how_it_is_reached(folder_with_files, words):
    if not asks_a_site(words):
        return
    for arguments in [""] + [a for a, _ in CMG[words]]:
        for socket in ("/nonexistent/socket", "hello.txt"):
            command = [program("cmg"), *words.split(), *arguments.split(), "--socket", socket]
            code, out, err = programs.run(command, False)
            assert_says(command[1:], code, err + out, "")
            if "no management point" in err:
                assert socket in err and "--socket PATH" in err


@pytest.mark.parametrize("arguments, found", [("nonsense", "nonsense"), ("token", "token new"), ("token nonsense", "nonsense")])
def test_what_is_no_command_is_told_with_those_there_are(arguments, found):
    code, _, err = programs.run([program("cmg"), *arguments.split()], False)
    assert_says(arguments, code, err, found)


MEANT = [("cmg analyse", "cmg analyze"), ("cmg choices chek", "cmg choices check"), ("cmg token nwe", "cmg token new"),
         ("cmg setings resultant X", "cmg settings resultant"), ("cmg stat", "cmg status"),
         ("cmg choices check --cleint pki", "--client"), ("cmg plan --inventroy f", "--inventory"),
         ("cmg-client statu", "cmg-client status"), ("cmg-client policy --senario user", "--scenario"),
         ("cmg-client set CMGFQDN=x", "CMGFQDNs"), ("cmg-client get disalowcmg", "DisAllowCMG"),
         ("cmg-gateway --chek-config", "--check-config"), ("cmg-mp --referense", "--reference")]


@pytest.mark.parametrize("typed, meant", MEANT)
def test_a_slip_of_the_keyboard_is_told_with_what_was_meant(typed, meant, tmp_path):
    name, *arguments = typed.split()
    state = ["--dir", tmp_path] if "=" in typed or " get " in typed else []
    code, out, err = programs.run([program(name), *arguments, *state], False)
    assert code == 2 and not out and f"did you mean '{meant}'?" in err, err


@pytest.mark.parametrize("typed", ["cmg frobnicate", "cmg token frobnicate", "cmg-client frobnicate",
                                   "cmg choices check --frobnicate", "cmg-client set Frobnicate=1"])
def test_what_is_near_to_nothing_is_not_guessed(typed, tmp_path):
    name, *arguments = typed.split()
    state = ["--dir", tmp_path] if "=" in typed else []
    code, _, err = programs.run([program(name), *arguments, *state], False)
    assert code == 2 and "robnicate" in err and "did you mean" not in err, err


@pytest.mark.parametrize("asked", ["cmg help choices check", "cmg choices check -h",
                                   "cmg-client help set", "cmg-client set -h"])
def test_help_is_found_wherever_it_is_looked_for(asked):
    name, *arguments = asked.split()
    code, out, _ = programs.run([program(name), *arguments])
    assert code == 0 and out.startswith("Usage: " + ("cmg choices check" if name == "cmg" else "cmg-client set"))
    assert name == "cmg" or re.search(r"^  CMGFQDNs +\w+", out, re.M), "each setting with what it is for"


def test_a_part_of_a_command_is_answered_with_what_goes_on_from_it():
    for typed, there in (("settings client", "cmg settings client set"), ("token", "cmg token new")):
        code, _, err = programs.run([program("cmg"), *typed.split()], False)
        assert code == 2 and f"'{typed}' needs a second word" in err and there in err, err
    code, out, _ = programs.run([program("cmg"), "choices", "help"])
    assert code == 0 and out.startswith("Usage: cmg choices ")
    code, _, err = programs.run([program("cmg"), "device", "show", "help", "--socket", "/nonexistent/socket"], False)
    assert code == 1 and "no management point" in err, "a device may be named so"


@pytest.mark.parametrize("words", CLIENT)
def test_each_command_of_cmg_client_says_what_was_wrong_and_what_to_do(folder_with_files, words):
    for arguments, found in [*CLIENT[words], ("--nonsense", "--nonsense")]:
        state = [] if "--dir" in arguments else ["--dir", folder_with_files / "state"]
        split = [a.replace("%20", " ") for a in arguments.split()]
        code, out, err = programs.run([program("cmg-client"), words, *split, *state], False)
        assert_says([words, *split], code, err + out, found)
        if words == "analyze":
            continue  # its report is a list of steps
        code, out, _ = programs.run([program("cmg-client"), words, *split, *state, "--json"], False)
        if "nonsense" not in arguments and out:
            told = json.loads(out)
            assert told["ok"] is False and told["detail"] and told["remedy"].lower() not in VAGUE, told


@pytest.mark.parametrize("name", DAEMONS)
def test_each_daemon_lists_every_fault_of_its_configuration_and_what_to_do(folder_with_files, name):
    for text, found in ((None, "No such file"), ("hello", "block of keys"), ("listen: [foo\n", "not YAML"), ("", "empty"),
                        ("bootstrap: nofile\nnonsense: 3\nlog: {level: loud}\n", "nonsense")):
        path = folder_with_files / "daemon.yaml"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        for check in ([], ["--check-config"]):
            code, out, err = programs.run([program(name), "--config", path, *check], False)
            assert_says([name, text], code, err + out, found)
            assert all(line.startswith((f"{path}:", "remedy:")) for line in err.splitlines()), err
    assert {"loud", "debug"} <= set(re.findall(r"\w+", err)) and f"{path}:2:" in err and f"{path}:3:" in err
    assert "nofile" in err or name == "cmg-mp"
    for arguments in (["--nonsense"], ["--config"], ["more"]):
        code, out, err = programs.run([program(name), *arguments], False)
        assert_says([name, *arguments], code, err, "")
