/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as an error. Who decides is pki/trust.h. */
#include "pki/path/verdict.h"

void pki_verdict_tell(const struct pki_verdict *v, struct error *ret)
{
    (void)error_set(ret, R_DENIED, "%s", v->detail);
    error_remedy(ret, v->remedy);
}
