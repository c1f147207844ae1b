/* SPDX-License-Identifier: Apache-2.0 */
/* The words for a call's failures: reasons in answers, logs and metrics. */
#include "http/call.h"

static const char *const names[] = {
    [HTTP_FAIL_NAME] = "name",
    [HTTP_FAIL_REFUSED] = "refused",
    [HTTP_FAIL_REFUSED_STREAM] = "refused",
    [HTTP_FAIL_TLS] = "tls",
    [HTTP_FAIL_CERT_REQUIRED] = "cert_required",
    [HTTP_FAIL_TRUNCATED] = "truncated",
    [HTTP_FAIL_PROTOCOL] = "protocol",
    [HTTP_FAIL_TIMEOUT] = "timeout",
    [HTTP_FAIL_LIMIT] = "limit",
};

const char *http_failure_name(enum http_failure_kind kind)
{
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}
