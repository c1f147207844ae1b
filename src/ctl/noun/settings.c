/* SPDX-License-Identifier: Apache-2.0 */
/* cmg settings get|set: the site's own settings. The table says how a value is written on the command line. */
#include <stdlib.h>

#include "base/host/file.h"
#include "base/text/nearest.h"
#include "conf/units.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

static json_t *bool_value(const char *text)
{
    bool value;
    return conf_parse_bool(slice_of(text), &value) ? json_boolean(value) : NULL;
}

static json_t *duration_value(const char *text)
{
    uint64_t seconds;
    return conf_parse_duration(slice_of(text), &seconds) && seconds <= INT32_MAX ? json_integer((json_int_t)seconds)
                                                                                 : NULL;
}

static json_t *text_value(const char *text)
{
    return json_string(text);
}

/* The certificates of a file as PEM; "": none. */
static json_t *certificates_value(const char *path)
{
    char *data, *pem = NULL;
    size_t len;
    if (!*path)
        return json_string("");
    if (file_read(path, CTL_FILE_MAX, &data, &len, NULL) != OK)
        return NULL;
    json_t *value = ctl_certificates_pem(slice_make(data, len), &pem, NULL) == OK ? json_string(pem) : NULL;
    free(data);
    free(pem);
    return value;
}

static const struct {
    const char *name;
    json_t *(*value)(const char *text);
    const char *form; /* what a value looks like */
} settings[] = {
    {"crl_check", bool_value, "on or off"},
    {"on_unavailable", text_value, "fail or allow"},
    {"renewal_grace", duration_value, "a duration: 90d, 0 for off"},
    {"bundle_max_age", duration_value, "a duration: 24h"},
    {"approval", text_value, "auto or manual"},
    {"waiting_expiry", duration_value, "a duration: 14d, 0 for never"},
    {"alert_check", duration_value, "a duration: 30s"},
    {"gateway_ca_pem", certificates_value,
     "a FILE: the CA of the gateways' certificates, for enrolment files; '' for none"},
};

struct options {
    struct ctl_common common;
};
static const struct opt opts[] = {CTL_OPT_JSON(struct options), CTL_OPT_SOCKET(struct options), CTL_OPT_END};

static int send_value(const struct ctl_common *common, const char *name, const char *given, json_t *value)
{
    json_t *answer;
    char *path = ctl_request_path("/v1/settings/%s", name);
    int code = ctl_send(common, "PUT", path, json_pack("{s:o}", "value", value), &answer);
    free(path);
    return code == CTL_DONE ? ctl_tell(common, answer, "%s: %s", name, given) : code;
}

static int refuse_unknown(const char *name, const char *usage)
{
    char near[128];
    struct nearest n = nearest_to(slice_of(name));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        nearest_try(&n, settings[i].name);
    (void)fprintf(stderr, "cmg: there is no setting '%s'%s; there are:\n", name,
                  nearest_text(&n, "", near, sizeof near));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        (void)fprintf(stderr, "  %-16s %s\n", settings[i].name, settings[i].form);
    (void)fprintf(stderr, "  remedy: %s, with one of these names\n", usage);
    return CTL_USAGE;
}

static int set_settings(const void *options, const char **args, size_t n UNUSED)
{
    const struct options *o = options;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (strcmp(settings[i].name, args[0]) != 0)
            continue;
        json_t *value = settings[i].value(args[1]);
        return value ? send_value(&o->common, args[0], args[1], value)
                     : ctl_usage("%s wants %s, not '%s'", args[0], settings[i].form, args[1]);
    }
    return refuse_unknown(args[0], "cmg settings set NAME VALUE");
}

/* {"settings": {...}} or the object itself. */
static const json_t *settings_of(const json_t *answer)
{
    const json_t *inner = json_object_get(answer, "settings");
    return json_is_object(inner) ? inner : answer;
}

/* As it is, so that a script can take it. */
static void print_alone(const json_t *value)
{
    char *text = json_is_string(value) ? NULL : ctl_cell_text(value, CTL_TEXT, NULL);
    (void)printf("%s\n", text ? text : json_string_value(value));
    free(text);
}

static void print_in_list(const char *name, const json_t *value)
{
    bool lines = json_is_string(value) && strchr(json_string_value(value), '\n');
    char *text = lines ? NULL : ctl_cell_text(value, CTL_TEXT, NULL);
    (void)printf("%-16s %s\n", name, text ? text : "(set; shown by its name alone)");
    free(text);
}

static int print_settings(const struct ctl_common *common, json_t *answer, const char *only)
{
    const json_t *all = settings_of(answer);
    if (only && !json_object_get(all, only))
        return refuse_unknown(only, "cmg settings get NAME");
    if (common->json && !only) {
        ctl_print_answer(answer);
        return CTL_DONE;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)all, name, value) {
        if (only && strcmp(only, name) != 0)
            continue;
        if (common->json)
            ctl_print_json(stdout, value, false);
        else if (only)
            print_alone(value);
        else
            print_in_list(name, value);
    }
    return CTL_DONE;
}

static int get_settings(const void *options, const char **args, size_t n)
{
    const struct options *o = options;
    json_t *answer;
    int code = ctl_send(&o->common, "GET", "/v1/settings", NULL, &answer);
    if (code != CTL_DONE)
        return code;
    code = print_settings(&o->common, answer, n == 1 ? args[0] : NULL);
    json_decref(answer);
    return code;
}

const struct ctl_command ctl_settings_commands[] = {
    {"settings get", "Show the settings of the site",
     CTL_RUN(get_settings, struct options, "cmg settings get [NAME] [options]", "Show the settings of the site.", opts,
             0, 1)},
    {"settings set", "Change a setting of the site",
     CTL_RUN(set_settings, struct options, "cmg settings set NAME VALUE [options]", "Change a setting of the site.",
             opts, 2, 2)},
    {NULL, NULL, NULL, NULL},
};
