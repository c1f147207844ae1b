# SPDX-License-Identifier: Apache-2.0
"""`cmg setup`: the choices asked on a terminal or taken as options, what they mean said by src/choices, what does not go
together refused, and a site, its management point and a connector made; stopped and run again, it goes on."""
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
from kit import pki, programs
from kit.programs import program, until
from kit.servers import free_port


class Trial:
    """A folder for a site, with ports of its own."""

    def __init__(self, folder):
        self.folder, self.dir = folder, folder / "site"
        self.mp, self.gateway = free_port(), free_port()

    def options(self, **changed):
        options = {"client": "token", "server-cert": "internal", "mp": "ehttp", "site": "LAB",
                   "gateway": f"localhost:{self.gateway}", "mp-url": f"https://localhost:{self.mp}",
                   "mp-listen": f"127.0.0.1:{self.mp}"}
        options.update({name.replace("_", "-"): value for name, value in changed.items()})
        return [text for name, value in options.items() if value is not None for text in (f"--{name}", str(value))]

    def command(self, *arguments):
        return [str(a) for a in (program("cmg"), "setup", "--dir", self.dir, *arguments)]

    def run(self, *arguments):
        """(exit code, what was said) without a terminal."""
        code, out, err = programs.run(self.command(*arguments), False)
        return code, out + err

    def made(self):
        return sorted(path.name for path in self.dir.iterdir()) if self.dir.exists() else []


@pytest.fixture
def trial(tmp_path):
    return Trial(tmp_path)


class Running:
    """A program with what it says in a file."""

    def __init__(self, command, output):
        self.output = output
        with open(output, "wb") as to:
            self.process = programs.start(command, subprocess.STDOUT, to)

    @property
    def words(self):
        return self.output.read_text(errors="replace")

    def says(self, what, within_s=60):
        until(f"it says {what!r}:\n{self.words}", lambda: what in self.words or self.process.poll() is not None, within_s)
        assert what in self.words, self.words

    def __enter__(self):
        return self

    def __exit__(self, *_):
        programs.end(self.process)


def running_setup(trial, *arguments, name="setup.out"):
    return Running(trial.command("--run-here", *arguments), trial.folder / name)


class Typist:
    """`cmg setup` on a terminal, and somebody who types."""

    def __init__(self, command):
        self.said, self.seen = "", 0
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["NO_COLOR"] = "1"
            os.execv(command[0], command)

    def read(self, within_s=20):
        """Until a question waits for an answer; what it said since the last one. The end of it, too."""
        end_at = time.monotonic() + within_s
        while time.monotonic() < end_at:
            try:
                chunk = os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                chunk = ""
            self.said += chunk.replace("\r", "")
            new = self.said[self.seen:]
            if not chunk or re.search(r"\n([a-z-]+( \[[^\n]*\])?|Do it\? \[yes\]): $", new):
                self.seen = len(self.said)
                return new
        raise AssertionError(f"it asks nothing:\n{self.said}")

    def type(self, text):
        """Types a line; what is said then."""
        os.write(self.terminal, text.encode() + b"\n")
        return self.read()

    def question(self):
        return re.findall(r"\n([a-z-]+|Do it\?)(?: \[[^\n]*\])?: ", self.said)[-1]

    def press(self, key):
        os.write(self.terminal, key)

    def end(self):
        """Exit code; reads what is left."""
        while self.said is not None:
            try:
                chunk = os.read(self.terminal, 65536)
            except OSError:
                break
            if not chunk:
                break
            self.said += chunk.decode(errors="replace").replace("\r", "")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)


# --- options alone ---

def test_without_a_terminal_all_options_that_are_missing_are_named_at_once_and_nothing_is_made(trial):
    code, words = trial.run("--site", "LAB")
    assert code == 2
    for name in ("client", "server-cert", "mp", "gateway"):
        assert f"--{name} " in words, words
    assert "--site" not in words and "remedy" in words and words.count("missing") == 1
    code, words = trial.run(*trial.options(mp="https"), "--yes")
    assert code == 2 and all(f"--{name} FILE" in words for name in ("mp-cert", "mp-key", "mp-ca")), words
    assert trial.made() == []


@pytest.mark.parametrize("options,words", [
    ({"client": "tokens"}, "'tokens' is none of pki, entra, token"), ({"client": "token,kerberos"}, "'kerberos' is none of"),
    ({"mp": "http"}, "'http' is none of https, ehttp"), ({"server_cert": "self"}, "'self' is none of public, internal"),
    ({"site": "lab"}, "'lab' is no site code"), ({"gateway": "https://gw.example"}, "gw.example"),
    ({"mp_url": "http://mp"}, "begins with https://"), ({"mp_listen": "mp.example:1"}, "mp.example"),
    ({"server_ca": "nofile"}, "nofile"), ({"devices": "0"}, "1 to 1000000"), ({"connector_id": "a b"}, "'a b' is no id")])
