/* SPDX-License-Identifier: Apache-2.0 */
/* The questions on a terminal: each with what its answers are, each answer with what it means for the others. Nothing
 * is done before the last of them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/ask/input.h"
#include "ctl/out.h"
#include "ctl/wizard/wizard.h"

enum { LINE_SIZE = 2048, WIDTH = 110 };

/* --- a line from the terminal --- */

static volatile sig_atomic_t stopped;

static void on_stop(int signo)
{
    (void)signo;
    stopped = 1;
}

bool wizard_was_stopped(void)
{
    return stopped;
}

/* So that a signal ends the reading. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

/* false: stopped, or the terminal is gone. */
static bool read_line(const struct wizard *w, char line[LINE_SIZE])
{
    (void)fflush(w->talk);
    if (stopped || !fgets(line, LINE_SIZE, stdin) || stopped) {
        (void)fputc('\n', w->talk);
        return false;
    }
    if (!strchr(line, '\n')) { /* longer than any answer is */
        for (int c = getchar(); c != '\n' && c != EOF;)
            c = getchar();
    }
    line[strcspn(line, "\r\n")] = '\0';
    struct slice text = slice_trim(slice_of(line));
    memmove(line, text.ptr, text.len);
    line[text.len] = '\0';
    return true;
}

/* --- one question --- */

static void print_value(const struct wizard *w, enum wizard_id id, struct slice value)
{
    const char *name = wizard_questions[id].name;
    const struct choices_term *t;
    const struct choices_condition *rule = wizard_rules_out(w, id, value);
    (void)fprintf(w->talk, "  %s%.*s%s\n", term_on(w->talk, TERM_BOLD), (int)value.len, value.ptr, term_off(w->talk));
    for (size_t i = 0; (t = choices_term(i)) != NULL; i++) {
        if (strcmp(t->input, name) != 0 || !slice_eq(value, slice_of(t->value)))
            continue;
        (void)fputs("      ", w->talk);
        ctl_wrap(w->talk, t->text, 6, WIDTH);
    }
    if (rule)
        (void)fprintf(w->talk, "      %sdoes not go with the answers above: %s%s\n", term_on(w->talk, TERM_RED),
                      rule->title, term_off(w->talk));
}

static void print_question(const struct wizard *w, enum wizard_id id)
{
    const struct ctl_input *input = ctl_input_find(wizard_questions[id].name);
    (void)fprintf(w->talk, "\n%s%s%s\n", term_on(w->talk, TERM_BOLD), wizard_questions[id].asks, term_off(w->talk));
    if (!input || wizard_questions[id].check)
        return;
    struct slice rest = slice_of(input->values);
    while (rest.ptr)
        print_value(w, id, slice_cut(&rest, '|'));
}

static void print_fault(const struct wizard *w, const struct error *err)
{
    (void)fprintf(w->talk, "%sno: ", term_on(w->talk, TERM_RED));
    ctl_wrap(w->talk, err->text, 4, WIDTH);
    if (err->remedy)
        (void)fprintf(w->talk, "    %s\n", err->remedy);
    if (err->code == R_CONFLICT)
        (void)fputs("    Answer otherwise, or go back to the question before: back\n", w->talk);
    (void)fputs(term_off(w->talk), w->talk);
}

/* Takes an answer, and says what is new by it. false: it is none. */
static bool take(struct wizard *w, enum wizard_id id, const char *text)
{
    struct wizard_lines before, after;
    struct error err;
    wizard_follows(w, &before);
    if (wizard_take(w, id, text, &err) != OK) {
        print_fault(w, &err);
        return false;
    }
    wizard_follows(w, &after);
    wizard_say_lines(w, &after, &before);
    return true;
}

enum answer { TAKEN, BACK, STOPPED };

static enum answer ask_one(struct wizard *w, enum wizard_id id)
{
    char line[LINE_SIZE];
    print_question(w, id);
    for (;;) {
        char *proposal = wizard_proposal(w, id);
        bool shown = proposal && *proposal;
        (void)fprintf(w->talk, "%s%s%s%s: ", wizard_questions[id].name, shown ? " [" : "", shown ? proposal : "",
                      shown ? "]" : "");
        bool read = read_line(w, line);
        bool back = read && strcmp(line, "back") == 0;
        bool taken = read && !back && take(w, id, *line || !proposal ? line : proposal);
        free(proposal);
        if (!read)
            return STOPPED;
        if (taken || back)
            return taken ? TAKEN : BACK;
    }
}

/* --- all of them --- */

static void forget(struct wizard *w, unsigned id)
{
    free(w->text[id]);
    w->text[id] = NULL;
}

/* The question before this one that was asked, whose answer is forgotten. */
static unsigned back_from(struct wizard *w, const bool asked[ASK_COUNT], unsigned id)
{
    for (unsigned at = id; at > 0; at--) {
        if (!asked[at - 1] || !w->text[at - 1])
            continue;
        forget(w, at - 1);
        return at - 1;
    }
    (void)fputs("    This is the first one.\n", w->talk);
    return id;
}

enum result wizard_ask(struct wizard *w)
{
    bool asked[ASK_COUNT] = {false};
    catch_signals();
    (void)fputs("Nothing is done before the last question. Enter takes what stands in [brackets]; 'back' goes back.\n",
                w->talk);
    for (unsigned id = 0; id < ASK_STORE;) {
        if (!wizard_wants(w, (enum wizard_id)id) || (w->text[id] && !asked[id])) {
            id++;
            continue;
        }
        asked[id] = true;
        forget(w, id);
        enum answer answer = ask_one(w, (enum wizard_id)id);
        if (answer == STOPPED)
            return R_EOF;
        id = answer == BACK ? back_from(w, asked, id) : id + 1;
    }
    return OK;
}

enum result wizard_confirm(struct wizard *w)
{
    char line[LINE_SIZE];
    catch_signals();
    for (;;) {
        (void)fputs("\nDo it? [yes]: ", w->talk);
        if (!read_line(w, line))
            return R_EOF;
        if (!*line || strcmp(line, "y") == 0 || strcmp(line, "yes") == 0)
            return OK;
        if (strcmp(line, "n") == 0 || strcmp(line, "no") == 0)
            return R_EOF;
    }
}
