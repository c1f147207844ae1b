/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: libyaml makes a tree of nodes with line numbers; the schema's tables walk it. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "conf/units.h"

enum { DEPTH_MAX = 8, ITEMS_MAX = 1024 };

struct loading {
    yaml_document_t doc;
    struct conf_faults *faults;
    const char *folder; /* of the configuration file, for relative paths */
    unsigned depth;
};

static void note_place(struct conf_faults *f, const void *value, size_t line)
{
    if (f->place_count < CONF_PLACES_MAX)
        f->places[f->place_count++] = (struct conf_place){value, line};
}

static size_t line_of(const yaml_node_t *node)
{
    return node ? node->start_mark.line + 1 : 0;
}

static struct slice scalar(const yaml_node_t *node)
{
    return slice_make(node->data.scalar.value, node->data.scalar.length);
}

static char *absolute(const struct loading *l, struct slice path)
{
    if (slice_starts(path, SLICE("/")))
        return slice_dup(path);
    char *relative = slice_dup(path);
    char *whole = file_join(l->folder, relative);
    free(relative);
    return whole;
}

static bool is_choice(const char *choices, struct slice value)
{
    struct slice rest = slice_of(choices);
    while (rest.ptr) {
        if (slice_eq(slice_cut(&rest, '|'), value))
            return true;
    }
    return false;
}

/* --- one scalar --- */

static const char *const kind_words[] = {
    [CONF_TEXT] = "text",
    [CONF_PATH] = "a path",
    [CONF_NUMBER] = "a whole number",
    [CONF_SIZE] = "a size such as 64KiB, 30MiB or 1GiB",
    [CONF_DURATION] = "a duration such as 30s, 5m, 24h or 90d",
    [CONF_BOOL] = "true or false",
    [CONF_CHOICE] = "a word",
    [CONF_TEXTS] = "a list of texts",
    [CONF_PATHS] = "a list of paths",
    [CONF_BLOCK] = "a block of keys",
    [CONF_BLOCKS] = "a list of blocks",
};

static bool parse_number(enum conf_kind kind, struct slice text, uint64_t *ret)
{
    if (kind == CONF_SIZE)
        return conf_parse_size(text, ret);
    return kind == CONF_DURATION ? conf_parse_duration(text, ret) : slice_to_u64(text, ret);
}

static void set_number(struct loading *l, const struct conf_key *k, struct slice text, size_t line, uint64_t *at)
{
    uint64_t number;
    if (!parse_number(k->kind, text, &number))
        conf_fault_add(l->faults, line, "%s: '%" PRIslice "' is not %s", k->name, SLICE_ARG(text), kind_words[k->kind]);
    else if (number < k->min && !k->max)
        conf_fault_add(l->faults, line, "%s: %" PRIslice " is less than %llu", k->name, SLICE_ARG(text),
                       (unsigned long long)k->min);
    else if (number < k->min || (k->max && number > k->max))
        conf_fault_add(l->faults, line, "%s: %" PRIslice " is not between %llu and %llu", k->name, SLICE_ARG(text),
                       (unsigned long long)k->min, (unsigned long long)k->max);
    else
        *at = number;
}

/* The text or path that a scalar stands for, malloc'ed; NULL: a fault was added. */
static char *make_text(struct loading *l, const struct conf_key *k, struct slice text, size_t line)
{
    bool path = k->kind == CONF_PATH || k->kind == CONF_PATHS;
    if (slice_find(text, '\0') != SIZE_MAX) /* a C string would end there, and name something else */
        conf_fault_add(l->faults, line, "%s: holds a NUL character, take it out", k->name);
    else if (k->choices && !is_choice(k->choices, text))
        conf_fault_add(l->faults, line, "%s: '%" PRIslice "' is none of %s", k->name, SLICE_ARG(text), k->choices);
    else if (path && text.len == 0) /* it would be the configuration's own folder */
        conf_fault_add(l->faults, line, "%s: the path is empty, name one or remove the key", k->name);
    else
        return path ? absolute(l, text) : slice_dup(text);
    return NULL;
}

