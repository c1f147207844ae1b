# SPDX-License-Identifier: Apache-2.0
"""An HSM in software (SoftHSM) behind OpenSSL's provider pkcs11: the commands that the guide shows."""
import os
import pathlib
import subprocess

MODULE = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "7531"
CONFIGURATION = f"""openssl_conf = openssl_init

[openssl_init]
providers = provider_sect

[provider_sect]
default = default_sect
pkcs11 = pkcs11_sect

[default_sect]
activate = 1

[pkcs11_sect]
pkcs11-module-path = {MODULE}
pkcs11-module-quirks = no-deinit
"""


class Hsm:
    """A token "site"; `environment` leads there."""

    def __init__(self, folder):
        self.folder, self.tokens = folder, folder / "tokens"
        self.tokens.mkdir(mode=0o700)
        self.configuration = folder / "softhsm2.conf"
        self.configuration.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        (folder / "openssl.cnf").write_text(CONFIGURATION)
        self.pin("pin", PIN)
        self.environment = {**os.environ, "SOFTHSM2_CONF": str(self.configuration), "OPENSSL_CONF": str(folder / "openssl.cnf"), "PIN": PIN}
        self.run("softhsm2-util", "--init-token", "--free", "--label", "site", "--pin", PIN, "--so-pin", "12345678")

    def pin(self, name, value, mode=0o600):
        (self.folder / name).write_text(value + "\n")
        (self.folder / name).chmod(mode)
        return self.folder / name

    def run(self, *arguments):
        done = subprocess.run(arguments, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"

    def key(self, label, *more, curve="prime256v1"):
        """Makes one; its URI."""
        more = more or ("--id", label.encode().hex())
        self.run("pkcs11-tool", "--module", str(MODULE), "--token-label", "site", "--login", "--pin", "env:PIN", "--keypairgen",
                 "--key-type", f"EC:{curve}", "--label", label, *more)
        return self.uri(label)

    def uri(self, label, pin="pin"):
        return f"pkcs11:token=site;object={label};type=private?pin-source=file:{self.folder / pin}"
