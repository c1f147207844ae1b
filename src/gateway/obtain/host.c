/* SPDX-License-Identifier: Apache-2.0 */
/* Strictly: what is no DNS name never becomes the name of a file. */
#include "gateway/obtain/host.h"

#include <stdio.h>

#include "base/ascii.h"

enum { LABEL_MAX = 63 };

static bool is_label(struct slice s)
{
    return s.len > 0 && s.len <= LABEL_MAX && s.ptr[0] != '-' && s.ptr[s.len - 1] != '-' && ascii_all_alnum_or(s, "-");
}

bool obtain_host(struct slice text, char ret[OBTAIN_HOST_SIZE])
{
    struct slice rest = text, label = SLICE_NONE;
    size_t labels = 0;
    bool ok = slice_to_cstr(text, ret, OBTAIN_HOST_SIZE) && text.len > 0;
    for (; ok && rest.ptr; labels++) {
        label = slice_cut(&rest, '.');
        ok = is_label(label);
    }
    if (!ok || labels < 2 || ascii_is_digit(label.ptr[0])) /* the last label of an address is a number */
        return false;
    ascii_lower_all(ret, text.len);
    return true;
}

static enum result one(const char *text, bool wildcards, char ret[OBTAIN_HOST_SIZE], struct error *err)
{
    static const struct slice star = {"*.", 2};
    struct slice name = slice_of(text);
    bool wild = wildcards && slice_starts(name, star);
    char host[OBTAIN_HOST_SIZE];
    if (!obtain_host(wild ? slice_skip(name, star.len) : name, host) ||
        strlen(host) + (wild ? star.len : 0) >= OBTAIN_HOST_SIZE)
        return error_set(err, R_INVALID,
                         "'%.100s' is no DNS name: give one such as gw.example.com%s, other letters in their xn-- form",
                         text, wildcards ? " or *.example.com" : ", without wildcard");
    (void)snprintf(ret, OBTAIN_HOST_SIZE, "%s%.251s", wild ? "*." : "", host);
    return OK;
}

enum result obtain_hosts(const char *const *texts, size_t count, bool wildcards,
                         char ret[OBTAIN_HOSTS_MAX][OBTAIN_HOST_SIZE], struct error *err)
{
    if (count == 0 || count > OBTAIN_HOSTS_MAX)
        return error_set(err, R_INVALID, "name 1 to %d hosts: --host gw.example.com", OBTAIN_HOSTS_MAX);
    for (size_t i = 0; i < count; i++) {
        enum result r = one(texts[i], wildcards, ret[i], err);
        if (r != OK)
            return r;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ret[k], ret[i]) == 0)
                return error_set(err, R_INVALID, "--host %s is there twice", ret[i]);
        }
    }
    return OK;
}
