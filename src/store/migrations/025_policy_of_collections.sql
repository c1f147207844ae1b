-- SPDX-License-Identifier: Apache-2.0
-- Is any policy for a collection? It is asked whenever a device changed, and does not read what policies say.
CREATE INDEX policy_of_collections ON policy (name) WHERE collections <> '';
