/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that hold a secret (bootstrap files, bulk tokens): into a 0600 file, or to standard output when that was
 * asked for. And reading the files that commands send. */
#ifndef CTL_SECRET_H
#define CTL_SECRET_H

#include "ctl/ctl.h"

enum { CTL_FILE_MAX = 16 * 1024 * 1024 };

/* Can `path` (NULL: standard output) be written? Asked before a secret is made that is shown only once. Prints the
 * fault itself; false then. */
MUST_USE bool ctl_can_write(const struct ctl_common *common, const char *path);

/* Writes `text` and a line break to `path` with mode 0600. Prints the fault itself; false then. */
MUST_USE bool ctl_write_secret(const struct ctl_common *common, const char *path, const char *text);

/* Reads a file ("-": standard input) as text, malloc'ed. Prints the fault itself; false then. */
MUST_USE bool ctl_read_file(const struct ctl_common *common, const char *path, char **ret, size_t *ret_len);

/* Certificates of PEM or DER as PEM text, malloc'ed. */
MUST_USE enum result ctl_certificates_pem(struct slice data, char **ret, struct error *err);

/* Puts the certificates of a file into a body, as PEM. Prints the fault with this remedy itself; false then. */
MUST_USE bool ctl_put_certificates(const struct ctl_common *common, const char *path, const char *remedy, json_t *body,
                                   const char *member);

/* POSTs `body` (taken over) to `path`; of the answer {<kind>, bootstrap} the bootstrap file goes to `out` or to
 * standard output. Returns the exit code. */
struct ctl_role {
    const char *kind, *id, *done; /* "gateway", "gw1", "added" */
};
int ctl_add_with_bootstrap(const struct ctl_common *common, const char *path, json_t *body, const struct ctl_role *role,
                           const char *out);

/* --- join strings (docs/protocol/wire.md 11) --- */

struct ctl_join {
    bool join;
    const char *valid_for; /* "24h"; NULL: as long as the site does it */
};
#define CTL_OPT_JOIN(type, member, what)                                                                               \
    {.name = "join", .kind = OPT_FLAG, .offset = offsetof(type, member.join), .help = what},                           \
    {                                                                                                                  \
        .name = "valid-for", .kind = OPT_TEXT, .offset = offsetof(type, member.valid_for), .value = "TIME",            \
        .help = "with --join: how long the string counts: 1h, 3d (default 24h, 7d at most)"                            \
    }

/* {"join": {"valid_s"}} into the body, when --join was said. False: a fault of usage was told. */
MUST_USE bool ctl_put_join(const struct ctl_join *j, json_t *body);

#define CTL_JOIN_DEVICE "cmg-client join"

/* POSTs `body` (taken over) to `path` ("/v1/gateways" …); CTL_DONE with the answer, which has "join" and "expires", to
 * be json_decref()ed: it holds a secret. Else the exit code of a fault that has been told. */
MUST_USE int ctl_ask_join(const struct ctl_common *common, const char *path, json_t *body, json_t **ret);

/* POSTs `body` (taken over) to `path`; of the answer {…, join, expires} the string goes to `out` (mode 0600) or to
 * standard output, alone on its line; standard error says what to do with it. `command`: "cmg-gateway join". Returns
 * the exit code. */
int ctl_post_for_join(const struct ctl_common *common, const char *path, json_t *body, const char *command,
                      const char *out);

#endif
