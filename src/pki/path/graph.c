/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First by names, from the leaf up: who may stand on a path at all. Then by signatures, from the anchors down: those
 * first in which no fault is seen, so that what the others cost is spent when it harms no good path. All goes breadth
 * first, so that of too large a mesh the short paths are found.
 */
#include "pki/path/graph.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/cert/strength.h"
#include "pki/path/effort.h"
#include "pki/path/fault.h"

#define UNREACHED UINT8_MAX
_Static_assert(PKI_GRAPH_NODES < UNREACHED, "distances are bytes");

struct edge {
    unsigned char subject, issuer; /* nodes */
};

struct pki_graph {
    X509 *nodes[PKI_GRAPH_NODES]; /* borrowed; the first is the leaf */
    X509 *shown[PKI_GRAPH_NODES]; /* own references, in their place; NULL: they are shown themselves */
    bool anchor[PKI_GRAPH_NODES];
    size_t node_count;
    struct edge edges[PKI_GRAPH_EDGES];
    size_t edge_count;
};

/* --- by name, from the leaf up --- */

struct candidate {
    struct pki_party party;
    bool anchor;
    bool likely;         /* to stand on a good path */
    unsigned char below; /* steps to the leaf */
    unsigned char node;  /* once it hangs below an anchor, or is one; UNREACHED before that */
};

struct candidates {
    struct candidate list[PKI_GRAPH_CANDIDATES]; /* the first is the leaf; those above by the steps to it */
    size_t count;
    struct pki_effort *effort;
    bool client;
};

static bool is_candidate(const struct candidates *c, const X509 *cert)
{
    for (size_t i = 0; i < c->count; i++) {
        if (X509_cmp(c->list[i].party.cert, cert) == 0)
            return true;
    }
    return false;
}

/* Name, key identifier and kind of key fit (RFC 5280 6.1.3 (a)(4)); the issuer's usage is judged on the path. */
static bool may_have_issued(X509 *candidate, X509 *subject)
{
    if (X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(subject)) != 0)
        return false;
    int r = X509_check_issued(candidate, subject);
    return r == X509_V_OK || r == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}

/* A guess, for the order alone: an issuer without a fault that is seen before any signature. */
static bool no_fault_is_seen(X509 *cert, bool client)
{
    char why[PKI_STRENGTH_TEXT];
    return X509_check_ca(cert) == 1 && (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) &&
           !(X509_get_extension_flags(cert) & (EXFLAG_CRITICAL | EXFLAG_INVALID)) &&
           (!client || X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 1) == 1) &&
           pki_strength_ok(cert, true, why, sizeof why);
}

static void add_candidate(struct candidates *c, X509 *cert, bool anchor, unsigned char below)
{
    struct candidate *new = &c->list[c->count++];
    bool likely = anchor || below == 0 || no_fault_is_seen(cert, c->client);
    *new = (struct candidate){.anchor = anchor, .likely = likely, .below = below, .node = UNREACHED};
    pki_effort_look(c->effort, cert, &new->party);
}

/* Those that were taken out of `certs` are NULL there. */
static void look_above(struct candidates *c, size_t subject, STACK_OF(X509) * certs, bool anchors, int64_t now)
{
    X509 *below = c->list[subject].party.cert;
    unsigned char distance = (unsigned char)(c->list[subject].below + 1);
    for (int i = 0; i < sk_X509_num(certs) && c->count < PKI_GRAPH_CANDIDATES; i++) {
        X509 *cert = sk_X509_value(certs, i);
        if (!cert || !may_have_issued(cert, below))
            continue;
        (void)sk_X509_set(certs, i, NULL);
        if (pki_cert_not_before(cert) <= now && pki_cert_not_after(cert) >= now && !is_candidate(c, cert))
            add_candidate(c, cert, anchors, distance);
    }
}

static void collect(struct candidates *c, X509 *leaf, const struct pki_pool *pool, int64_t now)
{
    struct pki_pool left = {sk_X509_dup(pool->anchors), sk_X509_dup(pool->untrusted)};
    if (!left.anchors || !left.untrusted)
        fatal("pki: out of memory");
    add_candidate(c, leaf, false, 0);
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].anchor || c->list[i].below == PKI_PATH_CERTS - 1)
            continue;
        look_above(c, i, left.anchors, true, now);
        look_above(c, i, left.untrusted, false, now);
    }
    sk_X509_free(left.anchors);
    sk_X509_free(left.untrusted);
}

/* --- what is no root, though OpenSSL takes it for one --- */

/* The serial number of its issuer is not its own: that is what OpenSSL compares. */
static AUTHORITY_KEYID *name_other_issuer(X509 *cert)
{
    AUTHORITY_KEYID *ret = AUTHORITY_KEYID_new();
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    if (!ret || !serial || !BN_add_word(serial, 1) || !(ret->serial = BN_to_ASN1_INTEGER(serial, NULL)))
        fatal("pki: out of memory");
    BN_free(serial);
    return ret;
}