def test_an_answer_that_is_none_is_told_by_its_option(trial, options, words):
    code, said = trial.run(*trial.options(**options))
    assert code == 2 and words in said and f"--{next(iter(options)).replace('_', '-')}: " in said, said
    assert trial.made() == []


# Rule of src/choices → options that it rules out. `cmg-forbidden` is about a setting that no new site has.
RULED_OUT = {
    "ehttp-forbids-pki": {"client": "pki", "mp": "ehttp"},
    "token-needs-2002": {"client_version": "1910", "join": "hybrid"},
    "ehttp-old-client": {"client": "entra,token", "client_version": "1910", "join": "domain"},
    "entra-needs-join": {"client": "entra", "join": "domain"},
    "user-needs-join": {"scenario": "user"},
    "root-missing": {"client_has_root": "no"},
    "connector-certificate-missing": {"client": "pki", "mp": "https", "crl": "internet"},
    "crl-unreachable": {"client": "pki", "mp": "https", "crl": "ad", "crl_relay": "off"},
    "crl-nowhere": {"client": "pki", "mp": "https", "crl": "none"},
    "user-not-signed-in": {"client": "entra", "scenario": "user", "user_sign_in": "no"},
}


def conditions():
    return json.loads(programs.run([program("cmg"), "choices", "--json"])[1])["conditions"]


def test_no_rule_of_the_choices_is_left_out():
    assert {c["id"] for c in conditions() if c["kind"] == "rules out"} - {"cmg-forbidden"} == set(RULED_OUT)


@pytest.mark.parametrize("rule", RULED_OUT)
def test_what_does_not_go_together_is_refused_in_the_words_of_the_choices(trial, rule):
    code, words = trial.run(*trial.options(**RULED_OUT[rule]))
    texts = {c["id"]: c["text"] for c in conditions()}
    shown = re.search(r"cmg: (.*) \(([a-z0-9-]+)\)\n  remedy: ", words, re.S)
    assert code == 1 and shown and shown.group(1) == texts[shown.group(2)], words
    if rule == "ehttp-old-client":  # an older rule rules it out, too, and is told first
        assert shown.group(2) in ("token-needs-2002", "entra-needs-join", rule)
    else:
        assert shown.group(2) == rule
    assert trial.made() == []


def test_a_revocation_list_that_is_nowhere_goes_where_it_is_not_checked(trial, tmp_path):
    root = pki.Ca(tmp_path, "Devices")
    code, words = trial.run(*trial.options(client="pki", mp="https", crl="none", crl_check="off", client_ca=root.path))
    assert code == 1 and "(connector-certificate-missing)" in words, words  # no word of the list any more
    code, words = trial.run(*trial.options(client="pki", mp="https", crl="none", crl_check="off", client_ca=root.path,
                                           connector_cert=root.device("cp").path))
    assert code == 2 and "--connector-key FILE" in words and "--crl" not in words, words


# --- on a terminal ---

def test_each_answer_on_a_terminal_says_what_it_means_in_the_words_of_the_choices(trial):
    texts = {c["id"]: " ".join(c["text"].split()) for c in conditions()}
    typist = Typist(trial.command())

    def answers(text):
        return " ".join(typist.type(text).split())
    first = typist.read()
    assert "Nothing is done before the last question" in first and typist.question() == "client"
    assert texts["token-client"] in (said := answers("token")) and texts["token-start"] in said
    assert texts["client-root"] not in said
    assert texts["client-root"] in (said := answers("internal")) and texts["token-start"] not in said
    assert typist.question() == "server-ca"
    assert "Enhanced HTTP: the site is its own small CA" in answers("")  # the terms of the next question
    assert texts["ehttp-takes-entra-token"] in (said := answers("ehttp")) and texts["mp-ehttp"] in said
    assert typist.question() == "site"
    assert "'lab' is no site code" in answers("lab") and typist.question() == "site"
    answers("LAB")
    answers(f"localhost:{trial.gateway}")
    answers(f"https://localhost:{trial.mp}")
    assert f"[0.0.0.0:{trial.mp}]" in typist.said
    summary = answers("")
    assert typist.question() == "Do it?" and texts["workgroup-no-user-policy"] in summary and "gateway-id gw1" in summary
    typist.press(b"no\n")
    assert typist.end() == 1 and "Stopped: nothing was done." in typist.said
    assert trial.made() == []


