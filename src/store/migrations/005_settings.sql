-- SPDX-License-Identifier: Apache-2.0
-- Collections of devices, client settings for them by priority, and which settings each device fetched last.

CREATE TABLE collection (
    name TEXT PRIMARY KEY,
    rules TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE collection_member (
    collection TEXT NOT NULL REFERENCES collection (name) ON DELETE CASCADE,
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    PRIMARY KEY (collection, guid)
);
CREATE INDEX collection_member_guid ON collection_member (guid);

-- The default client settings have no collection. Settings: a JSON object.
CREATE TABLE client_settings (
    name TEXT PRIMARY KEY,
    priority BIGINT NOT NULL UNIQUE,
    collection TEXT REFERENCES collection (name),
    settings TEXT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE device_settings (
    guid TEXT PRIMARY KEY REFERENCES device (guid) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    content TEXT NOT NULL,
    fetched BIGINT NOT NULL
);
