# SPDX-License-Identifier: Apache-2.0
"""`cmg trace`: the way of one request, told by each part that had to do with it."""
import json
import socket
import uuid

from kit import gatewayclient, programs
from kit.gatewayclient import HTTP1
from kit.programs import program
from kit.upstream import Upstream


def ask(site, target, pair=None, version=HTTP1):
    shown = {"certificate": pair.path, "key": pair.key} if pair else {}
    return gatewayclient.request(site, version, "GET", target, **shown)


def traced(site, request_id, *options):
    """(the steps, who gave no answer)"""
    code, out, err = programs.run([program("cmg"), "trace", request_id, "--json", "--socket", site.report["admin_socket"], *options],
                                  False)
    assert code in (0, 1), err
    told = json.loads(out)
    assert code == (0 if told["steps"] else 1)
    return told["steps"], told["silent"]


def ways(steps):
    return [(s["part"].split()[0], s["what"], s["reason"]) for s in steps]


def test_a_refused_request_is_told_by_the_gateway_with_the_reason_that_the_device_saw(site, ca, version):
    problem = ask(site, "/CCM_Proxy_MutualAuth/ServiceMetadata", ca.revoked, version).problem()
    (step,), silent = traced(site, problem["request_id"])
    assert (step["part"], step["what"], step["reason"], step["status"]) == ("gateway gw1", "refused", "revoked", 401)
    assert step["detail"] == problem["detail"] and silent == []


def failed_inside(site, ca, port):
    problem = ask(site, "/CCM_Proxy_MutualAuth/gone/x?secret=hidden", ca.good).problem()
    steps, _ = traced(site, problem["request_id"])
    site.cmg("endpoint", "remove", "gone")
    assert {w for w in ways(steps)} >= {("connector", "upstream failed", "refused"), ("gateway", "refused", "refused")}
    failed, = [s for s in steps if s["what"] == "upstream failed"]
    assert str(port) in failed["detail"] and failed["endpoint"] == "gone"
    assert "hidden" not in str(steps)
    times = [s["at_ms"] for s in steps]
    assert times == sorted(times)


def test_a_request_that_failed_inside_is_told_by_gateway_and_connector_and_the_connector_names_the_cause(site, ca):
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        site.publish("gone", "--url", f"http://127.0.0.1:{port}")
        failed_inside(site, ca, port)


def test_a_request_that_went_well_is_told_from_gateway_to_server(site, ca):
    server = Upstream()
    site.publish("well", "--url", server.url)
    assert ask(site, "/CCM_Proxy_MutualAuth/well/x", ca.good).status == 200
    request_id, = [v for n, v in server.seen[-1]["headers"] if n == "cmg-request-id"]
    steps, _ = traced(site, request_id)
    site.cmg("endpoint", "remove", "well")
    server.close()
    assert sorted(ways(steps)) == [("connector", "forwarded", None), ("gateway", "relayed", None)]
    assert all(s["status"] == 200 and s["endpoint"] == "well" and s["response_bytes"] > 0 for s in steps)


def test_what_a_management_point_refused_it_tells_itself(site, ca):
    problem = ask(site, "/CCM_Proxy_MutualAuth/" + site.role("https") + "/SMS_MP/no-such-path", ca.good)
    steps, _ = traced(site, problem.problem()["request_id"])
    assert {w[0] for w in ways(steps)} == {"gateway", "connector", "cmg-mp"}
    own, = [s for s in steps if s["part"].startswith("cmg-mp")]
    assert own["what"] == "refused" and own["status"] == problem.status


def test_strangers_by_the_thousand_displace_no_others_request(site, ca):
    with gatewayclient.H1(site.port, gatewayclient.context(site.report["ca"], ca.good.path, ca.good.key)) as known:
        known.request("GET", "/CCM_Proxy_MutualAuth/ServiceMetadata")
        problem = known.request("GET", "/CCM_Proxy_MutualAuth/nothing-here").problem()
    for _ in range(300):
        assert ask(site, "/CCM_Proxy_MutualAuth/ServiceMetadata").status >= 400
    assert [s["reason"] for s in traced(site, problem["request_id"])[0]] == [problem["reason"]]


def test_who_is_down_is_named_and_the_others_are_told(own_site):
    pair = own_site.ca(own_site.folder).device("traced")
    problem = ask(own_site, "/CCM_Proxy_MutualAuth/nothing-here", pair).problem()
    own_site.kill("cmg-connector")
    steps, silent = traced(own_site, problem["request_id"], "--timeout", "2")
    assert "gateway gw1" in silent and any(s.startswith("connector ") for s in silent)
    assert steps == []


def test_an_id_that_nobody_knows_is_told_so_and_what_is_none_is_refused(site):
    assert traced(site, str(uuid.uuid4())) == ([], [])
    code, out, _ = programs.run([program("cmg"), "trace", str(uuid.uuid4()).upper(), "--socket", site.report["admin_socket"]], False)
    assert code == 1 and "remembers" in out
    code, _, err = programs.run([program("cmg"), "trace", "7", "--socket", site.report["admin_socket"]], False)
    assert code == 2 and "8-4-4-4-12" in err


def test_traces_keep_no_operator_from_asking_about_certificates(own_site, ca):
    own_site.kill("cmg-gateway")
    for _ in range(32):
        own_site.admin("POST", "/v1/traces", {"request_id": str(uuid.uuid4())})
    own_site.admin("POST", "/v1/questions", {"certificate_pem": ca.good.path.read_text()})
