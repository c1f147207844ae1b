-- SPDX-License-Identifier: Apache-2.0
-- Who was last heard to hold a newer document than this store ever gave; gone by an administrator's word. One row.
CREATE TABLE went_back (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    whom TEXT NOT NULL,
    held BIGINT NOT NULL,
    own BIGINT NOT NULL
);
