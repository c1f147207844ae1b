-- SPDX-License-Identifier: Apache-2.0
-- A question to gateways, connectors and management points: what did you do with the request of this id? '': it is one
-- to gateways about certificates.
ALTER TABLE question ADD COLUMN request TEXT NOT NULL DEFAULT '';
