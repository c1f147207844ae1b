# SPDX-License-Identifier: Apache-2.0
"""The guides and the FAQ: each command of each page runs as it stands there, on a site of the test's, and what the page says of it holds."""
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kit import gatewayclient, pki, programs, tpm
from kit.between import Terminator
from kit.device import Device
from kit.pages import Page
from kit.programs import REPOSITORY, until
from kit.servers import free_port, git_server, takes_connections
from kit.tunnel import ConnectProxy, NegotiateProxy
from kit.upstream import Upstream

GUIDES = REPOSITORY / "docs" / "guides"
SYSTEMD = "a service of systemd, and none runs here; packages are tried on whole systems by tools/try-packages"


@pytest.fixture
def machine(own_site, tmp_path):
    """The folder where the pages' commands run: with the gateway's CA, and a device's certificate of the site's PKI."""
    for name, file in (("ca", "ca.pem"), ("certificate", "PC-0001.pem"), ("key", "PC-0001.key")):
        shutil.copy(own_site.pki(name), tmp_path / file)
    (tmp_path / "PC-0001.key").chmod(0o600)
    return tmp_path


def page_of(site, folder, path, **more):
    more["environment"] = {"CMG_ADMIN_SOCKET": site.report["admin_socket"], **more.get("environment", {})}
    return Page(path, folder, **more)


def registered_device(site, folder, name="device"):
    device = Device(site, folder, name="device")
    device.must("set", f"Name={name}")
    return device.at("ehttp").registered_by_token()


def anchor(site, name):
    return next(row["id"] for row in site.cmg("trust", "list")["trust"] if (row["kind"], row["subject"]) == ("anchor", f"CN={name}"))


def der(certificate, path):
    path.write_bytes(certificate.public_bytes(Encoding.DER))


def as_ad_cs_exports_it(folder):
    """A root, its issuing CA, their lists and a device's certificate, as DER."""
    root = pki.Ca(folder, "Corp Root")
    issuing = pki.Ca(folder, "Corp Issuing", parent=root)
    der(root.certificate, folder / "root.cer")
    der(issuing.certificate, folder / "issuing.cer")
    der(issuing.device("PC-0002").certificate, folder / "PC-0002.cer")
    for ca, name in ((root, "root.crl"), (issuing, "issuing.crl")):
        der(x509.load_pem_x509_crl(ca.crl().read_bytes()), folder / name)


def test_the_index_leads_to_every_guide_and_every_guide_is_run_here():
    index = (GUIDES / "README.md").read_text()
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == {path.name for path in GUIDES.glob("*.md")} - {"README.md"}
    tested = set(re.findall(r'"docs/guides/([\w-]+\.md)"', open(__file__, encoding="utf-8").read()))
    assert tested == linked
    for page in (REPOSITORY / "README.md", REPOSITORY / "docs" / "install.md"):
        assert "guides/README.md" in page.read_text()


def test_every_link_of_a_guide_leads_somewhere():
    links = [(page, link.split("#")[0]) for page in GUIDES.glob("*.md")
             for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if "://" not in link]
    assert len(links) > 20
    assert not [(page.name, link) for page, link in links if not (page.parent / link).exists()]


def test_devices_come_in_by_tokens_as_the_guide_says(own_site, machine):
    page = page_of(own_site, machine, "docs/guides/tokens.md", places={
        "TOKEN-ID": lambda: own_site.cmg("token", "list")["tokens"][-1]["id"],
        "cmg enrollment": f"cmg enrollment --gateway-ca {own_site.pki('ca')}"})
    page.run("One line for each device")
    shutil.rmtree(machine / "device")
    page.run("The same in steps")
    assert "KIOSK-01" in page.run("See who came")["cmg device show KIOSK-01"]
    page.refused = ("cmg-client policy",)
    assert "blocked" in page.run("A token or a device was stolen")["cmg-client policy"]
    page.ran_whole()


def test_a_pki_fleet_comes_in_as_the_guide_says_and_a_revoked_device_no_more(own_site, machine):
    as_ad_cs_exports_it(machine)
    page = page_of(own_site, machine, "docs/guides/pki-fleet.md", places={
        "gw.example.com": f"localhost:{own_site.port}", "http://crl.example.com": "http://localhost:1",
        "ANCHOR-ID": lambda: anchor(own_site, "Corp Root"), "/etc/opencmg": machine,
        "cmg enrollment": f"cmg enrollment --gateway-ca {own_site.pki('ca')}"})
    said = page.run("With easy-rsa")
    assert [text for line, text in said.items() if line.startswith("cmg trust check")], said
    page.refused = ("cmg-client policy",)
    assert "revoked" in page.run("Revoke a device")["cmg-client policy"]
    for heading in list(page.left):
        page.run(heading)
    page.ran_whole()


