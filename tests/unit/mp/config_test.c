/* SPDX-License-Identifier: Apache-2.0 */
/* mp.yaml: names, files, and the choices that rule settings out. */
#include "cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "mp/config.h"

static char dir[64], path[96];
static struct mp_config config;
static struct conf_faults faults;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "%s", "/tmp/opencmg-mp-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof path, "%s/mp.yaml", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}

static enum result load(const char *text)
{
    if (file_write(path, slice_of(text), 0600, NULL) != OK)
        fail_msg("%s can't be written", path);
    memset(&faults, 0, sizeof faults);
    return mp_config_load(path, &config, &faults);
}

static void assert_fault(const char *text, const char *word)
{
    assert_int_equal(load(text), R_INVALID);
    bool told = false;
    for (size_t i = 0; i < faults.count; i++)
        told |= strstr(faults.list[i].text, word) != NULL;
    if (!told)
        fail_msg("no fault says '%s'; the first is '%s'", word, faults.list[0].text);
    mp_config_free(&config);
}

#define HEAD "site: LAB\nmanagement_points:\n"
#define EHTTP "  - {id: \"72\", mode: ehttp, listen: \"127.0.0.1:8444\", url: \"https://mp:8444\""

static void an_ehttp_management_point_needs_little(void **state)
{
    (void)state;
    assert_int_equal(load(HEAD EHTTP "}\n"), OK);
    const struct mp_config_point *p = mp_config_points(&config);
    char clients[MP_CLIENTS_TEXT];
    mp_clients_text(p->clients, clients);
    assert_string_equal(clients, "entra token");
    assert_int_equal(p->choice, CHOICE_MP_EHTTP);
    mp_config_free(&config);
}

static void pki_at_an_ehttp_management_point_is_ruled_out_by_name(void **state)
{
    (void)state;
    const struct choices_line *rule = choices_forbids_mp(CHOICE_MP_EHTTP, CHOICE_BIT(CHOICE_PKI));
    assert_non_null(rule);
    assert_fault(HEAD EHTTP ", client_auth: [pki, token]}\n", rule->id);
}

static void an_https_management_point_needs_its_certificate(void **state)
{
    (void)state;
    assert_fault(HEAD "  - {id: \"72\", mode: https, listen: \":8443\", url: \"https://mp:8443\"}\n", "certificate");
    assert_fault(HEAD "  - {id: \"72\", mode: https, listen: \":8443\", url: \"https://mp:8443\", certificate: no.pem, "
                      "key: no.key, anchors: [no-ca.pem]}\n",
                 "no-ca.pem");
}

static void what_the_site_issues_is_not_configured(void **state)
{
    (void)state;
    assert_fault(HEAD EHTTP ", certificate: a.pem, key: a.key}\n", "the site issues");
}

static void malformed_names_and_addresses_are_told(void **state)
{
    (void)state;
    assert_fault("site: lab\nmanagement_points:\n" EHTTP "}\n", "site code");
    assert_fault("site: LAB\nmanagement_points: []\n", "at least one");
    assert_fault(HEAD "  - {id: \"a/b\", mode: ehttp, listen: \":1\", url: \"https://mp\"}\n", "1 to 40");
    assert_fault(HEAD "  - {id: \"7\", mode: ehttp, listen: \"nowhere\", url: \"https://mp\"}\n", "listen");
    assert_fault(HEAD "  - {id: \"7\", mode: ehttp, listen: \":1\", url: \"http://mp\"}\n", "https://");
    assert_fault(HEAD "  - {id: \"7\", mode: ehttp, listen: \":1\", url: \"https://mp/path\"}\n", "path");
    assert_fault(HEAD EHTTP "}\n" EHTTP "}\n", "twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ehttp_management_point_needs_little),
        cmocka_unit_test(pki_at_an_ehttp_management_point_is_ruled_out_by_name),
        cmocka_unit_test(an_https_management_point_needs_its_certificate),
        cmocka_unit_test(what_the_site_issues_is_not_configured),
        cmocka_unit_test(malformed_names_and_addresses_are_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
