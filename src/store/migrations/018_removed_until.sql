-- SPDX-License-Identifier: Apache-2.0
-- Each bundle names the removed keys that still count.
CREATE INDEX removed_credential_until ON removed_credential (until);
