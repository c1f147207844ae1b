# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts where, and how far each unit locks its daemon in. The packages themselves: tools/try-packages."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from kit import programs

BUILD = pathlib.Path(os.environ["CMG_BIN"]).parent if "CMG_BIN" in os.environ else pathlib.Path(__file__).parents[3] / "build"
DAEMONS = ("gateway", "connector", "mp", "client")
LISTENERS = ("gateway", "mp")
EXPOSURE_MAX = 1.5

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of the prefix, below a DESTDIR."""
    root = tmp_path_factory.mktemp("dest")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    programs = list(root.rglob("bin/cmg"))
    assert len(programs) == 1
    return programs[0].parents[1]


def exec_lines(unit):
    return re.findall(r"^ExecStart=(\S+)", unit.read_text(), re.M)


def units_with_programs(installed, folder):
    """Copies whose programs are where they lie now: a DESTDIR is not where they will run."""
    for unit in (installed / "lib/systemd/system").glob("*.service"):
        (folder / unit.name).write_text(re.sub(r"^ExecStart=\S*/", f"ExecStart={installed}/bin/", unit.read_text(), flags=re.M))
    for unit in (installed / "lib/systemd/system").glob("*.socket"):
        (folder / unit.name).write_text(unit.read_text())
    return sorted([*folder.glob("*.service"), *folder.glob("*.socket")])


def test_every_program_and_what_it_needs_of_the_machine_is_installed(installed):
    wanted = [f"bin/cmg-{who}" for who in DAEMONS] + ["bin/cmg"]
    wanted += [f"lib/systemd/system/cmg-{who}.service" for who in DAEMONS]
    wanted += [f"lib/systemd/system/cmg-gateway-certificate.{kind}" for kind in ("service", "timer")]
    wanted += [f"lib/systemd/system/cmg-{who}.socket" for who in LISTENERS]
    wanted += [f"lib/{kind}.d/opencmg-{who}.conf" for kind in ("sysusers", "tmpfiles") for who in DAEMONS]
    wanted += ["share/doc/opencmg/README.md", "share/doc/opencmg/docs/install.md", "share/doc/opencmg/examples/gateway.yaml"]
    wanted += [f"share/man/{page}" for page in ("man1/cmg.1", "man1/cmg-client.1", "man8/cmg-gateway.8", "man8/cmg-connector.8", "man8/cmg-mp.8")]
    wanted += [f"share/{where}" for where in ("bash-completion/completions/cmg", "zsh/vendor-completions/_cmg-mp",
                                              "fish/vendor_completions.d/cmg-client.fish")]
    assert [path for path in wanted if not (installed / path).is_file()] == []


def test_nothing_is_installed_but_programs_and_what_belongs_to_them(installed):
    known = re.compile(r"(bin/cmg(-\w+)?|lib/(systemd/system|sysusers\.d|tmpfiles\.d)/.*|share/(doc/opencmg|man|bash-completion|zsh|fish)/.*|etc/logrotate\.d/opencmg-\w+)$")
    found = [str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()]
    assert [path for path in found if not known.match(path)] == []


def test_units_start_the_programs_that_are_installed_as_users_that_are_made(installed):
    for who in DAEMONS:
        unit = (installed / f"lib/systemd/system/cmg-{who}.service")
        assert [line.rsplit("/", 1)[1] for line in exec_lines(unit)] == [f"cmg-{who}"]
        assert f"\nUser=opencmg-{who}\n" in unit.read_text()
        assert f"u opencmg-{who} " in (installed / f"lib/sysusers.d/opencmg-{who}.conf").read_text()


def test_no_unit_starts_what_nobody_configured(installed):
    for who in DAEMONS:
        assert "\nConditionPathExists=/" in (installed / f"lib/systemd/system/cmg-{who}.service").read_text()
    for who in LISTENERS:
        assert "\nConditionPathExists=/" in (installed / f"lib/systemd/system/cmg-{who}.socket").read_text()


def test_systemd_keeps_the_sockets_of_who_listens_and_socket_units_name_what_the_examples_do(installed):
    for who in LISTENERS:
        assert "\nFileDescriptorStoreMax=1024\n" in (installed / f"lib/systemd/system/cmg-{who}.service").read_text()
        example = (installed / f"share/doc/opencmg/examples/{who}.yaml").read_text()
        for at in re.findall(r"^ListenStream=(\S+)", (installed / f"lib/systemd/system/cmg-{who}.socket").read_text(), re.M):
            assert (f'admin_socket: {at}' if at.startswith("/") else f'":{at}"') in example, at


@needs_systemd
def test_systemd_finds_no_fault_in_the_units(installed, tmp_path):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units_with_programs(installed, tmp_path)],
                          capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "cmg-" in line] == []


@needs_systemd
def test_every_unit_is_locked_in_as_far_as_it_goes(installed):
    """`systemd-analyze security`: 0 is a service that may do nothing at all. The units argue their exceptions."""
    for who in (*DAEMONS, "gateway-certificate"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                               installed / f"lib/systemd/system/cmg-{who}.service"], capture_output=True, text=True, check=True)
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        assert float(exposure[1]) <= EXPOSURE_MAX, done.stdout


def test_no_unit_keeps_its_program_from_locking_itself_in_further(installed):
    """systemd 252, Debian 12's, has these calls in no group: what @system-service allows is not enough."""
    for who in DAEMONS:
        unit = (installed / f"lib/systemd/system/cmg-{who}.service").read_text()
        allowed = {call for line in re.findall(r"^SystemCallFilter=([^~].*)", unit, re.M) for call in line.split()}
        assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= allowed, who


