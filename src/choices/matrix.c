/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix of SPEC 2: which client authentication works with which management point mode, and what rules out the
 * settings of a management point or a connector at its start.
 */
#include "choices/choices.h"

static const unsigned mode_clients[] = {
    [CHOICE_MP_HTTPS] = CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_ENTRA) | CHOICE_BIT(CHOICE_TOKEN),
    [CHOICE_MP_EHTTP] = CHOICE_BIT(CHOICE_ENTRA) | CHOICE_BIT(CHOICE_TOKEN),
};

static const struct choices_line *line_of(const char *id)
{
    return &choices_condition_find(slice_of(id))->line;
}

unsigned choices_mode_clients(enum choice_mp mode)
{
    return mode_clients[mode];
}

bool choices_mode_allows(enum choice_mp mode, enum choice_client client)
{
    return (mode_clients[mode] & CHOICE_BIT(client)) != 0;
}

bool choices_connector_needs_certificate(enum choice_mp mode, unsigned clients)
{
    return mode == CHOICE_MP_HTTPS && (clients & CHOICE_BIT(CHOICE_PKI)) != 0;
}

const struct choices_line *choices_forbids_mp(enum choice_mp mode, unsigned clients)
{
    static const struct choices_line none = {
        "no-client-method", "No client authentication method is left, so no device could use this management point. "
                            "List at least one method that its mode allows."};
    if ((clients & ((1u << CHOICE_CLIENTS) - 1)) == 0)
        return &none;
    if ((clients & ~choices_mode_clients(mode) & CHOICE_BIT(CHOICE_PKI)) != 0)
        return line_of("ehttp-forbids-pki");
    return NULL;
}

const struct choices_line *choices_forbids_gateway(size_t server_certificates)
{
    return server_certificates > 0 ? NULL : line_of("server-certificate");
}

const struct choices_line *choices_forbids_mp_certificate(enum choice_mp mode, bool own_certificate)
{
    bool wanted = mode == CHOICE_MP_HTTPS;
    return own_certificate == wanted ? NULL : line_of(wanted ? "mp-certificate" : "mp-ehttp");
}

const struct choices_line *choices_forbids_client(enum choice_mp mode, enum choice_client client, unsigned version)
{
    struct choices_question q = {.mp = mode,
                                 .client = client,
                                 .client_version = version,
                                 .join = client == CHOICE_ENTRA ? CHOICE_JOIN_ENTRA : CHOICE_JOIN_NONE};
    struct choices_answer a;
    choices_check(&q, &a);
    return a.supported ? NULL : line_of(a.reasons.lines[0].id);
}

const struct choices_line *choices_forbids_connector(enum choice_mp mode, unsigned clients, bool has_certificate)
{
    if (choices_connector_needs_certificate(mode, clients) && !has_certificate)
        return line_of("connector-certificate-missing");
    return NULL;
}
