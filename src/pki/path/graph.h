/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who issued whom among the certificates above a leaf. OpenSSL takes the first issuer of the right name that it is
 * shown; this is what to show it, nearest to an anchor first, so that it walks into no dead end. Internal to src/pki.
 */
#ifndef PKI_PATH_GRAPH_H
#define PKI_PATH_GRAPH_H

#include "pki/path/path.h"

/* More certificates than this are not looked at: of a mesh so large, the part nearest to the leaf; of those, by name,
 * that many to find the ones whose signatures lead to an anchor. */
enum { PKI_GRAPH_NODES = 128, PKI_GRAPH_EDGES = 512, PKI_GRAPH_CANDIDATES = 1024 };

struct pki_graph;

/* Of the certificates that are valid at `now`, from the anchors down: a key verifies nothing unless an anchor, or what
 * hangs below one, certified it, so that nobody's own keys are tried on what he sent. The graph borrows from the pool.
 */
struct pki_graph *pki_graph_new(X509 *leaf, const struct pki_path_search *asked);
void pki_graph_free(struct pki_graph *g); /* NULL allowed */

/* OpenSSL ends a path at what it takes for self-signed: by names and key identifiers alone, so a self-issued
 * certificate for a new key, signed by the old one (RFC 4210 4.4), counts as a root when it has no identifiers. In the
 * place of such a one OpenSSL is shown a copy with an authority key identifier, whose signature nobody looks at: the
 * graph knows. */
X509 *pki_graph_shown(const struct pki_graph *g, X509 *cert);
/* What it stands for, of any certificate. */
X509 *pki_graph_original(const struct pki_graph *g, X509 *cert);

/* Of two that are shown: is the candidate's key the one that signed the subject? False for those that are not in the
 * graph. */
bool pki_graph_issued(const struct pki_graph *g, X509 *candidate, X509 *subject);

typedef bool pki_graph_left_out(const void *arg, X509 *cert);
/* The pool, as it is shown, of those on a way to an anchor that is not left out; the caller sk_X509_free()s both
 * stacks. False, and nothing to free, when no way is left. */
MUST_USE bool pki_graph_pool(const struct pki_graph *g, pki_graph_left_out *left_out, const void *arg,
                             struct pki_pool *ret);

#endif
