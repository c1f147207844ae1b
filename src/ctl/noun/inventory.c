/* SPDX-License-Identifier: Apache-2.0 */
/* cmg inventory: what devices told of themselves. */
#include "ctl/command.h"
#include "ctl/pages.h"

static const struct ctl_column messages[] = {{"RECEIVED", "received", CTL_TIME, NULL},
                                             {"KIND", "kind", CTL_TEXT, NULL},
                                             {"OF", "subject", CTL_TEXT, NULL},
                                             {"VERSION", "version", CTL_NUMBER, NULL},
                                             {"STATE", "state", CTL_STATE, NULL},
                                             {"DETAIL", "detail", CTL_TEXT, ""},
                                             {NULL, NULL, CTL_TEXT, NULL}};

const struct ctl_command ctl_inventory_commands[] = {
    {"inventory messages", "Show what a device told of what it was given", NULL,
     CTL_ROWS_OF("GUID|NAME", "/v1/devices/%s/messages", "messages", messages, "the device told nothing of late")},
    {NULL, NULL, NULL, NULL},
};