# --- root beside daemons that are not root ---

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def cmg_client(folder, *words, **more):
    return subprocess.run([BUILD / "bin/cmg-client", *words, "--dir", folder], capture_output=True, text=True, check=False, **more)


@pytest.fixture
def state():
    """A state folder as a package makes it, that its daemon's user can reach."""
    with tempfile.TemporaryDirectory() as above:
        pathlib.Path(above).chmod(0o755)
        folder = pathlib.Path(above) / "state"
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
        yield folder


def owners(folder):
    return {path.stat().st_uid for path in (folder, *folder.rglob("*"))}


@needs_root
def test_what_root_sets_on_a_device_belongs_to_the_user_of_the_daemon(state):
    done = cmg_client(state, "set", "Name=roots-own")
    assert done.returncode == 0, done.stderr
    assert (state / "config.json").exists() and owners(state) == {NOBODY}


@needs_root
def test_root_follows_no_link_that_a_device_left_in_its_state(state):
    """What the daemon's user may not write, root must not write in its place."""
    target = state.parent / "roots"
    target.mkdir(mode=0o755)
    (state / "logs").symlink_to(target)
    assert cmg_client(state, "set", "SiteCode=LAB", f"SiteKey={'a' * 64}", "CMGFQDNs=127.0.0.1:1").returncode in (0, 1)
    assert cmg_client(state, "register").returncode == 1
    assert list(target.iterdir()) == []


def join_string():
    """Of a site that nobody reaches."""
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"ES256"}', b"{}", b"x" * 64))
    content = {"v": 1, "site": "LAB", "pin": "a" * 64, "cmg_fqdns": "127.0.0.1:1", "mp_urls": [], "mp_ca_pem": None,
               "gateway_ca_pem": None, "token": token, "expires": 4000000000}
    return "cmg1." + base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@needs_root
def test_root_that_joins_follows_no_link_that_a_device_left_and_what_it_makes_is_the_devices(state):
    target = state.parent / "roots"
    target.mkdir(mode=0o755)
    for name in ("logs", "tokens", "credentials"):
        (state / name).symlink_to(target)
    for name in ("config.json", "state.json", "bulk-token"):
        (state / name).symlink_to(target / f"of-{name}")
    done = cmg_client(state, "join", join_string())
    assert done.returncode == 1, done
    assert list(target.iterdir()) == []
    assert {path.lstat().st_uid for path in state.rglob("*") if not path.is_symlink()} <= {NOBODY}


@needs_root
def test_root_is_told_which_file_the_user_of_the_daemon_can_not_read(state, tmp_path):
    token = tmp_path / "token"
    token.write_text("cmg1.x\n")
    token.chmod(0o600)
    done = cmg_client(state, "register", "--token-file", token)
    assert done.returncode == 1 and f"<'{token}'" in done.stderr


@needs_root
def test_a_site_is_made_for_the_user_whose_the_state_is(tmp_path):
    """As packages have it: the state is the daemon's, the keys become it, the root's key stays root's."""
    folders = {name: tmp_path / name for name in ("etc", "var/lib", "var/log", "run")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["var/lib"] / "opencmg-mp").mkdir(mode=0o700)
    os.chown(folders["var/lib"] / "opencmg-mp", NOBODY, NOBODY)
    binds = "".join(f"mount --bind '{folder}' /{name} && " for name, folder in folders.items())
    done = subprocess.run(["unshare", "--mount", "sh", "-c", f'{binds}exec "$@"', "sh", BUILD / "bin/cmg", "init", "--dir", "/etc/opencmg",
                           "--site", "LAB"], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine does not let a test have folders of its own (unshare --mount)")
    site = folders["etc"] / "opencmg"
    assert done.returncode == 0, done.stderr
    assert owners(site / "keys") == {NOBODY} and owners(site / "offline") == {0}
    config = (site / "mp.yaml").stat()
    assert (config.st_uid, config.st_gid, config.st_mode & 0o777) == (0, NOBODY, 0o640)


# --- what the service manager is told ---

class Manager:
    """The socket of a service manager (sd_notify(3)), and what comes there."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(20)

    def until(self, word):
        """All lines up to the message with `word` in it."""
        lines = []
        while word not in lines:
            lines += self.socket.recv(4096).decode().splitlines()
        return lines


@pytest.fixture
def manager(tmp_path):
    told = Manager(tmp_path)
    yield told
    told.socket.close()


def test_the_service_manager_is_told_of_readiness_watchdog_reload_and_end(manager, tmp_path):
    site = tmp_path / "site"
    subprocess.run([BUILD / "bin/cmg", "init", "--dir", site, "--site", "LAB"], capture_output=True, check=True)
    environment = {**os.environ, "NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "200000"}
    environment.pop("WATCHDOG_PID", None)
    management_point = programs.start([BUILD / "bin/cmg-mp", "--config", site / "mp.yaml"], subprocess.DEVNULL, env=environment)
    try:
        assert "STATUS=serving" in manager.until("READY=1")
        manager.until("WATCHDOG=1")
        management_point.send_signal(signal.SIGHUP)
        assert any(line.startswith("MONOTONIC_USEC=") for line in manager.until("RELOADING=1"))
        manager.until("READY=1")
        management_point.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert management_point.wait(20) == 0
    finally:
        programs.end(management_point)
