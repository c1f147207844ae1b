/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What administrators ask, by name. An answer is a few words, then cases that are judged by choices_check() when they
 * are shown, then conditions in their own words: so it can't say other than the tables. That the few words and the
 * cases agree is what `works` states and a test proves.
 */
#ifndef CHOICES_QUESTIONS_H
#define CHOICES_QUESTIONS_H

#include "choices/choices.h"

enum { CHOICES_CASES_MAX = 8, CHOICES_CITED_MAX = 10 };

struct choices_case {
    const char *what; /* "a workgroup device with client 1910" */
    struct choices_question question;
    bool works; /* what the answer builds on */
};

struct choices_faq {
    const char *id;       /* "enhanced-http-client-work" */
    const char *question; /* "Does Enhanced HTTP mean …?" */
    const char *answer;
    struct choices_case cases[CHOICES_CASES_MAX]; /* ends with NULL what */
    const char *cited[CHOICES_CITED_MAX];         /* ids of conditions; ends with NULL */
};

/* The index-th question, NULL behind the last. */
const struct choices_faq *choices_faq(size_t index);

#endif
