# SPDX-License-Identifier: Apache-2.0
"""The connection analyzer, run: `cmg analyze` and `cmg-client analyze`, and what they report."""
import json

from . import programs
from .programs import program


def run(gateway, *arguments, command="cmg"):
    words = [program(command), "analyze", gateway, *arguments, "--json"]
    code, out, err = programs.run([w for w in words if w is not None], False)
    assert out.strip(), (code, err)
    report = json.loads(out)
    assert code == (0 if report["ok"] else 1), (code, report)
    assert report["ok"] == all(s["outcome"] != "failed" for s in report["steps"])
    return report


def analyze(site, *arguments, gateway=None):
    return run(gateway or site.report["gateway"], "--ca", site.report["ca"], *arguments)


def shown(pair):
    return "--cert", pair.path, "--key", pair.key


def good(site):
    return "--cert", site.pki("certificate"), "--key", site.pki("key")


def step(report, name):
    found = [s for s in report["steps"] if s["id"] == name]
    assert len(found) == 1, (name, [s["id"] for s in report["steps"]])
    return found[0]


def own(device, *arguments):
    code, report = device.run("analyze", *arguments)
    assert code == (0 if report["ok"] else 1)
    return report
