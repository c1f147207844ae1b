/* SPDX-License-Identifier: Apache-2.0 */
/* cmg device list|show|approve|block|unblock|remove */
#include "ctl/request.h"

static const struct ctl_column columns[] = {{"NAME", "name", CTL_TEXT, NULL},
                                            {"GUID", "guid", CTL_TEXT, NULL},
                                            {"METHOD", "method", CTL_TEXT, NULL},
                                            {"STATE", "state", CTL_STATE, NULL},
                                            {"REGISTERED", "registered", CTL_TIME, NULL},
                                            {"LAST SEEN", "last_seen", CTL_TIME, "never"},
                                            {NULL, NULL, CTL_TEXT, NULL}};
static const struct ctl_column details[] = {{"Name", "name", CTL_TEXT, NULL},
                                            {"GUID", "guid", CTL_TEXT, NULL},
                                            {"Method", "method", CTL_TEXT, NULL},
                                            {"State", "state", CTL_STATE, NULL},
                                            {"Registered", "registered", CTL_TIME, NULL},
                                            {"Last seen", "last_seen", CTL_TIME, "never"},
                                            {"Client version", "client_version", CTL_TEXT, NULL},
                                            {"Hardware id", "hardware_id", CTL_TEXT, NULL},
                                            {"Certificates", "certificates", CTL_LIST, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

static const struct ctl_request list = {.usage = "cmg device list [options]",
                                        .method = "GET",
                                        .path = "/v1/devices",
                                        .member = "devices",
                                        .columns = columns,
                                        .empty = "no devices yet: cmg token new makes a token to register one with",
                                        .is_list = true};
static const struct ctl_request show = {.usage = "cmg device show GUID|NAME [options]",
                                        .method = "GET",
                                        .path = "/v1/devices/%s",
                                        .member = "device",
                                        .columns = details};
static const struct ctl_request approve = {.usage = "cmg device approve GUID|NAME [options]",
                                           .method = "POST",
                                           .path = "/v1/devices/%s/approve",
                                           .done = "device %s approved"};
static const struct ctl_request block = {.usage = "cmg device block GUID|NAME [options]",
                                         .method = "POST",
                                         .path = "/v1/devices/%s/block",
                                         .done = "device %s blocked; gateways refuse it within 5 s"};
static const struct ctl_request unblock = {.usage = "cmg device unblock GUID|NAME [options]",
                                           .method = "POST",
                                           .path = "/v1/devices/%s/unblock",
                                           .done = "device %s unblocked"};
static const struct ctl_request remove_it = {.usage = "cmg device remove GUID|NAME [options]",
                                             .method = "DELETE",
                                             .path = "/v1/devices/%s",
                                             .done = "device %s removed"};

const struct ctl_command ctl_device_commands[] = {
    {"device list", "List the devices", NULL, &list},
    {"device show", "Show one device", NULL, &show},
    {"device approve", "Approve a pending device", NULL, &approve},
    {"device block", "Block a device everywhere", NULL, &block},
    {"device unblock", "Allow a blocked device again", NULL, &unblock},
    {"device remove", "Remove a device's record", NULL, &remove_it},
    {NULL, NULL, NULL, NULL},
};
