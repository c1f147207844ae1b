/* SPDX-License-Identifier: Apache-2.0 */
/* Login by Basic out of a file, or by a program of the administrator's, asked for each request. */
#include "client/credential/proxy.h"

#include <stdlib.h>

#include "client/apart.h"
#include "client/state/identity.h"
#include "net/proxy.h"
#include "net/proxy_login.h"
#include "web/proxy.h"

enum { COMMAND_LIMIT_S = 30 };

static struct {
    struct web_proxy proxy;
    char *url, *no_proxy, *user, *password_file, *command;
} used;

static enum result by_command(char **ret, struct error *err)
{
    const struct program p = {.path = used.command, .limit_s = COMMAND_LIMIT_S, .output_max = NET_PROXY_LOGIN_MAX};
    char *said = NULL;
    enum result r = client_apart_command(&p, &said, err);
    if (r == OK)
        r = net_proxy_printed(used.command, slice_of(said), ret, err);
    client_secret_set(&said, NULL);
    return r;
}

static enum result authorize(void *arg, char **ret, struct error *err)
{
    (void)arg;
    return used.command ? by_command(ret, err) : net_proxy_basic_file(used.user, used.password_file, ret, err);
}

static char *copy_of(const struct client_settings *s, enum client_setting which)
{
    const char *value = client_setting(s, which);
    return value ? slice_dup(slice_of(value)) : NULL;
}

static void forget(void)
{
    web_proxy_use(NULL);
    free(used.url);
    free(used.no_proxy);
    free(used.user);
    free(used.password_file);
    free(used.command);
    memset(&used, 0, sizeof used);
}

void client_proxy_use(const struct client_settings *s)
{
    forget();
    if (!s)
        return;
    used.url = copy_of(s, SETTING_PROXY);
    used.no_proxy = copy_of(s, SETTING_NO_PROXY);
    used.user = copy_of(s, SETTING_PROXY_USER);
    used.password_file = copy_of(s, SETTING_PROXY_PASSWORD_FILE);
    used.command = copy_of(s, SETTING_PROXY_COMMAND);
    used.proxy = (struct web_proxy){.url = used.url, .no_proxy = used.no_proxy};
    if (used.url && strcmp(used.url, NET_PROXY_NONE) == 0)
        used.proxy.url = "";
    if (used.command || (used.user && used.password_file))
        used.proxy.authorize = authorize;
    web_proxy_use(&used.proxy);
}