def test_an_answer_that_does_not_go_with_another_is_refused_on_the_terminal_and_one_can_go_back(trial):
    typist = Typist(trial.command())
    typist.read()
    assert "a unique client certificate on each device" in typist.type("pki") or "unique" in typist.said
    offered = typist.type("public")
    assert "does not go with the answers above: Enhanced HTTP takes no PKI client certificates" in offered
    refused = " ".join(typist.type("ehttp").split())
    assert "no: A management point with Enhanced HTTP does not take PKI client certificates. Use an HTTPS" in refused
    assert typist.question() == "mp"
    typist.type("back")
    assert typist.question() == "server-cert"
    typist.type("back")
    assert typist.question() == "client"
    typist.type("back")
    assert "This is the first one" in typist.said and typist.question() == "client"
    typist.type("token,entra")
    typist.type("public")
    typist.type("ehttp")
    assert typist.question() == "tenant"
    assert "no id of an Entra tenant" in typist.type("contoso") and typist.question() == "tenant"
    typist.type("6a4b51c7-2b0a-4c7e-9a67-0c7b43b8a1f2")
    assert typist.question() == "audience"
    typist.type("back")
    typist.type("")
    assert typist.question() == "site"
    typist.press(b"\x03")
    assert typist.end() == 1 and "Stopped: nothing was done." in typist.said
    assert trial.made() == []


def test_only_what_no_option_gave_is_asked(trial):
    typist = Typist(trial.command(*trial.options(mp=None, site=None), "--server-ca", ""))
    typist.read()
    assert typist.question() == "mp"
    typist.type("ehttp")
    assert typist.question() == "site"
    typist.type("LAB")
    assert typist.question() == "Do it?"
    typist.press(b"\x03")
    assert typist.end() == 1


def test_with_yes_a_terminal_is_asked_nothing(trial):
    typist = Typist(trial.command(*trial.options(mp=None), "--yes"))
    assert typist.end() == 2 and "--mp https|ehttp" in typist.said


# --- the whole ---

def lines(words):
    found = re.findall(r"^  (cmg-gateway|cmg-client) join (cmgg?1\.[\w-]+)$", words, re.M)
    return dict(found)


def run_program(name, *arguments, **more):
    return programs.run([program(name), *arguments], **more)


def test_setup_then_a_gateway_and_a_device_by_one_line_each_and_policy_is_there(trial, tmp_path):
    (tmp_path / "pki").mkdir()
    authority = pki.Ca(tmp_path / "pki", "Gateways")
    pair = authority.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost")
    with running_setup(trial, *trial.options(server_ca=authority.path)) as setup:
        setup.says("What is left to do:")
        until("all of it is said", lambda: "CMG_ADMIN_SOCKET" in setup.words, 5)
        for said in ("Made the site LAB in", "Started cmg-mp", "Started cmg-connector", "get a server certificate for localhost from your CA",
                     f"port {trial.gateway}", "getent hosts localhost", "offline/root.key"):
            assert said in setup.words, setup.words
        line = lines(setup.words)
        (tmp_path / "gw.string").write_text(line["cmg-gateway"])
        (tmp_path / "device.string").write_text(line["cmg-client"])
        socket = re.search(r"export CMG_ADMIN_SOCKET=(\S+)", setup.words).group(1)
        run_program("cmg", "policy", "add", "p1", "--file", pair.path, "--socket", socket)
        run_program("cmg-gateway", "join", f"@{tmp_path / 'gw.string'}", "--dir", tmp_path / "gw", "--listen", f"127.0.0.1:{trial.gateway}",
                    "--certificate", pair.path, "--key", pair.key)
        with Running([program("cmg-gateway"), "--config", tmp_path / "gw" / "gateway.yaml"], tmp_path / "gw.log"):
            until("the gateway is heard of", lambda: json.loads(run_program(
                "cmg", "gateway", "list", "--json", "--socket", socket)[1])["gateways"][0]["seen"], 40)
            code, out, err = run_program("cmg-client", "join", f"@{tmp_path / 'device.string'}", "--dir", tmp_path / "device")
            assert code == 0 and "its policy is here" in out, out + err
            again = programs.run(trial.command(), False)
        assert again[0] == 0
        for said in ("The site LAB is there already", "The management point runs already", "The connector cp1 has joined already",
                     "The gateway gw1 has joined already", "A line for devices was printed before"):
            assert said in again[1], again[1]
        assert not lines(again[1])


