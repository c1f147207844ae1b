-- SPDX-License-Identifier: Apache-2.0
-- What devices are to be told at once (src/mp/notify). guid '': all that the collection has; collection '': all.
CREATE TABLE notification (
    id BIGINT PRIMARY KEY,      -- grows, over all devices
    guid TEXT NOT NULL,
    collection TEXT NOT NULL,
    what TEXT NOT NULL,
    message TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    spread BIGINT NOT NULL      -- seconds over which those who wait are told
);
CREATE INDEX notification_guid ON notification (guid, id);
CREATE INDEX notification_expires ON notification (expires);
-- The number of the last one that a device has taken, by its own signed word.
CREATE TABLE notified (
    guid TEXT PRIMARY KEY REFERENCES device (guid) ON DELETE CASCADE,
    taken BIGINT NOT NULL,
    at BIGINT NOT NULL
);
