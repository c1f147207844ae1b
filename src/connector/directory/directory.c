/* SPDX-License-Identifier: Apache-2.0 */
/* From a URL to the one list that it names. It blocks, so it belongs into a thread of the pool; it owns its sessions
 * and shares nothing of them. */
#include "connector/directory/directory.h"

#include <stdio.h>
#include <string.h>

#include "connector/directory/bind.h"
#include "connector/directory/fault.h"

enum { ENTRIES_MAX = 2 };

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

static enum result search_list(struct directory_session *s, const LDAPURLDesc *url, struct buf *ret, struct error *err)
{
    static char list[] = "certificateRevocationList;binary";
    char *usual[] = {list, NULL}, *named[] = {url->lud_attrs ? url->lud_attrs[0] : NULL, NULL};
    LDAPMessage *answer = NULL;
    int code = ldap_search_ext_s(s->ld, url->lud_dn ? url->lud_dn : "", url->lud_scope,
                                 url->lud_filter ? url->lud_filter : "(objectClass=*)", named[0] ? named : usual, 0,
                                 NULL, NULL, &s->whole, ENTRIES_MAX, &answer);
    int count = code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED ? ldap_count_entries(s->ld, answer) : 0;
    enum result r;
    if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED)
        r = directory_fault(s, code, err);
    else if (count != 1)
        r = error_set(err, R_NOTFOUND, "the directory has %s entry for it", count ? "more than one" : "no");
    else
        r = take_value(s->ld, ldap_first_entry(s->ld, answer), ret, err);
    ldap_msgfree(answer);
    return r;
}

static enum result ask_server(struct directory_session *s, const LDAPURLDesc *url, struct buf *ret, struct error *err)
{
    enum result r = directory_session_open(s, err);
    if (r == OK)
        r = directory_bind(s, err);
    if (r == OK)
        r = search_list(s, url, ret, err);
    if (!directory_session_close(s) || r == OK)
        return r;
    s->not_reached = true;
    return error_set(err, R_TIMEOUT, "the directory can't be asked: it did not answer within %lld s",
                     (long long)s->whole.tv_sec);
}

static struct timeval share_of(const struct directory_question *q, size_t servers)
{
    unsigned whole = q->whole_s ? q->whole_s : SOURCE_WHOLE_S, share = whole / (unsigned)servers;
    return (struct timeval){.tv_sec = share ? share : 1};
}

static enum result ask_named(const struct directory_question *q, const LDAPURLDesc *url, struct buf *ret,
                             struct error *err)
{
    char server[600];
    bool v6 = strchr(url->lud_host, ':');
    struct directory_session s = {.question = q, .server = server, .whole = share_of(q, 1)};
    (void)snprintf(server, sizeof server, "%s://%s%s%s:%d", url->lud_scheme, v6 ? "[" : "", url->lud_host,
                   v6 ? "]" : "", url->lud_port);
    return ask_server(&s, url, ret, err);
}

/* Whatever a server answers holds for all; one that can't be reached says nothing. */
static enum result ask_own(const struct directory_question *q, const LDAPURLDesc *url, struct buf *ret,
                           struct error *err)
{
    size_t count = q->settings ? q->settings->servers.count : 0;
    for (size_t i = 0; i < count; i++) {
        struct directory_session s = {
            .question = q, .server = q->settings->servers.items[i], .whole = share_of(q, count), .is_own = true};
        enum result r = ask_server(&s, url, ret, err);
        if (r == OK || !s.not_reached)
            return r;
        if (i + 1 == count)
            return count == 1
                       ? r
                       : error_prefix(err, "none of the %zu servers of 'directory' answers, the last one", count);
    }
    return error_set(
        err, R_NOTFOUND,
        "its URL names no server, and connector.yaml names none: set 'directory: {servers: [ldaps://HOST]}' "
        "there, or write the directory's host into the URL");
}

enum result directory_fetch(const struct directory_question *q, struct buf *ret, struct error *err)
{
    LDAPURLDesc *url = NULL;
    if (ldap_url_parse(q->url, &url) != LDAP_URL_SUCCESS)
        return error_set(err, R_INVALID, "its URL is not one of RFC 4516");
    enum result r = url->lud_host && url->lud_host[0] ? ask_named(q, url, ret, err) : ask_own(q, url, ret, err);
    ldap_free_urldesc(url);
    return r;
}
