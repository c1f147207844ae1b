/* SPDX-License-Identifier: Apache-2.0 */
/* One line, in a file of its own because of what it must come before: any thread, any use of OpenSSL. */
#include "tls/process.h"

#include <openssl/crypto.h>

#include "base/error.h"

void tls_process_start(void)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
        fatal("OpenSSL does not start");
}