@pytest.mark.skipif(bool(tpm.missing("tpm2", "swtpm", "tpm2_create")), reason=tpm.missing("tpm2", "swtpm", "tpm2_create"))
def test_the_keys_of_devices_are_kept_in_a_tpm_as_the_guide_says(own_site, machine):
    chip = tpm.Tpm(machine)
    shutil.copy(own_site.report["enrollment"], machine / "site.json")
    shutil.copy(own_site.report["token_file"], machine / "kiosk.token")
    try:
        page = page_of(own_site, machine, "docs/guides/tpm-hsm.md", environment=chip.environment)
        page.run("A device's certificate")
        own_site.ca(machine).of_request((machine / "device.csr").read_bytes(), "device")
        page.run("With the certificate that the CA made of it")
        shutil.rmtree(machine / "device")
        own_site.cmg("device", "remove", own_site.cmg("device", "list")["devices"][0]["guid"])
        page.run("A device's own key")
    finally:
        chip.stop()
    del page.left["The site's root and role CA in an HSM"]  # below
    page.ran_whole()


@pytest.mark.skipif(bool(tpm.missing("pkcs11", "softhsm2-util", "pkcs11-tool")), reason=tpm.missing("pkcs11", "softhsm2-util", "pkcs11-tool"))
def test_a_sites_root_and_role_ca_are_kept_in_an_hsm_as_the_guide_says(tmp_path):
    etc, tokens = tmp_path / "etc", tmp_path / "tokens"
    for folder in (etc, tokens):
        folder.mkdir(mode=0o700)
    (etc / "pin").write_text("7531\n")
    (etc / "pin").chmod(0o600)
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    page = Page("docs/guides/tpm-hsm.md", tmp_path, places={
        "/etc/opencmg": etc, "/etc/softhsm/softhsm2.conf": tmp_path / "softhsm2.conf", "/var/lib/softhsm/tokens": tokens},
        environment={"SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")})
    page.file("openssl.cnf", "etc/openssl.cnf")
    page.run("The site's root and role CA in an HSM")


