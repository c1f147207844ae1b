/* SPDX-License-Identifier: Apache-2.0 */
/* One challenge's begin and end. AUTH is no secret: it is what the CA is to find in the certificate. */
#include "gateway/obtain/hook.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/obtain/challenge.h"

enum { TYPE, IDENT, TOKEN, AUTH, ARGUMENTS };

static const char *state_folder(const struct conf_daemon *d, int argc)
{
    const char *state = getenv(HOOK_STATE);
    if (argc == ARGUMENTS && state && state[0] == '/')
        return state;
    (void)fprintf(stderr,
                  "%s: this is what the ACME client calls, with TYPE IDENT TOKEN AUTH and " HOOK_STATE
                  " in the environment\nremedy: %s certificate --help\n",
                  d->name, d->name);
    return NULL;
}

int hook_begin(const struct conf_daemon *d, int argc, char **argv)
{
    struct error err;
    const char *state = state_folder(d, argc);
    if (!state || strcmp(argv[TYPE], "tls-alpn-01") != 0) /* of the others that the CA offers none is ours */
        return EXIT_FAILURE;
    if (challenge_begin(state, argv[IDENT], argv[AUTH], &err) == OK)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "%s: %s\n", d->name, err.text);
    return EXIT_FAILURE;
}

int hook_end(const struct conf_daemon *d, int argc, char **argv)
{
    const char *state = state_folder(d, argc);
    if (!state)
        return EXIT_FAILURE;
    challenge_end(state, argv[IDENT]);
    return EXIT_SUCCESS;
}
