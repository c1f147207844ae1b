# SPDX-License-Identifier: Apache-2.0
"""No reason without a test that makes a running gateway refuse for it."""
import ast
import json

from kit import programs, reasons
from kit.programs import program
from kit.sources import functions_in


def table():
    everything = json.loads(programs.run([program("cmg"), "explain", "--json"])[1])
    return {(e["code"], e["reason"]): e for e in everything if e["kind"] == "refusal"}


def test_each_reason_of_the_table_has_its_producer():
    rows = table()
    assert len(rows) > 40
    declared = set(reasons.PRODUCERS)
    assert not set(rows) - declared, "declare in kit/reasons.py which test produces them"
    assert not declared - set(rows), "declared, but no reason any more"


def test_each_producer_is_a_test_that_asks_over_both_versions():
    """That it produces the reason, conftest.py finds when it runs."""
    for reason, name in reasons.PRODUCERS.items():
        file, function = name.split("::")
        node = functions_in(file)[function]
        arguments = {a.arg for a in node.args.args}
        constants = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        assert "version" in arguments or {"HTTP1", "HTTP2"} <= constants or reason in reasons.ONLY_HTTP1, name
        assert arguments & {"site", "own_site", "ca"}, name


def test_each_reason_says_what_was_found_and_what_to_do():
    for reason, row in table().items():
        assert len(row["text"].split()) >= 4 and len(row["remedy"].split()) >= 2, reason
        assert row["code"].startswith("CMGConnector_" if row["status"] in (502, 504) else "CMG"), reason
