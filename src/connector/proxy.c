/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy, for whom, and what it is shown: a login by Basic (RFC 7617), out of a file that is read for each
 * connection, so that a changed password needs no restart, or what a program prints for each. */
#include "connector/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "connector/helper.h"
#include "net/proxy_login.h"
#include "net/url.h"

enum { EXEMPT_MAX = 16 * 1024 };

#define AT(member) offsetof(struct connector_proxy, member)

static const struct conf_key keys[] = {
    {.name = "url",
     .kind = CONF_TEXT,
     .offset = AT(url),
     .help = "http://HOST:PORT; none: straight; when absent, that of the environment (https_proxy, HTTPS_PROXY, "
             "all_proxy, ALL_PROXY)"},
    {.name = "user",
     .kind = CONF_TEXT,
     .offset = AT(user),
     .help = "its name for the proxy, where that wants a login (Basic)"},
    {.name = "password_file",
     .kind = CONF_PATH,
     .offset = AT(password_file),
     .help = "file of mode 0600 whose first line is the password; read for each connection"},
    {.name = "command",
     .kind = CONF_PATH,
     .offset = AT(command),
     .use = SANDBOX_READ_ONCE,
     .help =
         "instead of user: program that prints what the proxy is shown, 'Negotiate TOKEN' or the token alone, within "
         "8 s; run for each connection, without shell or argument"},
    {.name = "no_proxy",
     .kind = CONF_TEXTS,
     .offset = AT(no_proxy),
     .help = "gateways that are dialled straight: names, domains (.example.com), networks (10.0.0.0/8); without url, "
             "those of the environment (no_proxy, NO_PROXY)"},
    {0},
};
const struct conf_schema connector_proxy_schema = {"proxy", sizeof(struct connector_proxy), keys};

/* --- which --- */

static char *join_texts(const struct conf_texts *t)
{
    struct buf all;
    buf_init(&all, EXEMPT_MAX);
    for (size_t i = 0; i < t->count; i++)
        (void)!buf_printf(&all, "%s,", t->items[i]);
    char *text = slice_dup(buf_data(&all));
    buf_free(&all);
    return text;
}

static void resolve_environment(struct connector_proxy *p, struct conf_faults *faults)
{
    const char *name, *value = net_proxy_variable(&name);
    struct error err;
    p->of_environment = true;
    p->exempt = slice_dup(slice_of(net_no_proxy_variable()));
    if (value && net_proxy_parse(slice_of(value), &p->at, &err) != OK)
        conf_fault_add(faults, 0, "proxy: the environment's %s: %s; or name another here: proxy: {url: …}, or none",
                       name, err.text);
}

static void resolve_configured(struct connector_proxy *p, struct conf_faults *faults)
{
    struct error err;
    p->exempt = join_texts(&p->no_proxy);
    if (net_proxy_configured(slice_of(p->url), &p->at, &err) != OK)
        conf_fault_of(faults, &p->url, "proxy: url: %s", err.text);
}

static void check_login(const struct connector_proxy *p, struct conf_faults *faults)
{
    struct error err;
    if (p->command && p->user)
        conf_fault_of(faults, &p->command, "proxy: command or user, not both");
    else if (p->command && access(p->command, X_OK) != 0)
        conf_fault_of(faults, &p->command, "proxy: command: %s can't be executed: %s", p->command, strerror(errno));
    else if (!p->user != !p->password_file)
        conf_fault_of(faults, p->user ? &p->user : &p->password_file, "proxy: user and password_file go together");
    else if (p->user && net_proxy_user_check(slice_of(p->user), &err) != OK)
        conf_fault_of(faults, &p->user, "proxy: user: %s", err.text);
    else if (p->password_file && file_check_private(p->password_file, &err) != OK)
        conf_fault_of(faults, &p->password_file, "proxy: password_file: %s", err.text);
}

void connector_proxy_resolve(struct connector_proxy *p, struct conf_faults *faults)
{
    (p->url ? resolve_configured : resolve_environment)(p, faults);
    check_login(p, faults);
}

/* --- the login --- */

enum result connector_proxy_apart(const struct connector_proxy *p, struct error *err)
{
    return p->command && p->at.host[0] ? helper_start(p->command, err) : OK;
}

/* In a thread of its own. */
static enum result authorize(const void *arg, char **ret, struct error *err)
{
    const struct connector_proxy *p = arg;
    if (p->command)
        return helper_ask(p->command, ret, err);
    if (p->password_file)
        return net_proxy_basic_file(p->user, p->password_file, ret, err);
    return net_proxy_basic(p->at.user, slice_of(p->at.password), ret, err);
}

void connector_proxy_to(const struct connector_proxy *p, const char *host, struct http_proxy *ret)
{
    *ret = (struct http_proxy){.port = p->at.port};
    /* The environment is the whole machine's, and this machine as its proxy would see it is another one. */
    bool own = p->of_environment && net_host_loopback(slice_of(host));
    if (!p->at.host[0] || own || net_no_proxy_has(p->exempt, host))
        return;
    (void)snprintf(ret->host, sizeof ret->host, "%s", p->at.host);
    ret->arg = p;
    if (p->command || p->user || p->at.user[0])
        ret->authorize = authorize;
}
