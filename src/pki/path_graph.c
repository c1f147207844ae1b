/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/path_graph.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/cert.h"

enum { KEY_BITS_MAX = 8192 };
#define UNREACHED UINT8_MAX
_Static_assert(PKI_GRAPH_NODES < UNREACHED, "distances are bytes");

struct edge {
    unsigned char subject, issuer; /* nodes */
};

struct pki_graph {
    X509 *nodes[PKI_GRAPH_NODES]; /* borrowed; the first is the leaf */
    bool anchor[PKI_GRAPH_NODES];
    size_t node_count;
    struct edge edges[PKI_GRAPH_EDGES];
    size_t edge_count, looked_at; /* signatures, the wrong ones included */
};

/* --- building --- */

static size_t find(const struct pki_graph *g, const X509 *cert)
{
    size_t i = 0;
    while (i < g->node_count && g->nodes[i] != cert && X509_cmp(g->nodes[i], cert) != 0)
        i++;
    return i;
}

/* Name, key identifier and kind of key fit (RFC 5280 6.1.3 (a)(4)); the issuer's usage is judged on the path. */
static bool may_have_issued(X509 *candidate, X509 *subject)
{
    int r = X509_check_issued(candidate, subject);
    return r == X509_V_OK || r == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}

/* Keys beyond that size are slow, and anybody may send them. */
static bool signed_by(X509 *subject, X509 *candidate)
{
    EVP_PKEY *key = X509_get0_pubkey(candidate);
    return key && EVP_PKEY_get_bits(key) <= KEY_BITS_MAX && X509_verify(subject, key) == 1;
}

static void consider(struct pki_graph *g, size_t subject, X509 *candidate, bool anchor, int64_t now)
{
    if (!may_have_issued(candidate, g->nodes[subject]) || g->looked_at == PKI_GRAPH_EDGES ||
        pki_cert_not_before(candidate) > now || pki_cert_not_after(candidate) < now)
        return;
    size_t issuer = find(g, candidate);
    if (issuer == subject || issuer == PKI_GRAPH_NODES)
        return;
    g->looked_at++;
    if (!signed_by(g->nodes[subject], candidate))
        return;
    if (issuer == g->node_count) {
        g->nodes[g->node_count] = candidate;
        g->anchor[g->node_count++] = anchor;
    }
    g->edges[g->edge_count++] = (struct edge){(unsigned char)subject, (unsigned char)issuer};
}

struct pki_graph *pki_graph_new(X509 *leaf, const struct pki_pool *pool, int64_t now)
{
    struct pki_graph *g = mem_zalloc(sizeof *g);
    g->nodes[g->node_count++] = leaf;
    for (size_t i = 0; i < g->node_count; i++) {
        for (int c = 0; !g->anchor[i] && c < sk_X509_num(pool->anchors); c++)
            consider(g, i, sk_X509_value(pool->anchors, c), true, now);
        for (int c = 0; !g->anchor[i] && c < sk_X509_num(pool->untrusted); c++)
            consider(g, i, sk_X509_value(pool->untrusted, c), false, now);
    }
    return g;
}

void pki_graph_free(struct pki_graph *g)
{
    free(g);
}

/* --- asking --- */

bool pki_graph_issued(const struct pki_graph *g, X509 *candidate, X509 *subject)
{
    size_t s = find(g, subject), c = find(g, candidate);
    for (size_t i = 0; i < g->edge_count; i++) {
        if (g->edges[i].subject == s && g->edges[i].issuer == c)
            return true;
    }
    return false;
}

/* How many steps each node is from an anchor. */
static void measure(const struct pki_graph *g, const bool out[PKI_GRAPH_NODES], unsigned char ret[PKI_GRAPH_NODES])
{
    bool changed = true;
    for (size_t i = 0; i < g->node_count; i++)
        ret[i] = g->anchor[i] && !out[i] ? 0 : UNREACHED;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < g->edge_count; i++) {
            unsigned char *subject = &ret[g->edges[i].subject], issuer = ret[g->edges[i].issuer];
            if (out[g->edges[i].subject] || issuer == UNREACHED || issuer + 1 >= *subject)
                continue;
            *subject = (unsigned char)(issuer + 1);
            changed = true;
        }
    }
}

static void push(STACK_OF(X509) * to, X509 *cert)
{
    if (!sk_X509_push(to, cert))
        fatal("pki: out of memory");
}

bool pki_graph_pool(const struct pki_graph *g, pki_graph_left_out *left_out, const void *arg, struct pki_pool *ret)
{
    bool out[PKI_GRAPH_NODES] = {false};
    unsigned char distance[PKI_GRAPH_NODES];
    for (size_t i = 1; i < g->node_count; i++)
        out[i] = left_out(arg, g->nodes[i]);
    measure(g, out, distance);
    if (distance[0] == UNREACHED)
        return false;
    *ret = (struct pki_pool){sk_X509_new_null(), sk_X509_new_null()};
    if (!ret->anchors || !ret->untrusted)
        fatal("pki: out of memory");
    for (unsigned d = 0; d < PKI_GRAPH_NODES; d++) {
        for (size_t i = 1; i < g->node_count; i++) {
            if (distance[i] == d)
                push(d == 0 ? ret->anchors : ret->untrusted, g->nodes[i]);
        }
    }
    return true;
}
