/* SPDX-License-Identifier: Apache-2.0 */
/* uacme as a child, with this very program as its hook. What it says goes into a file, whose end tells why it failed.
 */
#include "gateway/obtain/client.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "gateway/obtain/hook.h"
#include "loop/loop.h"
#include "json/json.h"

enum {
    RUN_MS = 10 * 60 * 1000, /* names are validated one after the other */
    LOG_MAX = 1024 * 1024,
    WORDS_SIZE = 400,
    EXIT_ISSUED = 0,
    EXIT_CURRENT = 1, /* uacme(1): not reissued because it is still current */
    ARGUMENTS_MAX = 16 + OBTAIN_HOSTS_MAX,
};

struct run {
    struct loop *loop;
    struct loop_child *child;
    int code;
    bool late;
};

static void on_exit_of(void *arg, int code)
{
    struct run *r = arg;
    r->code = code;
    loop_stop(r->loop);
}

static void on_late(void *arg)
{
    struct run *r = arg;
    r->late = true;
    loop_child_kill(r->child, SIGTERM);
}

/* What stands behind the last `needle`; SLICE_NONE: there is none. */
static struct slice behind_last(struct slice text, struct slice needle)
{
    struct slice ret = SLICE_NONE;
    for (size_t at; (at = slice_find_slice(text, needle)) != SIZE_MAX;)
        ret = text = slice_skip(text, at + needle.len);
    return ret;
}

static struct slice last_line(struct slice text)
{
    struct slice found = SLICE_NONE;
    while (text.ptr) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        if (line.len)
            found = line;
    }
    return found;
}

/* The CA's problem document (RFC 8555 6.7), which uacme prints as it came, and the name that failed, if it was one. */
static bool read_problem(struct slice text, char *ret, size_t size)
{
    struct slice document = behind_last(text, SLICE("the server reported the following error:\n")),
                 host = behind_last(text, SLICE(" failed tls-alpn-01 "));
    size_t end = slice_find_slice(document, SLICE("\n}\n"));
    json_t *o;
    if (end == SIZE_MAX || json_parse(slice_make(document.ptr, end + 2), LOG_MAX, &o, NULL) != OK)
        return false;
    const char *detail = json_opt_str(o, "detail", json_opt_str(o, "type", ""));
    host = slice_cut(&host, ' ');
    (void)snprintf(ret, size, "%" PRIslice "%s%s", SLICE_ARG(host), host.len ? ": " : "", detail);
    json_decref(o);
    return *ret != '\0';
}

/* Why it failed: the CA's own words, or else its last line. */
static void last_words(const char *log, char ret[WORDS_SIZE])
{
    char *text, words[WORDS_SIZE];
    size_t len;
    ret[0] = '\0';
    if (file_read(log, LOG_MAX, &text, &len, NULL) != OK)
        return;
    struct slice all = slice_make(text, len);
    utf8_escape(read_problem(all, words, sizeof words) ? slice_of(words) : last_line(all), ret, WORDS_SIZE);
    free(text);
}

static enum result run(const char *const *argv, const char *log, int *ret_code, struct error *err)
{
    struct run r = {.loop = loop_new()};
    struct loop_timer *late = loop_timer_new(r.loop, on_late, &r);
    (void)unlink(log);
    enum result result = loop_child_start(r.loop, argv, log, on_exit_of, &r, &r.child, err);
    if (result == OK) {
        loop_timer_start(late, RUN_MS, 0);
        loop_run(r.loop);
        loop_child_free(r.child);
    }
    loop_timer_free(late);
    loop_free(r.loop);
    if (r.late)
        result = error_set(err, R_TIMEOUT, "the CA did not come to an end within %d minutes", RUN_MS / 60000);
    *ret_code = r.code;
    return result;
}

static enum result find_client(char ret[PATH_MAX], struct error *err)
{
    const char *path = getenv("PATH");
    struct slice rest = slice_of(path ? path : "/usr/bin:/usr/local/bin");
    while (rest.ptr) {
        struct slice folder = slice_cut(&rest, ':');
        int n = snprintf(ret, PATH_MAX, "%" PRIslice "/uacme", SLICE_ARG(folder));
        if (folder.len && n > 0 && n < PATH_MAX && access(ret, X_OK) == 0)
            return OK;
    }
    (void)error_set(err, R_NOTFOUND, "there is no uacme here, the program that speaks ACME with the CA");
    error_remedy(err, "apt install uacme");
    return R_NOTFOUND;
}

