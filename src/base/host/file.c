/* SPDX-License-Identifier: Apache-2.0 */
/* Reading with a maximum and writing by a temporary file, sync and rename. Texts of errors name the path and what
 * helps. */
#include "base/host/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

static const char *hint(int number)
{
    static const struct {
        int number;
        const char *text;
    } hints[] = {
        {ENOENT, "name an existing one"},
        {ENOTDIR, "a part of its path is a file, name a folder"},
        {EISDIR, "it is a folder, name a file"},
        {EACCES, "give this user the right, or run as one who has it"},
        {EPERM, "give this user the right, or run as one who has it"},
        {EROFS, "name one on a file system that can be written"},
        {ENOSPC, "make room on its file system"},
    };
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        if (hints[i].number == number)
            return hints[i].text;
    }
    return "check it and this user's rights";
}

static enum result from_errno(struct error *err, const char *what, const char *path)
{
    int saved = errno;
    return error_set(err, saved == ENOENT ? R_NOTFOUND : R_IO, "%s: can't %s it: %s; %s", path, what, strerror(saved),
                     hint(saved));
}

static enum result read_all(int fd, const char *path, struct buf *b, struct error *err)
{
    enum { CHUNK = 16384 };
    for (;;) {
        size_t left = b->max - buf_len(b), want = left < CHUNK ? left : CHUNK;
        char extra;
        char *at = want ? buf_reserve(b, want) : &extra;
        ssize_t n = read(fd, at, want ? want : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return from_errno(err, "read", path);
        if (n == 0)
            return OK;
        if (!want)
            return error_set(err, R_LIMIT, "%s: larger than the %zu bytes allowed here; is it the right file?", path,
                             b->max);
        buf_commit(b, (size_t)n);
    }
}

static enum result read_text(int fd, const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    struct buf b;
    buf_init_secret(&b, max);
    enum result r = read_all(fd, path, &b, err);
    if (r == OK) {
        *ret_len = buf_len(&b);
        *ret = buf_take_str(&b);
    }
    buf_free(&b);
    return r;
}

enum result file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(err, "open", path);
    enum result r = read_text(fd, path, max, ret, ret_len, err);
    if (!from_stdin)
        (void)close(fd);
    return r;
}

enum result file_read_of_others(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return from_errno(err, "open", path);
    enum result r = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
                        ? read_text(fd, path, max, ret, ret_len, err)
                        : error_set(err, R_INVALID, "%s: is no file of bytes; name such a one", path);
    (void)close(fd);
    return r;
}

/* Notepad's "Unicode", and `>` of Windows PowerShell: a mark or none, then letters whose other half is zero. What only
 * begins like it (DER that was damaged) is for its reader to judge. */
static bool is_utf16(struct slice data)
{
    const unsigned char *at = (const unsigned char *)data.ptr;
    bool marked = data.len >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff));
    enum { LETTERS = 4 };
    at += marked ? 2 : 0;
    if (data.len < (size_t)(marked ? 2 : 0) + 2 * LETTERS)
        return false;
    bool big = at[0] == 0;
    for (size_t i = 0; i < LETTERS; i++) {
        unsigned char letter = at[2 * i + big], other = at[2 * i + !big];
        if (other != 0 || letter < ' ' || letter >= 0x7f)
            return false;
    }
    return true;
}

enum result file_read_text(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    static const struct slice mark = {"\xef\xbb\xbf", 3};
    char *text;
    size_t len;
    enum result r = file_read(path, max, &text, &len, err);
    if (r != OK)
        return r;
    if (is_utf16(slice_make(text, len))) {
        mem_free_secret(text, len);
        return error_set(err, R_INVALID,
                         "%s: is text of UTF-16, as PowerShell's > and Notepad's \"Unicode\" write it: "
                         "iconv -f UTF-16 -t UTF-8 %s > NEW",
                         path, path);
    }
    if (slice_starts(slice_make(text, len), mark)) {
        len -= mark.len;
        memmove(text, text + mark.len, len);
        memset(text + len, 0, mark.len + 1);
    }
    *ret = text;
    *ret_len = len;
    return OK;
}

static bool write_all(int fd, struct slice data)
{
    while (data.len) {
        ssize_t n = write(fd, data.ptr, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data = slice_skip(data, (size_t)n);
    }
    return true;
}

/* malloc'ed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slice_dup((struct slice){path, slash == path ? 1 : (size_t)(slash - path)}) : mem_strdup(".");
}

static void sync_folder_of(const char *path)
{
    char *dir = folder_of(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* best effort: some file systems refuse it */
        (void)close(fd);
    }
    free(dir);
}

#define UNFINISHED ".unfinished-"

static bool is_unfinished(const char *name)
{
    size_t len = strlen(name), end = strlen(UNFINISHED "XXXXXX");
    return len > end && strncmp(name + len - end, UNFINISHED, strlen(UNFINISHED)) == 0;
}

