-- SPDX-License-Identifier: Apache-2.0
-- Files for devices, under names with versions; the bytes lie below the state folder of cmg-mp, by their SHA-256.
CREATE TABLE content (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    added BIGINT NOT NULL,
    files BIGINT NOT NULL,
    size BIGINT NOT NULL,  -- of all of them
    PRIMARY KEY (name, version)
);
CREATE TABLE content_file (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    executable BIGINT NOT NULL,
    PRIMARY KEY (name, version, path),
    FOREIGN KEY (name, version) REFERENCES content (name, version) ON DELETE CASCADE
);
CREATE INDEX content_file_hash ON content_file (sha256);
-- What a policy brings, and which of the device's handlers is to run for it; '': none.
ALTER TABLE policy ADD COLUMN content_name TEXT NOT NULL DEFAULT '';
ALTER TABLE policy ADD COLUMN content_version TEXT NOT NULL DEFAULT '';
ALTER TABLE policy ADD COLUMN handler TEXT NOT NULL DEFAULT '';
CREATE INDEX policy_of_content ON policy (content_name, content_version) WHERE content_name <> '';
