-- SPDX-License-Identifier: Apache-2.0
-- Whose policy it is: '' every device's, '*' every user's, else the users' names in lower case, one a line.

ALTER TABLE policy ADD COLUMN users TEXT NOT NULL DEFAULT '';
