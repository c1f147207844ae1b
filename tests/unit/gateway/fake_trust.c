/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_trust.h. */
#include "fake_trust.h"

#include <string.h>

#include "base/attr.h"

bool fake_trust_slow, fake_trust_asks;
unsigned fake_trust_whole_answers;

void __real_pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret);
void __wrap_pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret);

static void leave_question(const struct pki_question *q)
{
    unsigned char key[PKI_OCSP_KEY_SIZE] = {1};
    if (q->oracle && q->oracle->open)
        pki_ocsp_questions_add(q->oracle->open, q->leaf, q->leaf, key);
}

void __wrap_pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret)
{
    if (fake_trust_slow && q->quick) {
        memset(ret, 0, sizeof *ret);
        ret->reason = REASON_CERT_UNTRUSTED_ROOT;
        ret->unfinished = true;
        return;
    }
    fake_trust_whole_answers += !q->quick;
    __real_pki_trust_answer(t, q, ret);
    if (fake_trust_asks)
        leave_question(q);
}
