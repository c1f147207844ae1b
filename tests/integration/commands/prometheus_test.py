# SPDX-License-Identifier: Apache-2.0
"""Prometheus reads the gateway's metrics without a complaint, and the alert rules of examples/ hold."""
import re
import subprocess
import urllib.request

from kit.programs import REPOSITORY

RULES = REPOSITORY / "examples" / "prometheus"


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, cwd=RULES, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def metrics(site, accept):
    request = urllib.request.Request(f"{site.report['gateway_admin']}/metrics", headers={"Accept": accept})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_promtool_has_no_complaint_about_the_metrics_of_a_gateway(site):
    kind, text = metrics(site, "text/plain")
    assert kind.startswith("text/plain; version=0.0.4")
    assert promtool("check", "metrics", text=text) == ""


def test_both_formats_have_the_same_samples(site):
    def names(text):
        return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    kind, text = metrics(site, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n")
    assert names(text) == names(metrics(site, "text/plain")[1])


def test_each_rule_fires_for_its_cause_and_none_while_all_is_well():
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_the_rules_ask_for_metrics_that_there_are(site):
    asked = set(re.findall(r"\bcmg_\w+", (RULES / "alerts.yml").read_text()))
    _, text = metrics(site, "text/plain")
    assert asked and asked <= set(re.findall(r"^cmg_\w+", text, re.M))
