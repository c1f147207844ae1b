/* SPDX-License-Identifier: Apache-2.0 */
/* The places of every process: what the C library, OpenSSL, libcurl, libldap and libpq read at any time. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/internal.h"

static const struct place {
    enum sandbox_use use;
    const char *path;
} places[] = {
    /* modules of name services and of OpenSSL are loaded when they are first asked for */
    {SANDBOX_READ_FOLDER, "/usr"},
    {SANDBOX_READ_FOLDER, "/lib"},
    {SANDBOX_READ_FOLDER, "/lib64"},
    {SANDBOX_READ_FOLDER, "/proc/self"},
    {SANDBOX_READ_FOLDER, "/proc/meminfo"},
    {SANDBOX_READ_FOLDER, "/proc/stat"},
    {SANDBOX_READ_FOLDER, "/proc/sys/vm/overcommit_memory"},
    {SANDBOX_READ_FOLDER, "/proc/sys/crypto/fips_enabled"},
    {SANDBOX_READ_FOLDER, "/sys/devices/system/cpu"},
    {SANDBOX_READ_FOLDER, "/sys/fs/cgroup"},
    {SANDBOX_READ_FOLDER, "/dev/random"},
    {SANDBOX_READ_FOLDER, "/dev/urandom"},
    /* the name servers' file is a link to where their manager writes it anew; so are sssd's maps */
    {SANDBOX_READ_FOLDER, "/run/systemd/resolve"},
    {SANDBOX_READ_FOLDER, "/run/resolvconf"},
    {SANDBOX_READ_FOLDER, "/run/NetworkManager"},
    {SANDBOX_READ_FOLDER, "/var/lib/sss"},
};

/* Of /etc, for root. Anybody else reads all of it, as far as modes go: there resolv.conf may be another file after each
 * change of networks. */
static const char *const of_etc[] = {
    "ca-certificates", "crypto-policies", "gai.conf",  "gnutls",    "gss",         "host.conf",       "hosts",
    "krb5.conf",       "krb5.conf.d",     "ldap",      "ldap.conf", "ld.so.cache", "localtime",       "machine-id",
    "networks",        "nsswitch.conf",   "passwd",    "pkcs11",    "pki",         "protocols",       "resolv.conf",
    "sasl2",           "services",        "ssl/certs", "group",     "timezone",    "ssl/openssl.cnf",
};

/* Where the environment leads these libraries elsewhere. */
static const char *const of_environment[] = {"OPENSSL_CONF", "OPENSSL_MODULES", "SSL_CERT_FILE",
                                             "SSL_CERT_DIR", "LDAPCONF",        "KRB5_CONFIG"};

void sandbox_places(void (*fn)(void *ctx, enum sandbox_use use, const char *path), void *ctx)
{
    char path[64];
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        fn(ctx, places[i].use, places[i].path);
    if (geteuid() != 0)
        fn(ctx, SANDBOX_READ_FOLDER, "/etc");
    for (size_t i = 0; i < ARRAY_LEN(of_etc) && geteuid() == 0; i++) {
        (void)snprintf(path, sizeof path, "/etc/%s", of_etc[i]);
        fn(ctx, SANDBOX_READ_FOLDER, path);
    }
    for (size_t i = 0; i < ARRAY_LEN(of_environment); i++)
        fn(ctx, SANDBOX_READ_FOLDER, getenv(of_environment[i]));
}
