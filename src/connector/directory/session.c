/* SPDX-License-Identifier: Apache-2.0 */
/* libldap's options. Its TLS is GnuTLS on Debian, which refuses at once a certificate whose curve has no name; how long
 * a session lasts, in a handshake or behind it, is deadline.h's. */
#include "connector/directory/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/host/file.h"
#include "connector/directory/fault.h"

/* --- who is connected to --- */

static int on_connect(LDAP *ld, Sockbuf *sb, LDAPURLDesc *srv, struct sockaddr *to, struct ldap_conncb *ctx)
{
    struct directory_session *s = ctx->lc_arg;
    struct net_address address = {0};
    ber_socket_t fd = -1;
    (void)ld;
    (void)srv;
    if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd) != 1 || !deadline_watch(s->deadline, fd))
        return -1;
    if (!s->question->may)
        return 0;
    address.len = to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (to->sa_family == AF_INET || to->sa_family == AF_INET6)
        memcpy(&address.storage, to, address.len);
    s->not_allowed = !s->question->may(s->question->arg, &address);
    return s->not_allowed ? -1 : 0;
}

static void on_disconnect(LDAP *ld, Sockbuf *sb, struct ldap_conncb *ctx)
{
    (void)ld;
    (void)sb;
    (void)ctx;
}

/* --- TLS --- */

/* A file for the moment in which libldap reads it, 0600; memory would do, but the sandbox lets no process make a file
 * of memory, which could be mapped as code. What a crash leaves is swept at the next start. */
static enum result write_draft(const struct directory_session *s, struct slice first, struct slice second,
                               struct file_draft **ret, struct error *err)
{
    char *beside = file_join(s->question->folder, "directory.pem");
    enum result r = file_draft_new(beside, ret, err);
    if (r == OK)
        r = file_draft_write(*ret, first, err);
    if (r == OK)
        r = file_draft_write(*ret, second, err);
    free(beside);
    return r == OK ? OK
                   : error_set(err, R_IO,
                               "certificates can't be written into the connector's state folder, where libldap reads "
                               "them");
}

static int set_file(LDAP *ld, int option, const struct file_draft *d)
{
    return d ? ldap_set_option(ld, option, file_draft_path(d)) : LDAP_SUCCESS;
}

static int set_tls_options(struct directory_session *s, const struct file_draft *anchors,
                           const struct file_draft *identity)
{
    const struct directory_settings *settings = s->question->settings;
    int demand = LDAP_OPT_X_TLS_HARD, is_server = 0, oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, code = LDAP_SUCCESS;
    code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest);
    if (s->is_own && settings->ca_file)
        code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_CACERTFILE, settings->ca_file);
    else
        code |= set_file(s->ld, LDAP_OPT_X_TLS_CACERTFILE, anchors);
    code |= set_file(s->ld, LDAP_OPT_X_TLS_CERTFILE, identity);
    code |= set_file(s->ld, LDAP_OPT_X_TLS_KEYFILE, identity);
    code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_NEWCTX, &is_server);
    return code;
}

/* Certificate and key, as they stand in their files now. */
static enum result write_identity(const struct directory_session *s, struct file_draft **ret, struct error *err)
{
    struct tls_identity_text text;
    enum result r = tls_identity_take(s->question->certificate, &text, err);
    if (r == OK)
        r = write_draft(s, slice_make(text.certificate, text.certificate_len), slice_make(text.key, text.key_len), ret,
                        err);
    tls_identity_text_free(&text);
    return r;
}

/* The server is always judged, by these anchors or by the system's; shown a certificate is none but our own. */
static enum result set_tls(struct directory_session *s, struct error *err)
{
    const struct directory_question *q = s->question;
    struct file_draft *anchors = NULL, *identity = NULL;
    enum result r = OK;
    if (q->ca_pem)
        r = write_draft(s, slice_of(q->ca_pem), SLICE_NONE, &anchors, err);
    if (r == OK && s->is_own && directory_binds(q->settings, "external"))
        r = write_identity(s, &identity, err);
    int code = r == OK ? set_tls_options(s, anchors, identity) : LDAP_SUCCESS;
    file_draft_free(anchors);
    file_draft_free(identity);
    if (r == OK && code != LDAP_SUCCESS)
        r = error_set(err, R_INVALID, "libldap does not take the CAs or the certificate that the directory is for");
    return r;
}

/* --- the session --- */

static int set_options(struct directory_session *s)
{
    struct timeval connect = {.tv_sec = SOURCE_CONNECT_S};
    int version = LDAP_VERSION3, code = LDAP_SUCCESS;
    Sockbuf *sockbuf = NULL;
    ber_len_t max = SOURCE_BYTES_MAX;
    code |= ldap_set_option(s->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    code |= ldap_set_option(s->ld, LDAP_OPT_NETWORK_TIMEOUT, &connect);
    code |= ldap_set_option(s->ld, LDAP_OPT_TIMEOUT, &s->whole);
    code |= ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    code |= ldap_set_option(s->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    code |= ldap_set_option(s->ld, LDAP_OPT_CONNECT_CB, &s->callback);
    code |= ldap_get_option(s->ld, LDAP_OPT_SOCKBUF, (void *)&sockbuf);
    if (code == LDAP_SUCCESS && ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &max) != 1)
        code = LDAP_PARAM_ERROR;
    return code;
}

enum result directory_session_open(struct directory_session *s, struct error *err)
{
    bool starts_tls =
        s->is_own && s->question->settings->start_tls && slice_starts_nocase(slice_of(s->server), SLICE("ldap://"));
    s->is_tls = starts_tls || slice_starts_nocase(slice_of(s->server), SLICE("ldaps://"));
    s->callback = (struct ldap_conncb){.lc_add = on_connect, .lc_del = on_disconnect, .lc_arg = s};
    s->deadline = deadline_new((unsigned)s->whole.tv_sec);
    int code = ldap_initialize(&s->ld, s->server);
    if (code == LDAP_SUCCESS)
        code = set_options(s);
    if (code != LDAP_SUCCESS)
        return directory_fault(s, code, err);
    enum result r = s->is_tls ? set_tls(s, err) : OK;
    if (r == OK && starts_tls && (code = ldap_start_tls_s(s->ld, NULL, NULL)) != LDAP_SUCCESS)
        r = directory_fault(s, code, err);
    return r;
}

bool directory_session_close(struct directory_session *s)
{
    if (s->ld)
        (void)ldap_unbind_ext_s(s->ld, NULL, NULL);
    return deadline_end(s->deadline);
}
