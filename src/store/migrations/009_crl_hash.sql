-- SPDX-License-Identifier: Apache-2.0
-- A revocation list's SHA-256 (lower-case hex) and size, by which documents name it instead of holding it; '' and 0 of certificates.

ALTER TABLE trust ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE trust ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
