-- SPDX-License-Identifier: Apache-2.0
-- Bulk tokens are listed in pages, the newest first, and dropped some time after their end. A policy's bytes are told
-- without reading it (of those from before in characters, until their next version).
CREATE INDEX bulk_token_issued ON bulk_token (issued, id);
CREATE INDEX bulk_token_expires ON bulk_token (expires);
ALTER TABLE policy ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
UPDATE policy SET size = LENGTH(content);
