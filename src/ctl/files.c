/* SPDX-License-Identifier: Apache-2.0 */
/* A path of the command line, walked: a file itself, or each regular file of a folder in the order of names. Links are
 * followed; subfolders and hidden files are not. */
#include "ctl/files.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/host/file.h"

static int no_dots(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static enum result each_of_folder(const char *path, ctl_file_fn *fn, void *arg, struct error *err)
{
    struct dirent **names;
    int count = scandir(path, &names, no_dots, alphasort);
    if (count < 0)
        return error_set(err, R_IO, "%s: can't list it", path);
    enum result r = OK;
    for (int i = 0; i < count; i++) {
        struct stat s;
        char *file = file_join(path, names[i]->d_name);
        if (r == OK && stat(file, &s) == 0 && S_ISREG(s.st_mode))
            r = fn(arg, file, err);
        free(file);
        free(names[i]);
    }
    free(names);
    return r;
}

enum result ctl_files_each(const char *path, ctl_file_fn *fn, void *arg, struct error *err)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode) ? each_of_folder(path, fn, arg, err) : fn(arg, path, err);
}
