/* SPDX-License-Identifier: Apache-2.0 */
/* Listings in pages (pages.h). */
#include "ctl/pages.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ctl/api.h"

/* `path` with the place to go on from; malloc'ed. */
static char *path_after(const char *path, const char *after)
{
    char *escaped = api_escape(after);
    size_t size = strlen(path) + strlen("?after=") + strlen(escaped) + 1;
    char *ret = mem_array(size, 1);
    (void)snprintf(ret, size, "%s%cafter=%s", path, strchr(path, '?') ? '&' : '?', escaped);
    free(escaped);
    return ret;
}

enum result ctl_pages(const struct ctl_common *common, const char *path, ctl_page_fn *take, void *arg,
                      struct ctl_fault *fault)
{
    char *here = mem_strdup(path);
    enum result r = OK;
    while (r == OK && here) {
        json_t *answer;
        r = api_call(api_socket(common), "GET", here, NULL, &answer, fault);
        if (r == OK)
            r = take(arg, answer, fault);
        const char *next = json_opt_str(answer, "next", NULL);
        free(here);
        here = next ? path_after(path, next) : NULL;
        json_decref(answer);
    }
    free(here);
    return r == R_EOF ? OK : r;
}

/* --- printing --- */

struct printing {
    const struct ctl_request *request;
    bool json, begun;
    uint64_t left, printed; /* of the items */
    size_t widths[CTL_COLUMNS_MAX];
};

static json_t *first_of(const json_t *list, uint64_t limit)
{
    json_t *ret = json_array(), *item;
    size_t i;
    json_array_foreach(list, i, item) {
        if (i < limit && json_array_append(ret, item) != 0)
            fatal("out of memory (a page)");
    }
    return ret;
}

static void print_items(struct printing *p, const json_t *list)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        if (p->printed + i > 0)
            (void)fputc(',', stdout);
        (void)json_dumpf(item, stdout, JSON_COMPACT);
    }
}

static enum result print_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    struct printing *p = arg;
    (void)fault;
    json_t *list = first_of(json_object_get(answer, p->request->member), p->left);
    if (p->json && !p->begun)
        (void)printf("{\"%s\":[", p->request->member);
    p->begun = true;
    if (p->json)
        print_items(p, list);
    else if (json_array_size(list))
        ctl_table_rows(stdout, list, p->request->columns, p->widths);
    p->printed += json_array_size(list);
    p->left -= json_array_size(list);
    json_decref(list);
    return p->left ? OK : R_EOF;
}

int ctl_pages_print(const struct ctl_common *common, const struct ctl_request *request, const char *path,
                    uint64_t limit)
{
    struct printing p = {.request = request, .json = common->json, .left = limit};
    struct ctl_fault fault;
    if (ctl_pages(common, path, print_page, &p, &fault) != OK)
        return ctl_fail(common, &fault);
    if (p.json)
        (void)puts("]}");
    else if (p.printed == 0)
        (void)puts(request->empty);
    return CTL_DONE;
}
