/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: the parts are the whole, and no server that decodes the path finds its way up. */
#include "gateway/request/target.h"
#include "fuzz.h"

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decoded once, as the most careless server would: no dot segments, no control characters, no backslash. */
static void check_decoded(struct slice path)
{
    size_t dots = 0, others = 0;
    for (size_t i = 0; i <= path.len; i++) {
        char c = i < path.len ? path.ptr[i] : '/';
        if (c == '%') {
            MUST(i + 2 < path.len && hex(path.ptr[i + 1]) >= 0 && hex(path.ptr[i + 2]) >= 0);
            c = (char)(hex(path.ptr[i + 1]) * 16 + hex(path.ptr[i + 2]));
            i += 2;
        }
        MUST((unsigned char)c >= ' ' && c != 0x7f && c != '\\');
        if (c == '/') {
            MUST(others || (dots != 1 && dots != 2));
            dots = others = 0;
        } else if (c == '.') {
            dots++;
        } else {
            others++;
        }
    }
}

/* What goes inside has no dots any more. */
static void check_inside(const struct target *t)
{
    struct arena *a = arena_new(1 << 20);
    struct slice rest = target_inside(t, a);
    MUST(rest.len && rest.ptr[0] == '/');
    check_decoded(slice_cut(&rest, '?'));
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice own = fuzz_own(slice_make(bytes, size));
    struct target t = {0};
    struct error err = {0};
    if (target_parse(own, &t, &err) == OK) {
        check_inside(&t);
        MUST(t.path.len + t.query.len <= own.len && (!t.query.len || t.query.ptr[0] == '?'));
        MUST(slice_ends(own, t.query) && slice_find(t.path, '?') == SIZE_MAX && slice_find(t.role, '/') == SIZE_MAX);
        MUST(t.kind == TARGET_PLAIN || t.role.len || !t.path.len || t.path.ptr[0] == '/');
    } else {
        MUST(err.text[0]);
    }
    fuzz_own_free(own);
    return 0;
}
