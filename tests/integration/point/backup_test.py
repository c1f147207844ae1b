# SPDX-License-Identifier: Apache-2.0
"""A site in one encrypted file, and made again from it: whatever was lost, whatever happens to the file, nothing is half done."""
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from kit import gatewayclient, pki, postgresql, programs
from kit.device import Device
from kit.gatewayclient import HTTP1
from kit.jsonpage import documented
from kit.programs import program, until
from kit.site import Site

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def apart(tmp_path):
    site = Site(tmp_path / "site").start()
    try:
        yield site.take_apart()
    finally:
        site.end()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A site that runs, and is only read; (its folder, a backup of it, the passphrase's file)."""
    folder = tmp_path_factory.mktemp("kept")
    site = Site(folder / "site").start()
    try:
        secret = passphrase(folder)
        made = cmg("site", "backup", folder / "site.backup", "--config", site.folder / "mp.yaml", "--passphrase-file", secret)
        assert made.code == 0, made
        yield site, folder / "site.backup", secret
    finally:
        site.end()


class Ran:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}{self.err}"

    @property
    def json(self):
        return json.loads(self.out)


def cmg(*words, given=None, limit=None):
    return Ran(subprocess.run([*(limit or []), str(program("cmg")), *map(str, words)], input=given, capture_output=True, text=True,
                              timeout=120, check=False))


def passphrase(folder, text=PASSPHRASE, name="passphrase"):
    path = folder / name
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def lose(site):
    """The host's disk: everything of the management point but its logs."""
    site.stop("cmg-mp")
    lost = site.folder.parent / "lost"
    lost.mkdir()
    for name in ("mp.yaml", "keys", "offline", "state"):
        (site.folder / name).rename(lost / name)
    return lost


def start(site):
    site.run("cmg-mp")
    until("the site answers", lambda: site.cmg("status", check=False)[0] == 0, 30)


def causes(site):
    return [p["cause"] for p in site.cmg("status")["problems"]]


def published(site, name):
    try:
        return gatewayclient.request(site, HTTP1, "GET", f"/CCM_Proxy_MutualAuth/{name}/", certificate=site.pki("certificate"),
                                     key=site.pki("key")).status
    except ConnectionError:
        return None


# --- from a lost host to health ---

def test_a_lost_site_is_made_again_and_its_gateway_connector_and_devices_go_on(apart, tmp_path, upstream):
    device = Device(apart, tmp_path).with_certificate(apart.pki("certificate"), apart.pki("key")).at("https")
    device.must("run", "--once")
    apart.publish("apt", "--url", upstream.url)
    secret, file = passphrase(tmp_path), tmp_path / "site.backup"
    made = cmg("site", "backup", file, "--config", apart.folder / "mp.yaml", "--passphrase-file", secret, "--json")
    assert made.code == 0, made
    assert set(made.json) == documented()["cmg site backup"][""] and made.json["rows"]["device"] == 1 and made.json["root_key"]
    assert file.stat().st_mode & 0o777 == 0o600
    lost = lose(apart)
    back = cmg("site", "restore", file, "--passphrase-file", secret, "--json")
    assert back.code == 0, back
    assert set(back.json) == documented()["cmg site restore"][""] and any("cmg restore done" in line for line in back.json["todo"])
    for was in [*lost.glob("keys/*"), *lost.glob("offline/*"), lost / "mp.yaml"]:
        now = apart.folder / was.relative_to(lost)
        assert now.read_bytes() == was.read_bytes() and now.stat().st_mode == was.stat().st_mode, was
    start(apart)
    assert [d["guid"] for d in apart.cmg("device", "list")["devices"]] == [device.guid]
    until("the published server answers", lambda: published(apart, "apt") == 200, 20)
    device.must("policy")
    assert "store_went_back" not in causes(apart)  # nothing was done since
    apart.cmg("device", "block", device.name)
    until("the block arrives", lambda: published(apart, "apt") == 403, 20)


def test_numbers_go_on_above_what_gateways_hold_and_it_is_told(apart, tmp_path):
    secret, file = passphrase(tmp_path), tmp_path / "site.backup"
    assert cmg("site", "backup", file, "--config", apart.folder / "mp.yaml", "--passphrase-file", secret).code == 0
    before = apart.bundle_sequence()
    for _ in range(8):
        apart.cmg("token", "block", apart.cmg("token", "new")["id"])
    until("the gateway holds the last one", lambda: apart.gateway_bundle() >= apart.bundle_sequence() > before, 20)
    held = apart.gateway_bundle()
    lose(apart)
    assert cmg("site", "restore", file, "--passphrase-file", secret).code == 0
    start(apart)
    until("it is told", lambda: "store_went_back" in causes(apart), 30)
    until("the gateway follows", lambda: apart.gateway_bundle() > held, 20)


