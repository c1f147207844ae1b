# SPDX-License-Identifier: Apache-2.0
"""A site whose store is PostgreSQL: the main job, several management points on one store, and a database that goes away. (All
other tests run on it too: CMG_TEST_ON=postgresql make integration.)"""
import contextlib
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import end_site, running_site, temporary_folder
from kit import pki, programs
from kit.device import Device
from kit.inside import Inside
from kit import programs
from kit.postgresql import ask, change
from kit.receivers import Hook
from kit.programs import program, until
from kit.service import WITHIN_S, Service

SECOND = "71994217000000000001"  # role id of the second process's management point


@pytest.fixture
def pg_site(postgresql):
    path = temporary_folder()
    try:
        it = running_site(path / "site", postgresql.new_database())
        try:
            yield it.take_apart()
        finally:
            end_site(it)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def works(device):
    return device.run("policy")[0] == 0


def test_devices_come_in_by_certificate_and_by_token_and_get_their_policy(pg_site, tmp_path):
    policy = tmp_path / "policy"
    policy.write_text("do this")
    pg_site.add("policy", "add", "first", policy)
    by_certificate = Device(pg_site, tmp_path, "by-certificate").with_certificate(pg_site.pki("certificate"), pg_site.pki("key"))
    by_certificate.at("https").must("run", "--once")
    by_token = Device(pg_site, tmp_path, "by-token").registered_by_token()
    by_token.must("run", "--once")
    assert "first" in by_certificate.policies() and "first" in by_token.policies()
    assert not (pg_site.folder / "state" / "site.db").exists()


def test_a_device_that_another_process_of_the_site_blocks_is_refused_within_five_seconds(pg_site, tmp_path):
    device = Device(pg_site, tmp_path).registered_by_token()
    device.must("run", "--once")
    with pg_site.another_process(SECOND) as (admin, _):
        programs.run([program("cmg"), "device", "block", device.guid, "--socket", admin])
        until("the device is refused", lambda: not works(device), 5)
        assert device.must_fail("policy")["reason"] == "blocked"
        [seen] = [d for d in pg_site.cmg("device", "list")["devices"] if d["guid"] == device.guid]
        assert seen["state"] == "blocked"


