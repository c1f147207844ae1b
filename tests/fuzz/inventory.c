/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories: any bytes give devices or faults with a place; every row counts once; the report is JSON and its page
 * has no markup of the file's. */
#include "fuzz.h"
#include "plan/report.h"

static enum result give(void *user, char *to, size_t max, size_t *ret_len, struct error *err)
{
    struct slice *text = user;
    (void)err;
    *ret_len = text->len < max ? text->len : max;
    if (*ret_len > 0)
        memcpy(to, text->ptr, *ret_len);
    *text = slice_skip(*text, *ret_len);
    return OK;
}

static void check_report(const struct inventory *i, const char *source)
{
    static const struct plan_setup today = {.modes = 1, .clients = 7, .crl_check = true},
                                   proposed = {.modes = 2, .clients = 7, .server_cert = CHOICE_CERT_INTERNAL};
    struct plan *p = plan_new(i->fleet, &today, &proposed);
    json_t *report = plan_report_json(p, i, source);
    struct buf page;
    buf_init(&page, 16 * 1024 * 1024);
    MUST(plan_report_html(report, &page) == OK);
    MUST(slice_find_slice(buf_data(&page), SLICE("<script")) == SIZE_MAX);
    buf_free(&page);
    for (size_t n = 0; n < plan_fleet_count(i->fleet); n++) {
        json_t *device;
        struct buf out;
        buf_init(&out, 64 * 1024);
        MUST(plan_report_device(p, n, &out) == OK);
        MUST(json_parse(buf_data(&out), 64 * 1024, &device, NULL) == OK);
        json_decref(device);
        buf_free(&out);
        MUST(plan_report_line(p, n, &out) == OK);
        buf_free(&out);
    }
    json_decref(report);
    plan_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice own = fuzz_own(slice_make(data, size)), text = own;
    struct inventory i;
    struct error err = {OK, ""};
    if (inventory_read(&i, give, &text, &err) == OK) {
        MUST(i.rows == i.bad_rows + plan_fleet_count(i.fleet));
        MUST((i.bad_rows == 0) == (i.fault_count == 0));
        for (size_t n = 0; n < i.fault_count; n++)
            MUST(i.faults[n].line > 0 && i.faults[n].column > 0 && i.faults[n].text[0]);
        check_report(&i, "fuzz");
    } else {
        MUST(err.text[0] != '\0');
    }
    inventory_end(&i);
    fuzz_own_free(own);
    return 0;
}
