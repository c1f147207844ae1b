/* SPDX-License-Identifier: Apache-2.0 */
/* The places, their bound and who gives way; fetching is src/source. Driven by strangers' certificates, so each URL
 * is held against the bundle, and no anchor gets all the room. In its home's loop, but for what its header says. */
#include "gateway/snapshot/pointed_lists.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "digest/digest.h"
#include "net/url.h"
#include "pki/cert/cert.h"
#include "json/json.h"

#define FOLDER "pointed"           /* of the lists */
#define PLACES_FILE "pointed.json" /* where they come from */

enum { LISTS_MAX = BUNDLE_SOURCES_MAX, PLACES_BYTES_MAX = 1024 * 1024 };

struct pointed {
    struct pki_list_place place;
    char id[SOURCE_ID_MAX + 1];
};

struct pointed_lists {
    struct source_set *set;
    char *file;
    struct pointed *list; /* LISTS_MAX places */
    size_t count;
};

/* --- what may be --- */

bool pointed_lists_may(const struct bundle *b, const struct pki_list_place *place, char ret_host[NET_URL_HOST_SIZE])
{
    struct net_url url;
    ret_host[0] = '\0';
    if (place->unfollowed || net_url_parse_with_query(slice_of(place->url), &url, NULL) != OK)
        return false;
    net_url_host(&url, ret_host);
    return bundle_may_fetch(b, place->anchor, slice_of(ret_host));
}

/* --- as sources --- */

#define PREFIX "cdp_"

bool pointed_lists_is(struct slice id)
{
    return slice_starts(id, SLICE(PREFIX));
}

/* No source of the site's own can have this name: theirs hold no '_'. */
static void name_place(const struct pki_list_place *place, char ret[SOURCE_ID_MAX + 1])
{
    char hex[DIGEST_HEX];
    digest_hex_of(slice_of(place->url), hex);
    (void)snprintf(ret, SOURCE_ID_MAX + 1, PREFIX "%.32s", hex);
}

static void apply_places(struct pointed_lists *p)
{
    struct bundle_source *list = mem_array(LISTS_MAX, sizeof *list);
    for (size_t i = 0; i < p->count; i++)
        list[i] = (struct bundle_source){.id = p->list[i].id, .kind = BUNDLE_SOURCE_CRL, .url = p->list[i].place.url};
    source_set_apply(p->set, list, p->count);
    free(list);
}

/* --- kept over a restart --- */

static void keep_places(const struct pointed_lists *p)
{
    json_t *array = json_array();
    struct error err;
    for (size_t i = 0; i < p->count; i++) {
        char anchor[PKI_HASH_HEX];
        anchor[encode_hex(slice_make(p->list[i].place.anchor, PKI_SHA256), anchor)] = '\0';
        (void)json_array_append_new(array, json_pack("{s:s, s:s}", "anchor", anchor, "url", p->list[i].place.url));
    }
    char *text = json_text(array);
    if (file_write(p->file, slice_of(text), 0600, &err) != OK)
        log_msg(LOG_WARN, "source", "where lists are fetched from is not known after a restart: %s", err.text);
    free(text);
    json_decref(array);
}

static void take_place(struct pointed_lists *p, const json_t *o)
{
    struct pointed *x = &p->list[p->count];
    const char *anchor = json_opt_str(o, "anchor", "");
    size_t len = 0;
    if (!decode_hex(slice_of(anchor), x->place.anchor, PKI_SHA256, &len) || len != PKI_SHA256 ||
        !slice_to_cstr(slice_of(json_opt_str(o, "url", "")), x->place.url, sizeof x->place.url))
        return;
    name_place(&x->place, x->id);
    p->count++;
}

static void recall_places(struct pointed_lists *p)
{
    char *text;
    size_t len;
    json_t *array = NULL;
    struct error err;
    if (file_read(p->file, PLACES_BYTES_MAX, &text, &len, &err) != OK)
        return; /* none yet */
    if (json_parse(slice_make(text, len), PLACES_BYTES_MAX, &array, &err) != OK)
        log_msg(LOG_WARN, "source", "%s is not used: %s", p->file, err.text);
    for (size_t i = 0; i < json_array_size(array) && p->count < LISTS_MAX; i++)
        take_place(p, json_array_get(array, i));
    json_decref(array);
    free(text);
}

/* --- which there are --- */

static size_t find_place(const struct pointed_lists *p, const char *id)
{
    size_t i = 0;
    while (i < p->count && strcmp(p->list[i].id, id) != 0)
        i++;
    return i;
}

static size_t held_by(const struct pointed_lists *p, const unsigned char anchor[PKI_SHA256])
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += memcmp(p->list[i].place.anchor, anchor, PKI_SHA256) == 0;
    return n;
}

