/* SPDX-License-Identifier: Apache-2.0 */
/* cmg content add|list|show|remove: a file or a folder of files becomes content; what the site has already, by its
 * SHA-256, is not sent again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/progress.h"
#include "base/text/relative.h"
#include "ctl/api.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "digest/digest.h"
#include "store/targeting/content.h"

enum { PART = 256 * 1024, REDRAW_MS = 200 };

struct add_options {
    struct ctl_common common;
    const char *name, *version;
};

static const struct opt add_opts[] = {
    {.name = "name",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, name),
     .value = "NAME",
     .help = "what policies call it (default: the last part of the path)"},
    {.name = "version",
     .kind = OPT_TEXT,
     .offset = offsetof(struct add_options, version),
     .value = "VERSION",
     .help = "its version, which never changes afterwards (default 1)"},
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

/* One `cmg content add`. */
struct adding {
    const struct add_options *o;
    const char *root; /* what the command line names */
    json_t *files;    /* {path, sha256, executable} */
    char shown[64];   /* the file under way, for the progress */
    uint64_t size, began_ms, drawn_ms;
    bool live; /* progress is drawn */
};

/* --- progress --- */

static void draw(struct adding *a, uint64_t sent)
{
    char text[PROGRESS_SIZE];
    uint64_t now = clock_mono_ms();
    if (!a->live || (sent < a->size && now - a->drawn_ms < REDRAW_MS))
        return;
    a->drawn_ms = now;
    progress_text(&(struct progress){.done = sent, .size = a->size, .elapsed_ms = now - a->began_ms}, text);
    (void)fprintf(stderr, "\r\033[K%s  %s", a->shown, text);
}

static void on_progress(void *arg, uint64_t sent)
{
    draw(arg, sent);
}

static void wipe(const struct adding *a)
{
    if (a->live)
        (void)fputs("\r\033[K", stderr);
}

/* --- a file --- */

/* Leaves `fd` at its beginning. */
static enum result hash_file(int fd, char ret[DIGEST_HEX], struct error *err)
{
    static char part[PART];
    unsigned char hash[DIGEST_SIZE];
    struct digest *d = digest_new();
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) > 0)
        digest_add(d, slice_make(part, (size_t)n));
    digest_end(d, hash);
    encode_hex(slice_make((const char *)hash, sizeof hash), ret);
    if (n < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return error_set(err, R_IO, "%s", strerror(errno));
    return OK;
}

/* CTL_DONE: the site has it. */
static int bring_in(struct adding *a, int fd, const char *sha256)
{
    char path[128];
    struct ctl_fault fault;
    const char *socket = api_socket(&a->o->common);
    (void)snprintf(path, sizeof path, "/v1/content-files/%s", sha256);
    if (api_call(socket, "GET", path, NULL, NULL, &fault) == OK)
        return CTL_DONE;
    if (fault.status != 404)
        return ctl_fail(&a->o->common, &fault);
    const struct api_upload file = {.fd = fd, .size = a->size, .on_progress = on_progress, .arg = a};
    a->began_ms = clock_mono_ms();
    enum result r = api_put_file(socket, path, &file, &fault);
    wipe(a);
    return r == OK ? CTL_DONE : ctl_fail(&a->o->common, &fault);
}

static int add_open_file(struct adding *a, int fd, const char *file, const char *relative)
{
    char sha256[DIGEST_HEX];
    struct stat s;
    struct error err;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        (void)error_set(&err, R_INVALID, "it is no file");
        return ctl_fail_error(&a->o->common, &err, file, "give a file, or a folder of files");
    }
    if (hash_file(fd, sha256, &err) != OK)
        return ctl_fail_error(&a->o->common, &err, file, NULL);
    a->size = (uint64_t)s.st_size;
    (void)snprintf(a->shown, sizeof a->shown, "%s", relative);
    int code = bring_in(a, fd, sha256);
    json_t *o =
        json_pack("{s:s, s:s, s:b}", "path", relative, "sha256", sha256, "executable", (s.st_mode & S_IXUSR) != 0);
    if (!o || json_array_append_new(a->files, o) != 0)
        return ctl_usage("names of files must be UTF-8 text");
    return code;
}

static int add_file(struct adding *a, const char *file, const char *relative)
{
    struct error err;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)error_set(&err, R_IO, "%s", strerror(errno));
        return ctl_fail_error(&a->o->common, &err, file, NULL);
    }
    int code = relative_path_valid(slice_of(relative))
                   ? add_open_file(a, fd, file, relative)
                   : ctl_usage("%s: not every device can have a file of this name", relative);
    (void)close(fd);
    return code;
}

/* --- a folder --- */

static int add_folder(struct adding *a, const char *relative, size_t depth);

static int no_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* Links are not followed: they may lead out of the folder, and round. */
static int add_entry(struct adding *a, const char *relative, size_t depth)
{
    char *file = file_join(a->root, relative);
    struct stat s;
    struct error err;
    int code = CTL_DONE;
    if (lstat(file, &s) == 0 && S_ISDIR(s.st_mode)) {
        code = add_folder(a, relative, depth + 1);
    } else if (S_ISREG(s.st_mode) && json_array_size(a->files) < STORE_CONTENT_FILES_MAX) {
        code = add_file(a, file, relative);
    } else {
        (void)error_set(&err, R_INVALID, S_ISREG(s.st_mode) ? "there are more than %d files" : "it is no file",
                        STORE_CONTENT_FILES_MAX);
        code = ctl_fail_error(&a->o->common, &err, file, "put it into an archive (tar), and add that");
    }
    free(file);
    return code;
}

