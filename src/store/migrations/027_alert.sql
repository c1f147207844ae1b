-- SPDX-License-Identifier: Apache-2.0
-- Device tokens that were not renewed, by their end: asked for by each status.
CREATE INDEX device_token_last ON device_token (expires) WHERE superseded = 0;
