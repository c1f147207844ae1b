-- SPDX-License-Identifier: Apache-2.0
-- What a server inside is told of the name that a client asked for.

ALTER TABLE endpoint ADD COLUMN keep_host BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN x_forwarded BIGINT NOT NULL DEFAULT 0;
