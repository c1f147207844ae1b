-- SPDX-License-Identifier: Apache-2.0
-- The site's first schema. Times are wall seconds; certificates PEM; hashes lower-case hex. The SQL is what SQLite and
-- PostgreSQL both take.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE gateway (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    created BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    report TEXT
);

CREATE TABLE connector (
    id TEXT PRIMARY KEY,
    created BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    pki_sha256 TEXT UNIQUE,
    pki_subject TEXT,
    pki_not_after BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    report TEXT
);

-- Ids of removed gateways and connectors, until the last certificate of that id has ended.
CREATE TABLE revoked_role (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revoked BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE management_point (
    id TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    url TEXT NOT NULL,
    clients TEXT NOT NULL,
    anchors_pem TEXT
);

CREATE TABLE endpoint (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    auth TEXT NOT NULL,
    purpose TEXT NOT NULL,
    methods TEXT NOT NULL,
    max_body BIGINT NOT NULL,
    headers TEXT NOT NULL,
    management_point BIGINT NOT NULL,
    url TEXT NOT NULL,
    anchors_pem TEXT,
    upstream_host TEXT NOT NULL,
    answer_s BIGINT NOT NULL,
    allow_encoded_slash BIGINT NOT NULL,
    websocket BIGINT NOT NULL
);
CREATE UNIQUE INDEX endpoint_path ON endpoint (LOWER(role), LOWER(name)) WHERE role <> '';
CREATE UNIQUE INDEX endpoint_host ON endpoint (LOWER(host)) WHERE host <> '';

CREATE TABLE device (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hardware_id TEXT NOT NULL,
    method TEXT NOT NULL,
    state TEXT NOT NULL,
    blocked BIGINT NOT NULL,
    spki TEXT NOT NULL UNIQUE,
    client_version BIGINT NOT NULL,
    registered BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);
CREATE INDEX device_name ON device (LOWER(name));
CREATE INDEX device_hardware ON device (hardware_id);

CREATE TABLE device_certificate (
    sha256 TEXT PRIMARY KEY,
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    added BIGINT NOT NULL,
    pem TEXT NOT NULL
);
CREATE INDEX device_certificate_guid ON device_certificate (guid);

-- Device tokens that still count; superseded: the second at which a renewed one ends (0: not renewed).
CREATE TABLE device_token (
    id TEXT PRIMARY KEY,
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    superseded BIGINT NOT NULL
);
CREATE INDEX device_token_guid ON device_token (guid);

CREATE TABLE renewal (
    guid TEXT NOT NULL REFERENCES device (guid) ON DELETE CASCADE,
    at BIGINT NOT NULL
);
CREATE INDEX renewal_guid ON renewal (guid, at);

-- GUIDs of removed devices, until their access tokens have ended everywhere.
CREATE TABLE removed_device (
    guid TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);

CREATE TABLE bulk_token (
    id TEXT PRIMARY KEY,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    used BIGINT NOT NULL,
    blocked BIGINT NOT NULL
);

CREATE TABLE bulk_use (
    token TEXT NOT NULL REFERENCES bulk_token (id) ON DELETE CASCADE,
    spki TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (token, spki)
);

CREATE TABLE policy (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    content TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE trust (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    number TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    added BIGINT NOT NULL,
    data TEXT NOT NULL
);

CREATE TABLE nonce (
    value TEXT PRIMARY KEY,
    seen BIGINT NOT NULL
);
CREATE INDEX nonce_seen ON nonce (seen);

CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    caller TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
);
