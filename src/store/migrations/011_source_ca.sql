-- SPDX-License-Identifier: Apache-2.0
-- The CA certificates (PEM) by which a source's server is judged; '' the system's.

ALTER TABLE source ADD COLUMN ca_pem TEXT NOT NULL DEFAULT '';
