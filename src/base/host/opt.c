/* SPDX-License-Identifier: Apache-2.0 */
/* Parser and help, both by walking a program's table. Writes into the caller's struct by offset; owns nothing. */
#include "base/host/opt.h"

#include <string.h>

#include "base/text/nearest.h"

enum { HELP_WIDTH = 100, HELP_INDENT = 37 };

static const struct opt *find(const struct opt_command *cmd, struct slice name)
{
    for (const struct opt *o = cmd->opts; o && o->name; o++) {
        if (slice_eq(name, slice_of(o->name)))
            return o;
    }
    return NULL;
}

static enum result unknown(const struct opt_command *cmd, struct slice name, struct error *err)
{
    struct nearest n = nearest_to(name);
    char near[64];
    for (const struct opt *o = cmd->opts; o && o->name; o++)
        nearest_try(&n, o->name);
    return error_set(err, R_INVALID, "unknown option --%" PRIslice "%s", SLICE_ARG(name),
                     nearest_text(&n, "--", near, sizeof near));
}

static bool is_choice(const char *choices, const char *value)
{
    struct slice rest = slice_of(choices);
    while (rest.ptr) {
        if (slice_eq(slice_cut(&rest, '|'), slice_of(value)))
            return true;
    }
    return false;
}

static enum result store_number(const struct opt *o, const char *value, uint64_t *at, struct error *err)
{
    uint64_t number;
    if (!slice_to_u64(slice_of(value), &number))
        return error_set(err, R_INVALID, "--%s: '%s' is not a whole number", o->name, value);
    if (number < o->min || (o->max && number > o->max))
        return error_set(err, R_INVALID, "--%s: %s is not between %llu and %llu", o->name, value,
                         (unsigned long long)o->min, (unsigned long long)o->max);
    *at = number;
    return OK;
}

static enum result store_list(const struct opt *o, const char *value, struct opt_list *list, struct error *err)
{
    if (list->count == ARRAY_LEN(list->items))
        return error_set(err, R_LIMIT, "--%s: given more than %zu times", o->name, ARRAY_LEN(list->items));
    list->items[list->count++] = value;
    return OK;
}

static enum result store(const struct opt *o, const char *value, void *base, struct error *err)
{
    void *at = (char *)base + o->offset;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)at = true;
        return OK;
    case OPT_NUMBER:
        return store_number(o, value, at, err);
    case OPT_LIST:
        return store_list(o, value, at, err);
    case OPT_CHOICE:
        if (!is_choice(o->choices, value))
            return error_set(err, R_INVALID, "--%s: '%s' is none of %s", o->name, value, o->choices);
        break;
    case OPT_TEXT:
        break;
    }
    *(const char **)at = value;
    return OK;
}

/* argv[*i] starts with "--": reads it and, where it takes one, its value. */
static enum result take_option(const struct opt_command *cmd, int argc, char **argv, int *i, bool *seen, void *base,
                               struct error *err)
{
    struct slice rest = slice_of(argv[*i] + 2);
    struct slice name = slice_cut(&rest, '=');
    const struct opt *o = find(cmd, name);
    if (!o)
        return unknown(cmd, name, err);
    const char *value = rest.ptr;
    if (o->kind == OPT_FLAG && value)
        return error_set(err, R_INVALID, "--%s takes no value", o->name);
    if (o->kind != OPT_FLAG && !value) {
        if (*i + 1 >= argc)
            return error_set(err, R_INVALID, "--%s wants a value: %s", o->name, o->value ? o->value : o->choices);
        value = argv[++*i];
    }
    seen[o - cmd->opts] = true;
    return store(o, value, base, err);
}

static enum result check_counts(const struct opt_command *cmd, const bool *seen, char **argv, size_t args,
                                struct error *err)
{
    for (const struct opt *o = cmd->opts; o && o->name; o++) {
        if (o->required && !seen[o - cmd->opts])
            return error_set(err, R_INVALID, "--%s is missing; usage: %s", o->name, cmd->usage);
    }
    if (args < cmd->min_args)
        return error_set(err, R_INVALID, "an argument is missing; usage: %s", cmd->usage);
    if (args > cmd->max_args)
        return error_set(err, R_INVALID, "too many arguments, from '%s' on; usage: %s", argv[cmd->max_args],
                         cmd->usage);
    return OK;
}

enum result opt_parse(const struct opt_command *cmd, int argc, char **argv, void *ret_struct, const char ***ret_args,
                      size_t *ret_arg_count, struct error *err)
{
    enum { OPTS_MAX = 64 };
    bool seen[OPTS_MAX] = {false}, options_end = false;
    size_t args = 0, known = 0;
    while (cmd->opts && cmd->opts[known].name)
        known++;
    if (known > OPTS_MAX)
        fatal("%s: more than %d options", cmd->usage, OPTS_MAX);
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        if (!options_end && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            opt_help(cmd, stdout);
            return R_EOF;
        }
        if (!options_end && strcmp(word, "--") == 0) {
            options_end = true;
            continue;
        }
        if (options_end || word[0] != '-' || strcmp(word, "-") == 0) {
            argv[args++] = word; /* args <= i always */
            continue;
        }
        if (word[1] != '-')
            return error_set(err, R_INVALID,
                             "'%s': options begin with two dashes; an argument that begins with one "
                             "stands behind --",
                             word);
        enum result r = take_option(cmd, argc, argv, &i, seen, ret_struct, err);
        if (r != OK)
            return r;
    }
    *ret_args = (const char **)argv;
    *ret_arg_count = args;
    return check_counts(cmd, seen, argv, args, err);
}

/* Words from this column on, in lines that begin at `indent`; ends the line. */
static void put_words(FILE *out, struct slice text, size_t column, size_t indent)
{
    bool first = true;
    while (text.ptr) {
        struct slice word = slice_cut(&text, ' ');
        if (!first && column + 1 + word.len > HELP_WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%" PRIslice, SLICE_ARG(word));
        column += word.len;
        first = false;
    }
    (void)fputc('\n', out);
}

void opt_help(const struct opt_command *cmd, FILE *out)
{
    (void)fprintf(out, "Usage: %s\n", cmd->usage);
    put_words(out, slice_of(cmd->summary), 0, 0);
    for (const struct opt *o = cmd->opts; o && o->name; o++) {
        const char *value = o->kind == OPT_CHOICE ? o->choices
                            : o->kind == OPT_FLAG ? ""
                            : o->value            ? o->value
                                                  : "VALUE";
        char left[96], help[400];
        (void)snprintf(left, sizeof left, "--%s %s", o->name, value);
        (void)snprintf(help, sizeof help, "%s%s", o->help, o->required ? " (required)" : "");
        (void)fprintf(out, "  %-*s ", HELP_INDENT - 3, left);
        size_t used = strlen(left) + 3;
        put_words(out, slice_of(help), used > HELP_INDENT ? used : HELP_INDENT, HELP_INDENT);
    }
}