static X509 *copy_with_issuer(X509 *cert)
{
    X509 *ret = X509_dup(cert);
    AUTHORITY_KEYID *issuer = name_other_issuer(cert);
    if (!ret || X509_add1_ext_i2d(ret, NID_authority_key_identifier, issuer, 0, X509V3_ADD_REPLACE) != 1)
        fatal("pki: out of memory");
    AUTHORITY_KEYID_free(issuer);
    return ret;
}

/* One that its own key signed leads nowhere that the issuer of the same key does not lead to. */
static void tell_from_root(struct pki_graph *g, const struct candidate *s, const struct candidate *issuer)
{
    if (g->shown[s->node] || X509_self_signed(s->party.cert, 0) != 1 ||
        memcmp(s->party.spki_sha256, issuer->party.spki_sha256, PKI_SHA256) == 0)
        return;
    g->shown[s->node] = copy_with_issuer(s->party.cert);
}

/* --- by signature, from the anchors down --- */

static void add_node(struct pki_graph *g, struct candidate *c)
{
    if (g->node_count == PKI_GRAPH_NODES)
        return;
    c->node = (unsigned char)g->node_count;
    g->nodes[g->node_count] = c->party.cert;
    g->anchor[g->node_count++] = c->anchor;
}

static bool may_stand_below(const struct candidate *s, const struct candidate *issuer, unsigned above)
{
    return s != issuer && !s->anchor && above + 1 + s->below < PKI_PATH_CERTS &&
           may_have_issued(issuer->party.cert, s->party.cert);
}

/* Of the issuers that were found first, the pairs without a fault; else all others. */
struct pass {
    bool others;
    size_t first; /* so many nodes */
};

static bool is_of_pass(const struct pass *p, const struct candidate *s, const struct candidate *issuer)
{
    return (s->likely && issuer->likely && issuer->node < p->first) != p->others;
}

/* `above`: steps from the issuer to an anchor. */
static void descend(struct pki_graph *g, struct candidates *c, const struct pass *p, const struct candidate *issuer,
                    unsigned above)
{
    for (size_t i = 0; i < c->count && g->edge_count < PKI_GRAPH_EDGES; i++) {
        struct candidate *s = &c->list[i];
        if (!is_of_pass(p, s, issuer) || !may_stand_below(s, issuer, above) ||
            !pki_effort_signed_by(c->effort, &s->party, &issuer->party))
            continue;
        if (s->node == UNREACHED)
            add_node(g, s);
        if (s->node == UNREACHED)
            continue;
        g->edges[g->edge_count++] = (struct edge){s->node, issuer->node};
        tell_from_root(g, s, issuer);
    }
}

static const struct candidate *candidate_of(const struct candidates *c, size_t node)
{
    size_t i = 0;
    while (c->list[i].node != node)
        i++;
    return &c->list[i];
}

static void verify_pass(struct pki_graph *g, struct candidates *c, const struct pass *p,
                        unsigned char above[PKI_GRAPH_NODES])
{
    for (size_t i = 1; i < g->node_count; i++) {
        size_t before = g->node_count;
        descend(g, c, p, candidate_of(c, i), above[i]);
        for (size_t n = before; n < g->node_count; n++)
            above[n] = (unsigned char)(above[i] + 1);
    }
}

static void verify_all(struct pki_graph *g, struct candidates *c)
{
    unsigned char above[PKI_GRAPH_NODES] = {0};
    add_node(g, &c->list[0]);
    for (size_t i = 1; i < c->count; i++) {
        if (c->list[i].anchor)
            add_node(g, &c->list[i]);
    }
    verify_pass(g, c, &(struct pass){.others = false, .first = PKI_GRAPH_NODES}, above);
    verify_pass(g, c, &(struct pass){.others = true, .first = g->node_count}, above);
}

struct pki_graph *pki_graph_new(X509 *leaf, const struct pki_path_search *asked)
{
    struct pki_graph *g = mem_zalloc(sizeof *g);
    struct candidates *c = mem_zalloc(sizeof *c);
    c->effort = asked->effort;
    c->client = asked->client;
    collect(c, leaf, asked->pool, asked->now);
    verify_all(g, c);
    free(c);
    return g;
}

void pki_graph_free(struct pki_graph *g)
{
    for (size_t i = 0; g && i < g->node_count; i++)
        X509_free(g->shown[i]);
    free(g);
}

/* --- asking --- */

static X509 *shown(const struct pki_graph *g, size_t node)
{
    return g->shown[node] ? g->shown[node] : g->nodes[node];
}

static size_t find(const struct pki_graph *g, const X509 *cert)
{
    size_t i = 0;
    while (i < g->node_count && shown(g, i) != cert)
        i++;
    return i;
}

X509 *pki_graph_shown(const struct pki_graph *g, X509 *cert)
{
    for (size_t i = 0; i < g->node_count; i++) {
        if (g->nodes[i] == cert)
            return shown(g, i);
    }
    return cert;
}

X509 *pki_graph_original(const struct pki_graph *g, X509 *cert)
{
    size_t node = find(g, cert);
    return node < g->node_count ? g->nodes[node] : cert;
}

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
                push(d == 0 ? ret->anchors : ret->untrusted, shown(g, i));
        }
    }
    return true;
}
