/* SPDX-License-Identifier: Apache-2.0 */
/* Trusts made of files and folders instead of a site, kept by the question that asked for them: anchors, intermediates,
 * revocation lists. Owns what it read; judging is pki's. */
#include "ctl/check/cert_trust.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/check/check.h"
#include "ctl/files.h"

enum { TRUSTS_MAX = 256, FILE_MAX = 512 * 1024 * 1024 };

struct cert_trusts {
    json_t *places; /* question → its place in `made` */
    struct cert_trust made[TRUSTS_MAX];
    size_t count;
};

struct cert_trusts *cert_trusts_new(void)
{
    struct cert_trusts *t = mem_zalloc(sizeof *t);
    t->places = json_object();
    return t;
}

static void forget(struct cert_trusts *t)
{
    for (size_t i = 0; i < t->count; i++) {
        pki_trust_unref(t->made[i].trust);
        json_decref(t->made[i].warnings);
    }
    t->count = 0;
    (void)json_object_clear(t->places);
}

void cert_trusts_free(struct cert_trusts *t)
{
    if (!t)
        return;
    forget(t);
    json_decref(t->places);
    free(t);
}

/* --- files --- */

typedef enum result add_fn(struct pki_trust *t, struct slice data, struct error *err);

struct adding {
    const struct cert_trust *to;
    add_fn *add;
};

static void warn(const struct cert_trust *t, const char *where, struct slice text)
{
    json_t *line =
        where[0] ? json_sprintf("%s: %.*s", where, (int)text.len, text.ptr) : json_stringn(text.ptr, text.len);
    (void)json_array_append_new(t->warnings, line ? line : json_string("a text that is no UTF-8"));
}

static enum result add_file(void *arg, const char *path, struct error *err)
{
    const struct adding *a = arg;
    char *data;
    size_t len;
    enum result r = file_read_text(path, FILE_MAX, &data, &len, err);
    if (r != OK)
        return r;
    struct error why = {0};
    if (a->add(a->to->trust, slice_make(data, len), &why) != OK)
        warn(a->to, path, slice_of(why.text));
    free(data);
    return OK;
}

static enum result add_path(struct adding *a, const json_t *path, struct error *err)
{
    if (!json_is_string(path))
        return error_set(err, R_INVALID, "a path must be a string");
    return ctl_files_each(json_string_value(path), add_file, a, err);
}

static enum result add_all(const struct cert_trust *t, const json_t *paths, add_fn *add, struct error *err)
{
    struct adding a = {t, add};
    enum result r = OK;
    if (!paths || json_is_null(paths))
        return OK;
    if (!json_is_array(paths))
        return add_path(&a, paths, err);
    for (size_t i = 0; i < json_array_size(paths) && r == OK; i++)
        r = add_path(&a, json_array_get(paths, i), err);
    return r;
}

/* --- making --- */

static enum result read_options(const json_t *c, struct pki_trust_options *ret, struct error *err)
{
    const char *purpose = json_opt_str(c, "purpose", "client");
    bool strength = true;
    *ret = (struct pki_trust_options){.crl_check = true};
    if (strcmp(purpose, "client") != 0 && strcmp(purpose, "any") != 0)
        return error_set(err, R_INVALID, "'purpose' must be client or any");
    ret->any_purpose = strcmp(purpose, "any") == 0;
    enum result r = check_switch_of(c, "crl_check", &ret->crl_check, err);
    if (r == OK)
        r = check_switch_of(c, "minimum_strength", &strength, err);
    ret->any_strength = !strength;
    return r;
}

static void add_warnings(const struct cert_trust *t, const char *text)
{
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len > 0)
            warn(t, "", line);
    }
}

static enum result make_trust(const json_t *c, struct cert_trust *ret, struct error *err)
{
    struct pki_trust_options o;
    enum result r = read_options(c, &o, err);
    if (r != OK)
        return r;
    *ret = (struct cert_trust){pki_trust_new(&o), json_array()};
    if (!json_object_get(c, "anchors"))
        r = error_set(err, R_INVALID, "--anchors is missing: which certificates are trusted?");
    if (r == OK)
        r = add_all(ret, json_object_get(c, "anchors"), pki_trust_add_anchors, err);
    if (r == OK)
        r = add_all(ret, json_object_get(c, "intermediates"), pki_trust_add_intermediates, err);
    if (r == OK)
        r = add_all(ret, json_object_get(c, "crl"), pki_trust_add_crl, err);
    if (r == OK)
        r = add_all(ret, json_object_get(c, "ocsp"), pki_trust_add_ocsp, err);
    char *warnings = NULL;
    pki_trust_seal(ret->trust, &warnings);
    if (warnings)
        add_warnings(ret, warnings);
    free(warnings);
    if (r != OK) {
        pki_trust_unref(ret->trust);
        json_decref(ret->warnings);
    }
    return r;
}

/* What the trust depends on, as text. */
static char *question_of(const json_t *c)
{
    static const char *const members[] = {"anchors", "intermediates",   "crl", "ocsp", "crl_check",
                                          "purpose", "minimum_strength"};
    json_t *o = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        json_t *v = json_object_get(c, members[i]);
        if (v)
            (void)json_object_set(o, members[i], v);
    }
    char *text = json_text(o);
    json_decref(o);
    return text;
}

enum result cert_trusts_get(struct cert_trusts *t, const json_t *c, const struct cert_trust **ret, struct error *err)
{
    char *question = question_of(c);
    const json_t *place = json_object_get(t->places, question);
    enum result r = OK;
    if (place) {
        *ret = &t->made[json_integer_value(place)];
    } else {
        if (t->count == TRUSTS_MAX)
            forget(t);
        r = make_trust(c, &t->made[t->count], err);
        if (r == OK) {
            *ret = &t->made[t->count];
            (void)json_object_set_new(t->places, question, json_integer((json_int_t)t->count++));
        }
    }
    free(question);
    return r;
}