static void set_text(struct loading *l, const struct conf_key *k, struct slice text, size_t line, char **at)
{
    char *made = make_text(l, k, text, line);
    if (!made)
        return;
    free(*at);
    *at = made;
}

static void set_scalar(struct loading *l, const struct conf_key *k, struct slice text, size_t line, void *at)
{
    switch (k->kind) {
    case CONF_NUMBER:
    case CONF_SIZE:
    case CONF_DURATION:
        set_number(l, k, text, line, at);
        return;
    case CONF_BOOL:
        if (!conf_parse_bool(text, at))
            conf_fault_add(l->faults, line, "%s: '%" PRIslice "' is neither true nor false", k->name, SLICE_ARG(text));
        return;
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_CHOICE:
        set_text(l, k, text, line, at);
        return;
    case CONF_TEXTS:
    case CONF_PATHS:
    case CONF_BLOCK:
    case CONF_BLOCKS:
        break;
    }
    conf_fault_add(l->faults, line, "%s: must be %s", k->name, kind_words[k->kind]);
}

/* --- lists and blocks --- */

static void read_block(struct loading *l, const struct conf_schema *schema, yaml_node_t *node, void *at);

static size_t item_count(const yaml_node_t *list)
{
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_at(struct loading *l, yaml_node_t *list, size_t i)
{
    return yaml_document_get_node(&l->doc, list->data.sequence.items.start[i]);
}

static void read_texts(struct loading *l, const struct conf_key *k, yaml_node_t *list, struct conf_texts *at)
{
    size_t count = item_count(list);
    at->items = mem_array(count, sizeof *at->items);
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = item_at(l, list, i);
        if (item->type != YAML_SCALAR_NODE) {
            conf_fault_add(l->faults, line_of(item), "%s: its items must be texts", k->name);
            continue;
        }
        char *text = make_text(l, k, scalar(item), line_of(item));
        if (!text)
            continue;
        note_place(l->faults, &at->items[at->count], line_of(item));
        at->items[at->count++] = text;
    }
}

static void read_blocks(struct loading *l, const struct conf_key *k, yaml_node_t *list, struct conf_blocks *at)
{
    at->count = item_count(list);
    at->items = mem_array(at->count, k->block->size);
    for (size_t i = 0; i < at->count; i++) {
        yaml_node_t *item = item_at(l, list, i);
        note_place(l->faults, (char *)at->items + i * k->block->size, line_of(item));
        read_block(l, k->block, item, (char *)at->items + i * k->block->size);
    }
}

static void read_list(struct loading *l, const struct conf_key *k, yaml_node_t *node, void *at)
{
    if (item_count(node) > ITEMS_MAX)
        conf_fault_add(l->faults, line_of(node), "%s: more than %d items", k->name, ITEMS_MAX);
    else if (k->kind == CONF_BLOCKS)
        read_blocks(l, k, node, at);
    else if (k->kind == CONF_TEXTS || k->kind == CONF_PATHS)
        read_texts(l, k, node, at);
    else
        conf_fault_add(l->faults, line_of(node), "%s: must be %s, not a list", k->name, kind_words[k->kind]);
}

static void read_value(struct loading *l, const struct conf_key *k, yaml_node_t *node, void *base)
{
    void *at = (char *)base + k->offset;
    note_place(l->faults, at, line_of(node));
    if (node->type == YAML_SEQUENCE_NODE)
        read_list(l, k, node, at);
    else if (node->type == YAML_SCALAR_NODE)
        set_scalar(l, k, scalar(node), line_of(node), at);
    else if (k->kind == CONF_BLOCK)
        read_block(l, k->block, node, at);
    else
        conf_fault_add(l->faults, line_of(node), "%s: must be %s, not a block of keys", k->name, kind_words[k->kind]);
}

