/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of `cmg setup` share. The answers are texts, one a question of the table (questions.c), whether they
 * were typed, given as options or kept by a run before (kept.c); what goes together, and what follows, src/choices says
 * (judge.c). Then a table of steps, each of which sees first whether its work is done already (steps.c).
 */
#ifndef CTL_WIZARD_WIZARD_H
#define CTL_WIZARD_WIZARD_H

#include "choices/choices.h"
#include "ctl/ctl.h"
#include "ctl/setup/site_init.h"
#include "join/report.h"
#include "loop/loop.h"
#include "net/address.h"

enum wizard_id {
    ASK_CLIENT,
    ASK_SERVER_CERT,
    ASK_SERVER_CA,
    ASK_MP,
    ASK_CRL,
    ASK_CRL_CHECK,
    ASK_CRL_RELAY,
    ASK_CRL_URL,
    ASK_CLIENT_CA,
    ASK_CONNECTOR_CERT,
    ASK_CONNECTOR_KEY,
    ASK_TENANT,
    ASK_AUDIENCE,
    ASK_SITE,
    ASK_GATEWAY,
    ASK_MP_URL,
    ASK_MP_LISTEN,
    ASK_MP_CERT,
    ASK_MP_KEY,
    ASK_MP_CA,
    ASK_STORE, /* from here on: as options alone */
    ASK_MP_PASSWORD,
    ASK_CLIENT_VERSION,
    ASK_JOIN,
    ASK_SCENARIO,
    ASK_USER_SIGN_IN,
    ASK_CLIENT_HAS_ROOT,
    ASK_GATEWAY_ID,
    ASK_CONNECTOR_ID,
    ASK_DEVICES,
    ASK_COUNT
};

enum wizard_program { RUN_MP, RUN_CONNECTOR, RUN_COUNT };

struct wizard {
    const struct ctl_common *common;
    char *dir, *bin, *socket;          /* absolute */
    bool usual;                        /* dir is /etc/opencmg: services of the machine */
    bool yes, run_here;                /* options */
    char *text[ASK_COUNT];             /* NULL: not answered; "": none */
    bool there;                        /* the site is made: its answers stand */
    int64_t devices_until;             /* a line for devices was printed, and counts until then; 0: none */
    FILE *talk;                        /* what is said to a person */
    struct join_report report;         /* what was done */
    char *gateway_line, *devices_line; /* secrets; NULL: none was made */
    int64_t gateway_until;
    bool gateway_joined, incomplete;
    struct loop *loop;
    bool stopped; /* by a signal, while the loop turns */
    struct loop_child *children[RUN_COUNT];
    bool ended[RUN_COUNT];
};

/* --- questions.c --- */

/* Of a file the path is kept, an absolute one. */
enum wizard_file {
    FILE_NONE,
    FILE_READ, /* by us */
    FILE_USED  /* by a service, as long as it runs */
};

struct wizard_question {
    const char *name;                          /* of the option: "mp" */
    const char *asks;                          /* "How does the management point tell devices apart?" */
    const char *value;                         /* as --help calls it */
    bool (*wanted)(const struct wizard *w);    /* NULL: always */
    char *(*proposal)(const struct wizard *w); /* malloc'ed, or NULL: none; NULL: there never is one */
    MUST_USE enum result (*check)(const char *text, struct error *err); /* NULL: of the choices */
    enum wizard_file file;
};
extern const struct wizard_question wizard_questions[ASK_COUNT];

bool wizard_wants(const struct wizard *w, enum wizard_id id);
/* What an unanswered one is when nobody says otherwise, malloc'ed; NULL: somebody must. */
char *wizard_proposal(const struct wizard *w, enum wizard_id id);
const char *wizard_text(const struct wizard *w, enum wizard_id id); /* "" for none */
enum choice_mp wizard_mode(const struct wizard *w);
unsigned wizard_clients(const struct wizard *w); /* bits */
bool wizard_cert_needed(const struct wizard *w); /* the connector's own */
/* The gateway's name without its port. */
void wizard_gateway(const struct wizard *w, char ret[NET_HOST_MAX], uint16_t *ret_port);

/* --- judge.c --- */