/* Which one makes room: of the anchor that holds most, one that never gave anything, else its latest. SIZE_MAX:
 * `anchor` itself holds most, and all of its give something. */
static size_t find_to_go(const struct pointed_lists *p, const struct source_state *states, size_t count,
                         const unsigned char anchor[PKI_SHA256])
{
    size_t most = 0, held = 0, ret = SIZE_MAX;
    for (size_t i = 0; i < p->count; i++) {
        size_t n = held_by(p, p->list[i].place.anchor);
        if (n > held) {
            most = i;
            held = n;
        }
    }
    const unsigned char *greedy = p->list[most].place.anchor;
    for (size_t i = 0; i < p->count; i++) {
        if (memcmp(p->list[i].place.anchor, greedy, PKI_SHA256) == 0 && held > held_by(p, anchor))
            ret = i;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = find_place(p, states[i].id);
        if (at < p->count && !states[i].fetched && states[i].failures &&
            memcmp(p->list[at].place.anchor, greedy, PKI_SHA256) == 0)
            return at;
    }
    return ret;
}

/* No anchor's certificates, whoever issues them, can take all the room there is. */
static bool make_room(struct pointed_lists *p, const unsigned char anchor[PKI_SHA256])
{
    if (p->count < LISTS_MAX)
        return true;
    struct source_state *states = mem_array(LISTS_MAX, sizeof *states);
    size_t at = find_to_go(p, states, source_set_states(p->set, states, LISTS_MAX), anchor);
    free(states);
    if (at < p->count)
        p->list[at] = p->list[--p->count];
    return p->count < LISTS_MAX;
}

bool pointed_lists_fails(struct pointed_lists *p, const struct pki_list_place *place, char ret[SOURCE_ERROR_MAX])
{
    char id[SOURCE_ID_MAX + 1];
    name_place(place, id);
    return source_set_fails(p->set, id, ret);
}

void pointed_lists_add(struct pointed_lists *p, const struct pki_list_place *place)
{
    struct pointed x = {.place = *place};
    name_place(place, x.id);
    if (find_place(p, x.id) < p->count)
        return;
    if (!make_room(p, place->anchor)) {
        log_msg(LOG_WARN, "source",
                "%s is not fetched: certificates point to more than %d lists; name it as a source (cmg source add)",
                place->url, LISTS_MAX);
        return;
    }
    LOG_EVENT(LOG_INFO, "source", "a certificate points to a list", LOG_T("source", x.id), LOG_T("url", place->url));
    p->list[p->count++] = x;
    keep_places(p);
    apply_places(p);
}

bool pointed_lists_refresh(struct pointed_lists *p, const struct bundle *b)
{
    size_t kept = 0, before = p->count;
    char host[NET_URL_HOST_SIZE];
    for (size_t i = 0; i < p->count; i++) {
        if (pointed_lists_may(b, &p->list[i].place, host))
            p->list[kept++] = p->list[i];
    }
    p->count = kept;
    if (kept < before)
        keep_places(p);
    apply_places(p);
    return kept < before;
}

void pointed_lists_retry(struct pointed_lists *p)
{
    source_set_retry(p->set);
}

size_t pointed_lists_states(struct pointed_lists *p, struct source_state *ret, size_t max)
{
    size_t count = source_set_states(p->set, ret, max);
    for (size_t i = 0; i < count; i++)
        ret[i].pointed = true;
    return count;
}

static int is_list(const struct dirent *e)
{
    return slice_ends(slice_of(e->d_name), SLICE(".crl"));
}

void pointed_lists_each(const char *state, void (*fn)(void *arg, const char *path), void *arg)
{
    char *folder = file_join(state, FOLDER);
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_list, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = file_join(folder, names[i]->d_name);
        fn(arg, path);
        free(path);
        free(names[i]);
    }
    free(names);
    free(folder);
}

/* --- life --- */

enum result pointed_lists_new(struct loop *loop, const char *state, const struct source_events *events, void *owner,
                              struct pointed_lists **ret, struct error *err)
{
    struct pointed_lists *p = mem_zalloc(sizeof *p);
    char *folder = file_join(state, FOLDER);
    enum result r = source_set_new(loop, folder, events, owner, &p->set, err);
    free(folder);
    if (r != OK) {
        free(p);
        return r;
    }
    p->file = file_join(state, PLACES_FILE);
    p->list = mem_array(LISTS_MAX, sizeof *p->list);
    recall_places(p);
    *ret = p;
    return OK;
}

void pointed_lists_free(struct pointed_lists *p)
{
    if (!p)
        return;
    source_set_free(p->set);
    free(p->list);
    free(p->file);
    free(p);
}
