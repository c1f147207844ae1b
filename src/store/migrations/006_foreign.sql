-- SPDX-License-Identifier: Apache-2.0
-- Configuration Manager sites whose tokens are taken, one row a key.

CREATE TABLE foreign_site (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    header TEXT NOT NULL,
    key_name TEXT NOT NULL,
    jwks TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    added BIGINT NOT NULL
);
