# SPDX-License-Identifier: Apache-2.0
"""Prometheus reads the metrics of all daemons without a complaint; the alert rules and the dashboard of examples/ hold."""
import contextlib
import http.client
import json
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from kit import programs
from kit.programs import REPOSITORY, until
from kit.servers import free_port

RULES = REPOSITORY / "examples" / "prometheus"
DASHBOARD = REPOSITORY / "examples" / "grafana" / "opencmg.json"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, cwd=RULES, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def metrics(address, accept):
    request = urllib.request.Request(f"{address}/metrics", headers={"Accept": accept})
    with OPENER.open(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


@pytest.fixture
def shown(own_site):
    """A site whose three daemons show their metrics: job → address."""
    told = {"cmg-gateway": own_site.report["gateway_admin"]}
    for name, file in (("cmg-connector", "connector.yaml"), ("cmg-mp", "mp.yaml")):
        port, path = free_port(), own_site.folder / file
        path.write_text(f'metrics_listen: "127.0.0.1:{port}"\n' + path.read_text())
        own_site.kill(name)
        own_site.run(name)
        told[name] = f"http://127.0.0.1:{port}"
    own_site.wait_ready()
    for address in told.values():
        until(f"{address} answers", lambda at=address: answers(at), 20)
    return told


def answers(address):
    with contextlib.suppress(OSError):
        return metrics(address, "text/plain")
    return None


def test_promtool_has_no_complaint_about_the_metrics_of_any_daemon(shown):
    for job, address in shown.items():
        kind, text = metrics(address, "text/plain")
        assert kind.startswith("text/plain; version=0.0.4")
        assert promtool("check", "metrics", text=text) == "", job


def test_both_formats_have_the_same_samples(shown):
    def names(text):
        return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    for address in shown.values():
        kind, text = metrics(address, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n")
        assert names(text) == names(metrics(address, "text/plain")[1])


def test_the_pages_beside_metrics_answer_at_each_daemon(shown):
    for address in shown.values():
        with OPENER.open(f"{address}/healthz", timeout=10) as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(urllib.error.HTTPError) as refused:
            OPENER.open(f"{address}/else", timeout=10)
        assert refused.value.code == 404


def test_a_daemon_ends_in_order_while_somebody_watches_it(own_site, shown):
    for job in ("cmg-mp", "cmg-connector"):
        host = urllib.parse.urlsplit(shown[job])
        connection = http.client.HTTPConnection(host.hostname, host.port, timeout=10)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        process = own_site.alone[job]
        process.terminate()
        assert process.wait(timeout=30) == 0, job
        connection.close()


def test_each_rule_fires_for_its_cause_and_none_while_all_is_well():
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def known(shown):
    return {name for address in shown.values() for name in re.findall(r"^# TYPE (cmg_\w+)", metrics(address, "text/plain")[1], re.M)}


def test_the_rules_ask_for_metrics_that_there_are(shown):
    asked = set(re.findall(r"\bcmg_\w+", (RULES / "alerts.yml").read_text()))
    assert asked and asked <= known(shown)


@contextlib.contextmanager
def prometheus(folder, shown):
    """A real one that scrapes them each second; yields its address."""
    port = free_port()
    folder.mkdir()
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1s}\nscrape_configs:\n" + "".join(
        f"  - {{job_name: {job}, static_configs: [{{targets: ['{address.removeprefix('http://')}']}}]}}\n"
        for job, address in shown.items()))
    with open(folder / "log", "wb") as log:
        process = programs.start(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                  f"--web.listen-address=127.0.0.1:{port}"], log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        programs.end(process)


def query(address, expression):
    """The samples; a query in error fails the test."""
    with OPENER.open(f"{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression}), timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def expressions():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {target["expr"] for panel in panels for target in panel.get("targets", [])}


def test_each_query_of_the_dashboard_has_an_answer(own_site, shown, tmp_path):
    own_site.sql("UPDATE connector SET pki_not_after = 1")  # a problem of the site, so that there is a cause
    with prometheus(tmp_path / "prometheus", shown) as address:
        def up():
            with contextlib.suppress(OSError):
                return len(query(address, "up == 1")) == 3
            return False
        until("all three are scraped", up, 60)
        for expression in sorted(expressions()):
            until(expression, lambda e=expression.replace("$__rate_interval", "15s"): query(address, e), 60)
