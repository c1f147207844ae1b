-- SPDX-License-Identifier: Apache-2.0
-- Join strings that were made for gateways and connectors: the public half of the one-time key alone. A row lives until
-- the string expires; the machine that used it may ask again with its own key and gets the same answer, nobody else
-- gets any.
CREATE TABLE join_key (
    kind TEXT NOT NULL,               -- gateway, connector
    id TEXT NOT NULL,
    jwk TEXT NOT NULL,                -- public
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT NOT NULL DEFAULT 0,   -- when; 0: not yet
    spki TEXT NOT NULL DEFAULT '',    -- hex SHA-256 of the key that joined
    answer TEXT NOT NULL DEFAULT '',  -- what the site said to it, signed
    PRIMARY KEY (kind, id)
);
