-- SPDX-License-Identifier: PostgreSQL
-- Readings of weather stations, as the stations send them. May be run again.
CREATE TABLE IF NOT EXISTS readings (
    id      bigint PRIMARY KEY,
    payload jsonb NOT NULL
    -- {"station": {"id": "OSL-2", "city": "Oslo", "country": "NO"}, "observed": 1767258000.25,
    --  "air": {"temperature": -3.4, "humidity": 81, "pressure": 1004.2}}
);

-- Stations correct themselves by UPDATE: what a reading was must be in the WAL to be retracted.
ALTER TABLE readings REPLICA IDENTITY FULL;
