# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one site for all tests that leave it whole, sites of their own for those that break things."""
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest

from kit import pki, programs, reasons, refusal, times
from kit.complaints import Complaints
from kit.device import Device
from kit.gatewayclient import HTTP1, HTTP2
from kit.mint import Mint
from kit.parallel import (pytest_collection_modifyitems, pytest_configure, pytest_configure_node,  # noqa: F401
                          pytest_runtest_protocol, pytest_unconfigure, pytest_xdist_auto_num_workers,
                          pytest_xdist_make_scheduler)
from kit.postgresql import PostgreSQL
from kit.site import Site
from kit.times import pytest_terminal_summary  # noqa: F401
from kit.upstream import Upstream

# Tests of crowds hold thousands of connections, and so do the programs that they are made to.
OPEN_FILES = 4096
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
if most != resource.RLIM_INFINITY and most < OPEN_FILES:
    pytest.exit(f"the tests need {OPEN_FILES} open files a process, and no more than {most} are allowed here: raise the hard "
                f"limit (as root: ulimit -Hn {OPEN_FILES}; in containers: --ulimit nofile={OPEN_FILES})", 2)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

# Stores and state folders are synced all the time: not to a disk, where memory has the room, unless TMPDIR says where.
MEMORY, ROOM = "/dev/shm", 2 << 30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
    there = os.statvfs(MEMORY)
    if there.f_bavail * there.f_frsize >= ROOM and not there.f_flag & os.ST_NOEXEC:
        tempfile.tempdir = MEMORY

# Proxies of the machine have no part in this.
for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
os.environ["no_proxy"] = "*"
os.environ.pop("CMG_ADMIN_SOCKET", None)

RUNNING = []  # sites, whose logs are shown with a failure
ON_POSTGRESQL = os.environ.get("CMG_TEST_ON") == "postgresql"  # all sites, not only those of postgresql_test.py


def pytest_runtest_logreport(report):
    """Of all workers, where there are some."""
    times.note(report)
    reasons.note(report)


def pytest_sessionfinish(session):
    """Each test sees to what it promises; a run of all of them, to what none of them did."""
    if hasattr(session.config, "workerinput") or session.testsfailed or not runs_everything(session.config):
        return
    missing = reasons.never_made()
    if missing:
        where = os.path.relpath(reasons.__file__, session.config.rootpath)
        session.config.hook.pytest_runtest_logreport(report=pytest.TestReport(
            f"{where}::PRODUCERS", (where, None, "PRODUCERS"), {}, "failed", f"no gateway refused for {missing}", "call"))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def runs_everything(config):
    paths = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    return paths == [Path(__file__).parent] and not (config.option.keyword or config.option.markexpr or config.option.collectonly)