@contextlib.contextmanager
def changed_by_another(url, statement):
    """Another process is about to commit this: it does at the end, when somebody waits for it."""
    def waiting():
        return ask(url, "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != [["0"]]
    with subprocess.Popen(["psql", "-qAt", "-v", "ON_ERROR_STOP=1", url], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        other.stdin.write(f"BEGIN; SELECT pg_advisory_xact_lock(17224129); {statement}; SELECT 'made';\n")
        other.stdin.flush()
        assert "made\n" in other.stdout
        yield
        until("somebody waits", waiting, 5)
        other.stdin.write("COMMIT;\n")
    assert other.returncode == 0


@pytest.mark.parametrize("usually", ["read committed", "repeatable read", "serializable"])
def test_who_waits_for_a_change_of_another_process_decides_by_it_however_the_database_isolates(pg_site, tmp_path, usually):
    inside = Inside(pg_site, tmp_path)
    change(pg_site.store, [f"ALTER DATABASE {pg_site.store.split('/')[3].split('?')[0]} SET default_transaction_isolation TO '{usually}'"])
    pg_site.kill("cmg-mp")
    pg_site.run("cmg-mp")
    until("it answers", lambda: pg_site.cmg("status", check=False)[0] == 0, 10)
    with ThreadPoolExecutor(1) as thief:
        with changed_by_another(pg_site.store, "INSERT INTO revoked_role (kind, id, revoked, not_after) "
                                               "SELECT 'connector', id, 1, not_after FROM connector WHERE id = 'cp1'"):
            asked = thief.submit(inside.request, "ehttp", "POST", "/.cmg/renew", None, pki.signing_request(), inside.connector)
        answer = asked.result(20)
    assert answer.status == 403 and b"was withdrawn" in answer.body, answer


def test_a_device_is_told_what_is_said_to_another_process_than_the_one_where_it_waits(pg_site, tmp_path):
    device = Device(pg_site, tmp_path).at("ehttp").registered_by_token()
    device.must("set", "ClientAlwaysOnInternet=1")
    with pg_site.another_process(SECOND) as (admin, _), Service(device) as service:
        service.listens()
        for whom in ([device.guid], ["--all"]):
            out = programs.run([program("cmg"), "device", "notify", *whom, "--message", whom[0], "--json", "--socket", admin])[1]
            assert json.loads(out)["notification"]["waits"] is not True
        until("it is told", lambda: service.said() == [device.guid, "--all"], WITHIN_S)


def test_a_database_that_was_away_is_named_and_found_again(pg_site, postgresql, tmp_path):
    device, inside = Device(pg_site, tmp_path).registered_by_token(), Inside(pg_site, tmp_path)
    newcomer = pki.self_signed(tmp_path, "new")
    device.must("run", "--once")
    token = pg_site.cmg("token", "new")["token"].split(".", 2)[2]
    postgresql.stop()
    try:
        code, answer = pg_site.cmg("device", "list", check=False)
        assert code != 0 and "PostgreSQL can't be reached" in json.dumps(answer), answer
        assert not works(device)
        answer = inside.register(newcomer, token)
        assert answer.status == 503 and answer.problem()["reason"] == "busy", answer  # not: expired
    finally:
        postgresql.start()
    until("the device gets its policy again", lambda: works(device), 10)
    assert pg_site.pid("cmg-mp") == pg_site.alone["cmg-mp"].pid and pg_site.alone["cmg-mp"].poll() is None


def scans(site):
    """Whole reads of each table, and by index, as far as the server has counted."""
    rows = ask(site.store, "SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables "
                           "WHERE relname IN ('device_certificate', 'removed_credential')")
    return {name: (int(whole), int(index)) for name, whole, index in rows}


def test_devices_requests_read_no_table_of_credentials_as_a_whole(pg_site, tmp_path):
    """Whatever the number of devices: the server is told how many there are, and chooses."""
    inside, token = Inside(pg_site, tmp_path), pg_site.cmg("token", "new", "--uses", "9")["token"].split(".", 2)[2]
    guid = "'6f1c0000-0000-4000-8000-' || lpad(n::text, 12, '0')"
    pg_site.sql("INSERT INTO device (guid, name, hardware_id, method, state, blocked, spki, client_version, registered, last_seen, "
                f"machine) SELECT {guid}, 'pc' || n, 'hw' || n, 'pki', 'approved', 0, 'k' || n, 2603, 1, 1, 'k' || n "
                "FROM generate_series(1, 20000) n",
                "INSERT INTO device_certificate (sha256, guid, subject, not_after, added, pem, vouched) "
                f"SELECT 'c' || n, {guid}, '', 1, 1, repeat('x', 500), 1 FROM generate_series(1, 20000) n",
                "INSERT INTO removed_credential (kind, value, guid, name, removed, until) "
                "SELECT 'key', 'r' || n, '', '', 1, 0 FROM generate_series(1, 20000) n",
                "ANALYZE device", "ANALYZE device_certificate", "ANALYZE removed_credential")

    def come_in(*names):
        """Until the server has counted what it read for them, and with that all that this connection read before."""
        before = scans(pg_site)
        for name in names:
            device = pki.self_signed(tmp_path, name)
            held = json.loads(inside.register(device, token).body)["device_token"]
            access = json.loads(inside.sts(device, held).body)["access_token"]
            assert inside.policy(device, access).status == 200

        def counted():
            now = scans(pg_site)
            return all(now[table][1] > before[table][1] for table in now)
        until("the server has counted it", counted, 30)
        return {table: whole for table, (whole, _) in scans(pg_site).items()}

    before = come_in("first")  # the server counts late: with reads of tables that were empty yet
    assert come_in(*(f"one-of-many-{n}" for n in range(7))) == before  # so many that it plans for whatever comes


def test_a_password_in_the_configuration_is_refused_and_not_repeated(pg_site):
    text = (pg_site.folder / "mp.yaml").read_text()
    (pg_site.folder / "secret.yaml").write_text(text.replace(pg_site.store, "postgresql://cmg:hunter2@db.example/site"))
    code, out, err = programs.run([program("cmg-mp"), "--check-config", "--config", pg_site.folder / "secret.yaml"], False)
    assert code != 0 and "passfile" in out + err and "hunter2" not in out + err


def test_of_two_processes_one_tells_and_the_other_goes_on_when_it_ends(pg_site):
    def told():
        return [a["event"] for a in hook.alerts("connector_silent")]
    with Hook() as hook, pg_site.another_process(SECOND) as (admin, _):
        pg_site.cmg("settings", "set", "alert_check", "1s")
        pg_site.cmg("alerts", "add", "team", "--webhook", hook.url)
        programs.run([programs.program("cmg"), "alerts", "test", "team", "--socket", admin])  # its keys unseal the secret, too
        pg_site.kill("cmg-connector")
        pg_site.sql("UPDATE connector SET seen = seen - 600")
        until("it is told", told, 30)
        # ten looks of each later nobody has told it again
        seen = lambda: int(ask(pg_site.store, "SELECT MAX(seen) FROM alert")[0][0])  # noqa: E731
        begin = seen()
        until("both looked again and again", lambda: seen() >= begin + 10, 60)
        assert told() == ["began"]
        pg_site.kill("cmg-mp")
        pg_site.sql("UPDATE alert_lease SET until = 0")  # its time is over
        pg_site.sql("UPDATE connector SET seen = seen + 10000000")
        until("the other one tells the end", lambda: told() == ["began", "over"], 60)
