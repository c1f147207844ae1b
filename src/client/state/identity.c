/* SPDX-License-Identifier: Apache-2.0 */
/* identity.json in and out. */
#include "client/state/identity.h"

#include <stdlib.h>

#include "base/mem.h"
#include "client/state/private.h"

void client_secret_set(char **secret, const char *value)
{
    char *next = value ? mem_strdup(value) : NULL;
    if (*secret)
        mem_free_secret(*secret, strlen(*secret));
    *secret = next;
}

void client_identity_free(struct client_identity *id)
{
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        client_secret_set(&id->of[i].device_token, NULL);
        client_secret_set(&id->of[i].access_token, NULL);
    }
    client_secret_set(&id->bulk_token, NULL);
    *id = (struct client_identity){0};
}

static bool text(const json_t *o, const char *name, char *ret, size_t size)
{
    return slice_to_cstr(slice_of(json_opt_str(o, name, "")), ret, size);
}

static enum result read_registration(const json_t *o, struct client_registration *ret, struct error *err)
{
    static const struct client_member members[] = {{"guid", JSON_STRING},
                                                   {"key_id", JSON_STRING},
                                                   {"pending", JSON_TRUE},
                                                   {"device_token", JSON_STRING},
                                                   {"access_token", JSON_STRING},
                                                   {"device_token_expires", JSON_INTEGER},
                                                   {"device_token_renew", JSON_INTEGER},
                                                   {"access_token_expires", JSON_INTEGER},
                                                   {0}};
    enum result r = client_private_check(o, members, err);
    if (r != OK)
        return r;
    if (!text(o, "guid", ret->guid, sizeof ret->guid) || (*ret->guid && !guid_valid(slice_of(ret->guid))))
        return error_set(err, R_INVALID, "'guid' is no GUID");
    if (!text(o, "key_id", ret->key_id, sizeof ret->key_id))
        return error_set(err, R_INVALID, "'key_id' is too long");
    ret->pending = json_opt_bool(o, "pending", false);
    client_secret_set(&ret->device_token, json_opt_str(o, "device_token", NULL));
    client_secret_set(&ret->access_token, json_opt_str(o, "access_token", NULL));
    ret->device_expires = json_opt_int(o, "device_token_expires", 0);
    ret->device_renew = json_opt_int(o, "device_token_renew", 0);
    ret->access_expires = json_opt_int(o, "access_token_expires", 0);
    return OK;
}

static enum result read_all(const json_t *root, struct client_identity *ret, struct error *err)
{
    static const struct client_member members[] = {
        {"method", JSON_STRING}, {"others", JSON_OBJECT},      {"bulk_token", JSON_STRING},  {"role", JSON_STRING},
        {"mode", JSON_STRING},   {"hardware_id", JSON_STRING}, {"cloned_from", JSON_STRING}, {0}};
    const char *method = json_opt_str(root, "method", NULL);
    const json_t *others = json_object_get(root, "others");
    enum result r = client_private_check(root, members, err);
    if (r != OK)
        return r;
    client_secret_set(&ret->bulk_token, json_opt_str(root, "bulk_token", NULL));
    if (!text(root, "role", ret->role, sizeof ret->role) || !text(root, "mode", ret->mode, sizeof ret->mode))
        return error_set(err, R_INVALID, "'role' or 'mode' is too long");
    if (!text(root, "hardware_id", ret->hardware_id, sizeof ret->hardware_id) ||
        !text(root, "cloned_from", ret->cloned_from, sizeof ret->cloned_from))
        return error_set(err, R_INVALID, "'hardware_id' or 'cloned_from' is too long");
    if (method) {
        if (!choices_client_parse(slice_of(method), &ret->method))
            return error_set(err, R_INVALID, "'method' is none of pki, entra, token");
        ret->any = true;
        r = read_registration(root, &ret->of[ret->method], err);
    }
    for (size_t i = 0; i < CHOICE_CLIENTS && r == OK; i++) {
        const json_t *other = json_object_get(others, choices_client_name((enum choice_client)i));
        if (other && !(ret->any && i == (size_t)ret->method))
            r = read_registration(other, &ret->of[i], err);
    }
    return r;
}

enum result client_identity_load(const char *state, struct client_identity *ret, struct error *err)
{
    json_t *root;
    *ret = (struct client_identity){0};
    enum result r = client_private_load(state, "identity.json", &root, err);
    if (r == OK && root && (r = read_all(root, ret, err)) != OK)
        (void)error_prefix(err, "%s/identity.json", state);
    if (r != OK)
        client_identity_free(ret);
    json_decref(root);
    return r;
}

static void put_member(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("the identity can't be put into JSON");
}

static void put_text(json_t *o, const char *name, const char *value)
{
    if (value && *value)
        put_member(o, name, json_string(value));
}

static void put_registration(json_t *o, const struct client_registration *r)
{
    put_text(o, "guid", r->guid);
    put_text(o, "key_id", r->key_id);
    if (r->pending)
        put_member(o, "pending", json_true());
    put_text(o, "device_token", r->device_token);
    if (r->device_token) {
        put_member(o, "device_token_expires", json_integer(r->device_expires));
        put_member(o, "device_token_renew", json_integer(r->device_renew));
    }
    put_text(o, "access_token", r->access_token);
    if (r->access_token)
        put_member(o, "access_token_expires", json_integer(r->access_expires));
}

enum result client_identity_save(const char *state, const struct client_identity *id, struct error *err)
{
    json_t *root = json_object(), *others = json_object();
    put_text(root, "bulk_token", id->bulk_token);
    put_text(root, "role", id->role);
    put_text(root, "mode", id->mode);
    put_text(root, "hardware_id", id->hardware_id);
    put_text(root, "cloned_from", id->cloned_from);
    if (id->any) {
        put_text(root, "method", choices_client_name(id->method));
        put_registration(root, &id->of[id->method]);
    }
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        if (!*id->of[i].guid || (id->any && i == (size_t)id->method))
            continue;
        json_t *other = json_object();
        put_registration(other, &id->of[i]);
        put_member(others, choices_client_name((enum choice_client)i), other);
    }
    put_member(root, "others", others);
    enum result r = client_private_save(state, "identity.json", root, err);
    json_decref(root);
    return r;
}

void client_registration_drop_tokens(struct client_registration *r)
{
    client_secret_set(&r->device_token, NULL);
    client_secret_set(&r->access_token, NULL);
}