def test_who_writes_does_not_wait_for_a_backup_and_it_is_of_one_moment(apart, tmp_path):
    secret, ended, failed = passphrase(tmp_path), threading.Event(), []

    def write():
        while not ended.is_set():
            try:
                apart.cmg("token", "block", apart.cmg("token", "new")["id"])
            except AssertionError as error:
                failed.append(error)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            made = cmg("site", "backup", tmp_path / f"{n}.backup", "--config", apart.folder / "mp.yaml", "--passphrase-file", secret)
            assert made.code == 0, made
            assert cmg("site", "verify", tmp_path / f"{n}.backup", "--passphrase-file", secret).code == 0
    finally:
        ended.set()
        writer.join()
    assert not failed


@pytest.mark.parametrize("to", ["postgresql", "sqlite"])
def test_a_site_is_restored_to_the_other_database(kept, tmp_path, to):
    site, file, secret = kept
    server = postgresql.PostgreSQL()
    try:
        first, second = tmp_path / "first", tmp_path / "second"
        url = server.new_database()
        done = cmg("site", "restore", file, "--passphrase-file", secret, "--dir", first, "--store", url)
        assert done.code == 0, done
        assert "store: " in (first / "mp.yaml").read_text() and not (first / "state/site.db").exists()
        if to == "sqlite":
            done = cmg("site", "backup", tmp_path / "pg.backup", "--config", first / "mp.yaml", "--passphrase-file", secret)
            assert done.code == 0, done
            done = cmg("site", "restore", tmp_path / "pg.backup", "--passphrase-file", secret, "--dir", second, "--store", "sqlite")
            assert done.code == 0, done
            assert (second / "mp.yaml").read_text() == (site.folder / "mp.yaml").read_text()
            with sqlite3.connect(second / "state/site.db") as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert db.execute("SELECT COUNT(*) FROM endpoint").fetchone()[0] > 0
            assert (second / "state/site.db").stat().st_mode & 0o777 == 0o600
        again = cmg("site", "restore", file, "--passphrase-file", secret, "--dir", tmp_path / "third", "--store", url)
        assert again.code == 1 and "there is a site in it already" in again.err and "--store" in again.err
        assert not (tmp_path / "third" / "mp.yaml").exists() and not list((tmp_path / "third").rglob("*.key"))
    finally:
        server.close()


# --- who may open it ---

def test_it_is_encrypted_to_certificates_and_each_of_their_keys_opens_it(kept, tmp_path):
    site, _, secret = kept
    ca = pki.Ca(tmp_path, "Backups")
    one, two, other = (ca.device(name) for name in ("one", "two", "other"))
    file = tmp_path / "site.backup"
    made = cmg("site", "backup", file, "--config", site.folder / "mp.yaml", "--certificate", one.path, "--certificate", two.path)
    assert made.code == 0, made
    for key in (one.key, two.key):
        Path(key).chmod(0o600)
        assert cmg("site", "verify", file, "--key", key).code == 0
    Path(other.key).chmod(0o600)
    told = cmg("site", "verify", file, "--key", other.key)
    assert told.code == 1 and "does not open it" in told.err and "certificate that it was made for" in told.err
    told = cmg("site", "verify", file, "--passphrase-file", secret)
    assert told.code == 1 and "--key FILE" in told.err


def test_a_backup_that_anybody_could_have_made_writes_to_no_other_folder_unless_that_is_said(kept, tmp_path):
    """Of a certificate nobody but the holder of its key opens it; but whoever has the certificate makes one."""
    ca = pki.Ca(tmp_path, "Backups").device("backup")
    Path(ca.key).chmod(0o600)
    forged, file = tmp_path / "forged", tmp_path / "site.backup"
    shutil.copytree(kept[0].folder, forged, ignore=shutil.ignore_patterns("*.sock"))
    elsewhere = tmp_path / "etc" / "cron.d" / "evil"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("* * * * * root id\n")
    config = (forged / "mp.yaml").read_text()
    (forged / "mp.yaml").write_text(config.replace("    certificate:", f'    password_file: "{elsewhere}"\n    certificate:', 1))
    made = cmg("site", "backup", file, "--config", forged / "mp.yaml", "--certificate", ca.path)
    assert made.code == 0, made
    elsewhere.unlink()
    assert str(elsewhere) in cmg("site", "verify", file, "--key", ca.key).out
    told = cmg("site", "restore", file, "--key", ca.key, "--dir", tmp_path / "restored")
    assert told.code == 1 and "is outside of" in told.err and "--outside" in told.err
    assert not elsewhere.exists() and not (tmp_path / "restored" / "mp.yaml").exists()
    assert not list((tmp_path / "restored").rglob("*.key"))
    assert cmg("site", "restore", file, "--key", ca.key, "--dir", tmp_path / "restored", "--outside").code == 0
    assert elsewhere.exists()


