/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a receiver can be used: said when it is added, and not by the first alert that gets lost. Pure. */
#include <stdio.h>
#include <string.h>

#include "net/url.h"
#include "notify/notify.h"

/* Of addresses that go into a mail's head and into SMTP: atoms, one "@", a host (RFC 5321 4.1.2 without quoting). */
static bool good_address(struct slice a)
{
    static const char special[] = "!#$%&'*+-/=?^_`{|}~.";
    size_t ats = 0;
    if (a.len < 3 || a.len > NOTIFY_ADDRESS_MAX || a.ptr[0] == '@' || a.ptr[a.len - 1] == '@')
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char c = a.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '@')
            ats++;
        else if (!letter && (c == '\0' || !strchr(special, c)))
            return false;
    }
    return ats == 1;
}

static bool printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127)
            return false;
    }
    return true;
}

static enum result check_recipients(const char *to, struct error *err)
{
    struct slice rest = slice_of(to);
    size_t count = 0;
    while (rest.ptr) {
        struct slice one = slice_cut(&rest, ' ');
        if (one.len && !good_address(one))
            return error_set(err, R_INVALID, "'%.*s' is no mail address as this takes it: name@host", SLICE_ARG(one));
        count += one.len > 0;
    }
    if (count == 0 || count > NOTIFY_RECIPIENTS_MAX)
        return error_set(err, R_INVALID, "a mail goes to 1 to %d addresses", NOTIFY_RECIPIENTS_MAX);
    return OK;
}

/* scheme://host[:port], judged as one of https, without user, path and query. */
static enum result check_server(const struct notify_receiver *to, const char *scheme, struct net_url *ret,
                                struct error *err)
{
    char as_https[NOTIFY_URL_MAX + 16];
    (void)snprintf(as_https, sizeof as_https, "https://%s", to->url + strlen(scheme));
    if (net_url_parse(slice_of(as_https), ret, NULL) != OK || strcmp(ret->path, "/") != 0)
        return error_set(err, R_INVALID, "the mail server is named as smtp://HOST[:PORT] or smtps://HOST[:PORT]");
    return OK;
}

static enum result check_mail(const struct notify_receiver *to, struct error *err)
{
    struct net_url url;
    bool smtps = strncmp(to->url, "smtps://", 8) == 0;
    if (!smtps && strncmp(to->url, "smtp://", 7) != 0)
        return error_set(err, R_INVALID, "the mail server is named as smtp://HOST[:PORT] or smtps://HOST[:PORT]");
    enum result r = check_server(to, smtps ? "smtps://" : "smtp://", &url, err);
    if (r == OK && !good_address(slice_of(to->from)))
        r = error_set(err, R_INVALID, "'%.100s' is no mail address to send from: name@host", to->from);
    if (r == OK)
        r = check_recipients(to->to, err);
    if (r == OK && smtps && to->plain)
        r = error_set(err, R_INVALID, "smtps:// is never plain");
    if (r == OK && to->plain && strcmp(to->auth, "login") == 0 && !net_host_loopback(slice_of(url.host)))
        r = error_set(err, R_INVALID, "a login is sent over TLS alone: leave --plain out");
    return r;
}

static enum result check_webhook(const struct notify_receiver *to, struct error *err)
{
    struct net_url url;
    enum result r = net_url_parse_with_query(slice_of(to->url), &url, err);
    if (r != OK)
        return error_prefix(err, "the webhook's URL");
    if (strcmp(url.scheme, "https") != 0 && !net_host_loopback(slice_of(url.host)))
        return error_set(err, R_INVALID, "a webhook is https://…; http:// goes to this very machine alone");
    return OK;
}

/* X: a kind, its way to log in. */
static const struct {
    const char *kind, *auth;
    bool user;
} ways[] = {{"webhook", "none", false},
            {"webhook", "bearer", false},
            {"webhook", "hmac", false},
            {"mail", "none", false},
            {"mail", "login", true}};

static enum result check_way(const struct notify_receiver *to, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (strcmp(ways[i].kind, to->kind) != 0 || strcmp(ways[i].auth, to->auth) != 0)
            continue;
        bool none = strcmp(to->auth, "none") == 0;
        if (none != (to->secret[0] == '\0') || ways[i].user != (to->user[0] != '\0'))
            return error_set(err, R_INVALID, "'%s' %s", to->auth,
                             none           ? "goes without a secret"
                             : ways[i].user ? "wants a user and a secret"
                                            : "wants a secret");
        return OK;
    }
    return error_set(err, R_INVALID, "a receiver is of kind webhook (auth none, bearer, hmac) or mail (none, login)");
}

enum result notify_check(const struct notify_receiver *to, struct error *err)
{
    enum result r = check_way(to, err);
    if (r == OK && (strlen(to->url) > NOTIFY_URL_MAX || !printable(to->url)))
        r = error_set(err, R_INVALID, "a URL has %d printable characters at most", NOTIFY_URL_MAX);
    if (r == OK && (strlen(to->secret) > NOTIFY_SECRET_MAX || !printable(to->secret) || !printable(to->user)))
        r = error_set(err, R_INVALID, "user and secret are of printable characters, a secret of %d at most",
                      NOTIFY_SECRET_MAX);
    if (r != OK)
        return r;
    return strcmp(to->kind, "mail") == 0 ? check_mail(to, err) : check_webhook(to, err);
}
