/* SPDX-License-Identifier: Apache-2.0 */
/* A device with a state folder of its own and a pretended site, for tests of whole operations. */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/clock.h"
#include "client/client.h"
#include "client/operation.h"
#include "client/report.h"
#include "client/state/resultant.h"
#include "fake_site.h"

enum { DAY = 86400 };
#define BULK_JWT "eyJ0eXAiOiJjbWctYnVsaytqd3QifQ.eyJhIjoxfQ.c2ln"

struct fixture {
    struct fake_site *site;
    char *dir;
    struct client c;
};

static UNUSED void set(struct fixture *f, const char *name, const char *value)
{
    struct error err;
    if (client_settings_set(&f->c.settings, slice_of(name), slice_of(value), &err) != OK)
        fail_msg("%s", err.text);
}

static UNUSED int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    char text[64];
    if (!f || scratch_make((void **)&f->dir) != 0)
        return -1;
    f->site = fake_site_start();
    if (client_open(f->dir, &f->c, &err) != OK)
        fail_msg("%s", err.text);
    scratch_put(f->dir, "ca.pem", fake_site_server_ca(f->site), 0600);
    char *ca = file_join(f->dir, "ca.pem");
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", fake_site_port(f->site));
    set(f, "CMGFQDNs", text);
    set(f, "SiteKey", fake_site_pin(f->site));
    set(f, "InventoryInterval", "0"); /* what it reports has its own tests */
    set(f, "GatewayCA", ca);
    set(f, "Name", "laptop");
    free(ca);
    *state = f;
    return 0;
}

static UNUSED int teardown(void **state)
{
    struct fixture *f = *state;
    void *dir = f->dir;
    client_close(&f->c);
    fake_site_end(f->site);
    free(f);
    return scratch_drop(&dir);
}

static UNUSED void give_pki(struct fixture *f, int64_t not_after)
{
    char *pem = fake_site_pki_client(f->site, clock_wall_s() - 300 * DAY, not_after);
    scratch_put(f->dir, "pki.pem", pem, 0600);
    char *path = file_join(f->dir, "pki.pem");
    set(f, "Certificate", path);
    free(path);
    free(pem);
}

static UNUSED void give_bulk(struct fixture *f)
{
    char text[256];
    struct error err;
    (void)snprintf(text, sizeof text, "cmg1.%s.%s\n", fake_site_pin(f->site), BULK_JWT);
    if (client_bulk_take(&f->c, slice_of(text), &err) != OK)
        fail_msg("%s", err.text);
}

/* {"typ":"entra"}.{"a":1}.sig */
#define ENTRA_JWT "eyJ0eXAiOiJlbnRyYSJ9.eyJhIjoxfQ.c2ln"

/* The device's Entra token comes from a command. */
static UNUSED void give_entra(struct fixture *f, const char *script)
{
    char *program = file_join(f->dir, "entra");
    scratch_put(f->dir, "entra", script, 0700);
    set(f, "EntraCommand", program);
    free(program);
}

static UNUSED json_t *operate(struct fixture *f, enum client_operation what, bool want)
{
    json_t *report;
    fake_site_forget(f->site);
    if (client_operate(&f->c, what, &report) != want) {
        client_report_json(report, stderr);
        fail_msg("it ended the other way");
    }
    assert_int_equal(json_is_true(json_object_get(report, "ok")), want);
    assert_int_equal(fake_site_bad_signatures(f->site), 0);
    return report;
}

static UNUSED void assert_seen(const struct fixture *f, const char *const *want, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = fake_site_seen(f->site, i);
        if (!got || strcmp(got, want[i]) != 0)
            fail_msg("request %zu was '%s' instead of '%s'", i, got ? got : "none", want[i]);
    }
    if (fake_site_seen(f->site, count))
        fail_msg("one request too many: %s", fake_site_seen(f->site, count));
}
#define SEEN(f, ...)                                                                                                   \
    assert_seen((f), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static UNUSED void assert_member(const json_t *report, const char *name, const char *want)
{
    const char *got = json_opt_str(report, name, "null");
    if (strcmp(got, want) != 0)
        fail_msg("%s is '%s' instead of '%s'", name, got, want);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
