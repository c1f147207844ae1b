/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All commands, chapter by chapter, and how the words of a command line find one: help, "did you mean", options in
 * front. The one file that knows every noun; what the commands call is below (ctl.h).
 */
#include "ctl/commands.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text/nearest.h"
#include "ctl/command.h"
#include "ctl/request.h"

enum { NOUNS_MAX = 8 };

/* In the order in which an administrator meets them. */
static const struct {
    const char *title;
    const struct ctl_command *nouns[NOUNS_MAX]; /* until NULL */
} chapters[] = {
    {"Ask before", {ctl_choices_commands, ctl_explain_commands, ctl_plan_commands}},
    {"Set up",
     {ctl_wizard_commands, ctl_setup_commands, ctl_gateway_commands, ctl_connector_commands, ctl_endpoint_commands}},
    {"Whom to trust",
     {ctl_trust_commands, ctl_foreign_commands, ctl_source_commands, ctl_tenant_commands, ctl_keys_commands}},
    {"Devices",
     {ctl_token_commands, ctl_device_commands, ctl_notify_commands, ctl_inventory_commands, ctl_collection_commands}},
    {"What devices get",
     {ctl_policy_commands, ctl_content_commands, ctl_client_settings_commands, ctl_settings_commands}},
    {"Keep, and make again", {ctl_backup_commands}},
    {"See and find out",
     {ctl_site_commands, ctl_alerts_commands, ctl_audit_commands, ctl_trace_commands, ctl_analyze_commands,
      ctl_cert_commands}},
};

/* How many words of argv the command takes; 0: it is another one. */
static size_t match_words(const struct ctl_command *c, int argc, char **argv)
{
    struct slice rest = slice_of(c->words);
    size_t n = 0;
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (n >= (size_t)argc || !slice_eq(word, slice_of(argv[n])))
            return 0;
        n++;
    }
    return n;
}

/* The command with the most matching words: "choices check" before "choices". */
static void find_in_table(const struct ctl_command *c, int argc, char **argv, const struct ctl_command **best,
                          size_t *words)
{
    for (; c->words; c++) {
        size_t n = match_words(c, argc, argv);
        if (n > *words) {
            *words = n;
            *best = c;
        }
    }
}

static const struct ctl_command *find_command(int argc, char **argv, size_t *ret_words)
{
    const struct ctl_command *best = NULL;
    *ret_words = 0;
    for (size_t i = 0; i < ARRAY_LEN(chapters); i++) {
        for (size_t k = 0; k < NOUNS_MAX && chapters[i].nouns[k]; k++)
            find_in_table(chapters[i].nouns[k], argc, argv, &best, ret_words);
    }
    return best;
}

/* All commands of a table, or those whose first word is `noun`; returns how many. */
static size_t print_table(FILE *out, const struct ctl_command *c, const char *noun)
{
    size_t n = 0;
    for (; c->words; c++) {
        struct slice rest = slice_of(c->words);
        if (noun && !slice_eq(slice_cut(&rest, ' '), slice_of(noun)))
            continue;
        n++;
        (void)fprintf(out, "  cmg %-24s %s\n", c->words, c->summary);
    }
    return n;
}

/* Chapter by chapter, or one noun's; returns how many. */
static size_t print_commands(FILE *out, const char *noun)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(chapters); i++) {
        if (!noun)
            (void)fprintf(out, "\n%s:\n", chapters[i].title);
        for (size_t k = 0; k < NOUNS_MAX && chapters[i].nouns[k]; k++)
            n += print_table(out, chapters[i].nouns[k], noun);
    }
    return n;
}

static void print_help(FILE *out)
{
    (void)fputs("cmg: the administrator's command of OpenCMG\n\nUsage: cmg COMMAND [options]\n", out);
    (void)print_commands(out, NULL);
    (void)fputs(
        "\ncmg COMMAND --help shows a command's options. Every command takes --json; those that ask a running\n"
        "management point take --socket PATH (default $CMG_ADMIN_SOCKET or " CTL_SOCKET_DEFAULT ").\n"
        "They do what the caller's role allows: group opencmg-reader sees, opencmg-operator also changes devices,\n"
        "tokens, collections, policies and client settings, opencmg-admin and root do all (docs/operations.md).\n"
        "Exit code: 0 done, 1 failed or the answer is no, 2 wrong usage.\n",
        out);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* --json and --socket in front of the command's words are moved behind them. */
static void move_leading_options(int argc, char **argv)
{
    int taken = 0;
    while (taken < argc && strncmp(argv[taken], "--", 2) == 0 && !is_help(argv[taken]) &&
           strcmp(argv[taken], "--version") != 0)
        taken += strcmp(argv[taken], "--socket") == 0 && taken + 1 < argc ? 2 : 1;
    if (taken == 0 || taken >= argc)
        return;
    char **copy = mem_array((size_t)argc, sizeof *copy);
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    memcpy(argv, copy + taken, (size_t)(argc - taken) * sizeof *argv);
    memcpy(argv + (argc - taken), copy, (size_t)taken * sizeof *argv);
    free(copy);
}

/* So many words of argv, with a blank between. */
static void join_words(int count, char **argv, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (int i = 0; i < count && used < size && argv[i][0] != '-'; i++)
        used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? " " : "", argv[i]);
}

