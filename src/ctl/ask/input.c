/* SPDX-License-Identifier: Apache-2.0 */
/* Words into the inputs of a question (input.h). */
#include "ctl/ask/input.h"

static bool on_off(struct slice s, bool *ret)
{
    enum choice_tri tri;
    if (!choices_tri_parse(s, &tri) || tri == CHOICE_UNKNOWN)
        return false;
    *ret = tri == CHOICE_YES;
    return true;
}

static bool version_or_unknown(struct slice s, unsigned *ret)
{
    *ret = 0;
    return slice_eq_nocase(s, SLICE("unknown")) || choices_version_parse(s, ret);
}

#define SETTER(member, parse)                                                                                          \
    static bool set_##member(struct choices_question *q, struct slice text)                                            \
    {                                                                                                                  \
        return parse(text, &q->member);                                                                                \
    }

SETTER(mp, choices_mp_parse)
SETTER(client, choices_client_parse)
SETTER(server_cert, choices_cert_parse)
SETTER(client_version, version_or_unknown)
SETTER(join, choices_join_parse)
SETTER(scenario, choices_scenario_parse)
SETTER(crl, choices_crl_parse)
SETTER(crl_check, on_off)
SETTER(crl_relay, on_off)
SETTER(client_has_root, choices_tri_parse)
SETTER(connector_cert, choices_tri_parse)
SETTER(cmg_allowed, choices_tri_parse)
SETTER(user_sign_in, choices_tri_parse)

static const struct ctl_input inputs[] = {
    {"mp", "https|ehttp", set_mp},
    {"client", "pki|entra|token", set_client},
    {"server-cert", "public|internal", set_server_cert},
    {"client-version", "YYMM|5.00.NNNN|unknown", set_client_version},
    {"join", "none|domain|hybrid|entra", set_join},
    {"scenario", "device|user", set_scenario},
    {"crl", "internet|ad|internal|none", set_crl},
    {"crl-check", "on|off", set_crl_check},
    {"crl-relay", "on|off", set_crl_relay},
    {"client-has-root", "yes|no|unknown", set_client_has_root},
    {"connector-cert", "yes|no|unknown", set_connector_cert},
    {"cmg-allowed", "yes|no|unknown", set_cmg_allowed},
    {"user-sign-in", "yes|no|unknown", set_user_sign_in},
};

void ctl_input_values(const struct ctl_input *input, char ret[CTL_INPUT_WORDS])
{
    size_t n = 0;
    for (const char *at = input->values; *at && n + 3 < CTL_INPUT_WORDS; at++) {
        ret[n++] = *at == '|' ? ',' : *at;
        if (*at == '|')
            ret[n++] = ' ';
    }
    ret[n] = '\0';
}

const struct ctl_input *ctl_input_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        if (strcmp(inputs[i].name, name) == 0)
            return &inputs[i];
    }
    return NULL;
}
