-- SPDX-License-Identifier: Apache-2.0
-- What administrators ask gateways: would you let this certificate in? Short-lived: a minute to answer, some more to read.

CREATE TABLE question (
    id BIGINT PRIMARY KEY,
    gateway TEXT NOT NULL, -- "": each of them
    certificates TEXT NOT NULL,
    caller TEXT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE answer (
    question BIGINT NOT NULL REFERENCES question (id) ON DELETE CASCADE,
    gateway TEXT NOT NULL,
    answered BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (question, gateway)
);
