-- SPDX-License-Identifier: Apache-2.0
-- What of a device somebody else stands for, which records are of one machine, why one waits, and the credentials of
-- removed devices, which stay out.

ALTER TABLE device ADD COLUMN voucher TEXT NOT NULL DEFAULT '';      -- who let it in: certificate, entra, token, nobody
ALTER TABLE device ADD COLUMN machine TEXT NOT NULL DEFAULT '';      -- hash of a key that its records have proven to share
ALTER TABLE device ADD COLUMN machine_proven BIGINT NOT NULL DEFAULT 1; -- by that key; 0: by an administrator's word
ALTER TABLE device ADD COLUMN vouched_name TEXT NOT NULL DEFAULT ''; -- and who stands for it: certificate, token and so on
ALTER TABLE device ADD COLUMN vouched_by TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN hardware_by TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN reason TEXT NOT NULL DEFAULT '';       -- why it waits
ALTER TABLE device ADD COLUMN known TEXT NOT NULL DEFAULT '';        -- GUID of the device that the reason names
ALTER TABLE device ADD COLUMN known_by TEXT NOT NULL DEFAULT '';     -- and by what: 'hardware id', 'name' and so on
ALTER TABLE device ADD COLUMN kept_out BIGINT NOT NULL DEFAULT 0;    -- it waits, and gateways refuse it
ALTER TABLE device ADD COLUMN other_hardware TEXT NOT NULL DEFAULT ''; -- a second hardware id that came with its key
ALTER TABLE device ADD COLUMN other_hardware_at BIGINT NOT NULL DEFAULT 0;
UPDATE device SET machine = spki;
CREATE INDEX device_machine ON device (machine);
CREATE INDEX device_vouched_name ON device (LOWER(vouched_name));

-- 1: a PKI vouched for it, so that it can be revoked.
ALTER TABLE device_certificate ADD COLUMN vouched BIGINT NOT NULL DEFAULT 0;
UPDATE device_certificate SET vouched = 1 WHERE guid IN (SELECT guid FROM device WHERE method = 'pki');

-- Kinds: key, certificate, entra, name, hardware. `until`: gateways are told of it as long.
CREATE TABLE removed_credential (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    guid TEXT NOT NULL,
    name TEXT NOT NULL,
    removed BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX removed_credential_guid ON removed_credential (guid);
