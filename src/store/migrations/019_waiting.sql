-- SPDX-License-Identifier: Apache-2.0
-- Who waits for approval: from where it registered, whether it was approved before, and an index of those alone.
ALTER TABLE device ADD COLUMN origin TEXT NOT NULL DEFAULT '';        -- an address, an IPv6 /64, or a connector and its token
ALTER TABLE device ADD COLUMN once_approved BIGINT NOT NULL DEFAULT 0;
UPDATE device SET once_approved = 1 WHERE state = 'approved' OR vouched_by <> '' OR hardware_by <> ''
    OR last_seen > registered OR guid IN (SELECT guid FROM device_token);
CREATE INDEX device_waiting ON device (origin, registered) WHERE state = 'pending';
