# SPDX-License-Identifier: Apache-2.0
"""A directory server: Debian's slapd, run from a folder of its own on loopback, as a publisher of revocation lists."""
import base64
import os
import subprocess

from . import programs
from .programs import until
from .servers import free_port, takes_connections

CONFIGURATION = """
include /etc/ldap/schema/core.schema
sasl-host localhost
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 268435456
suffix "dc=lab"
{rules}rootdn "cn=admin,dc=lab"
rootpw secret
directory {folder}/data
"""
LIST = "certificateRevocationList;binary"
# What Active Directory asks for: nobody reads who did not say who they are.
CLOSED = """access to attrs=userPassword by anonymous auth
access to * by users read
require authc
"""
READER, PASSWORD = "cn=reader,dc=lab", "the reader's own"


class Directory:
    def __init__(self, folder, tls=None, closed_but_for=None, environment=None):
        """`tls`: a server's certificate and key; it listens for ldaps too then. `closed_but_for`: read by READER, and
        by certificates of the CA in this file."""
        self.environment = {**os.environ, **(environment or {})}
        self.folder, self.process, self.port, self.tls_port = folder, None, free_port(), free_port() if tls else None
        (folder / "data").mkdir(parents=True)
        files = f"TLSCertificateFile {tls.path}\nTLSCertificateKeyFile {tls.key}\n" if tls else ""
        if closed_but_for:
            files += f"TLSCACertificateFile {closed_but_for}\nTLSVerifyClient try\n"
        rules = CLOSED if closed_but_for else ""
        (folder / "slapd.conf").write_text(files + CONFIGURATION.format(folder=folder, rules=rules))
        self.start()
        self.change("add", "dn: dc=lab\nobjectClass: dcObject\nobjectClass: organization\no: lab\ndc: lab\n")
        if closed_but_for:
            self.change("add", f"dn: {READER}\nobjectClass: person\ncn: reader\nsn: reader\nuserPassword: {PASSWORD}\n")

    def start(self):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = programs.start(["/usr/sbin/slapd", "-f", self.folder / "slapd.conf", "-h",
                                           " ".join([f"ldap://127.0.0.1:{self.port}", *self._secure()]), "-d", "stats"], stderr, env=self.environment)
        try:
            until("slapd takes connections", lambda: takes_connections(self.port), 10)
        except AssertionError:
            self.close()
            raise AssertionError((self.folder / "stderr").read_text(errors="replace")) from None

    def _secure(self):
        return [f"ldaps://127.0.0.1:{self.tls_port}"] if self.tls_port else []

    def change(self, what, ldif):
        subprocess.run([f"/usr/bin/ldap{what}", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", "cn=admin,dc=lab",
                        "-w", "secret"], input=ldif.encode(), check=True, capture_output=True, timeout=20)

    def publish(self, name, der):
        """A distribution point as Active Directory has them."""
        self.change("add", f"dn: cn={name},dc=lab\nobjectClass: cRLDistributionPoint\ncn: {name}\n"
                           f"{LIST}:: {base64.b64encode(der).decode()}\n")
        return f"ldap://127.0.0.1:{self.port}/cn={name.replace(' ', '%20')},dc=lab?{LIST}"

    def replace(self, name, der):
        self.change("modify", f"dn: cn={name},dc=lab\nchangetype: modify\nreplace: {LIST}\n"
                              f"{LIST}:: {base64.b64encode(der).decode()}\n")

    def refused_binds(self):
        return (self.folder / "stderr").read_text(errors="replace").count("RESULT tag=97 err=49")

    def close(self):
        programs.end(self.process)