enum { WIZARD_LINES_MAX = 32 };
struct wizard_lines {
    const struct choices_condition *of[WIZARD_LINES_MAX];
    size_t count;
};
/* R_CONFLICT with the rule's words, when the answers so far do not go together. */
MUST_USE enum result wizard_judge(const struct wizard *w, struct error *err);
/* What the answers so far need, lose, and are right for. */
void wizard_follows(const struct wizard *w, struct wizard_lines *ret);
/* The rule that rules out this value of a choice as it stands; NULL: it goes. */
const struct choices_condition *wizard_rules_out(const struct wizard *w, enum wizard_id id, struct slice value);
bool wizard_lines_have(const struct wizard_lines *lines, const struct choices_condition *c);

/* --- take.c --- */

/* Checks a text and keeps it. R_INVALID: it is none; R_CONFLICT: it does not go together with the others. */
MUST_USE enum result wizard_take(struct wizard *w, enum wizard_id id, const char *text, struct error *err);

/* --- ask.c, kept.c, tell.c --- */

/* All that is missing, on the terminal. R_EOF: stopped there. */
MUST_USE enum result wizard_ask(struct wizard *w);
/* "Go on?" */
MUST_USE enum result wizard_confirm(struct wizard *w);
bool wizard_was_stopped(void);

MUST_USE enum result wizard_recall(struct wizard *w, struct error *err);
MUST_USE enum result wizard_keep(const struct wizard *w, struct error *err);

void wizard_say_lines(const struct wizard *w, const struct wizard_lines *lines, const struct wizard_lines *but);
void wizard_summary(const struct wizard *w);
/* The lines for the other machines, and what is left; the exit code. */
int wizard_announce(struct wizard *w);

/* --- site.c: what the steps ask of the site --- */

/* Fills the fault from an error of this machine. */
enum result wizard_fail(struct ctl_fault *fault, const struct error *err, const char *where);
/* The answer, if it is wanted and there is one; else NULL. */
const char *wizard_given(const struct wizard *w, enum wizard_id id);
/* Takes `body`. */
MUST_USE enum result wizard_call(const struct wizard *w, const char *method, const char *path, json_t *body,
                                 json_t **ret, struct ctl_fault *fault);
MUST_USE enum result wizard_set_value(const struct wizard *w, const char *path, const char *value,
                                      struct ctl_fault *fault);
/* The row of this id in a list of the admin API; a new reference, or NULL. */
MUST_USE enum result wizard_find(const struct wizard *w, const char *path, const char *member, const char *id,
                                 json_t **ret, struct ctl_fault *fault);
/* The certificates in the file that was named, malloc'ed. */
MUST_USE enum result wizard_read_pem(const struct wizard *w, enum wizard_id id, char **ret, struct ctl_fault *fault);

/* --- vouchers.c: steps, by whom devices are vouched for --- */

MUST_USE enum result wizard_tell_gateway_ca(struct wizard *w, struct ctl_fault *fault);
MUST_USE enum result wizard_trust_pki(struct wizard *w, struct ctl_fault *fault);
MUST_USE enum result wizard_name_crl(struct wizard *w, struct ctl_fault *fault);
MUST_USE enum result wizard_name_tenant(struct wizard *w, struct ctl_fault *fault);

/* --- steps.c, programs.c --- */

MUST_USE enum result wizard_run(struct wizard *w, struct ctl_fault *fault);

/* Starts the program of this machine: its service, or a child; R_AGAIN: it is to be started by hand (told). */
MUST_USE enum result wizard_start(struct wizard *w, enum wizard_program which, struct ctl_fault *fault);
/* Lets the loop turn for this long; R_EOF: a signal stopped it; R_IO: a child ended (its log is told). */
MUST_USE enum result wizard_turn(struct wizard *w, unsigned ms, struct ctl_fault *fault);
/* cmg-connector join, its string on standard input; what it did goes into the report. */
MUST_USE enum result wizard_join_connector(struct wizard *w, const char *string, struct ctl_fault *fault);
/* Keeps the children until a signal; ends them. */
int wizard_stay(struct wizard *w, int code);
void wizard_end_children(struct wizard *w);

#endif