/* relative "": the root itself. */
static int add_folder(struct adding *a, const char *relative, size_t depth)
{
    struct dirent **names;
    struct error err;
    char *folder = *relative ? file_join(a->root, relative) : slice_dup(slice_of(a->root));
    int count = depth < RELATIVE_DEPTH_MAX ? scandir(folder, &names, no_dots, alphasort) : -1;
    int code = CTL_DONE;
    if (count < 0) {
        (void)error_set(&err, R_IO, depth < RELATIVE_DEPTH_MAX ? "it can't be listed" : "its folders are too deep");
        code = ctl_fail_error(&a->o->common, &err, folder, NULL);
    }
    for (int i = 0; i < count; i++) {
        char *entry = *relative ? file_join(relative, names[i]->d_name) : slice_dup(slice_of(names[i]->d_name));
        if (code == CTL_DONE)
            code = add_entry(a, entry, depth);
        free(entry);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    free(folder);
    return code;
}

/* --- the whole --- */

static int name_it(const struct adding *a, const char *name)
{
    const char *version = a->o->version ? a->o->version : "1";
    json_t *body = json_pack("{s:s, s:s, s:O}", "name", name, "version", version, "files", a->files), *answer;
    if (!body)
        return ctl_usage("a name and a version must be UTF-8 text");
    int code = ctl_send(&a->o->common, "POST", "/v1/content", body, &answer);
    return code == CTL_DONE ? ctl_tell(&a->o->common, answer, "content %s added, version %s, %zu files", name, version,
                                       json_array_size(a->files))
                            : code;
}

static int add_content(const void *options, const char **args, size_t n)
{
    const struct add_options *o = options;
    struct adding a = {.o = o, .root = args[0], .files = json_array(), .live = isatty(STDERR_FILENO) == 1};
    struct stat s;
    char *copy = slice_dup(slice_of(args[0]));
    const char *base = basename(copy);
    (void)n;
    bool folder = stat(args[0], &s) == 0 && S_ISDIR(s.st_mode);
    int code = folder ? add_folder(&a, "", 0) : add_file(&a, args[0], base);
    if (code == CTL_DONE)
        code = name_it(&a, o->name ? o->name : base);
    json_decref(a.files);
    free(copy);
    return code;
}

static const struct ctl_column columns[] = {
    {"NAME", "name", CTL_TEXT, NULL},    {"VERSION", "version", CTL_TEXT, NULL}, {"FILES", "files", CTL_NUMBER, NULL},
    {"BYTES", "size", CTL_NUMBER, NULL}, {"ADDED", "added", CTL_TIME, NULL},     {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column file_columns[] = {{"PATH", "path", CTL_TEXT, NULL},
                                                 {"BYTES", "size", CTL_NUMBER, NULL},
                                                 {"RUNS", "executable", CTL_TEXT, NULL},
                                                 {"SHA-256", "sha256", CTL_TEXT, NULL},
                                                 {NULL, NULL, CTL_TEXT, NULL}};

static const struct opt version_opts[] = {CTL_OPT_JSON(struct add_options), CTL_OPT_SOCKET(struct add_options),
                                          CTL_OPT_END};

/* "/v1/content/NAME/versions/VERSION", malloc'ed. */
static char *path_of(const char **args)
{
    char *named = ctl_request_path("/v1/content/%s/versions/", args[0]), *version = api_escape(args[1]);
    char *ret = mem_zalloc(strlen(named) + strlen(version) + 1);
    (void)memcpy(ret, named, strlen(named));
    (void)memcpy(ret + strlen(named), version, strlen(version));
    free(named);
    free(version);
    return ret;
}

static int ask(const void *options, const char **args, const char *method, json_t **ret)
{
    const struct add_options *o = options;
    char *path = path_of(args);
    int code = ctl_send(&o->common, method, path, NULL, ret);
    free(path);
    return code;
}

static int show_content(const void *options, const char **args, size_t n)
{
    const struct add_options *o = options;
    json_t *answer;
    (void)n;
    int code = ask(options, args, "GET", &answer);
    if (code != CTL_DONE)
        return code;
    if (o->common.json)
        ctl_print_answer(answer);
    else
        ctl_table(stdout, json_object_get(answer, "files"), file_columns, "");
    json_decref(answer);
    return CTL_DONE;
}

static int remove_content(const void *options, const char **args, size_t n)
{
    const struct add_options *o = options;
    json_t *answer;
    (void)n;
    int code = ask(options, args, "DELETE", &answer);
    return code == CTL_DONE ? ctl_tell(&o->common, answer, "content %s, version %s, removed", args[0], args[1]) : code;
}

const struct ctl_command ctl_content_commands[] = {
    {"content add", "Add a file or a folder for devices to fetch",
     CTL_RUN(add_content, struct add_options, "cmg content add FILE|FOLDER [options]",
             "Add files for devices; a policy brings them (cmg policy add --deploy).", add_opts, 1, 1)},
    {"content list", "List the content", NULL,
     CTL_PAGES("/v1/content", "contents", columns, "no content yet: cmg content add FILE")},
    {"content show", "Show the files of a version of content",
     CTL_RUN(show_content, struct add_options, "cmg content show NAME VERSION [options]",
             "Show the files of a version of content.", version_opts, 2, 2)},
    {"content remove", "Remove a version of content",
     CTL_RUN(remove_content, struct add_options, "cmg content remove NAME VERSION [options]",
             "Remove a version of content that no policy brings.", version_opts, 2, 2)},
    {NULL, NULL, NULL, NULL},
};
