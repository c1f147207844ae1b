/* SPDX-License-Identifier: Apache-2.0 */
/* Named sources: of the bundle, which hides the URLs of those that a connector fetches, and of the connector document,
 * which holds them. */
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum { URL_MAX = 2048, CA_MAX = 64 * 1024 };

static const char *const kinds[] = {[BUNDLE_SOURCE_CRL] = "crl",
                                    [BUNDLE_SOURCE_OCSP] = "ocsp",
                                    [BUNDLE_SOURCE_JWKS] = "jwks",
                                    [BUNDLE_SOURCE_OIDC] = "oidc"};

const char *bundle_source_kind_name(enum bundle_source_kind kind)
{
    return kinds[kind];
}

bool bundle_source_kind_parse(struct slice name, enum bundle_source_kind *ret)
{
    size_t i;
    bool known = slice_word(name, kinds, ARRAY_LEN(kinds), &i);
    if (known)
        *ret = (enum bundle_source_kind)i;
    return known;
}

bool bundle_source_gives_keys(enum bundle_source_kind kind)
{
    return kind == BUNDLE_SOURCE_JWKS || kind == BUNDLE_SOURCE_OIDC;
}

/* What each scheme can carry, and from where. */
static const struct {
    struct slice prefix;
    bool inside_only, crl_only;
} schemes[] = {{{"https://", 8}, false, false},
               {{"http://", 7}, false, false},
               {{"ldap://", 7}, true, true},
               {{"ldaps://", 8}, true, true},
               {{"file:///", 8}, true, true}};

static bool characters_ok(struct slice rest)
{
    struct slice authority = slice_cut(&rest, '/');
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] <= 0x20 || rest.ptr[i] > 0x7e || strchr("\\\"<>^`{|}#", rest.ptr[i]))
            return false;
    }
    for (size_t i = 0; i < authority.len; i++) {
        if (authority.ptr[i] <= 0x20 || authority.ptr[i] > 0x7e || strchr("\\\"<>^`{|}#@?%", authority.ptr[i]))
            return false;
    }
    return true;
}

static enum result check_url(const struct bundle_source *s, bool by_gateway, struct error *err)
{
    struct slice url = slice_of(s->url);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!slice_starts_nocase(url, schemes[i].prefix))
            continue;
        struct slice rest = slice_skip(url, schemes[i].prefix.len);
        if (by_gateway && schemes[i].inside_only)
            return error_set(err, R_INVALID, "a gateway itself fetches http and https alone; use via connector");
        if (schemes[i].crl_only && s->kind != BUNDLE_SOURCE_CRL)
            return error_set(err, R_INVALID, "a source of kind %s is fetched over http or https", kinds[s->kind]);
        if (rest.len && rest.ptr[0] != '?' && characters_ok(rest))
            return OK;
    }
    return error_set(err, R_INVALID,
                     "member 'url' is http://, https://, ldap://, ldaps:// or file:///, printable ASCII without user "
                     "and fragment");
}

static enum result read_kind(const json_t *o, enum bundle_source_kind *ret, struct error *err)
{
    const char *word;
    enum result r = json_need_str(o, "kind", &word, err);
    if (r == OK && !bundle_source_kind_parse(slice_of(word), ret))
        r = error_set(err, R_INVALID, "member 'kind' is one of crl, ocsp, jwks, oidc");
    return r;
}

static enum result read_source(struct arena *a, const json_t *o, bool for_connector, struct bundle_source *s,
                               struct error *err)
{
    enum result r = member_id(a, o, "id", MEMBER_PEER_ID, false, &s->id, err);
    if (r == OK)
        r = read_kind(o, &s->kind, err);
    if (r == OK)
        r = member_text(a, o, "url", URL_MAX, NULL, &s->url, err);
    if (r == OK)
        r = member_text(a, o, "ca_pem", CA_MAX, NULL, &s->ca_pem, err);
    if (r == OK && !s->url && for_connector)
        r = error_set(err, R_INVALID, "member 'url' is missing");
    if (r == OK && s->url)
        r = check_url(s, !for_connector, err);
    return r == OK ? member_int(o, "refresh_s", 0, BUNDLE_REFRESH_MAX_S, 0, &s->refresh_s, err) : r;
}

static bool stands_twice(const struct bundle_source *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, list[count].id) == 0)
            return true;
    }
    return false;
}

enum result bundle_read_sources(struct arena *a, const json_t *content, bool for_connector,
                                const struct bundle_source **ret, size_t *ret_count, struct error *err)
{
    json_t *array;
    void *room;
    enum result r = member_array(content, "sources", BUNDLE_SOURCES_MAX, &array, err);
    if (r == OK)
        r = member_room(a, json_array_size(array), sizeof **ret, &room, err);
    if (r != OK)
        return r;
    struct bundle_source *list = room;
    for (size_t i = 0; i < json_array_size(array) && r == OK; i++) {
        r = read_source(a, json_array_get(array, i), for_connector, &list[i], err);
        if (r == OK && stands_twice(list, i))
            r = error_set(err, R_INVALID, "id '%s' stands twice", list[i].id);
        if (r != OK)
            (void)error_prefix(err, "sources[%zu]", i);
    }
    *ret = list;
    *ret_count = json_array_size(array);
    return r;
}