def test_a_site_is_kept_in_postgresql_as_the_guide_says(postgresql, tmp_path):
    port, etc = free_port(), tmp_path / "etc"
    etc.mkdir()
    url = f"postgresql:///opencmg?host={postgresql.folder}&user=opencmg&"
    page = Page("docs/guides/postgresql.md", tmp_path, places={
        "postgresql://opencmg@db.lab.example/opencmg?": url, "/etc/opencmg": etc, "0.0.0.0:8444": f"127.0.0.1:{port}",
        "mp.lab.example:8444": f"localhost:{port}",
        "systemctl enable --now cmg-mp": f"{{ cmg-mp --config {etc}/mp.yaml >mp.out 2>&1 & }}; echo $! >mp.pid"},
        not_run={"chown opencmg-mp": "the package makes this user"},
        environment={"PGHOST": str(postgresql.folder), "PGUSER": postgresql.owner, "CMG_ADMIN_SOCKET": f"{etc}/admin.sock"})
    try:
        page.run("The database")
        assert "Site:    LAB" in page.run("The site")["cmg status"]
    finally:
        with contextlib.suppress(FileNotFoundError):
            pid = int((tmp_path / "mp.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            until("cmg-mp has ended", lambda: programs.has_ended(pid), 30)
    assert not list(etc.rglob("site.db"))
    page.ran_whole()


def test_a_second_gateway_joins_and_devices_are_told_of_it_as_the_guide_says(own_site, machine):
    port = free_port()
    pair = own_site.ca(machine).device("gw2", usage=[pki.SERVER_AUTH], dns="localhost")
    page = page_of(own_site, machine, "docs/guides/many-gateways.md", places={
        "--host gw2.example.com": f"--host localhost --port {port}", "cmg-gateway join": f"cmg-gateway join --listen 127.0.0.1:{port}"})
    assert pair.path.name == "gw2.pem" and pair.key.name == "gw2.key"
    device = registered_device(own_site, machine)
    page.run("Add one")
    configuration = machine / "gateway" / "gateway.yaml"
    configuration.write_text(configuration.read_text() + 'admin_listen: "127.0.0.1:0"\n')
    with open(machine / "gw2.log", "wb") as log:
        gateway = programs.start([programs.program("cmg-gateway"), "--config", configuration], log)
    try:
        until("the site heard of it", lambda: all(g["seen"] for g in own_site.cmg("gateway", "list")["gateways"]), 60)
        page.run("Devices")
        assert f"localhost:{port}" in str(device.run("status")[1])
        page.run("Take one out")
    finally:
        programs.end(gateway)
    page.ran_whole()


def test_a_balancer_that_passes_tcp_on_works_as_the_guide_says_and_one_that_ends_tls_is_named(own_site, machine):
    port = free_port()
    with Terminator(own_site.folder / "pki/gateway.pem", own_site.folder / "pki/gateway.key", own_site.port) as ends_tls:
        page = page_of(own_site, machine, "docs/guides/load-balancer.md", places={
            "ends-tls.example.com": f"localhost:{ends_tls.port}", "gw.example.com": f"localhost:{port}", "bind :443": f"bind 127.0.0.1:{port}",
            "gw1.example.com:443": f"localhost:{own_site.port} source 127.0.0.2", "10.0.0.7": "127.0.0.2", "/etc/opencmg": own_site.folder},
            refused=["cmg analyze ends-tls.example.com"],
            not_run={"systemctl restart cmg-gateway": SYSTEMD, "systemctl reload haproxy": SYSTEMD})
        configuration = page.file("haproxy", "haproxy.cfg")
        with open(own_site.folder / "gateway.yaml", "a", encoding="utf-8") as gateway:
            gateway.write(page.file("yaml", "proxy_protocol.yaml").read_text())
        own_site.stop("cmg-gateway")
        own_site.run("cmg-gateway")
        own_site.wait_ready()
        page.run("HAProxy, as it works")
        with open(machine / "haproxy.log", "wb") as log:
            haproxy = programs.start(["/usr/sbin/haproxy", "-db", "-f", configuration], log)
        try:
            until("haproxy listens", lambda: takes_connections(port), 20)
            good, ended = page.run("Check it").values()
        finally:
            programs.end(haproxy)
        assert "127.0.0.2" not in own_site.log("cmg-gateway")
    assert "tls_intercepted" not in good and "tls_intercepted" in ended
    page.ran_whole()


def test_a_device_goes_through_a_proxy_as_the_guide_says(own_site, machine):
    registered_device(own_site, machine).must("set", "ClientAlwaysOnInternet=1")
    (machine / "proxy.password").write_text("correct horse")
    with NegotiateProxy({"localhost": "127.0.0.1"}, machine) as strict, ConnectProxy({"localhost": "127.0.0.1"}) as proxy:
        page = page_of(own_site, machine, "docs/guides/proxy.md", not_run={"systemctl edit": SYSTEMD, "systemctl restart": SYSTEMD},
                       places={"http://proxy.lab.example:3128": proxy.url, "no_proxy=localhost,": "no_proxy=", "-o opencmg-connector ": "",
                               "/etc/opencmg": own_site.folder, "/usr/local/libexec/proxy-ticket": strict.helper,
                               "cmg-client set ProxyCommand": f"cmg-client set Proxy={strict.url} ProxyCommand"})
        page.run("A device")
        assert "localhost" in proxy.asked and "localhost" in strict.asked
        assert any(b"Proxy-Authorization: Basic " in head for head in proxy.heads)
        own_site.stop("cmg-connector")
        with open(own_site.folder / "connector.yaml", "a", encoding="utf-8") as configuration:
            configuration.write(page.file("yaml", "proxy.yaml").read_text())
        proxy.heads.clear()
        page.run("The connector")
        own_site.run("cmg-connector")
        own_site.wait_ready()
        assert b"Proxy-Authorization: Basic " in proxy.heads[0]
    page.run("Find the cause")
    page.ran_whole()


def test_the_way_from_another_cmg_and_back_works_as_the_guide_says(own_site, machine):
    as_ad_cs_exports_it(machine)
    der(pki.Ca(machine, "SMS Token Signing", key=rsa.generate_private_key(65537, 2048)).certificate, machine / "token-signing.cer")
    shutil.copy(REPOSITORY / "examples/fleet.csv", machine)
    server = Upstream()
    page = page_of(own_site, machine, "docs/guides/migrating.md", places={
        "gw.example.com": f"localhost:{own_site.port}", "http://mp.corp.example": server.url,
        "PILOT-1": lambda: own_site.cmg("device", "list")["devices"][0]["name"],
        "cmg enrollment": f"cmg enrollment --gateway-ca {own_site.pki('ca')}"})
    try:
        for heading in list(page.left):
            said = page.run(heading)
            if "cmg settings resultant PILOT-1" in said:
                assert re.search(r"allow_cmg\W+.*(yes|true)", said["cmg settings resultant PILOT-1"]), said
    finally:
        server.close()
    page.ran_whole()


def bare_repository(folder):
    root, work = folder / "repositories", folder / "work"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q", work], ["-C", work, "commit", "-q", "--allow-empty", "-m", "first"],
                    ["clone", "-q", "--bare", work, root / "site.git"]):
        subprocess.run([*git, *command], check=True)
    return root


def test_apt_git_and_puppet_are_published_as_the_page_says(own_site, machine):
    server, code = Upstream(), git_server(bare_repository(machine))
    gateway = f"localhost:{own_site.port}"
    page = page_of(own_site, machine, "docs/publishing.md", places={
        "https://puppet.example.com": f"https://{gateway}", "--host puppet.example.com": "--host localhost",
        "https://gw.example.com": f"https://{gateway}", "http://repo.lab.example": server.url, "http://git.lab.example": code.url,
        "http://puppet.lab.example:8140": server.url, "=/etc/opencmg": f"={machine}", "ANCHOR-ID": lambda: anchor(own_site, "OpenCMG evaluation CA")},
        not_run={"apt-get update": "it would be this machine's; apt does it with these settings in traffic/real_traffic_test.py"})
    try:
        page.run("apt, step by step")
        assert server.seen[-1]["target"] == "/debian/Release"
        page.run("git, step by step")
        assert (machine / "site" / ".git").is_dir()
        page.run("Puppet, step by step")
        assert dict(server.seen[-1]["headers"])["x-client-verify"] == "SUCCESS", server.seen[-1]
    finally:
        server.close()
        code.close()
    page.ran_whole()


def test_a_tenant_is_onboarded_as_the_page_says(own_site, machine):
    (machine / "wallpaper.json").write_text('{"wallpaper": "blue"}')
    person = "a person signs in at the provider's page: tokens/entra_user_test.py"
    page = page_of(own_site, machine, "docs/entra.md", places={"<tenant id>": "11111111-2222-3333-4444-555555555555"}, not_run={
        "cmg-client sign-in": person, "cmg-client policy --scenario user": person, "cmg-client sign-out": person})
    page.run("At the site")
    assert [tenant["id"] for tenant in own_site.cmg("tenant", "list")["tenants"]] == ["contoso"]
    page.ran_whole()


def test_a_server_certificate_is_asked_of_an_internal_ca_as_the_page_says(own_site, machine):
    page = page_of(own_site, machine, "docs/certificates.md", places={"/etc/opencmg": machine}, not_run={
        "sudo cmg-gateway certificate": "a CA must reach port 443 of that name: installing/acme_test.py",
        "sudo runuser -u opencmg-gateway": "the package makes this user"})
    page.run("From a CA of your own")
    request = x509.load_pem_x509_csr((machine / "gw.csr").read_bytes())
    assert request.is_signature_valid and (machine / "gateway.key").stat().st_mode & 0o777 == 0o600
    page.ran_whole()


def request_that_was_refused(site):
    return gatewayclient.request(site, gatewayclient.HTTP1, "GET", "/CCM_Proxy_MutualAuth/ServiceMetadata").problem()["request_id"]


def test_each_question_of_the_field_is_answered_by_its_command(own_site, machine):
    as_ad_cs_exports_it(machine)
    registered_device(own_site, machine, "PC-0001")
    page = page_of(own_site, machine, "docs/faq.md", refused=["cmg trust check"], places={
        "gw.example.com": f"localhost:{own_site.port}", "/etc/opencmg": own_site.folder,
        "REQUEST-ID": lambda: request_that_was_refused(own_site)})
    questions = list(page.left)
    assert len(questions) == 20 and all(heading.endswith("?") for heading in questions)
    answers = re.findall(r"^### .*\n\n((?:.+\n)+)\n```sh", page.text, re.M)
    assert len(answers) == 20 and all(answer.count("\n") <= 6 for answer in answers)
    said = {line: text for heading in questions for line, text in page.run(heading).items()}
    assert "incomplete_chain" in said["cmg trust check --sample PC-0002.cer"]
    assert "missing" in said["cmg trace REQUEST-ID"]
    assert "device.block" in said["cmg audit --action device.block"]
    page.ran_whole()
