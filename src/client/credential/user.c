/* SPDX-License-Identifier: Apache-2.0 */
/* user.json in and out; its secrets are wiped. */
#include "client/credential/user.h"

#include "client/state/identity.h"
#include "client/state/private.h"
#include "web/outcome.h"
#include "web/signed.h"

void client_user_free(struct client_user *u)
{
    client_secret_set(&u->token, NULL);
    client_secret_set(&u->refresh, NULL);
    client_secret_set(&u->site_token, NULL);
    *u = (struct client_user){0};
}

static enum result read_all(const json_t *o, struct client_user *ret, struct error *err)
{
    static const struct client_member members[] = {{"name", JSON_STRING},
                                                   {"refresh_token", JSON_STRING},
                                                   {"site_token", JSON_STRING},
                                                   {"expires", JSON_INTEGER},
                                                   {"site_expires", JSON_INTEGER},
                                                   {"site_device", JSON_STRING},
                                                   {0}};
    const char *token;
    enum result r = client_private_check(o, members, err);
    if (r == OK)
        r = json_need_str(o, "token", &token, err);
    if (r != OK)
        return r;
    if (!web_token_valid(slice_of(token)))
        return error_set(err, R_INVALID, "'token' is no token");
    web_text_clean(slice_of(json_opt_str(o, "name", "")), ret->name, sizeof ret->name);
    client_secret_set(&ret->token, token);
    client_secret_set(&ret->refresh, json_opt_str(o, "refresh_token", NULL));
    client_secret_set(&ret->site_token, json_opt_str(o, "site_token", NULL));
    ret->expires = json_opt_int(o, "expires", 0);
    ret->site_expires = json_opt_int(o, "site_expires", 0);
    if (!slice_to_cstr(slice_of(json_opt_str(o, "site_device", "")), ret->site_device, sizeof ret->site_device))
        return error_set(err, R_INVALID, "'site_device' is no GUID");
    return OK;
}

enum result client_user_load(const char *dir, struct client_user *ret, struct error *err)
{
    json_t *root;
    *ret = (struct client_user){0};
    enum result r = client_private_load(dir, "user.json", &root, err);
    if (r == OK && root && (r = read_all(root, ret, err)) != OK)
        (void)error_prefix(err, "%s/user.json", dir);
    if (r != OK)
        client_user_free(ret);
    json_decref(root);
    return r;
}

enum result client_user_save(const char *dir, const struct client_user *u, struct error *err)
{
    json_t *root =
        json_pack("{s:s, s:s, s:s*, s:s*, s:I, s:I, s:s*}", "name", u->name, "token", u->token, "refresh_token",
                  u->refresh, "site_token", u->site_token, "expires", (json_int_t)u->expires, "site_expires",
                  (json_int_t)u->site_expires, "site_device", *u->site_device ? u->site_device : NULL);
    enum result r = client_private_save(dir, "user.json", root, err);
    json_decref(root);
    return r;
}
