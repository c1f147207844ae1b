-- SPDX-License-Identifier: Apache-2.0
-- Ids of the anchors whose devices' certificates count at a published endpoint, with blanks between; '' all of the site.

ALTER TABLE endpoint ADD COLUMN client_anchors TEXT NOT NULL DEFAULT '';
