# SPDX-License-Identifier: Apache-2.0
"""For each reason of src/verdict/reason.h the test that makes a running gateway refuse for it. conftest.py holds each of
them to it (answer, log and metric, over HTTP/1.1 and HTTP/2), reasons_test.py the table to what `cmg explain` knows."""
from .gatewayclient import HTTP1, HTTP2

CERTIFICATE, TOKEN, NOT_ALLOWED = "CMGService_Invalid_Client_Certificate", "CMGService_Invalid_Token", "CMGService_Not_Allowed"
BAD_GATEWAY = "CMGConnector_BadGateway"
OF_CERTIFICATES, OF_TOKENS, OF_REQUESTS = "refusal_certificate::test_", "refusal_token::test_", "refusal_request::test_"

# (code, reason) → the test, in a file *_test.py.
PRODUCERS = {
    (CERTIFICATE, "missing"): OF_CERTIFICATES + "no_certificate_is_refused_as_missing",
    (CERTIFICATE, "expired"): OF_CERTIFICATES + "an_expired_certificate_is_refused",
    (CERTIFICATE, "not_yet_valid"): OF_CERTIFICATES + "a_certificate_of_tomorrow_is_refused_as_not_yet_valid",
    (CERTIFICATE, "untrusted_root"): OF_CERTIFICATES + "a_certificate_of_a_foreign_root_is_refused_as_untrusted_root",
    (CERTIFICATE, "incomplete_chain"): OF_CERTIFICATES + "a_missing_intermediate_is_named",
    (CERTIFICATE, "bad_signature"): OF_CERTIFICATES + "an_altered_certificate_is_refused_for_its_signature",
    (CERTIFICATE, "revoked"): OF_CERTIFICATES + "a_revoked_certificate_is_refused",
    (CERTIFICATE, "crl_unavailable"): OF_CERTIFICATES + "without_a_crl_of_its_issuer_a_certificate_is_refused",
    (CERTIFICATE, "crl_expired"): OF_CERTIFICATES + "with_an_expired_crl_a_certificate_is_refused",
    (CERTIFICATE, "ocsp_unavailable"): "responder::test_the_responder_decides_where_no_list_does",
    (CERTIFICATE, "wrong_usage"): OF_CERTIFICATES + "a_server_certificate_is_refused_for_its_usage",
    (CERTIFICATE, "weak_key"): OF_CERTIFICATES + "a_key_of_1024_bits_is_refused_as_weak",
    (CERTIFICATE, "name_missing"): OF_CERTIFICATES + "a_certificate_that_names_nobody_is_refused",
    (CERTIFICATE, "constraint_violated"): OF_CERTIFICATES + "a_name_outside_of_the_constraints_of_its_ca_is_refused",
    (TOKEN, "missing"): OF_TOKENS + "a_request_without_a_token_is_refused_as_missing",
    (TOKEN, "malformed"): OF_TOKENS + "a_token_without_a_claim_is_refused_as_malformed",
    (TOKEN, "bad_signature"): OF_TOKENS + "a_token_signed_by_another_key_is_refused_for_its_signature",
    (TOKEN, "unknown_key"): OF_TOKENS + "a_token_of_an_unknown_key_is_refused",
    (TOKEN, "wrong_issuer"): OF_TOKENS + "a_token_of_another_issuer_is_refused",
    (TOKEN, "wrong_audience"): OF_TOKENS + "a_token_for_another_service_is_refused",
    (TOKEN, "unknown_tenant"): "entra::test_aadauthinfo_tells_onboarded_tenants_alone",
    (TOKEN, "expired"): OF_TOKENS + "an_expired_token_is_refused",
    (TOKEN, "not_yet_valid"): OF_TOKENS + "a_token_of_later_is_refused_as_not_yet_valid",
    (TOKEN, "wrong_purpose"): OF_TOKENS + "a_token_is_refused_for_what_is_not_its_purpose",
    (TOKEN, "not_bound"): OF_TOKENS + "a_token_without_its_key_is_refused_as_not_bound",
    (TOKEN, "revoked"): OF_TOKENS + "the_tokens_of_a_removed_device_are_revoked",
    (NOT_ALLOWED, "blocked"): OF_TOKENS + "a_blocked_bulk_token_is_refused",
    (NOT_ALLOWED, "mode_forbids_pki"):
        OF_CERTIFICATES + "a_good_certificate_at_an_ehttp_management_point_is_refused_by_mode",
    (NOT_ALLOWED, "cmg_disallowed"): "disallowed::test_a_disallowed_device_is_refused_at_published_endpoints",
    (NOT_ALLOWED, "method_not_allowed_here"): OF_TOKENS + "an_endpoint_for_pki_alone_takes_no_token",
    ("CMGService_Bad_Request", "bad_request"): OF_REQUESTS + "an_ambiguous_path_is_refused",
    ("CMGService_Unknown_Endpoint", "unknown_endpoint"): OF_REQUESTS + "what_is_not_published_is_unknown",
    ("CMGService_Method_Not_Allowed", "method"):
        OF_REQUESTS + "another_method_is_refused_with_those_that_are_allowed",
    ("CMGService_Request_Timeout", "request_timeout"): OF_REQUESTS + "a_head_that_does_not_end_is_refused_after_its_time",
    ("CMGService_Too_Long", "target"): OF_REQUESTS + "a_target_that_is_too_long_is_refused",
    ("CMGService_Too_Long", "head"): OF_REQUESTS + "a_head_that_is_too_long_is_refused",
    ("CMGService_Misdirected", "misdirected"): "sni::test_a_host_of_another_certificate_needs_another_connection",
    ("CMGService_Too_Large", "body"): OF_REQUESTS + "a_body_that_is_announced_too_large_is_refused",
    ("CMGService_Too_Many_Requests", "too_many_requests"): "entra::test_aadauthinfo_is_told_so_often_a_second",
    ("CMGService_Not_Supported", "unsupported"): OF_REQUESTS + "connect_is_not_supported",
    ("CMGService_Not_Supported", "version"): OF_REQUESTS + "another_version_of_http_is_refused",
    ("CMGService_No_Connection_Point", "no_connection_point"):
        OF_REQUESTS + "an_endpoint_that_no_connector_serves_has_no_connection_point",
    ("CMGService_Stale_Bundle", "stale_bundle"): "lifecycle::test_a_gateway_that_never_had_a_bundle_lets_nobody_in",
    ("CMGConnector_Timeout", "timeout"): OF_REQUESTS + "a_server_that_does_not_answer_in_time_is_told_as_timeout",
    (BAD_GATEWAY, "refused"): OF_REQUESTS + "a_server_that_takes_no_connections_is_told_as_refused",
    (BAD_GATEWAY, "tls"): OF_REQUESTS + "a_server_of_an_unknown_ca_is_told_as_tls",
    (BAD_GATEWAY, "name"): OF_REQUESTS + "a_server_whose_name_does_not_resolve_is_told_as_name",
    (BAD_GATEWAY, "truncated"): OF_REQUESTS + "a_server_that_breaks_off_is_told_as_truncated",
    (BAD_GATEWAY, "protocol"): OF_REQUESTS + "a_server_that_speaks_no_http_is_told_as_such",
    ("CMGConnector_Clientcertificaterequired", "client_certificate_required"):
        OF_REQUESTS + "a_server_that_demands_a_certificate_is_told_as_such",
}

# Over HTTP/2 there is no stream to answer on while its head has not come: the connection ends. No head of it has a version.
ONLY_HTTP1 = {("CMGService_Request_Timeout", "request_timeout"), ("CMGService_Not_Supported", "version")}


def versions(reason):
    return [HTTP1] if reason in ONLY_HTTP1 else [HTTP1, HTTP2]


def produced_by(name):
    """The reasons that this test, "file::test", promises."""
    return [reason for reason, producer in PRODUCERS.items() if producer == name]


# --- of a whole run ---

MADE = "refused for"  # a property of the tests that produced what they promise: [code, reason, version] of each
made, skipped = set(), set()


def note(report):
    """Of each phase of each test; under several workers the controller sees them all."""
    if report.skipped:
        file, _, test = report.nodeid.rpartition("/")[2].partition("_test.py::")
        skipped.update(produced_by(f"{file}::{test.partition('[')[0]}"))
    if report.when == "teardown" and report.passed:
        made.update(tuple(one) for name, value in report.user_properties if name == MADE for one in value)


def never_made():
    """What is promised and was not seen, but for what this machine lacks the means for."""
    return sorted({(*reason, version) for reason in PRODUCERS if reason not in skipped for version in versions(reason)} - made)
