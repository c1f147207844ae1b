# SPDX-License-Identifier: Apache-2.0
"""Tools that nobody here wrote (curl, git, apt) use real servers inside through the gateway: byte for byte the same."""
import email.utils
import hashlib
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

from conftest import end_site, running_site, temporary_folder
from kit import gatewayclient, programs
from kit.complaints import sanitized
from kit.gatewayclient import HTTP2
from kit.pki import SERVER_AUTH
from kit.servers import Nginx, git_server, sink

GIB = 1024 ** 3
WAIT_S = 400  # for a gibibyte, however slow the machine is
RSS_MAX_KIB = 32 * 1024
VERSIONS = ["--http1.1", "--http2"]
MUTUAL = "/CCM_Proxy_MutualAuth"


def git(*arguments, **more):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
                   "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
                   "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_TERMINAL_PROMPT": "0"}
    return programs.run(["git", *arguments], env=environment, **more)[1]


# --- what is served ---------------------------------------------------------------------------------------------------


def make_files(www):
    (www / "hello.txt").write_text("hello from inside\n")
    (www / "empty.txt").write_text("")
    (www / "page.html").write_text("<p>" + "words " * 20000)
    (www / "random.bin").write_bytes(os.urandom(3 * 1024 * 1024 + 17))
    (www / "a b+c,ü.txt").write_text("an unusual name\n")
    with open(www / "big.bin", "wb") as big:  # mostly holes, but no two parts alike
        big.truncate(GIB)
        for i in range(64):
            big.seek(i * GIB // 64 + i * 37)
            big.write(os.urandom(4096))
        big.seek(GIB - 10)
        big.write(os.urandom(10))


def make_repository(folder, www):
    work = folder / "work"
    git("init", "-q", "-b", "main", str(work))
    for i in range(30):
        (work / f"file{i}").write_bytes(os.urandom(2000 * i))
        git("add", ".", cwd=work)
        git("commit", "-q", "-m", f"change {i}", cwd=work)
    git("tag", "-a", "-m", "first", "v1", cwd=work)
    bare = www / "repo.git"
    git("clone", "-q", "--bare", str(work), str(bare))
    git("update-server-info", cwd=bare)
    git("config", "http.receivepack", "true", cwd=bare)
    return bare


def make_apt_repository(folder, www):
    package = folder / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN" / "control").write_text("Package: opencmg-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: "
                                                "Nobody <nobody@example.com>\nDescription: a test\n")
    (package / "usr/share/opencmg-hello").mkdir(parents=True)
    (package / "usr/share/opencmg-hello/data").write_bytes(os.urandom(200000))
    debian = www / "debian"
    debian.mkdir()
    deb = debian / "opencmg-hello_1.0_all.deb"
    programs.run(["dpkg-deb", "--root-owner-group", "-b", package, deb])
    data = deb.read_bytes()
    control = (package / "DEBIAN" / "control").read_text()
    (debian / "Packages").write_text(f"{control}Filename: debian/{deb.name}\nSize: {len(data)}\n"
                                     f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n")
    packages = (debian / "Packages").read_bytes()
    (debian / "Release").write_text("Origin: test\nSuite: debian/\nCodename: debian/\nArchitectures: all amd64\n"
                                    f"Date: {email.utils.formatdate(usegmt=True)}\nSHA256:\n"
                                    f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n")
    make_flat_repository(www, deb)
    return deb


def make_flat_repository(www, deb):
    """As dpkg-scanpackages and apt-ftparchive leave it: names of files begin with "./"."""
    flat = www / "flat"
    flat.mkdir()
    shutil.copy(deb, flat)
    (flat / "Packages").write_text((www / "debian" / "Packages").read_text().replace("Filename: debian/", "Filename: ./"))
    packages = (flat / "Packages").read_bytes()
    (flat / "Release").write_text(f"Origin: test\nSuite: ./\nCodename: ./\nDate: {email.utils.formatdate(usegmt=True)}\nSHA256:\n"
                                  f" {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n")


class Inside:
    """The servers inside and the site in front of them."""

    def __init__(self, folder):
        self.folder = folder
        self.www = folder / "www"
        self.www.mkdir()
        make_files(self.www)
        self.repository = make_repository(folder, self.www)
        self.package = make_apt_repository(folder, self.www)
        self.nginx = Nginx(folder / "nginx", self.www)
        self.git, self.sink = git_server(self.www), sink()
        self.site = running_site(folder / "site", None)
        self.publish()

    def publish(self):
        """A gateway that is also called *.localhost, and what it publishes, by path and by host."""
        site = self.site
        pair = site.ca(self.folder).device("files.localhost", usage=[SERVER_AUTH], file="names",
                                           dns=["files.localhost", "git.localhost"])
        configuration = site.folder / "gateway.yaml"
        text = configuration.read_text()
        configuration.write_text(re.sub(r"server_certificates: \[(.*)\]", rf"server_certificates: [\1, {{certificate: "
                                        rf"{pair.path}, key: {pair.key}}}]", text))
        site.take_apart()
        site.publish("files", "--url", self.nginx.url, "--auth", "pki,token")
        site.publish("files-host", "--url", self.nginx.url, "--host", "files.localhost")
        site.publish("git-host", "--url", self.git.url, "--host", "git.localhost", "--max-body", "64MiB")
        site.publish("apt-host", "--url", self.nginx.url, "--host", "localhost", "--upstream-host", "inside.example")
        site.publish("upload", "--url", self.sink.url, "--max-body", "2GiB")

    def by_path(self, path):
        return f"{self.site.report['gateway']}{MUTUAL}/files{path}"

    def by_host(self, path, name="files"):
        return f"https://{name}.localhost:{self.site.port}{path}"

    def curl(self, *arguments, **more):
        """With the device's certificate; (exit code, output) as bytes."""
        pki = self.site.report["pki"]
        done = subprocess.run(["curl", "--silent", "--show-error", "--path-as-is", "--max-time", str(WAIT_S), "--cacert",
                               pki["ca"], "--cert", pki["certificate"], "--key", pki["key"], *map(str, arguments)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False, **more)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    def git_options(self):
        pki = self.site.report["pki"]
        return ["-c", f"http.sslCAInfo={pki['ca']}", "-c", f"http.sslCert={pki['certificate']}", "-c",
                f"http.sslKey={pki['key']}"]

    def close(self):
        end_site(self.site)
        for server in (self.nginx, self.git, self.sink):
            server.close()


@pytest.fixture(scope="module")
def inside():
    folder = temporary_folder()
    it = Inside(folder)
    yield it
    it.close()
    shutil.rmtree(folder, ignore_errors=True)


# --- curl -------------------------------------------------------------------------------------------------------------

SAME = ("content-type", "content-length", "content-range", "content-encoding", "etag", "last-modified", "accept-ranges",
        "location", "server", "vary")
REQUESTS = {
    "a text": ["/hello.txt"], "an empty file": ["/empty.txt"], "a page": ["/page.html"], "bytes": ["/random.bin"],
    "an unusual name": ["/a%20b+c,%C3%BC.txt"], "a query": ["/hello.txt?a=b//..%2f%00&c"],
    "packed": ["/packed/page.html", "-H", "Accept-Encoding: gzip"], "a head": ["/random.bin", "--head"],
    "a range": ["/random.bin", "-H", "Range: bytes=1000-2000000"],
    "ranges": ["/random.bin", "-H", "Range: bytes=0-10,100-200"],
    "no range": ["/hello.txt", "-H", "Range: bytes=999999-"], "not there": ["/no/such/file"], "gone": ["/gone/"],
    "moved": ["/moved/"], "nothing": ["/nothing/"], "a wrong method": ["/hello.txt", "-X", "POST", "-d", "x=1"],
}


def split(answer):
    """(status, headers, body) of curl --include."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return int(lines[0].split()[1]), headers, body


def without_boundary(headers, body):
    found = re.search(r"boundary=(\w+)", headers.get("content-type", ""))
    if not found:
        return headers, body
    text = found.group(1)
    return {**headers, "content-type": "multipart"}, body.replace(text.encode(), b"BOUNDARY")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", ["path", "host"])
@pytest.mark.parametrize("what", REQUESTS)
def test_curl_gets_what_the_server_serves(inside, version, way, what):
    path, *options = REQUESTS[what]
    url = inside.by_path(path) if way == "path" else inside.by_host(path)
    direct = split(inside.curl("--include", *options, inside.nginx.url + path))
    status, headers, body = split(inside.curl("--include", version, *options, url))
    assert status == direct[0]
    (headers, body), (wanted_headers, wanted_body) = without_boundary(headers, body), without_boundary(*direct[1:])
    if "--head" not in options:
        assert body == wanted_body
    for name in SAME:
        assert headers.get(name) == wanted_headers.get(name), name
    assert ("cmg-status-text" in headers) == (status >= 400)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unchanged_file_is_not_sent_again(inside, version):
    _, headers, _ = split(inside.curl("--include", version, inside.by_path("/hello.txt")))
    status, _, body = split(inside.curl("--include", version, "-H", f"If-None-Match: {headers['etag']}",
                                        inside.by_path("/hello.txt")))
    assert (status, body) == (304, b"")


@pytest.mark.parametrize("version", VERSIONS)
def test_many_requests_share_one_connection(inside, version):
    out = inside.curl(version, "--parallel", "--parallel-immediate", "--parallel-max", "20",
                      *[word for i in range(100) for word in ("-o", "/dev/null", inside.by_path(f"/hello.txt?{i}"))],
                      "--write-out", "%{http_code}\n")
    assert out.split() == [b"200"] * 100


def test_the_first_answer_comes_while_the_upload_waits_for_100(inside):
    file = inside.folder / "small"
    file.write_bytes(b"x" * 100000)
    out = inside.curl("--http1.1", "-H", "Expect: 100-continue", "-T", file,
                      f"{inside.site.report['gateway']}{MUTUAL}/upload/x", "--expect100-timeout", "5", "--write-out",
                      "%{time_total}")
    assert out.startswith(b"100000 ") and float(out.split()[-1]) < 4


def test_without_a_certificate_curl_is_told_what_is_missing(inside):
    done = subprocess.run(["curl", "--silent", "--include", "--http1.1", "--cacert", inside.site.report["ca"],
                           inside.by_path("/hello.txt")], capture_output=True, text=True, timeout=30, check=False)
    assert "401 CMGService_Invalid_Client_Certificate" in done.stdout and '"reason":"missing"' in done.stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("body", ["x=1", "x" * 50000])
def test_curl_reads_a_refusal_that_comes_before_its_upload_ends(inside, version, body):
    """A reset right behind an early answer makes curl 7.88 forget the answer; tried often, since it was a race."""
    for _ in range(25):
        done = subprocess.run(["curl", "--silent", "--show-error", version, "--cacert", inside.site.report["ca"],
                               "--data-binary", "@-", inside.by_path("/hello.txt")], input=body.encode(),
                              capture_output=True, timeout=30, check=False)
        assert done.returncode == 0 and b'"reason":"missing"' in done.stdout, done


def test_authorization_belongs_to_the_server_behind_a_host(inside):
    before = (inside.folder / "nginx" / "access.log").read_text()
    inside.curl("-u", "somebody:secret", inside.by_host("/hello.txt?basic"))
    inside.curl("-u", "somebody:secret", inside.by_path("/hello.txt?basic"))
    new = (inside.folder / "nginx" / "access.log").read_text()[len(before):].splitlines()
    assert [line.split()[2] for line in new] == ["somebody", "-"], new


# --- a gigabyte -------------------------------------------------------------------------------------------------------


class Rss:
    """The most that these processes held more than in the beginning, sampled."""

    def __init__(self, *pids):
        self.pids = pids
        self.most = dict.fromkeys(pids, 0)
        self.sanitized = sanitized(pids[0])

    def now(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def __enter__(self):
        self.start = {pid: self.now(pid) for pid in self.pids}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        return self

    def sample(self):
        while not self.over.wait(0.05):
            for pid in self.pids:
                self.most[pid] = max(self.most[pid], self.now(pid) - self.start[pid])

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def assert_flat(self):
        limit = RSS_MAX_KIB * (16 if self.sanitized else 1)  # freed memory waits in a quarantine there
        assert max(self.most.values()) < limit, f"grew by {self.most} KiB"


def watch_memory(inside):
    inside.curl(inside.by_path("/hello.txt"))
    return Rss(inside.site.pid("cmg-gateway"), inside.site.pid("cmg-connector"))


@pytest.fixture(scope="module")
def big_hash(inside):
    return programs.run(["sha256sum", inside.www / "big.bin"])[1].split()[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_download_of_1_gb_is_whole_and_memory_stays_flat(inside, version, big_hash):
    pki = inside.site.report["pki"]
    with watch_memory(inside) as rss:
        _, out, _ = programs.run(["sh", "-c", f"curl --silent --show-error --fail {version} --cacert {pki['ca']} --cert "
                                  f"{pki['certificate']} --key {pki['key']} {inside.by_path('/big.bin')} | sha256sum"], wait_s=WAIT_S)
    assert out.split()[0] == big_hash
    rss.assert_flat()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_upload_of_1_gb_is_whole_and_memory_stays_flat(inside, version, big_hash):
    with watch_memory(inside) as rss:
        out = inside.curl(version, "-T", inside.www / "big.bin", "--expect100-timeout", "1",
                          f"{inside.site.report['gateway']}{MUTUAL}/upload/big")
    assert out.decode().split() == [str(GIB), big_hash]
    rss.assert_flat()


def test_a_reader_that_stalls_holds_neither_memory_nor_others(inside):
    """Twenty downloads on one HTTP/2 connection whose client opens its windows wide and then reads nothing."""
    pki = inside.site.report["pki"]
    ctx = gatewayclient.context(pki["ca"], pki["certificate"], pki["key"], HTTP2)
    with watch_memory(inside) as rss, gatewayclient.H2(inside.site.port, ctx) as stalled:
        stalled.h2.increment_flow_control_window(GIB)
        for _ in range(20):
            stream = stalled.h2.get_next_available_stream_id()
            stalled.h2.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                                             (":path", f"{MUTUAL}/files/big.bin")], end_stream=True)
            stalled.h2.increment_flow_control_window(GIB, stream)
        stalled.flush()
        time.sleep(2)
        for _ in range(5):
            began = time.monotonic()
            assert inside.curl(inside.by_path("/random.bin")) == (inside.www / "random.bin").read_bytes()
            assert time.monotonic() - began < 3
    rss.assert_flat()


# --- git --------------------------------------------------------------------------------------------------------------


def assert_same_repository(inside, clone):
    assert git("rev-parse", "HEAD", "v1", cwd=clone) == git("rev-parse", "HEAD", "v1", cwd=inside.repository)
    git("fsck", "--full", "--strict", cwd=clone)
    for file in (inside.folder / "work").glob("file*"):
        assert (clone / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("way", ["dumb, by path", "dumb, by host", "smart, by host"])
def test_git_clones_the_whole_repository(inside, version, way, tmp_path):
    url = {"dumb, by path": inside.by_path("/repo.git"), "dumb, by host": inside.by_host("/repo.git"),
           "smart, by host": inside.by_host("/repo.git", "git")}[way]
    git(*inside.git_options(), "-c", f"http.version={version}", "clone", "-q", url, str(tmp_path / "clone"))
    assert_same_repository(inside, tmp_path / "clone")


def test_git_pushes_and_fetches(inside, tmp_path):
    url = inside.by_host("/repo.git", "git")
    options = inside.git_options()
    for name in ("one", "two"):
        git(*options, "clone", "-q", url, str(tmp_path / name))
    (tmp_path / "one" / "pushed").write_bytes(os.urandom(4 * 1024 * 1024))  # more than fits one buffer: chunked
    git("checkout", "-q", "-b", "topic", cwd=tmp_path / "one")
    git("add", ".", cwd=tmp_path / "one")
    git("commit", "-q", "-m", "pushed", cwd=tmp_path / "one")
    git(*options, "push", "-q", "origin", "topic", cwd=tmp_path / "one")
    git(*options, "fetch", "-q", "origin", "topic", cwd=tmp_path / "two")
    assert git("rev-parse", "FETCH_HEAD", cwd=tmp_path / "two") == git("rev-parse", "topic", cwd=tmp_path / "one")
    assert git("rev-parse", "topic", cwd=inside.repository) == git("rev-parse", "topic", cwd=tmp_path / "one")


# --- apt --------------------------------------------------------------------------------------------------------------


def apt(inside, root, url, *arguments, check=True, suite="debian/"):
    """apt-get that touches nothing of this machine: its folders are below root."""
    pki = inside.site.report["pki"]
    for name in ("lists/partial", "archives/partial", "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d",
                 "etc/trusted.gpg.d", "dpkg", "log"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "dpkg" / "status").touch()
    (root / "etc" / "sources.list").write_text(f"deb [trusted=yes] {url} {suite}\n")
    options = {"Dir::State": root, "Dir::State::Lists": root / "lists", "Dir::State::status": root / "dpkg/status",
               "Dir::Cache": root, "Dir::Cache::Archives": root / "archives", "Dir::Etc": root / "etc",
               "Dir::Etc::SourceList": root / "etc/sources.list", "Dir::Etc::SourceParts": root / "etc/sources.list.d",
               "Dir::Log": root / "log", "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "",
               "Acquire::https::CaInfo": pki["ca"], "Acquire::https::SslCert": pki["certificate"],
               "Acquire::https::SslKey": pki["key"], "Acquire::Retries": "0", "APT::Sandbox::User": "root",
               "Acquire::http::Proxy": "false", "Acquire::https::Proxy": "false", "Acquire::Languages": "none",
               "Debug::NoLocking": "1"}
    # read before the machine's own configuration, and in its place
    (root / "etc" / "first.conf").write_text(f'Dir::Etc::Parts "{root}/etc/apt.conf.d"; Dir::Etc::Main "none";\n')
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    environment = {**os.environ, "APT_CONFIG": str(root / "etc" / "first.conf"), "LC_ALL": "C"}
    code, out, err = programs.run(["apt-get", *words, *arguments], check, env=environment, cwd=root)
    return code, out + err


@pytest.mark.parametrize("way", ["path", "host"])
def test_apt_updates_and_downloads_from_a_repository_inside(inside, way, tmp_path):
    url = inside.by_path("/") if way == "path" else f"{inside.site.report['gateway']}/"
    said = apt(inside, tmp_path, url, "update")[1]
    assert "Err:" not in said and "\nW:" not in said, said
    lists = list((tmp_path / "lists").glob("*_Packages"))
    assert [p.read_bytes() for p in lists] == [(inside.www / "debian" / "Packages").read_bytes()], said
    apt(inside, tmp_path, url, "download", "opencmg-hello")
    assert (tmp_path / inside.package.name).read_bytes() == inside.package.read_bytes()


def test_apt_uses_a_flat_repository_behind_a_host(inside, tmp_path):
    """It asks for /flat/./Packages and /flat/./x.deb."""
    url = f"{inside.site.report['gateway']}/flat"
    said = apt(inside, tmp_path, url, "update", suite="./")[1]
    assert "Err:" not in said and "\nW:" not in said, said
    apt(inside, tmp_path, url, "download", "opencmg-hello", suite="./")
    assert (tmp_path / inside.package.name).read_bytes() == inside.package.read_bytes()


def test_apt_is_refused_without_a_certificate(inside, tmp_path):
    said = apt(inside, tmp_path, f"{inside.site.report['gateway']}/", "-o", "Acquire::https::SslCert=", "-o",
               "Acquire::https::SslKey=", "update", check=False)[1]
    assert "401" in said and "CMGService_Invalid_Client_Certificate" in said, said
