# SPDX-License-Identifier: Apache-2.0
"""A refusal of the gateway, everywhere it shows: answer, log, metric."""
import re
import uuid

from . import gatewayclient
from .gatewayclient import HTTP1
from .programs import until

SEEN = set()  # (code, reason, version) that a running gateway made and told of everywhere


def assert_refusal(answer, version, status, code, reason):
    """The answer alone; returns the problem document."""
    assert answer.status == status, (answer.status, answer.headers, answer.body)
    problem = answer.problem()
    assert (problem["code"], problem["reason"], problem["status"]) == (code, reason, status), problem
    assert answer.headers["cmg-status-text"] == code
    assert version != HTTP1 or answer.reason == code
    assert str(uuid.UUID(problem["request_id"])) == problem["request_id"]
    assert problem["detail"] and problem["remedy"] and problem["title"] and problem["type"] == "about:blank"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("www-authenticate", "") == challenge(code, reason)
    assert ("retry-after" in answer.headers) == (status in (429, 503, 504))
    assert ("allow" in answer.headers) == (status == 405)
    return problem


def challenge(code, reason):
    if code == "CMGService_Invalid_Client_Certificate":
        return f'CMG-Certificate reason="{reason}"'
    if code == "CMGService_Invalid_Token":
        return "Bearer" if reason == "missing" else f'Bearer error="invalid_token", error_description="{reason}"'
    return ""


def assert_logged(site, problem):
    """One line of gateway.log tells the same reason under the same request id."""
    pattern = re.compile(rf"^.* refused code={re.escape(problem['code'])} reason={re.escape(problem['reason'])} .*"
                         rf"request_id={problem['request_id']} .*$", re.M)
    return until(f"gateway.log tells of {problem}", lambda: pattern.search(site.log("cmg-gateway"))).group(0)


def assert_made(site, version, status, code, reason, ask):
    """ask() gives the answer; its refusal is found there, in the log and in the metrics; returns (problem, answer, line)."""
    before = site.refusals(code, reason)
    answer = ask()
    problem = assert_refusal(answer, version, status, code, reason)
    line = assert_logged(site, problem)
    assert site.refusals(code, reason) == before + 1
    SEEN.add((code, reason, version))
    return problem, answer, line


def assert_refused(site, version, status, code, reason, method, target, **request):
    """Sends the request and finds its refusal in answer, log and metrics; returns (problem, answer)."""
    problem, answer, line = assert_made(site, version, status, code, reason, lambda: gatewayclient.request(
        site, version, method, target, **request))
    assert f"method={method} " in line and target.split("?")[0] in line.replace("\\\\", "\\"), line  # quotes escape it
    assert not any(problem["request_id"] in entry for entry in site.access_log())
    return problem, answer
