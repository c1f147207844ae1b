/* SPDX-License-Identifier: Apache-2.0 */
/* libldap, bounded: time, entries, bytes, and whom it may connect to. It blocks, so it belongs into a thread of the
 * pool; it owns its session and shares nothing. */
#include "connector/site/directory.h"

#include <fcntl.h>
#include <ldap.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { ENTRIES_MAX = 2 };

struct session {
    const struct directory_question *question;
    LDAP *ld;
    bool not_allowed, not_written, is_tls;
};

/* --- who is connected to --- */

static int on_connect(LDAP *ld, Sockbuf *sb, LDAPURLDesc *srv, struct sockaddr *to, struct ldap_conncb *ctx)
{
    struct session *s = ctx->lc_arg;
    struct net_address address = {0};
    (void)ld;
    (void)sb;
    (void)srv;
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

/* --- asking --- */

static enum result tell_fault(const struct session *s, int code, struct error *err)
{
    if (s->not_allowed)
        return error_set(err, R_DENIED,
                         "its address is loopback or link-local, which this connector does not allow (allow_targets)");
    if (s->not_written)
        return error_set(
            err, R_IO,
            "the CA of its server can't be written into the connector's state folder, where libldap reads it");
    enum result r = code == LDAP_TIMEOUT ? R_TIMEOUT : code == LDAP_NO_SUCH_OBJECT ? R_NOTFOUND : R_IO;
    return error_set(err, r, "the directory can't be asked: %s", ldap_err2string(code));
}

/* A file for the moment in which libldap reads it; memory would do, but the sandbox lets no process make a file of
 * memory, which could be mapped as code. */
static bool write_anchors(struct session *s, char *ret, size_t size)
{
    size_t len = strlen(s->question->ca_pem);
    int used = snprintf(ret, size, "%s/anchors.XXXXXX", s->question->folder);
    int fd = used > 0 && (size_t)used < size ? mkostemp(ret, O_CLOEXEC) : -1;
    bool whole = fd >= 0 && write(fd, s->question->ca_pem, len) == (ssize_t)len;
    s->not_written = !whole;
    if (fd >= 0)
        (void)close(fd);
    if (fd >= 0 && !whole)
        (void)unlink(ret);
    return whole;
}

/* Always judged, by these anchors or by the system's. */
static int set_tls(struct session *s)
{
    int demand = LDAP_OPT_X_TLS_HARD, is_server = 0, code = LDAP_SUCCESS;
    bool own = s->question->ca_pem;
    char file[PATH_MAX];
    if (own && !write_anchors(s, file, sizeof file))
        return LDAP_LOCAL_ERROR;
    code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (own)
        code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_CACERTFILE, file);
    code |= ldap_set_option(s->ld, LDAP_OPT_X_TLS_NEWCTX, &is_server);
    if (own)
        (void)unlink(file);
    return code;
}

static int set_options(struct session *s, struct ldap_conncb *callback)
{
    struct timeval connect = {.tv_sec = SOURCE_CONNECT_S}, whole = {.tv_sec = SOURCE_WHOLE_S};
    int version = LDAP_VERSION3, code = LDAP_SUCCESS;
    Sockbuf *sockbuf = NULL;
    ber_len_t max = SOURCE_BYTES_MAX;
    code |= ldap_set_option(s->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    code |= ldap_set_option(s->ld, LDAP_OPT_NETWORK_TIMEOUT, &connect);
    code |= ldap_set_option(s->ld, LDAP_OPT_TIMEOUT, &whole);
    code |= ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    code |= ldap_set_option(s->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    code |= ldap_set_option(s->ld, LDAP_OPT_CONNECT_CB, callback);
    if (s->is_tls)
        code |= set_tls(s);
    code |= ldap_get_option(s->ld, LDAP_OPT_SOCKBUF, (void *)&sockbuf);
    if (code == LDAP_SUCCESS && ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &max) != 1)
        code = LDAP_PARAM_ERROR;
    return code;
}

static enum result take_value(LDAP *ld, LDAPMessage *entry, struct buf *ret, struct error *err)
{
    BerElement *at = NULL;
    char *attribute = ldap_first_attribute(ld, entry, &at);
    struct berval **values = attribute ? ldap_get_values_len(ld, entry, attribute) : NULL;
    int count = values ? ldap_count_values_len(values) : 0;
    enum result r = OK;
    if (count != 1)
        r = error_set(err, R_INVALID, "the directory's entry holds %d lists, expected one", count);
    else if (buf_append(ret, slice_make(values[0]->bv_val, values[0]->bv_len)) != OK)
        r = error_set(err, R_LIMIT, "it is larger than %zu bytes", ret->max);
    if (values)
        ldap_value_free_len(values);
    ldap_memfree(attribute);
    ber_free(at, 0);
    return r;
}

static enum result search_list(struct session *s, const LDAPURLDesc *url, struct buf *ret, struct error *err)
{
    static char list[] = "certificateRevocationList;binary";
    char *usual[] = {list, NULL}, *named[] = {url->lud_attrs ? url->lud_attrs[0] : NULL, NULL};
    struct timeval whole = {.tv_sec = SOURCE_WHOLE_S};
    LDAPMessage *answer = NULL;
    int code = ldap_search_ext_s(s->ld, url->lud_dn ? url->lud_dn : "", url->lud_scope,
                                 url->lud_filter ? url->lud_filter : "(objectClass=*)", named[0] ? named : usual, 0,
                                 NULL, NULL, &whole, ENTRIES_MAX, &answer);
    int count = code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED ? ldap_count_entries(s->ld, answer) : 0;
    enum result r;
    if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED)
        r = tell_fault(s, code, err);
    else if (count != 1)
        r = error_set(err, R_NOTFOUND, "the directory has %s entry for it", count ? "more than one" : "no");
    else
        r = take_value(s->ld, ldap_first_entry(s->ld, answer), ret, err);
    ldap_msgfree(answer);
    return r;
}

static enum result ask_server(struct session *s, const LDAPURLDesc *url, struct buf *ret, struct error *err)
{
    char server[600];
    bool v6 = url->lud_host && strchr(url->lud_host, ':');
    struct ldap_conncb callback = {.lc_add = on_connect, .lc_del = on_disconnect, .lc_arg = s};
    if (!url->lud_host || !url->lud_host[0])
        return error_set(err, R_INVALID, "its URL names no directory server");
    (void)snprintf(server, sizeof server, "%s://%s%s%s:%d", url->lud_scheme, v6 ? "[" : "", url->lud_host,
                   v6 ? "]" : "", url->lud_port);
    s->is_tls = strcmp(url->lud_scheme, "ldaps") == 0;
    int code = ldap_initialize(&s->ld, server);
    if (code != LDAP_SUCCESS)
        return tell_fault(s, code, err);
    code = set_options(s, &callback);
    enum result r = code == LDAP_SUCCESS ? search_list(s, url, ret, err) : tell_fault(s, LDAP_PARAM_ERROR, err);
    (void)ldap_unbind_ext_s(s->ld, NULL, NULL);
    return r;
}

enum result directory_fetch(const struct directory_question *q, struct buf *ret, struct error *err)
{
    struct session s = {.question = q};
    LDAPURLDesc *url = NULL;
    if (ldap_url_parse(q->url, &url) != LDAP_URL_SUCCESS)
        return error_set(err, R_INVALID, "its URL is not one of RFC 4516");
    enum result r = ask_server(&s, url, ret, err);
    ldap_free_urldesc(url);
    return r;
}
