-- SPDX-License-Identifier: Apache-2.0
-- Of a device's certificate: the id (SHA-256) of the anchor by which it was last let in; '' it was not, or an earlier
-- version did so.
ALTER TABLE device_certificate ADD COLUMN anchor TEXT NOT NULL DEFAULT '';
CREATE INDEX device_certificate_anchor ON device_certificate (anchor);
