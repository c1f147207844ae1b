-- SPDX-License-Identifier: Apache-2.0
-- A policy's number was the sum of what all devices and the device itself had; it is the greater of both, and no device
-- may be given a lower one than it holds. `policies` is the last number that was given.
UPDATE sequence
SET value = value + (SELECT COALESCE(MAX(value), 0) FROM sequence WHERE name LIKE 'policy:%')
WHERE name = 'policy';
INSERT INTO sequence (name, value, changed)
SELECT 'policies', value, changed FROM sequence WHERE name = 'policy';
