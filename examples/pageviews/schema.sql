-- SPDX-License-Identifier: PostgreSQL
-- Page views as another system delivers them: the time is an integer, seconds since 1970. May be run again.
CREATE TABLE IF NOT EXISTS pageviews (
    user_id     bigint NOT NULL,
    postcode    text,
    webpage     text NOT NULL,
    "timestamp" integer NOT NULL
);