/* Of "uacme OPTIONS… COMMAND WORDS…". */
static enum result run_client(const char *state, const struct acme_settings *s, const char *const *words, size_t count,
                              int *ret_code, struct error *err)
{
    char folder[PATH_MAX], log[PATH_MAX], self[PATH_MAX], client[PATH_MAX];
    if (!acme_path(state, "client", folder) || !acme_path(state, "log", log))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0 || setenv(HOOK_STATE, state, 1) != 0)
        return error_set(err, R_IO, "this program's own path can't be found in /proc: is it mounted?");
    self[len] = '\0';
    const char *argv[ARGUMENTS_MAX] = {client, "-v", "-y", "-c", folder, "-a", s->directory, "-t", "EC", "-h", self};
    size_t n = 0;
    while (argv[n])
        n++;
    for (size_t i = 0; i < count; i++)
        argv[n++] = words[i];
    enum result r = find_client(client, err);
    if (r == OK)
        r = file_make_dirs(folder, 0700, err);
    return r == OK ? run(argv, log, ret_code, err) : r;
}

static enum result refused(const char *state, struct error *err)
{
    char log[PATH_MAX], words[WORDS_SIZE] = "";
    if (acme_path(state, "log", log))
        last_words(log, words);
    (void)error_set(err, R_DENIED, "the CA issued no certificate: %s", words);
    error_remedy(err,
                 "see that each name's address record leads to this machine (AAAA, too), that TCP port 443 is open "
                 "to everybody and the gateway runs; all that was said: acme/log in its state folder. CAs count "
                 "failures: mend it before the next try");
    return R_DENIED;
}

/* The directory of the CA that has the account; it is asked once. */
static bool has_account(const char *path, const char *directory)
{
    char *text;
    size_t len;
    if (file_read(path, ACME_URL_SIZE, &text, &len, NULL) != OK)
        return false;
    bool yes = slice_eq(slice_make(text, len), slice_of(directory));
    free(text);
    return yes;
}

enum result acme_client_account(const char *state, const struct acme_settings *s, struct error *err)
{
    const char *words[] = {"new", s->email};
    char path[PATH_MAX];
    int code;
    if (!acme_path(state, "account", path))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
    if (has_account(path, s->directory))
        return OK;
    enum result r = run_client(state, s, words, ARRAY_LEN(words), &code, err);
    if (r == OK && code != 0) {
        r = refused(state, err);
        error_remedy(err, "see that this machine reaches the CA's directory by https, trusts its certificate (a CA of "
                          "one's own: update-ca-certificates), and that it takes this mail address");
    }
    return r == OK ? file_write(path, slice_of(s->directory), 0600, err) : r;
}

/* uacme keeps each certificate that it replaced as cert-<seconds>.pem, for ever, and fails where one has that name. */
static void drop_replaced(const char *state, const char *host)
{
    char path[PATH_MAX], name[PATH_MAX];
    if (snprintf(name, sizeof name, "client/%s", host) >= (int)sizeof name || !acme_path(state, name, path))
        return;
    DIR *d = opendir(path);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        struct slice file = slice_of(e->d_name);
        if (slice_starts(file, SLICE("cert-")) && slice_ends(file, SLICE(".pem")))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        (void)closedir(d);
}

enum result acme_client_issue(const char *state, const struct acme_settings *s, bool force, bool *ret_issued,
                              struct error *err)
{
    const char *words[2 + OBTAIN_HOSTS_MAX];
    size_t n = 0;
    int code = 0;
    if (force)
        words[n++] = "-f";
    words[n++] = "issue";
    for (size_t i = 0; i < s->host_count; i++)
        words[n++] = s->hosts[i];
    enum result r = run_client(state, s, words, n, &code, err);
    if (r == OK && code != EXIT_ISSUED && code != EXIT_CURRENT)
        r = refused(state, err);
    *ret_issued = r == OK && code == EXIT_ISSUED;
    if (*ret_issued)
        drop_replaced(state, s->hosts[0]);
    return r;
}
