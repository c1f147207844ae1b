-- SPDX-License-Identifier: Apache-2.0
-- What a bulk token is limited to: networks and patterns of names, with blanks between, and the collection that its devices join.

ALTER TABLE bulk_token ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE bulk_token ADD COLUMN names TEXT NOT NULL DEFAULT '';
ALTER TABLE bulk_token ADD COLUMN collection TEXT NOT NULL DEFAULT '';
