# SPDX-License-Identifier: Apache-2.0
"""A machine of its own as to the folders that a site under /etc uses: each command sees those of the test in their place."""
import shlex
import subprocess

import pytest

OWN_FOLDERS = ("etc", "run", "var/lib", "var/log")


def own_machine(folder):
    """argv → argv that runs it there, as root of the folders in `folder`."""
    for name in OWN_FOLDERS:
        (folder / name).mkdir(parents=True)
    for name in ("hosts", "nsswitch.conf", "passwd", "group", "ssl", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"):
        subprocess.run(["cp", "-aL", f"/etc/{name}", folder / "etc"], check=False, stderr=subprocess.DEVNULL)
    script = "".join(f"mount --bind {shlex.quote(str(folder / name))} /{name} && " for name in OWN_FOLDERS) + 'exec "$@"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*inside, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine does not let a test have folders of its own (unshare --mount)")
    return lambda words: [*inside, *words]