def test_without_run_here_nothing_is_started_and_run_again_it_goes_on(trial):
    code, words = trial.run(*trial.options())
    assert code == 1 and "Next: start it: " in words and f"cmg-mp --config {trial.dir}/mp.yaml" in words
    assert "run cmg setup again: it goes on from here" in words and not lines(words)
    with Running([program("cmg-mp"), "--config", trial.dir / "mp.yaml"], trial.folder / "mp.out"):
        until("cmg-mp answers", (trial.dir / "admin.sock").exists, 20)
        code, words = trial.run()
        assert code == 0 and "The management point runs already" in words, words
        assert f"cmg-connector --config {trial.dir}/connector.yaml" in words
        first = lines(words)
        assert set(first) == {"cmg-gateway", "cmg-client"}
        code, words = trial.run("--json")
        told = json.loads(words)
        assert told["complete"] and told["devices"] is None and told["gateway"]["join"] != first["cmg-gateway"]
        assert any("the one before counts no longer" in text for text in told["done"])
        code, words = trial.run("--mp", "https")
        assert code == 1 and "was set up with --mp ehttp, not https" in words and "leave that option out" in words


def test_stopped_while_it_works_it_goes_on_when_it_is_run_again(trial):
    with running_setup(trial, *trial.options(), name="first.out") as setup:
        setup.says("Started cmg-mp")
        setup.process.send_signal(signal.SIGINT)
        setup.process.wait(20)
        assert setup.process.returncode in (0, 1)
    pin = re.search(r"pin of its root is (\w+)", setup.words).group(1)
    with running_setup(trial, name="second.out") as setup:
        setup.says("What is left to do:")
        assert "The site LAB is there already" in setup.words and "Made the site" not in setup.words
        assert "Started cmg-mp" in setup.words, "the first one ended with its command"
        assert set(lines(setup.words)) == {"cmg-gateway", "cmg-client"}
        socket = str(trial.dir / "admin.sock")
        assert json.loads(run_program("cmg", "status", "--json", "--socket", socket)[1])["pin"] == pin


def test_a_site_that_setup_did_not_make_is_left_alone(trial):
    run_program("cmg", "init", "--dir", trial.dir, "--site", "LAB")
    before = (trial.dir / "mp.yaml").read_text()
    code, words = trial.run(*trial.options())
    assert code == 1 and "which cmg setup did not make" in words and "cmg connector add ID --join" in words
    assert (trial.dir / "mp.yaml").read_text() == before


def test_the_management_point_takes_the_methods_that_were_chosen_and_no_other(trial):
    trial.run(*trial.options(client="entra"))
    assert "client_auth: [entra]" in (trial.dir / "mp.yaml").read_text()


def test_the_tenant_that_was_named_is_one_of_the_site_and_its_keys_have_a_source(trial):
    """No word of the tenant is left among what is to be done; one more run changes nothing."""
    guid = "6a4b51c7-2b0a-4c7e-9a67-0c7b43b8a1f2"
    options = trial.options(client="entra", tenant=guid, audience="api://cmg")
    with running_setup(trial, *options) as setup:
        setup.says("What is left to do:")
        until("all of it is said", lambda: "CMG_ADMIN_SOCKET" in setup.words, 5)
        assert "cmg tenant add" not in setup.words
        socket = str(trial.dir / "admin.sock")
        tenant = json.loads(run_program("cmg", "tenant", "list", "--json", "--socket", socket)[1])["tenants"][0]
        assert (tenant["tenant"], tenant["audiences"]) == (guid, ["api://cmg"])
        assert tenant["issuers"] == [f"https://login.microsoftonline.com/{guid}/v2.0", f"https://sts.windows.net/{guid}/"]
        source = json.loads(run_program("cmg", "source", "list", "--json", "--socket", socket)[1])["sources"][0]
        assert source["url"] == f"https://login.microsoftonline.com/{guid}/v2.0/.well-known/openid-configuration"
        assert (source["id"], source["kind"], source["via"]) == (tenant["source"], "oidc", "internet")
        code, words = trial.run()
        assert code == 0 and f"takes tokens of {guid}" in words, words
        assert len(json.loads(run_program("cmg", "tenant", "list", "--json", "--socket", socket)[1])["tenants"]) == 1