static void try_table(const struct ctl_command *c, int argc, char **argv, struct nearest *best)
{
    for (; c->words; c++) {
        struct slice rest = slice_of(c->words);
        int words = 0;
        for (; rest.ptr; words++)
            (void)slice_cut(&rest, ' ');
        char text[64];
        join_words(words < argc ? words : argc, argv, text, sizeof text);
        best->word = slice_of(text);
        if (strcmp(text, c->words) != 0) /* that one was written, and is not all that was */
            nearest_try(best, c->words);
    }
}

/* The command that was meant, by as many of its words as that one has; NULL: who knows. */
static const char *guess_meant(int argc, char **argv)
{
    struct nearest best = nearest_to(SLICE(""));
    for (size_t i = 0; i < ARRAY_LEN(chapters); i++) {
        for (size_t k = 0; k < NOUNS_MAX && chapters[i].nouns[k]; k++)
            try_table(chapters[i].nouns[k], argc, argv, &best);
    }
    return best.best;
}

/* Do commands begin with it? */
static bool is_noun(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < ARRAY_LEN(chapters); i++) {
        for (size_t k = 0; k < NOUNS_MAX && chapters[i].nouns[k]; k++) {
            for (const struct ctl_command *c = chapters[i].nouns[k]; c->words; c++) {
                if (strncmp(c->words, word, len) == 0 && c->words[len] == ' ')
                    return true;
            }
        }
    }
    return false;
}

static int refuse_unknown(int argc, char **argv)
{
    char words[128];
    if (argc == 0) {
        print_help(stderr);
        return CTL_USAGE;
    }
    if (argc > 1 && is_help(argv[1]) && print_commands(stdout, argv[0]) > 0)
        return CTL_DONE;
    join_words(argc < 2 ? argc : 2, argv, words, sizeof words);
    if (is_noun(words)) {
        (void)fprintf(stderr, "cmg: '%s' needs a second word; commands:\n", words);
        (void)print_commands(stderr, argv[0]);
        (void)fputs("  remedy: add one of these words; each has --help\n", stderr);
        return CTL_USAGE;
    }
    const char *near = guess_meant(argc, argv);
    (void)fprintf(stderr, "cmg: there is no command '%s'%s%s%s\n", *words ? words : argv[0],
                  near ? "; did you mean 'cmg " : "", near ? near : "", near ? "'?" : "");
    (void)print_commands(stderr, argv[0]);
    (void)fputs("  remedy: cmg --help lists the commands\n", stderr);
    return CTL_USAGE;
}

/* "choices chek": not an argument of `choices`, which takes none, but of a longer command that there is not. */
static bool goes_wrong(const struct ctl_command *c, int rest, char **argv)
{
    return rest > 0 && argv[0][0] != '-' && !is_help(argv[0]) && is_noun(c->words);
}

/* "help token new" is "token new --help". */
static void move_leading_help(int argc, char **argv)
{
    static char help[] = "--help";
    if (argc < 2 || !is_help(argv[0]))
        return;
    memmove(argv, argv + 1, (size_t)(argc - 1) * sizeof *argv);
    argv[argc - 1] = help;
}

static int run_form(const struct ctl_form *form, int argc, char **argv)
{
    const char **args;
    size_t n;
    int code;
    void *options = mem_zalloc(form->size);
    if (form->defaults)
        memcpy(options, form->defaults, form->size);
    if (ctl_parse(&form->takes, argc, argv, options, &args, &n, &code))
        code = form->run(options, args, n);
    free(options);
    return code;
}

int ctl_main(int argc, char **argv)
{
    static char version[] = "version", help[] = "--help";
    move_leading_options(argc, argv);
    move_leading_help(argc, argv);
    if (argc > 0 && strcmp(argv[0], "--version") == 0)
        argv[0] = version;
    if (argc > 0 && is_help(argv[0])) {
        print_help(stdout);
        return CTL_DONE;
    }
    size_t words;
    const struct ctl_command *c = find_command(argc, argv, &words);
    if (!c || goes_wrong(c, argc - (int)words, argv + words))
        return refuse_unknown(argc, argv);
    ctl_running = c->words;
    int rest = argc - (int)words;
    if (rest > 0 && is_noun(c->words) && strcmp(argv[words], "help") == 0) /* elsewhere it may be a name */
        argv[words] = help;
    if (c->run)
        return c->run(rest, argv + words);
    if (c->form)
        return run_form(c->form, rest, argv + words);
    return ctl_request_run(c->request, c->summary, rest, argv + words);
}
