-- SPDX-License-Identifier: Apache-2.0
-- Named sources: revocation lists, OCSP responders and OpenID providers that gateways fetch from, or a connector for them.

CREATE TABLE source (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    via TEXT NOT NULL,
    refresh_s BIGINT NOT NULL,
    added BIGINT NOT NULL
);