def temporary_folder():
    """Its path is short: there will be Unix sockets in it."""
    return Path(tempfile.mkdtemp(prefix="cmg-test-"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    item.passed = report.when == "call" and report.passed or getattr(item, "passed", False)
    if report.failed:
        for site in RUNNING:
            report.sections.append((f"logs of {site.folder}", site.logs()))


@pytest.fixture(autouse=True)
def refusals_that_are_promised(request):
    """A test that kit/reasons.py declares as the producer of a reason has made a gateway refuse for it."""
    promised = reasons.produced_by(f"{request.path.stem.removesuffix('_test')}::{request.function.__name__}")
    before = set(refusal.SEEN)
    refusal.SEEN.clear()
    yield
    made = set(refusal.SEEN)
    refusal.SEEN |= before
    if promised and getattr(request.node, "passed", False):
        asked = getattr(request.node, "callspec", None) and request.node.callspec.params.get("version")
        wanted = {(*reason, v) for reason in promised for v in reasons.versions(reason) if asked in (None, v)}
        assert wanted <= made, f"declared as its producer, but never seen: {wanted - made}"
        request.node.user_properties.append((reasons.MADE, sorted(wanted)))


@pytest.fixture(scope="session", autouse=True)
def built():
    missing = [n for n in ("cmg", "cmg-client", "cmg-mp", "cmg-gateway", "cmg-connector")
               if not os.access(programs.program(n), os.X_OK)]
    assert not missing, f"{programs.BIN} lacks {missing}: run make build, or set CMG_BIN"


@pytest.fixture(scope="session", autouse=True)
def complaints():
    """Torn down behind all others: what a site's programs say in the end is in it."""
    them = Complaints()
    yield them
    last = them.new()
    them.close()
    assert not last, last


@pytest.fixture(autouse=True)
def nothing_to_complain_about(complaints):
    yield
    found = complaints.new()
    assert not found, found


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_in_memory(request, tmp_path_factory):
    """Of what pytest would keep for three runs; but for failures, which somebody may want to look at."""
    yield
    if tempfile.tempdir == MEMORY and not request.session.testsfailed:
        shutil.rmtree(tmp_path_factory.getbasetemp(), ignore_errors=True)


@pytest.fixture(scope="session")
def folder():
    path = temporary_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql():
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="session")
def new_store(request):
    """None: SQLite; else makes the URL of an empty database of PostgreSQL's."""
    return request.getfixturevalue("postgresql").new_database if ON_POSTGRESQL else lambda: None


def running_site(folder, store):
    site = Site(folder, store).start()
    RUNNING.append(site)
    return site


def end_site(site):
    RUNNING.remove(site)
    site.end()


@pytest.fixture(scope="session")
def site(folder, new_store):
    """Shared: a test puts back what it changes."""
    it = running_site(folder / "site", new_store())
    yield it
    end_site(it)


@pytest.fixture
def own_site(new_store):
    """A site that may be broken. Its programs run one by one: any of them can be stopped, killed and started."""
    path = temporary_folder()
    try:
        it = running_site(path / "site", new_store())
        try:
            yield it.take_apart()
        finally:
            end_site(it)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(params=[HTTP1, HTTP2], ids=["h1", "h2"])
def version(request):
    return request.param


@pytest.fixture
def new_device(site, tmp_path):
    return lambda **more: Device(site, tmp_path, **more)


@pytest.fixture(scope="session")
def mint(site):
    return Mint(site)


@pytest.fixture(scope="session")
def self_signed(folder):
    """A certificate as a device with a token makes it."""
    return pki.self_signed(folder, "self-signed")


@pytest.fixture(scope="session")
def ca(site, folder):
    """An organisation's PKI: a trusted root with a CRL, beside the one that quickstart made."""
    path = folder / "pki"
    path.mkdir()
    root = pki.Ca(path, "Test Root")
    root.revoked = root.device("revoked")
    root.good = root.device("good")
    site.cmg("trust", "add", "--anchor", root.path, "--crl", root.crl([root.revoked]))
    site.settle()
    return root


@pytest.fixture(scope="session")
def upstream():
    """An HTTP server inside, which tells what reached it."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="session")
def echo(site, upstream):
    """The upstream, published under the role id `echo` for every kind of client."""
    site.publish("echo", "--url", upstream.url, "--auth", "pki,token", "--max-body", "64KiB")
    return "echo"


@pytest.fixture
def settings(site):
    """cmg settings client set …; all are taken out again, then the collections."""
    made, collections = [], []

    class Settings:
        def set(self, name, *options):
            made.append(name)
            return site.cmg("settings", "client", "set", name, *options)["client_settings"]

        def collection(self, name, *options):
            collections.append(name)
            return site.cmg("collection", "add", name, *options)["collection"]

        def remove(self, name):
            site.cmg("settings", "client", "remove", name, check=False)
    yield Settings()
    for name in set(made):
        site.cmg("settings", "client", "remove", name, check=False)
    for name in set(collections):
        site.cmg("collection", "remove", name, check=False)


@pytest.fixture
def server_ca(own_site, tmp_path):
    """For server certificates of a site of its own."""
    return own_site.ca(tmp_path)
