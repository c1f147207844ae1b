/* SPDX-License-Identifier: Apache-2.0 */
/* Files of secrets and certificates on the administrator's side (secret.h). */
#include "ctl/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/out.h"
#include "ctl/request.h"
#include "pki/cert/cert.h"

enum { CERTIFICATES_MAX = 256 };

bool ctl_can_write(const struct ctl_common *common, const char *path)
{
    struct error err;
    struct stat st;
    if (!path)
        return true;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)error_set(&err, R_IO, "the file can't be written: it is a folder");
        (void)ctl_fail_error(common, &err, path, "name a file in it with --out");
        return false;
    }
    char *dir = mem_strdup(path), *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0'; /* "/x" is in "/" */
    bool can = access(slash ? dir : ".", W_OK | X_OK) == 0;
    if (!can) {
        (void)error_set(&err, R_DENIED, "the file can't be written: %s", strerror(errno));
        (void)ctl_fail_error(common, &err, path, "name a file in a folder that you may write to with --out");
    }
    free(dir);
    return can;
}

bool ctl_write_secret(const struct ctl_common *common, const char *path, const char *text)
{
    struct buf b;
    struct error err;
    buf_init_secret(&b, CTL_FILE_MAX);
    enum result r = buf_printf(&b, "%s\n", text);
    r = r == OK ? file_write(path, buf_data(&b), 0600, &err) : error_set(&err, r, "too long");
    buf_free(&b);
    if (r != OK)
        (void)ctl_fail_error(common, &err, path, "name a file in a folder that you may write to with --out");
    return r == OK;
}

bool ctl_read_file(const struct ctl_common *common, const char *path, char **ret, size_t *ret_len)
{
    struct error err;
    if (file_read_text(path, CTL_FILE_MAX, ret, ret_len, &err) == OK)
        return true;
    (void)ctl_fail_error(common, &err, path, NULL);
    return false;
}

enum result ctl_certificates_pem(struct slice data, char **ret, struct error *err)
{
    STACK_OF(X509) *certs = NULL;
    enum result r = pki_cert_read_all(data, CERTIFICATES_MAX, &certs, err);
    if (r != OK)
        return r;
    struct buf b;
    buf_init(&b, CTL_FILE_MAX);
    for (int i = 0; i < sk_X509_num(certs) && r == OK; i++) {
        char *pem = pki_cert_pem(sk_X509_value(certs, i));
        r = buf_append_str(&b, pem);
        free(pem);
    }
    sk_X509_pop_free(certs, X509_free);
    if (r == OK)
        *ret = buf_take_str(&b);
    else
        (void)error_set(err, r, "too many certificates");
    buf_free(&b);
    return r;
}

bool ctl_put_certificates(const struct ctl_common *common, const char *path, const char *remedy, json_t *body,
                          const char *member)
{
    char *data, *pem = NULL;
    size_t len;
    struct error err;
    if (!ctl_read_file(common, path, &data, &len))
        return false;
    enum result r = ctl_certificates_pem(slice_make(data, len), &pem, &err);
    free(data);
    if (r != OK) {
        (void)ctl_fail_error(common, &err, path, remedy);
        return false;
    }
    (void)json_object_set_new(body, member, json_string(pem));
    free(pem);
    return true;
}

/* Writes the bootstrap file of the answer, which then holds "out" in its place. */
static bool write_bootstrap(const struct ctl_common *common, json_t *answer, const char *out)
{
    json_t *bootstrap = json_object_get(answer, "bootstrap");
    char *text = json_is_string(bootstrap) ? mem_strdup(json_string_value(bootstrap)) : json_text(bootstrap);
    bool written = ctl_write_secret(common, out, text);
    mem_free_secret(text, strlen(text));
    (void)json_object_del(answer, "bootstrap");
    (void)json_object_set_new(answer, "out", json_string(out));
    return written;
}

int ctl_add_with_bootstrap(const struct ctl_common *common, const char *path, json_t *body, const struct ctl_role *role,
                           const char *out)
{
    json_t *answer;
    struct error err;
    if (!ctl_can_write(common, out)) {
        json_decref(body);
        return CTL_FAILED;
    }
    int code = ctl_send(common, "POST", path, body, &answer);
    if (code != CTL_DONE)
        return code;
    json_t *bootstrap = json_object_get(answer, "bootstrap");
    if (!bootstrap) {
        (void)error_set(&err, R_INVALID, "the answer holds no bootstrap file");
        code = ctl_fail_error(common, &err, path, "use cmg and cmg-mp of the same version");
    } else if (out && !write_bootstrap(common, answer, out)) {
        code = CTL_FAILED;
    } else if (common->json) {
        ctl_print_answer(answer);
    } else if (out) {
        (void)printf("%s %s %s; its bootstrap file is %s: hand it over privately, it holds a key\n", role->kind,
                     role->id, role->done, out);
    } else {
        ctl_print_json(stdout, bootstrap, true);
    }
    json_decref(answer);
    return code;
}

/* --- join strings --- */

bool ctl_put_join(const struct ctl_join *j, json_t *body)
{
    int64_t valid_s;
    if (!j->join && j->valid_for)
        return ctl_usage("--valid-for goes with --join") == CTL_DONE;
    if (!j->join)
        return true;
    json_t *o = json_object();
    (void)json_object_set_new(body, "join", o);
    if (!j->valid_for)
        return true;
    if (!ctl_duration("valid-for", j->valid_for, &valid_s))
        return false;
    (void)json_object_set_new(o, "valid_s", json_integer(valid_s));
    return true;
}

/* People see what to do with it, and a pipe gets the string alone. */
static void say_how(const char *command, int64_t expires)
{
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(expires, until);
    (void)fprintf(stderr, "Counts once, until %s, and is a secret until then. On the machine that is to join: %s -\n",
                  until, command);
}

int ctl_ask_join(const struct ctl_common *common, const char *path, json_t *body, json_t **ret)
{
    struct error err;
    int code = ctl_send(common, "POST", path, body, ret);
    if (code != CTL_DONE || json_is_string(json_object_get(*ret, "join")))
        return code;
    json_decref(*ret);
    *ret = NULL;
    (void)error_set(&err, R_INVALID, "the answer holds no join string");
    return ctl_fail_error(common, &err, path, "use cmg and cmg-mp of the same version");
}

static int give_join(const struct ctl_common *common, json_t *answer, const char *command, const char *out)
{
    const char *text = json_opt_str(answer, "join", "");
    if (out) {
        if (!ctl_write_secret(common, out, text))
            return CTL_FAILED;
        (void)json_object_del(answer, "join");
        (void)json_object_set_new(answer, "out", json_string(out));
    }
    if (common->json) {
        ctl_print_answer(answer);
        return CTL_DONE;
    }
    if (out)
        (void)printf("join string written to %s\n", out);
    else
        (void)printf("%s\n", text);
    (void)fflush(stdout);
    say_how(command, json_opt_int(answer, "expires", 0));
    return CTL_DONE;
}

int ctl_post_for_join(const struct ctl_common *common, const char *path, json_t *body, const char *command,
                      const char *out)
{
    json_t *answer;
    if (!ctl_can_write(common, out)) {
        json_decref(body);
        return CTL_FAILED;
    }
    int code = ctl_ask_join(common, path, body, &answer);
    if (code != CTL_DONE)
        return code;
    code = give_join(common, answer, command, out);
    json_decref(answer);
    return code;
}
