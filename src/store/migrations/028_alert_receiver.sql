-- SPDX-License-Identifier: Apache-2.0
-- Whom the site tells of problems; the secret is sealed (src/mp/watch/seal.h).
CREATE TABLE alert_receiver (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    ca_pem TEXT NOT NULL,
    auth TEXT NOT NULL,
    username TEXT NOT NULL,
    secret TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    plain BIGINT NOT NULL,
    remind_s BIGINT NOT NULL,
    added BIGINT NOT NULL,
    sent BIGINT NOT NULL DEFAULT 0,      -- when something was last taken there; 0: never
    failures BIGINT NOT NULL DEFAULT 0,  -- in a row
    next_try BIGINT NOT NULL DEFAULT 0,
    fault TEXT NOT NULL DEFAULT ''
);
-- Problems, from when one is first seen until every receiver knows that it is over.
CREATE TABLE alert (
    id BIGINT PRIMARY KEY,
    cause TEXT NOT NULL,
    subject TEXT NOT NULL,
    found TEXT NOT NULL,
    remedy TEXT NOT NULL,
    began BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    ended BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX alert_open ON alert (cause, subject) WHERE ended = 0;
-- What a receiver was told of it: last that it is there, and that it is over.
CREATE TABLE alert_told (
    receiver TEXT NOT NULL REFERENCES alert_receiver (id) ON DELETE CASCADE,
    alert BIGINT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    told BIGINT NOT NULL,
    told_end BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (receiver, alert)
);
CREATE INDEX alert_told_alert ON alert_told (alert);
-- Which of several processes sends. One row.
CREATE TABLE alert_lease (
    id BIGINT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
