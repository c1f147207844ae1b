-- SPDX-License-Identifier: Apache-2.0
-- What devices tell of themselves (docs/protocol/wire.md 6): what became of what they were given, and what they are.
-- All of it is bounded a device (src/store/device/message.h, inventory.h).

-- What was told of each thing last.
CREATE TABLE device_state (
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    number BIGINT NOT NULL,   -- as they came
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL,       -- by the device's clock
    received BIGINT NOT NULL,
    PRIMARY KEY (guid, kind, subject)
);
-- All of it of late; the id is the device's, so that what is sent twice counts once.
CREATE TABLE device_message (
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    id TEXT NOT NULL,
    number BIGINT NOT NULL, -- as they came
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (guid, id)
);
CREATE INDEX device_message_received ON device_message (received);

-- Facts as JSON, the fingerprint of them, and a line each of those that rules ask for.
CREATE TABLE inventory (
    guid TEXT PRIMARY KEY REFERENCES device (guid) ON DELETE CASCADE,
    facts TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    taken BIGINT NOT NULL,
    received BIGINT NOT NULL
);
ALTER TABLE device ADD COLUMN facts TEXT NOT NULL DEFAULT '';
-- What changed, as the device told it (a merge patch of RFC 7396).
CREATE TABLE inventory_change (
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    change TEXT NOT NULL,
    taken BIGINT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (guid, number)
);
CREATE INDEX inventory_change_received ON inventory_change (received);
-- The one report of a device that is not whole yet.
CREATE TABLE inventory_upload (
    guid TEXT PRIMARY KEY REFERENCES device (guid) ON DELETE CASCADE,
    id TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    came BIGINT NOT NULL, -- bytes
    began BIGINT NOT NULL
);
CREATE INDEX inventory_upload_began ON inventory_upload (began);
CREATE TABLE inventory_part (
    guid TEXT NOT NULL REFERENCES inventory_upload (guid) ON DELETE CASCADE,
    start BIGINT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (guid, start)
);
