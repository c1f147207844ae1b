-- SPDX-License-Identifier: Apache-2.0
-- Whom gateways refuse, and whose key came with a second hardware id: few of a fleet, asked for by each bundle and each status.
CREATE INDEX device_shut_out ON device (guid) WHERE blocked = 1 OR kept_out = 1;
CREATE INDEX device_cloned ON device (other_hardware_at) WHERE other_hardware <> '';
