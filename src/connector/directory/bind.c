/* SPDX-License-Identifier: Apache-2.0 */
/* Simple (RFC 4513 5.1.3) and SASL EXTERNAL (RFC 4422 A) and GSSAPI (RFC 4752). The password is in memory for one bind.
 */
#include "connector/directory/bind.h"

#include <pthread.h>
#include <sys/stat.h>

#ifdef CMG_HAS_SASL
#include <sasl/sasl.h>
#endif

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/line.h"
#include "base/mem.h"
#include "connector/directory/fault.h"

enum { REFUSED_MS = 60 * 60 * 1000 };

/* --- the password that was refused: of the one account of this program, asked from threads of the pool --- */

static struct {
    pthread_mutex_t lock;
    struct stat file;
    uint64_t until_ms; /* 0: none */
    struct error why;
} refused = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool was_refused(const struct stat *file, struct error *err)
{
    (void)pthread_mutex_lock(&refused.lock);
    bool was = clock_mono_ms() < refused.until_ms && is_same_file(file, &refused.file);
    if (was && err)
        *err = refused.why;
    (void)pthread_mutex_unlock(&refused.lock);
    return was;
}

static enum result refuse(const struct stat *file, const struct error *why)
{
    (void)pthread_mutex_lock(&refused.lock);
    refused.file = *file;
    refused.until_ms = clock_mono_ms() + REFUSED_MS;
    refused.why = *why;
    (void)pthread_mutex_unlock(&refused.lock);
    return why->code;
}

/* --- binding --- */

static int send_bind(struct directory_session *s, const char *dn, const char *mechanism, struct berval *credential)
{
    struct berval *more = NULL;
    int code = ldap_sasl_bind_s(s->ld, dn, mechanism, credential, NULL, NULL, &more);
    ber_bvfree(more);
    return code;
}

static enum result bind_simple(struct directory_session *s, struct error *err)
{
    const struct directory_settings *settings = s->question->settings;
    const char *path = settings->password_file;
    struct error fault;
    struct stat file = {0};
    struct berval password = {0};
    size_t len = 0;
    if (stat(path, &file) == 0 && was_refused(&file, err))
        return R_DENIED;
    enum result r = file_check_private(path, err);
    if (r == OK)
        r = line_read_password(path, &password.bv_val, &len, err);
    if (r != OK)
        return error_prefix(err, "directory: password_file");
    password.bv_len = len;
    int code = send_bind(s, settings->bind_dn, LDAP_SASL_SIMPLE, &password);
    mem_free_secret(password.bv_val, len);
    if (code == LDAP_SUCCESS)
        return OK;
    r = directory_fault(s, code, &fault);
    if (code == LDAP_INVALID_CREDENTIALS)
        r = refuse(&file, &fault);
    if (err)
        *err = fault;
    return r;
}

static enum result bind_external(struct directory_session *s, struct error *err)
{
    char none[] = "";
    struct berval whoever_the_certificate_is = {.bv_val = none};
    int code = send_bind(s, NULL, "EXTERNAL", &whoever_the_certificate_is);
    return code == LDAP_SUCCESS ? OK : directory_fault(s, code, err);
}

#ifdef CMG_HAS_SASL
/* Whoever the ticket is for: no other identity is asked for. */
static int answer_sasl(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
    (void)ld;
    (void)flags;
    (void)defaults;
    for (sasl_interact_t *q = questions; q->id != SASL_CB_LIST_END; q++) {
        q->result = "";
        q->len = 0;
    }
    return LDAP_SUCCESS;
}

/* Over TLS that secures the connection, and the bind is tied to its certificate (RFC 5929 4), as domain controllers
 * may demand; else Kerberos does. The host is the settings', not what a name server says of its address. */
static int set_sasl(struct directory_session *s)
{
    int endpoint = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT, code = LDAP_SUCCESS;
    code |= ldap_set_option(s->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
    code |= ldap_set_option(s->ld, LDAP_OPT_X_SASL_SECPROPS, s->is_tls ? "maxssf=0" : "minssf=1");
    if (s->is_tls)
        code |= ldap_set_option(s->ld, LDAP_OPT_X_SASL_CBINDING, &endpoint);
    return code;
}

static enum result bind_gssapi(struct directory_session *s, struct error *err)
{
    int code = set_sasl(s);
    if (code == LDAP_SUCCESS)
        code = ldap_sasl_interactive_bind_s(s->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer_sasl, NULL);
    return code == LDAP_SUCCESS ? OK : directory_fault(s, code, err);
}
#endif

static const struct {
    const char *how;
    enum result (*bind)(struct directory_session *s, struct error *err);
} binds[] = {
    {"simple", bind_simple},
    {"external", bind_external},
#ifdef CMG_HAS_SASL
    {"gssapi", bind_gssapi},
#endif
};

enum result directory_bind(struct directory_session *s, struct error *err)
{
    for (size_t i = 0; s->is_own && i < ARRAY_LEN(binds); i++) {
        if (directory_binds(s->question->settings, binds[i].how))
            return binds[i].bind(s, err);
    }
    return OK;
}
