/* SPDX-License-Identifier: Apache-2.0 */
/* Not exit(): OpenSSL frees there what threads still use, and libuv waits for its pool. That OpenSSL is told not to is
 * of no use: libjose starts it before main. What measures a program at its exit is called here. */
#include "base/host/process.h"

#include <stdio.h>
#include <unistd.h>

extern void __lsan_do_leak_check(void) __attribute__((weak)); /* of the address sanitizer, where that is */

#if PROCESS_COVERED
extern void __gcov_dump(void);
#endif

_Noreturn void process_end(int status)
{
    (void)fflush(NULL);
    if (__lsan_do_leak_check)
        __lsan_do_leak_check();
#if PROCESS_COVERED
    __gcov_dump();
#endif
    _exit(status);
}
