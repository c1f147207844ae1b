-- SPDX-License-Identifier: Apache-2.0
-- OpenID providers whose tokens are taken, and which of their devices a device has proven to be.

CREATE TABLE tenant (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    issuers TEXT NOT NULL,
    audiences TEXT NOT NULL,
    algorithms TEXT NOT NULL,
    tenant_claim TEXT NOT NULL,
    device_claim TEXT NOT NULL,
    user_claims TEXT NOT NULL,
    client_app_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    jwks TEXT NOT NULL,
    source TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    added BIGINT NOT NULL
);

ALTER TABLE device ADD COLUMN entra_tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN entra_device TEXT NOT NULL DEFAULT '';
CREATE INDEX device_entra ON device (entra_tenant, entra_device);