static const struct conf_key *find_key(const struct conf_schema *schema, struct slice name, size_t *ret_index)
{
    for (size_t i = 0; schema->keys[i].name; i++) {
        if (slice_eq(name, slice_of(schema->keys[i].name))) {
            *ret_index = i;
            return &schema->keys[i];
        }
    }
    return NULL;
}

static void set_missing(struct loading *l, const struct conf_schema *schema, const bool *seen, size_t line, void *at)
{
    for (size_t i = 0; schema->keys[i].name; i++) {
        const struct conf_key *k = &schema->keys[i];
        if (seen[i])
            continue;
        if (k->required)
            conf_fault_add(l->faults, line, "%s: key '%s' is missing: %s", schema->name, k->name, k->help);
        else if (k->fallback)
            set_scalar(l, k, slice_of(k->fallback), line, (char *)at + k->offset);
        else if (k->kind == CONF_BLOCK)
            read_block(l, k->block, NULL, (char *)at + k->offset);
    }
}

/* node NULL: the block is absent, its keys take their defaults, and required ones are not asked for. */
static void read_pairs(struct loading *l, const struct conf_schema *schema, yaml_node_t *node, bool *seen, void *at)
{
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *name = yaml_document_get_node(&l->doc, p->key);
        yaml_node_t *value = yaml_document_get_node(&l->doc, p->value);
        size_t i;
        const struct conf_key *k = name->type == YAML_SCALAR_NODE ? find_key(schema, scalar(name), &i) : NULL;
        if (!k && schema->partial)
            continue;
        if (!k) {
            conf_fault_add(l->faults, line_of(name),
                           "%s: unknown key '%" PRIslice "'; see --reference for those there are", schema->name,
                           SLICE_ARG(name->type == YAML_SCALAR_NODE ? scalar(name) : SLICE("?")));
        } else if (seen[i]) {
            conf_fault_add(l->faults, line_of(name), "%s: key '%s' stands here twice, remove one", schema->name,
                           k->name);
        } else {
            seen[i] = true;
            read_value(l, k, value, at);
        }
    }
}

static void set_defaults(struct loading *l, const struct conf_schema *schema, void *at)
{
    for (const struct conf_key *k = schema->keys; k->name; k++) {
        if (k->fallback)
            set_scalar(l, k, slice_of(k->fallback), 0, (char *)at + k->offset);
        else if (k->kind == CONF_BLOCK)
            set_defaults(l, k->block, (char *)at + k->offset);
    }
}

static void read_block(struct loading *l, const struct conf_schema *schema, yaml_node_t *node, void *at)
{
    enum { KEYS_MAX = 64 };
    bool seen[KEYS_MAX] = {false};
    if (!node) {
        set_defaults(l, schema, at);
        return;
    }
    if (node->type != YAML_MAPPING_NODE) {
        conf_fault_add(l->faults, line_of(node), "%s: must be a block of keys, lines of 'key: value'", schema->name);
        return;
    }
    if (l->depth == DEPTH_MAX) {
        conf_fault_add(l->faults, line_of(node), "%s: nested too deeply, indent less", schema->name);
        return;
    }
    l->depth++;
    read_pairs(l, schema, node, seen, at);
    set_missing(l, schema, seen, line_of(node), at);
    l->depth--;
}

/* --- the file --- */

/* False: it is no YAML, which is told. */
static bool next_document(struct loading *l, yaml_parser_t *parser, yaml_document_t *ret)
{
    if (yaml_parser_load(parser, ret))
        return true;
    l->faults->unread = true;
    conf_fault_add(l->faults, parser->problem_mark.line + 1, "not YAML: %s; a line is 'key: value'",
                   parser->problem ? parser->problem : "can't be read");
    return false;
}

/* What stands behind the first one would be passed over unseen. */
static void refuse_more(struct loading *l, yaml_parser_t *parser)
{
    yaml_document_t more;
    if (!next_document(l, parser, &more))
        return;
    const yaml_node_t *root = yaml_document_get_root_node(&more);
    if (root)
        conf_fault_add(l->faults, line_of(root), "another document begins here; keep one, without a line '---'");
    yaml_document_delete(&more);
}

