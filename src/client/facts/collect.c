/* SPDX-License-Identifier: Apache-2.0 */
/* The table of collectors, and what is done when together they say too much. */
#include "client/facts/collect.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "client/facts/part.h"
#include "facts/facts.h"

static const struct {
    const char *section;
    client_facts_fn *collect;
} collectors[] = {
    {"system", client_facts_system},   {"os", client_facts_os},         {"tpm", client_facts_tpm},
    {"network", client_facts_network}, {"disk", client_facts_disk},     {"certificate", client_facts_certificate},
    {"package", client_facts_package}, {"script", client_facts_script},
};

void client_facts_put(json_t *o, const char *name, json_t *value)
{
    if (!value || json_object_set_new(o, name, value) != 0)
        fatal("a fact can't be kept");
}

void client_facts_put_text(json_t *o, const char *name, struct slice text)
{
    char shown[FACTS_TEXT_MAX];
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    utf8_escape(slice_trim(text), shown, sizeof shown);
    if (*shown)
        client_facts_put(o, name, json_string(shown));
}

/* The largest section goes, until the rest may be sent. */
static void leave_out_largest(json_t *facts, json_t *left_out)
{
    const char *name, *largest = NULL;
    json_t *section;
    size_t most = 0;
    json_object_foreach(facts, name, section) {
        char *text = facts_text(section);
        size_t len = strlen(text);
        free(text);
        if (len > most) {
            most = len;
            largest = name;
        }
    }
    if (!largest)
        fatal("there are too many facts of no section");
    client_facts_put(left_out, largest, json_string("too large"));
    (void)json_object_del(facts, largest);
}

json_t *client_facts_collect(const char *dir, const struct client_settings *s)
{
    const struct client_facts_of of = {dir, s};
    json_t *facts = json_object(), *left_out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(collectors); i++) {
        json_t *section = collectors[i].collect(&of);
        if (json_object_size(section))
            client_facts_put(facts, collectors[i].section, json_incref(section));
        json_decref(section);
    }
    while (facts_check(facts, NULL, NULL) != OK) {
        leave_out_largest(facts, left_out);
        client_facts_put(facts, "left_out", json_incref(left_out));
    }
    json_decref(left_out);
    return facts;
}
