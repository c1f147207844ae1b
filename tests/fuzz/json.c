/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what is taken can be written, and reads back as the same. */
#include "json/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice own = fuzz_own(slice_make(bytes, size));
    struct error err = {0};
    json_t *value, *again;
    if (json_parse(own, 1 << 20, &value, &err) == OK) {
        char *text = json_text(value);
        MUST(text && json_parse(slice_of(text), 8 << 20, &again, &err) == OK);
        MUST(json_equal(value, again));
        json_decref(again);
        free(text);
        json_decref(value);
    } else {
        MUST(err.text[0]);
    }
    fuzz_own_free(own);
    return 0;
}
