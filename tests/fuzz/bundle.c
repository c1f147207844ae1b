/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's documents. By the first byte: the content of a bundle or of a connector's document as JSON, with every
 * lookup that a gateway makes; a whole document as it comes, which must never be believed; a tunnel's hello.
 */
#include "bundle/bundle.h"
#include "base/text/name.h"
#include "fuzz.h"
#include "tunnel/hello.h"
#include "json/json.h"

static void look_up(const struct bundle *b)
{
    static const char *const paths[] = {"", "/", "/CCM_STS", "/%41dmin//x", "/CCM_Client%2fregistration?a"};
    for (size_t i = 0; i < b->endpoint_count; i++) {
        const struct bundle_endpoint *e = &b->endpoints[i];
        MUST(bundle_endpoint_by_id(b, slice_of(e->id)) == e);
        MUST(e->auth && (e->role != NULL) != (e->host != NULL) && e->max_body >= 0 && e->max_body <= BUNDLE_BODY_MAX);
        MUST(e->management_point == (e->mp != NULL) && e->allow && e->name);
        if (e->host)
            MUST(bundle_endpoint_by_host(b, slice_of(e->host)) == e);
        else
            MUST(bundle_endpoint_by_path(b, slice_of(e->role), slice_of(e->name)) != NULL);
        for (size_t j = 0; e->role && j < sizeof paths / sizeof paths[0]; j++)
            (void)bundle_endpoint_by_path(b, slice_of(e->role), slice_of(paths[j]));
        for (size_t j = 0; j < e->method_count; j++)
            MUST(bundle_endpoint_takes(e, slice_of(e->methods[j])));
    }
    for (size_t i = 0; i < b->role_count; i++)
        MUST(bundle_role_find(b, slice_of(b->roles[i].id)) == &b->roles[i]);
    (void)bundle_blocks_guid(b, SLICE("6f1c0000-1111-4222-8333-44445555abcd"));
    (void)bundle_blocks_token(b, SLICE("jti-1"));
    (void)bundle_role_revoked(b, "connector", "cp9", 1);
}

static void try_bundle(const struct document *d)
{
    struct bundle *b;
    struct error err = {0};
    if (bundle_parse(d, &b, &err) != OK) {
        MUST(err.text[0]);
        return;
    }
    look_up(b);
    bundle_free(b);
}

static void try_connector_document(const struct document *d)
{
    struct connector_document *c;
    struct error err = {0};
    if (connector_document_parse(d, &c, &err) != OK) {
        MUST(err.text[0]);
        return;
    }
    for (size_t i = 0; i < c->endpoint_count; i++) {
        const struct connector_endpoint *e = &c->endpoints[i];
        MUST(e->host[0] && e->port && e->base_path && e->authority);
    }
    connector_document_free(c);
}

static void try_content(struct slice text, bool connector)
{
    struct document d = {.type = connector ? DOCUMENT_CONNECTOR : DOCUMENT_BUNDLE, .sequence = 7, .expires = 200};
    if (json_parse(text, 1 << 20, &d.content, NULL) != OK)
        return;
    if (connector)
        try_connector_document(&d);
    else if (json_is_object(d.content))
        try_bundle(&d);
    document_done(&d);
}

static void try_document(struct slice text)
{
    const struct document_expect e = {.audience = "gateway", .now = 1800000000};
    struct document d;
    struct error err = {0};
    MUST(document_read(text, &e, &d, &err) != OK && err.text[0]); /* nobody's hash is all zero */
}

static void try_hello(struct slice text)
{
    struct tunnel_greeting g;
    struct tunnel_endpoints e = {0};
    struct error err = {0};
    if (tunnel_hello_read(text, &g, &err) == OK)
        MUST(name_valid(NAME_MEMBER, slice_of(g.gateway_id)));
    if (tunnel_line_read(text, NULL, &e, &err) == OK) {
        for (size_t i = 0; i < e.count; i++)
            MUST(tunnel_endpoints_has(&e, slice_of(e.ids[i])));
    }
    tunnel_endpoints_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in) % 4;
    struct slice own = fuzz_own(in);
    if (choice < 2)
        try_content(own, choice == 1);
    else if (choice == 2)
        try_document(own);
    else
        try_hello(own);
    fuzz_own_free(own);
    return 0;
}
