/* SPDX-License-Identifier: Apache-2.0 */
/* A key of its own in a file of its owner's alone, and the request that it signs. */
#include "gateway/obtain/csr.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/opt.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "gateway/obtain/host.h"
#include "join/report.h"
#include "pki/cert/cert.h"
#include "pki/issue/csr.h"
#include "pki/issue/issue.h"

enum { USAGE = 2, KEY_MAX = 16 * 1024 };

#define STATE_DEFAULT "/var/lib/opencmg-gateway" /* whose owner the gateway runs as, where the package is installed */

struct options {
    struct opt_list hosts;
    const char *key, *out;
    bool rsa, json;
};

#define AT(member) offsetof(struct options, member)

static const struct opt opts[] = {
    {.name = "host",
     .kind = OPT_LIST,
     .offset = AT(hosts),
     .value = "NAME",
     .help = "a name that the certificate is to be for (also *.example.com); repeat it for more"},
    {.name = "key",
     .kind = OPT_TEXT,
     .offset = AT(key),
     .value = "FILE",
     .help = "the private key: made, with mode 0600, where there is none; else that one signs",
     .required = true},
    {.name = "out",
     .kind = OPT_TEXT,
     .offset = AT(out),
     .value = "FILE",
     .help = "the request (PKCS#10, PEM) for the CA; a new file",
     .required = true},
    {.name = "rsa", .kind = OPT_FLAG, .offset = AT(rsa), .help = "make an RSA key of 3072 bits, not one of P-256"},
    {.name = "json", .kind = OPT_FLAG, .offset = AT(json), .help = "print JSON"},
    {0}};

static enum result read_key(const char *path, EVP_PKEY **ret, struct error *err)
{
    char *text;
    size_t len;
    enum result r = file_check_private(path, err);
    if (r == OK)
        r = file_read_text(path, KEY_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = pki_key_read(slice_make(text, len), ret, err);
    mem_free_secret(text, len);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

static enum result make_key(struct join_report *report, const struct options *o, EVP_PKEY **ret, struct error *err)
{
    *ret = o->rsa ? pki_key_new_rsa() : pki_key_new();
    char *pem = pki_key_pem(*ret);
    enum result r = file_write(o->key, slice_of(pem), 0600, err);
    mem_free_secret(pem, strlen(pem));
    if (r == OK)
        r = owner_give(o->key, STATE_DEFAULT, err);
    if (r == OK)
        join_did(report, "Made the key %s (%s, mode 0600)", o->key, o->rsa ? "RSA, 3072 bits" : "EC, P-256");
    return r;
}

static enum result take_key(struct join_report *report, const struct options *o, EVP_PKEY **ret, struct error *err)
{
    if (!file_exists(o->key))
        return make_key(report, o, ret, err);
    enum result r = read_key(o->key, ret, err);
    if (r == OK)
        join_did(report, "Took the key that is in %s", o->key);
    return r;
}

static enum result request(struct join_report *report, const struct options *o, struct error *err)
{
    static char names[OBTAIN_HOSTS_MAX][OBTAIN_HOST_SIZE];
    const char *hosts[OBTAIN_HOSTS_MAX + 1] = {NULL};
    EVP_PKEY *key = NULL;
    char *pem = NULL;
    enum result r = obtain_hosts(o->hosts.items, o->hosts.count, true, names, err);
    if (r == OK && file_exists(o->out)) {
        r = error_set(err, R_CONFLICT, "%s is there already", o->out);
        error_remedy(err, "name another file with --out, or move that one away");
    }
    for (size_t i = 0; r == OK && i < o->hosts.count; i++)
        hosts[i] = names[i];
    if (r == OK)
        r = take_key(report, o, &key, err);
    if (r == OK)
        r = pki_csr_for_server(key, hosts, &pem, err);
    if (r == OK)
        r = file_write(o->out, slice_of(pem), 0644, err);
    if (r == OK)
        join_did(report, "Wrote the request %s for %s%s", o->out, names[0], o->hosts.count > 1 ? " and others" : "");
    free(pem);
    EVP_PKEY_free(key);
    return r;
}

int gateway_csr(const struct conf_daemon *d, int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg-gateway csr --host NAME --key FILE --out FILE",
        "Makes a key and the request by which a CA issues the server certificate (docs/certificates.md).", opts, 0, 0};
    static struct options o; /* lists are large */
    const char **args;
    size_t count;
    struct error err;
    struct join_report report;
    enum result r = opt_parse(&cmd, argc, argv, &o, &args, &count, &err);
    if (r == R_EOF)
        return EXIT_SUCCESS;
    if (r != OK) {
        (void)fprintf(stderr, "%s: %s\nremedy: %s csr --help lists the options\n", d->name, err.text, d->name);
        return USAGE;
    }
    json_wipe_freed(true);
    join_report_start(&report, d->name, o.json);
    r = request(&report, &o, &err);
    if (r != OK)
        return join_failed(&report, &err, NULL);
    join_todo(&report, "have a CA that devices trust sign it for servers (serverAuth), with these names");
    join_todo(&report,
              "put what it gives into one file, the certificate first, its issuers behind; name that and %s under "
              "server_certificates; then: %s --check-config",
              o.key, d->name);
    return join_ended(&report, NULL);
}
