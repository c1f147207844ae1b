# SPDX-License-Identifier: Apache-2.0
"""A TPM in software (swtpm), and what makes keys in it: the commands that the guide shows."""
import os
import pathlib
import shutil
import subprocess

from . import programs
from .programs import until

MODULES = [pathlib.Path(folder) for folder in pathlib.Path("/usr/lib").glob("*/ossl-modules")]


def missing(module, *commands):
    """Why keys of this provider can't be tried here; "": they can."""
    lacking = [name for name in commands if not shutil.which(name)]
    if not any((folder / f"{module}.so").exists() for folder in MODULES):
        lacking.append(f"OpenSSL's provider {module}")
    return f"not installed here: {', '.join(lacking)}" if lacking else ""


class Tpm:
    """One that has just left the factory; `environment` leads there."""

    def __init__(self, folder):
        self.folder, self.socket = folder, folder / "tpm"
        (folder / "state").mkdir()
        way = f"swtpm:path={self.socket}"
        self.environment = {**os.environ, "TPM2OPENSSL_TCTI": way, "TPM2TOOLS_TCTI": way, "TSS2_LOG": "all+NONE"}
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "swtpm.log", "ab") as log:
            self.process = programs.start(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}/state", "--server", f"type=unixio,path={self.socket}",
                 "--ctrl", f"type=unixio,path={self.socket}.ctrl", "--flags", "not-need-init,startup-clear"], log)
        until("the TPM listens", lambda: self.socket.exists(), 20)

    def stop(self):
        programs.end(self.process)
        self.socket.unlink(missing_ok=True)

    def run(self, *arguments):
        done = subprocess.run(arguments, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def openssl(self, *arguments):
        command, *rest = arguments
        return self.run("openssl", command, "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2", *rest)

    def key(self, handle="0x81000001"):
        """Makes one and keeps it under the handle; its URI."""
        self.run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", "primary.ctx")
        self.run("tpm2_create", "-Q", "-C", "primary.ctx", "-G", "ecc", "-u", "key.pub", "-r", "key.priv",
                 "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
        self.run("tpm2_flushcontext", "-t")
        self.run("tpm2_load", "-Q", "-C", "primary.ctx", "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx")
        self.run("tpm2_evictcontrol", "-Q", "-c", "key.ctx", handle)
        self.run("tpm2_flushcontext", "-t")
        return f"handle:{handle}"

    def file_of_key(self, name="tss2.key"):
        """One that lies beside the TPM, wrapped by it."""
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "group:P-256", "-out", name)
        (self.folder / name).chmod(0o600)
        return self.folder / name

    def certificate_of(self, key, ca, name, **more):
        """By a request that the key signs, as a CA wants it."""
        request = self.folder / f"{name}.csr"
        self.openssl("req", "-new", "-key", str(key), "-subj", f"/CN={name}", "-out", request)
        return ca.of_request(request.read_bytes(), name, **more)