void file_sweep(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    if (!d)
        return;
    while ((e = readdir(d))) {
        if (is_unfinished(e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    (void)closedir(d);
}

struct file_draft {
    char *path, *temp;
    int fd;
    bool published;
};

enum result file_draft_new(const char *path, struct file_draft **ret, struct error *err)
{
    size_t size = strlen(path) + sizeof UNFINISHED "XXXXXX";
    char *temp = mem_zalloc(size);
    (void)snprintf(temp, size, "%s" UNFINISHED "XXXXXX", path);
    int fd = mkstemp(temp); /* 0600 from the start: a secret is never readable by others, not even for a moment */
    if (fd < 0) {
        free(temp);
        return from_errno(err, "create a file beside", path);
    }
    *ret = mem_zalloc(sizeof **ret);
    **ret = (struct file_draft){mem_strdup(path), temp, fd, false};
    return OK;
}

int file_draft_fd(const struct file_draft *d)
{
    return d->fd;
}

const char *file_draft_path(const struct file_draft *d)
{
    return d->temp;
}

enum result file_draft_write(struct file_draft *d, struct slice data, struct error *err)
{
    return write_all(d->fd, data) ? OK : from_errno(err, "write", d->path);
}

enum result file_draft_publish(struct file_draft *d, mode_t mode, struct error *err)
{
    bool ok = fchmod(d->fd, mode) == 0 && fsync(d->fd) == 0;
    ok = close(d->fd) == 0 && ok;
    d->fd = -1;
    if (!ok || rename(d->temp, d->path) != 0)
        return from_errno(err, "write", d->path);
    d->published = true;
    sync_folder_of(d->path);
    return OK;
}

void file_draft_free(struct file_draft *d)
{
    if (!d)
        return;
    if (d->fd >= 0)
        (void)close(d->fd);
    if (!d->published)
        (void)unlink(d->temp);
    free(d->temp);
    free(d->path);
    free(d);
}

enum result file_write(const char *path, struct slice data, mode_t mode, struct error *err)
{
    struct file_draft *d;
    enum result r = file_draft_new(path, &d, err);
    if (r != OK)
        return r;
    r = file_draft_write(d, data, err);
    if (r == OK)
        r = file_draft_publish(d, mode, err);
    file_draft_free(d);
    return r;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void file_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

enum result file_make_dirs(const char *path, mode_t mode, struct error *err)
{
    char *copy = mem_strdup(path);
    enum result r = OK;
    for (char *at = copy + 1; r == OK && at[-1]; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST)
            r = from_errno(err, "create", copy);
        *at = kept;
        if (!kept)
            break;
    }
    struct stat st;
    if (r == OK && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        r = error_set(err, R_CONFLICT, "%s: exists and is not a folder; name another path", path);
    free(copy);
    return r;
}

enum result file_make_parent(const char *path, mode_t mode, struct error *err)
{
    char *dir = folder_of(path);
    enum result r = file_make_dirs(dir, mode, err);
    free(dir);
    return r;
}

static enum result can_make(const char *path, bool folder, struct error *err)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        errno = folder ? ENOTDIR : EISDIR;
        bool fits = folder == S_ISDIR(st.st_mode);
        return fits && access(path, folder ? W_OK | X_OK : W_OK) == 0 ? OK : from_errno(err, "write to", path);
    }
    char *at = folder_of(path);
    while (access(at, F_OK) != 0 && errno == ENOENT && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
        char *above = folder_of(at);
        free(at);
        at = above;
    }
    bool is_folder = stat(at, &st) == 0 && S_ISDIR(st.st_mode);
    enum result r = OK;
    if (!is_folder)
        errno = ENOTDIR;
    if (!is_folder || access(at, W_OK | X_OK) != 0)
        r = from_errno(err, "write to", at);
    free(at);
    return r;
}

enum result file_can_make(const char *path, struct error *err)
{
    return can_make(path, false, err);
}

enum result file_can_make_dir(const char *path, struct error *err)
{
    return can_make(path, true, err);
}

enum result file_room(const char *folder, struct error *err)
{
    struct statvfs fs;
    if (access(folder, W_OK | X_OK) != 0 || statvfs(folder, &fs) != 0)
        return from_errno(err, "write to", folder);
    bool no_names = fs.f_files > 0 && fs.f_favail == 0; /* some file systems don't count them */
    if (!no_names && (uint64_t)fs.f_bavail * fs.f_frsize >= FILE_ROOM)
        return OK;
    errno = ENOSPC;
    return from_errno(err, "write to", folder);
}

bool file_space(const char *folder, struct file_space *ret)
{
    struct statvfs fs;
    if (statvfs(folder, &fs) != 0)
        return false;
    *ret = (struct file_space){(uint64_t)fs.f_bavail * fs.f_frsize, (uint64_t)fs.f_blocks * fs.f_frsize};
    return true;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum result file_set_aside(const char *path, struct error *err)
{
    size_t size = strlen(path) + sizeof ".damaged";
    char *aside = mem_zalloc(size);
    (void)snprintf(aside, size, "%s.damaged", path);
    enum result r = rename(path, aside) == 0 ? OK : from_errno(err, "set aside", path);
    free(aside);
    return r;
}

enum result file_check_private(const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return from_errno(err, "examine", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(err, R_DENIED, "%s: holds a secret but its mode is %04o; run: chmod 600 '%s'", path,
                         (unsigned)(st.st_mode & 07777), path);
    return OK;
}

char *file_join(const char *dir, const char *name)
{
    size_t size = strlen(dir) + 1 + strlen(name) + 1;
    char *path = mem_zalloc(size);
    (void)snprintf(path, size, "%s/%s", dir, name);
    return path;
}

char *file_absolute(const char *path)
{
    char here[PATH_MAX];
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return *path == '/' || !getcwd(here, sizeof here) ? mem_strdup(path) : file_join(here, path);
}
