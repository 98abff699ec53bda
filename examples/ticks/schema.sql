-- SPDX-License-Identifier: PostgreSQL
-- Trades of a stock exchange, to the microsecond. May be run again.
CREATE TABLE IF NOT EXISTS ticks (
    id        bigint PRIMARY KEY,
    symbol    text NOT NULL,
    price     numeric(12,4) NOT NULL,
    volume    bigint NOT NULL,
    traded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Trades that were struck in error are deleted: what they were must be in the WAL to be retracted.
ALTER TABLE ticks REPLICA IDENTITY FULL;
