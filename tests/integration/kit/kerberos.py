# SPDX-License-Identifier: Apache-2.0
"""A realm of Kerberos: Debian's KDC, run from a folder of its own on loopback."""
import os
import shutil
import subprocess

from . import programs
from .programs import until
from .servers import free_port, takes_connections

TOOLS = ("/usr/sbin/krb5kdc", "/usr/sbin/kdb5_util", "/usr/sbin/kadmin.local")
MODULES = "/usr/lib/x86_64-linux-gnu/sasl2/libgssapiv2.so", "/usr/lib/aarch64-linux-gnu/sasl2/libgssapiv2.so"
CLIENT = """
[libdefaults]
default_realm = LAB
dns_canonicalize_hostname = false
dns_lookup_kdc = false
rdns = false
[realms]
LAB = {{
 kdc = 127.0.0.1:{port}
}}
"""
SERVER = """
[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
LAB = {{
 database_name = {folder}/principals
 key_stash_file = {folder}/stash
 acl_file = {folder}/acl
}}
"""


def missing():
    """What a realm lacks here; "": nothing."""
    lacks = [tool for tool in TOOLS if not shutil.which(tool)]
    return ", ".join(lacks) or ("" if any(map(os.path.exists, MODULES)) else "libsasl2-modules-gssapi-mit")


class Realm:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        for name, text in (("krb5.conf", CLIENT), ("kdc.conf", SERVER)):
            (folder / name).write_text(text.format(port=self.port, folder=folder))
        self.environment = {"KRB5_CONFIG": str(folder / "krb5.conf")}
        self.all = {**os.environ, **self.environment, "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
        self._run("/usr/sbin/kdb5_util", "create", "-s", "-r", "LAB", "-P", "of the tests")
        with open(folder / "stderr", "ab") as stderr:
            self.process = programs.start(["/usr/sbin/krb5kdc", "-n", "-r", "LAB"], stderr, env=self.all)
        until("the KDC takes connections", lambda: takes_connections(self.port), 20)

    def _run(self, *words):
        subprocess.run(words, env=self.all, check=True, capture_output=True, timeout=60)

    def keytab(self, principal):
        path = self.folder / f"{principal.replace('/', '-')}.keytab"
        self._run("/usr/sbin/kadmin.local", "-r", "LAB", "addprinc", "-randkey", principal)
        self._run("/usr/sbin/kadmin.local", "-r", "LAB", "ktadd", "-k", str(path), principal)
        path.chmod(0o600)
        return path

    def close(self):
        programs.end(self.process)
