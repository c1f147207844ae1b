/* SPDX-License-Identifier: Apache-2.0 */
/* cmg: the administrator's command. */
#include <curl/curl.h>
#include <signal.h>

#include "base/mem.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "json/json.h"

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    mem_keep_private();
    json_wipe_freed(true);
    if (curl_global_init(CURL_GLOBAL_ALL) != 0)
        fatal("libcurl does not start");
    int code = ctl_main(argc - 1, argv + 1);
    curl_global_cleanup();
    if (fflush(stdout) != 0 && code == CTL_DONE)
        return CTL_FAILED;
    return code;
}
