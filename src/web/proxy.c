/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy of the environment as libcurl would choose it, to name it in words; the choice itself stays libcurl's. */
#include "web/proxy.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/outcome.h"

static const char *first_of(const char *const *names, size_t count, const char **ret_name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            *ret_name = names[i];
            return value;
        }
    }
    return NULL;
}

/* "example.com" and ".example.com" both name the domain and every host in it. */
static bool names(struct slice entry, struct slice host)
{
    while (entry.len && entry.ptr[0] == '.')
        entry = slice_skip(entry, 1);
    if (entry.len == 0 || entry.len > host.len)
        return false;
    struct slice end = slice_skip(host, host.len - entry.len);
    return slice_eq_nocase(end, entry) && (end.ptr == host.ptr || end.ptr[-1] == '.');
}

static bool is_exempt(struct slice host)
{
    static const char *const variables[] = {"no_proxy", "NO_PROXY"};
    const char *name, *value = first_of(variables, ARRAY_LEN(variables), &name);
    struct slice rest = slice_of(value ? value : "");
    if (slice_eq(slice_trim(rest), SLICE("*")))
        return true;
    while (rest.ptr) {
        struct slice some = slice_cut(&rest, ',');
        while (some.ptr) {
            if (names(slice_trim(slice_cut(&some, ' ')), host))
                return true;
        }
    }
    return false;
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

bool web_proxy_of(const char *host, char *ret, size_t size)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *name, *value = first_of(variables, ARRAY_LEN(variables), &name);
    char text[320];
    ret[0] = '\0';
    if (!value || is_exempt(slice_of(host)))
        return false;
    struct slice scheme, rest = without_user(slice_of(value), &scheme);
    (void)snprintf(text, sizeof text, "%s=%.*s%.*s", name, (int)(scheme.len < 32 ? scheme.len : 32), scheme.ptr,
                   (int)(rest.len < 200 ? rest.len : 200), rest.ptr);
    web_text_clean(slice_of(text), ret, size);
    return true;
}

void web_proxy_tell_login(const char *proxy, long methods, struct error *ret)
{
    static const struct {
        unsigned long method;
        const char *name;
    } known[] = {{CURLAUTH_BASIC, "Basic"},
                 {CURLAUTH_DIGEST, "Digest"},
                 {CURLAUTH_NTLM, "NTLM"},
                 {CURLAUTH_NEGOTIATE, "Negotiate"}};
    char taken[64] = "";
    for (size_t i = 0, used = 0; i < ARRAY_LEN(known); i++) {
        if ((unsigned long)methods & known[i].method)
            used += (size_t)snprintf(taken + used, sizeof taken - used, "%s%s", used ? ", " : "", known[i].name);
    }
    (void)error_set(ret, R_DENIED, "the proxy wants a login, and was given none or a wrong one: %s (407; it takes %s)",
                    proxy, *taken ? taken : "what it does not say");
    error_remedy(ret, *taken && !((unsigned long)methods & CURLAUTH_BASIC)
                          ? "let the proxy pass the gateway's name and port without a login, or take Basic for it: no "
                            "other method is spoken here; or name the gateway in no_proxy, where no proxy is needed"
                          : "give the proxy's user and password, percent-encoded, in the variable that is named "
                            "(http://USER:PASSWORD@HOST:PORT), or correct them there; or let the proxy pass the "
                            "gateway's name and port without a login; or name the gateway in no_proxy, where no proxy "
                            "is needed");
}