def test_another_provider_is_named_by_its_issuer_and_a_tenant_without_an_audience_is_no_answer(trial):
    code, words = trial.run(*trial.options(client="entra", tenant="https://idp.example/realm/"))
    assert code == 2 and "--audience TEXT" in words
    with running_setup(trial, *trial.options(client="entra", tenant="https://idp.example/realm/", audience="cmg")) as setup:
        setup.says("What is left to do:")
        socket = str(trial.dir / "admin.sock")
        tenant = json.loads(run_program("cmg", "tenant", "list", "--json", "--socket", socket)[1])["tenants"][0]
        assert (tenant["tenant"], tenant["issuers"]) == ("", ["https://idp.example/realm/"])
        source = json.loads(run_program("cmg", "source", "list", "--json", "--socket", socket)[1])["sources"][0]
        assert source["url"] == "https://idp.example/realm/.well-known/openid-configuration"


@pytest.mark.parametrize("url, relay, via", [("http://crl.example/fleet.crl", "on", "connector"), ("ldap://dc.example/CN=a", "on", "connector"),
                                             ("http://crl.example/fleet.crl", None, "internet")])
def test_the_lists_url_that_was_named_is_a_source_fetched_by_who_reaches_it(trial, tmp_path, url, relay, via):
    (tmp_path / "pki").mkdir()
    root = pki.Ca(tmp_path / "pki", "Inside")
    mp, connector = root.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost"), root.device("cp")
    options = trial.options(client="pki", mp="https", crl="internal" if relay else "internet", crl_relay=relay, crl_url=url, client_ca=root.path,
                            connector_cert=connector.path, connector_key=connector.key, mp_cert=mp.path, mp_key=mp.key, mp_ca=root.path)
    with running_setup(trial, *options) as setup:
        setup.says("What is left to do:")
        until("all of it is said", lambda: "CMG_ADMIN_SOCKET" in setup.words, 5)
        assert "name the CRL's URL" not in setup.words
        sources = json.loads(run_program("cmg", "source", "list", "--json", "--socket", str(trial.dir / "admin.sock"))[1])["sources"]
        assert [(s["kind"], s["url"], s["via"]) for s in sources] == [("crl", url, via)]


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inside")
    root = pki.Ca(folder, "Inside")
    return root, root.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost"), root.device("cp")


@pytest.mark.parametrize("mode, client", [("ehttp", c) for c in ("entra", "token", "entra,token")] +
                         [("https", c) for c in ("pki", "entra", "token", "pki,entra", "pki,token", "entra,token", "pki,entra,token")])
def test_each_set_of_methods_that_the_choices_allow_is_a_site_that_starts(trial, inside, mode, client):
    root, mp, connector = inside
    more = {"mp_cert": mp.path, "mp_key": mp.key, "mp_ca": root.path} if mode == "https" else {}
    if "pki" in client:
        more |= {"client_ca": root.path, "crl": "internet", "connector_cert": connector.path, "connector_key": connector.key}
    with running_setup(trial, *trial.options(client=client, mp=mode, **more)) as setup:
        setup.says("What is left to do:")
        status = json.loads(run_program("cmg", "status", "--json", "--socket", str(trial.dir / "admin.sock"))[1])
        assert sorted(status["management_points"][0]["clients"]) == sorted(client.split(","))


def test_a_folder_that_may_not_be_written_and_one_too_long_for_a_socket_are_told(trial):
    code, words = trial.run("--dir", "/proc/x")
    assert code == 1 and "run it as root; or name a folder of your own with --dir" in words
    trial.dir = trial.folder / ("x" * 120)
    code, words = trial.run(*trial.options())
    assert code == 1 and "too long for the path of a socket" in words


def test_an_https_site_with_pki_devices_is_set_up_with_the_certificates_that_it_needs(trial, tmp_path):
    (tmp_path / "pki").mkdir()
    root = pki.Ca(tmp_path / "pki", "Inside")
    mp = root.device("localhost", usage=[pki.SERVER_AUTH], dns="localhost")
    connector = root.device("cp")
    options = trial.options(client="pki,token", mp="https", crl="internal", client_ca=root.path, connector_cert=connector.path,
                            connector_key=connector.key, mp_cert=mp.path, mp_key=mp.key, mp_ca=root.path)
    with running_setup(trial, *options) as setup:
        setup.says("What is left to do:")
        until("all of it is said", lambda: "CMG_ADMIN_SOCKET" in setup.words, 5)
        assert "cmg trust add --crl-source ID --url URL --via connector" in setup.words
        assert f'certificate: "{connector.path}"' in (trial.dir / "connector.yaml").read_text()
        socket = str(trial.dir / "admin.sock")
        trust = json.loads(run_program("cmg", "trust", "list", "--json", "--socket", socket)[1])["trust"]
        assert [t["kind"] for t in trust] == ["anchor"]
        until("the connector's certificate passes", lambda: json.loads(run_program(
            "cmg", "status", "--json", "--socket", socket)[1])["connectors"][0]["seen"], 20)