static void read_document(struct loading *l, yaml_parser_t *parser, const struct conf_schema *schema, void *ret)
{
    if (!next_document(l, parser, &l->doc))
        return;
    yaml_node_t *root = yaml_document_get_root_node(&l->doc);
    l->faults->unread = !root || root->type != YAML_MAPPING_NODE;
    if (root) {
        read_block(l, schema, root, ret);
        refuse_more(l, parser);
    } else {
        conf_fault_add(l->faults, 0, "the file is empty; %s wants keys", schema->name);
    }
    yaml_document_delete(&l->doc);
}

char *conf_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? slice_dup(slice_make(path, slash == path ? 1 : (size_t)(slash - path))) : mem_strdup(".");
    char *real = realpath(dir, NULL); /* absolute, so that a later change of directory does no harm */
    if (!real)
        return dir;
    free(dir);
    return real;
}

enum result conf_load(const char *path, const struct conf_schema *schema, void *ret, struct conf_faults *faults)
{
    memset(ret, 0, schema->size);
    char *text = NULL;
    size_t len = 0;
    struct error err;
    if (file_read(path, CONF_FILE_MAX, &text, &len, &err) != OK) {
        size_t named = strlen(path) + strlen(": "); /* faults are printed behind the path already */
        faults->unread = true;
        conf_fault_add(faults, 0, "%s", strlen(err.text) > named ? err.text + named : err.text);
        return R_INVALID;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        fatal("out of memory (YAML parser)");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    struct loading l = {.faults = faults, .folder = conf_folder(path)};
    read_document(&l, &parser, schema, ret);
    yaml_parser_delete(&parser);
    free((char *)(uintptr_t)l.folder);
    free(text);
    return faults->count ? R_INVALID : OK;
}

static void free_texts(struct conf_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
    *t = (struct conf_texts){0};
}

static void free_blocks(const struct conf_schema *schema, struct conf_blocks *b)
{
    for (size_t i = 0; i < b->count; i++)
        conf_free(schema, (char *)b->items + i * schema->size);
    free(b->items);
    *b = (struct conf_blocks){0};
}

static void free_value(const struct conf_key *k, void *at)
{
    switch (k->kind) {
    case CONF_TEXT:
    case CONF_PATH:
    case CONF_CHOICE:
        free(*(char **)at);
        *(char **)at = NULL;
        return;
    case CONF_TEXTS:
    case CONF_PATHS:
        free_texts(at);
        return;
    case CONF_BLOCK:
        conf_free(k->block, at);
        return;
    case CONF_BLOCKS:
        free_blocks(k->block, at);
        return;
    case CONF_NUMBER:
    case CONF_SIZE:
    case CONF_DURATION:
    case CONF_BOOL:
        return;
    }
}

void conf_free(const struct conf_schema *schema, void *loaded)
{
    for (const struct conf_key *k = schema->keys; k->name; k++)
        free_value(k, (char *)loaded + k->offset);
}

static void print_keys(const struct conf_schema *schema, int indent, FILE *out)
{
    for (const struct conf_key *k = schema->keys; k->name; k++) {
        (void)fprintf(out, "%*s%s: %s\n%*s  %s", indent, "", k->name, k->choices ? k->choices : kind_words[k->kind],
                      indent, "", k->help ? k->help : "");
        if (k->required)
            (void)fprintf(out, " (required)");
        else if (k->fallback)
            (void)fprintf(out, " (default: %s)", k->fallback);
        (void)fputc('\n', out);
        if (k->block)
            print_keys(k->block, indent + 4, out);
    }
}

void conf_reference(const struct conf_schema *schema, FILE *out)
{
    (void)fprintf(out, "%s:\n", schema->name);
    print_keys(schema, 2, out);
}
