-- SPDX-License-Identifier: Apache-2.0
-- The id of the report that was taken last: it is not taken again when its answer was lost.
ALTER TABLE inventory ADD COLUMN report TEXT NOT NULL DEFAULT '';