def type_at_terminal(words, lines):
    """The exit code and all that the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(str(words[0]), list(map(str, words)))
    shown = b""
    try:
        for prompt, line in lines:
            while prompt not in shown.rsplit(b"\n", 1)[-1]:
                shown += os.read(terminal, 1024)
            shown += b"\n"
            os.write(terminal, line.encode() + b"\n")
        while True:
            shown += os.read(terminal, 1024)
    except OSError:  # it has ended
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


def test_the_terminal_asks_twice_and_shows_nothing(kept, tmp_path):
    site = kept[0]
    words = [program("cmg"), "site", "backup", tmp_path / "a.backup", "--config", site.folder / "mp.yaml"]
    code, shown = type_at_terminal(words, [(b"Passphrase", PASSPHRASE), (b"once more", PASSPHRASE)])
    assert code == 0 and PASSPHRASE not in shown, shown
    code, shown = type_at_terminal([program("cmg"), "site", "verify", tmp_path / "a.backup"], [(b"Passphrase", PASSPHRASE)])
    assert code == 0 and PASSPHRASE not in shown, shown
    words[3] = tmp_path / "b.backup"
    code, shown = type_at_terminal(words, [(b"Passphrase", PASSPHRASE), (b"once more", PASSPHRASE + "r")])
    assert code == 1 and "differ" in shown and not (tmp_path / "b.backup").exists()


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_age_and_tar_open_it_too(kept, tmp_path):
    site, file, _ = kept
    code, shown = type_at_terminal([shutil.which("age"), "--decrypt", "-o", tmp_path / "site.tar", file], [(b"assphrase", PASSPHRASE)])
    assert code == 0, shown
    subprocess.run(["tar", "-xf", tmp_path / "site.tar", "-C", tmp_path], check=True, timeout=30)
    assert (tmp_path / "site/mp.yaml").read_bytes() == (site.folder / "mp.yaml").read_bytes()
    assert json.loads((tmp_path / "about.json").read_text())["site"] and (tmp_path / "manifest.json").exists()


def test_openssl_opens_what_leads_to_the_key(kept, tmp_path):
    site = kept[0]
    one = pki.Ca(tmp_path, "Backups").device("one")
    assert cmg("site", "backup", tmp_path / "a", "--config", site.folder / "mp.yaml", "--certificate", one.path).code == 0
    header = (tmp_path / "a").read_bytes().split(b"\n---")[0].split(b"-> opencmg.org/cms\n")[1]
    text = header.replace(b"\n", b"")
    (tmp_path / "cms.b64").write_bytes(text + b"=" * (-len(text) % 4))
    der = subprocess.run(["openssl", "base64", "-d", "-A", "-in", tmp_path / "cms.b64"], check=True, capture_output=True).stdout
    opened = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", one.key], input=der, capture_output=True,
                            check=True, timeout=30)
    assert len(opened.stdout) == 16


# --- whatever happens to the file ---

def refused(file, secret, into, *words):
    told = cmg("site", "verify", file, "--passphrase-file", secret, "--json")
    back = cmg("site", "restore", file, "--passphrase-file", secret, "--dir", into, "--json")
    for ran in (told, back):
        assert ran.code == 1 and not ran.out, ran
        error = json.loads(ran.err)["error"]
        assert all(word in error["what"] for word in words) and error["remedy"], error
    assert not into.exists() or not [p for p in into.rglob("*") if p.is_file()]


def test_a_wrong_passphrase_is_told_and_nothing_is_written(kept, tmp_path):
    refused(kept[1], passphrase(tmp_path, PASSPHRASE + "r"), tmp_path / "new", "another passphrase")


@pytest.mark.parametrize("what", ["cut off", "a byte altered", "a byte added", "empty", "not one"])
def test_a_damaged_file_is_told_and_nothing_is_written(kept, tmp_path, what):
    _, file, secret = kept
    data, broken = file.read_bytes(), tmp_path / "broken.backup"
    middle = len(data) // 2
    bytes_of = {"cut off": data[:middle], "a byte altered": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:],
                "a byte added": data + b"\0", "empty": b"", "not one": b"-----BEGIN CERTIFICATE-----\n"}
    words = {"cut off": "missing", "a byte altered": "altered", "empty": "no backup", "not one": "no backup"}
    broken.write_bytes(bytes_of[what])
    refused(broken, secret, tmp_path / "new", words.get(what, ""))


def test_a_site_that_is_there_is_not_written_over(kept, tmp_path):
    site, file, secret = kept
    before = {path: path.read_bytes() for path in (site.folder / "keys").iterdir()}
    told = cmg("site", "restore", file, "--passphrase-file", secret)
    assert told.code == 1 and "mp.yaml is there already" in told.err and "--dir" in told.err
    assert before == {path: path.read_bytes() for path in (site.folder / "keys").iterdir()}
    into = tmp_path / "new"
    (into / "state").mkdir(parents=True)
    (into / "state/site.db").touch(0o600)
    told = cmg("site", "restore", file, "--passphrase-file", secret, "--dir", into)
    assert told.code == 1 and "site.db is there already" in told.err
    assert [p for p in into.rglob("*") if p.is_file()] == [into / "state/site.db"]


def test_a_backup_of_a_newer_version_is_told(kept, tmp_path, monkeypatch):
    """Its store has a version that this program does not know."""
    site, _, secret = kept
    copy = tmp_path / "site"
    shutil.copytree(site.folder, copy, ignore=shutil.ignore_patterns("*.sock", "site.db*"))
    with sqlite3.connect(site.folder / "state/site.db") as db, sqlite3.connect(copy / "state/site.db") as to:
        db.backup(to)
        to.execute("INSERT INTO schema_migration VALUES (9999, 0)")
    (copy / "state/site.db").chmod(0o600)
    told = cmg("site", "backup", tmp_path / "x", "--config", copy / "mp.yaml", "--passphrase-file", secret)
    assert told.code == 1 and "9999" in told.err and "newer" in told.err
    assert not list(tmp_path.glob("x*"))


def test_a_damaged_database_is_told_and_gives_no_backup(kept, tmp_path):
    site, _, secret = kept
    copy = tmp_path / "site"
    shutil.copytree(site.folder, copy, ignore=shutil.ignore_patterns("*.sock", "site.db*"))
    with sqlite3.connect(site.folder / "state/site.db") as db, sqlite3.connect(copy / "state/site.db") as to:
        db.backup(to)
    path = copy / "state/site.db"
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096:page * 4096 + 64] = os.urandom(64)
    path.write_bytes(data)
    path.chmod(0o600)
    told = cmg("site", "backup", tmp_path / "x", "--config", copy / "mp.yaml", "--passphrase-file", secret)
    assert told.code == 1, told
    assert not list(tmp_path.glob("x*"))


def test_a_file_that_is_there_is_written_over_only_by_force(kept, tmp_path):
    site, _, secret = kept
    (tmp_path / "a").write_text("precious")
    words = ["site", "backup", tmp_path / "a", "--config", site.folder / "mp.yaml", "--passphrase-file", secret]
    told = cmg(*words)
    assert told.code == 1 and "--force" in told.err and (tmp_path / "a").read_text() == "precious"
    assert cmg(*words, "--force").code == 0
    assert cmg("site", "verify", tmp_path / "a", "--passphrase-file", secret).code == 0


def test_a_full_disk_leaves_nothing_behind(kept, tmp_path):
    site, file, secret = kept
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=16k none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(small)]
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test have a small file system")
    told = cmg("site", "backup", small / "x", "--config", site.folder / "mp.yaml", "--passphrase-file", secret, limit=inside)
    assert told.code == 1 and "make room" in told.err and not told.out, told
    told = cmg("site", "restore", file, "--passphrase-file", secret, "--dir", small / "new", limit=inside)
    assert told.code == 1 and "Traceback" not in told.err and told.out.split() in ([], ["new"]), told


@pytest.mark.parametrize("fault,words", [("short", "less than 12 bytes"), ("open", "chmod 600"), ("missing", "passphrase"),
                                         ("both", "not both"), ("none", "no terminal")])
def test_what_is_wrong_with_a_passphrase_is_told(kept, tmp_path, fault, words):
    site = kept[0]
    secret = passphrase(tmp_path, "short" if fault == "short" else PASSPHRASE)
    if fault == "open":
        secret.chmod(0o644)
    if fault == "missing":
        secret.unlink()
    more = {"both": ["--passphrase-file", secret, "--certificate", site.pki("ca")], "none": []}.get(fault, ["--passphrase-file", secret])
    told = cmg("site", "backup", tmp_path / "x", "--config", site.folder / "mp.yaml", *more, limit=["setsid"])
    assert told.code in (1, 2) and words in told.err, told
    assert not list(tmp_path.glob("x*"))


def test_verify_says_what_is_in_it_and_writes_nothing(kept, tmp_path):
    site, file, secret = kept
    before = file.read_bytes()
    told = cmg("site", "verify", file, "--passphrase-file", "-", "--json", given=PASSPHRASE + "\n")
    assert told.code == 0 and set(told.json) == documented()["cmg site verify"][""], told
    assert told.json["pin"] == site.cmg("status")["pin"] and told.json["rows"]["gateway"] == 1 and file.read_bytes() == before
    words = cmg("site", "verify", file, "--passphrase-file", secret)
    assert words.code == 0 and "The backup is whole" in words.out and "1 gateways" in words.out
