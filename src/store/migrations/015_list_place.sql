-- SPDX-License-Identifier: Apache-2.0
-- Lists are kept by issuer, signing key, scope and kind: the place is the id. Of a list that an earlier version took, scope is '' until it was judged.
-- complete: of a delta CRL, the place of the complete list that it adds to. unproven 1: no CA at hand is known to have signed it.

ALTER TABLE trust ADD COLUMN this_update BIGINT NOT NULL DEFAULT 0;
ALTER TABLE trust ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE trust ADD COLUMN complete TEXT NOT NULL DEFAULT '';
ALTER TABLE trust ADD COLUMN unproven BIGINT NOT NULL DEFAULT 0;
