-- SPDX-License-Identifier: Apache-2.0
-- Which devices a policy is for: '' every one, else those of any of these collections, by name, one a line.

ALTER TABLE policy ADD COLUMN collections TEXT NOT NULL DEFAULT '';
