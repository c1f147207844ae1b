# SPDX-License-Identifier: Apache-2.0
"""`make bench`: a candidate that does not serve is told in its row, and keeps nobody else from being measured."""
import json
import stat
import sys
from types import SimpleNamespace

import pytest

from kit import programs

BENCH = programs.REPOSITORY / "tests" / "bench"
REPORT = {"requests": 100, "errors": 0, "per_second": 50.0, "mode": "keep-alive",
          "latency": {"p50_us": 1, "p99_us": 2, "p999_us": 3}, "processes": {"gateway": {"cpu_us_per_request": 4.0}}}
REFUSED = {**REPORT, "requests": 0, "errors": 9, "first_fault": "status 503 with 107 bytes"}

# In cmg-load's place: what answers 503 by its port, what does not answer at all.
LOAD = """#!/usr/bin/python3
import sys
print({reports!r}[sys.argv[sys.argv.index("--port") + 1]])
"""


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The bench's own modules, which find each other by their folder."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    import candidates
    import figures
    import rows
    import targets
    load = tmp_path / "load"
    load.write_text(LOAD.format(reports={"200": json.dumps(REPORT), "503": json.dumps(REFUSED)}))
    load.chmod(load.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(figures, "SETTLE_S", 0)
    yield SimpleNamespace(candidates=candidates, figures=figures, rows=rows, targets=targets, load=load)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCH)):
            del sys.modules[name]


@pytest.fixture
def new_candidate(bench):
    class Pretended(bench.candidates.Candidate):
        def __init__(self, name, port, fault=None):
            super().__init__(SimpleNamespace(), None)
            self.name, self.port, self.reason = name, port, fault

        def start(self):
            if self.reason:
                raise bench.candidates.Fault(self.reason)

        def watched(self):
            return {}
    return Pretended


@pytest.fixture
def new_bench(bench):
    site = SimpleNamespace(pki={"ca": "ca", "client_key": "key"}, devices_file=lambda count: "devices", other_cpus={0})
    return lambda: bench.figures.Bench(site, str(bench.load), print)


@pytest.mark.parametrize("fresh", [True, False], ids=["started for the row", "started before"])
def test_a_candidate_that_does_not_serve_is_told_in_its_row_and_the_others_go_on(bench, new_candidate, new_bench, capsys, fresh):
    everybody = [new_candidate("nginx", "200"), new_candidate("full", "503"), new_candidate("absent", "1", "it is\nnot there"),
                 new_candidate("opencmg", "200")]
    for candidate in everybody:
        candidate.try_to_start()
    it, row = new_bench(), bench.rows.Row("requests", fresh=fresh, key="keep-alive")
    it.measure(row, everybody, 2)
    shown = capsys.readouterr().out
    assert [len(it.of(row, name)) for name in ("nginx", "opencmg")] == [2, 2]
    assert "absent does not serve (round 1): it is\n" in shown
    assert "503 with 107 bytes" in shown and f"\n  {'full':9}  " in shown
    assert not it.all_served()
    assert bench.targets.Run(it.results, {}).ratios("keep-alive", bench.targets.gateway) == [1.0, 1.0]


def test_rounds_in_which_one_of_a_pair_did_not_serve_make_no_ratio(bench):
    some = [{"round": 0, "v": 6}, {"round": 1, "v": 8}, {"round": 2, "v": 9}]
    others = [{"round": 1, "v": 2}, {"round": 2, "v": 0}]
    assert bench.figures.quotients(some, others, lambda r: r["v"], lambda r: r["v"]) == [4.0]


def test_whoever_serves_everything_is_no_failure(bench, new_candidate, new_bench):
    it = new_bench()
    it.measure(bench.rows.Row("requests"), [new_candidate("nginx", "200")], 1)
    assert it.all_served() and not it.unserved
