/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy that was chosen, or that of the environment as libcurl would choose it, to name it in words; the choice
 * among the latter stays libcurl's. */
#include "web/proxy.h"

#include <stdio.h>

#include "net/proxy.h"
#include "web/outcome.h"

static const struct web_proxy environments;
static const struct web_proxy *chosen = &environments;

void web_proxy_use(const struct web_proxy *proxy)
{
    chosen = proxy ? proxy : &environments;
}

const struct web_proxy *web_proxy_used(void)
{
    return chosen;
}

/* What stands before '@' is a secret. */
static struct slice without_user(struct slice url, struct slice *ret_scheme)
{
    size_t at = slice_find_slice(url, SLICE("://"));
    *ret_scheme = at == SIZE_MAX ? SLICE("") : slice_make(url.ptr, at + 3);
    struct slice rest = slice_skip(url, ret_scheme->len);
    for (size_t i = rest.len; i > 0; i--) {
        if (rest.ptr[i - 1] == '@')
            return slice_skip(rest, i);
    }
    return rest;
}

static const char *no_proxy(void)
{
    if (chosen->no_proxy)
        return chosen->no_proxy;
    return chosen->url ? "" : net_no_proxy_variable();
}

bool web_proxy_of(const char *host, char *ret, size_t size)
{
    const char *name = "Proxy", *value = chosen->url ? chosen->url : net_proxy_variable(&name);
    char text[320];
    ret[0] = '\0';
    if (!value || !*value || net_no_proxy_has(no_proxy(), host))
        return false;
    struct slice scheme, rest = without_user(slice_of(value), &scheme);
    (void)snprintf(text, sizeof text, "%s=%.*s%.*s", name, (int)(scheme.len < 32 ? scheme.len : 32), scheme.ptr,
                   (int)(rest.len < 200 ? rest.len : 200), rest.ptr);
    web_text_clean(slice_of(text), ret, size);
    return true;
}

void web_proxy_tell_login(const char *proxy, const char *challenges, struct error *ret)
{
    (void)error_set(ret, R_DENIED, "the proxy wants a login, and was given none or a wrong one: %s (407; it takes %s)",
                    proxy, *challenges ? challenges : "what it does not say");
    error_remedy(ret,
                 *challenges && !strcasestr(challenges, "Basic")
                     ? "let a program of yours log in (cmg-client set ProxyCommand=PROGRAM), for no other method than "
                       "Basic is spoken here; or let the proxy pass the gateway's name and port without a login; or "
                       "name the gateway in no_proxy, where no proxy is needed"
                     : "give the proxy's user and password, in the variable that is named percent-encoded "
                       "(http://USER:PASSWORD@HOST:PORT), else by cmg-client set ProxyUser=… ProxyPasswordFile=…, or "
                       "correct them there; or let the proxy pass the gateway's name and port without a login; or "
                       "name the gateway in no_proxy, where no proxy is needed");
}
