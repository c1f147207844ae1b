# SPDX-License-Identifier: Apache-2.0
"""Many cases asked at once through `cmg cert check` and `cmg token check`: the gateway's own code."""
import base64
import json
import subprocess

from . import programs
from .chains import NOW, ROOT
from .programs import spent_s


def ask(folder, noun, cases, *options):
    batch = folder / "cases.json"
    batch.write_text(json.dumps(cases))
    done = subprocess.run([programs.program("cmg"), noun, "check", "--batch", batch, "--json", *options],
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    answers = json.loads(done.stdout)
    assert len(answers) == len(cases) and b"runtime error" not in done.stderr
    return answers


def write(path, content):
    path.write_bytes(content)
    return str(path)


def pem(*certs, title="CERTIFICATE"):
    return b"".join(b"-----BEGIN %s-----\n%s-----END %s-----\n" % (title.encode(), base64.encodebytes(c), title.encode())
                    for c in certs)


def judge(folder, contents, anchors=(ROOT,), middle=(), **more):
    """Of certificates' files with these octets; answers and the CPU time that they took together."""
    base = {"anchors": write(folder / "anchors.pem", pem(*(a.der for a in anchors))), "at": NOW, "crl_check": "off"} | more
    if middle:
        base["intermediates"] = write(folder / "middle.pem", pem(*(m.der for m in middle)))
    before = spent_s()
    answers = ask(folder, "cert", [base | {"cert": write(folder / f"c{n}", c)} for n, c in enumerate(contents)])
    return answers, spent_s() - before
