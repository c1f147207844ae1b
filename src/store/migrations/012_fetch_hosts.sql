-- SPDX-License-Identifier: Apache-2.0
-- Of an anchor: the hosts from which lists may be fetched that certificates below it point to, words "host[:port]"; '' none.

ALTER TABLE trust ADD COLUMN fetch_hosts TEXT NOT NULL DEFAULT '';
