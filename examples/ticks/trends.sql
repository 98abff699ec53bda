-- SPDX-License-Identifier: PostgreSQL
-- What the market does.

-- The latest price of every symbol, by the time of the trade: a straggler does not replace a newer one.
SELECT trending.create_trend('latest_price', $$
    SELECT symbol, trending.last(price, traded_at) AS price, max(traded_at) AS traded_at, count(*) AS trades
    FROM   ticks
    GROUP  BY symbol
    ORDER  BY traded_at DESC
$$);

-- Candles of a minute.
SELECT trending.create_trend('candles', $$
    SELECT window_start, window_end, symbol,
           trending.first(price, traded_at) AS open, max(price) AS high, min(price) AS low,
           trending.last(price, traded_at) AS close, sum(volume) AS volume
    FROM   ticks, trending.tumble(traded_at, '1 minute')
    GROUP  BY window_start, window_end, symbol
    ORDER  BY volume DESC
$$, history_limit => NULL, watermark_delay => '2 seconds', allowed_lateness => '5 minutes');

-- The last five minutes of every symbol; its rank is that of the volume.
SELECT trending.create_trend('statistics', $$
    SELECT window_start, window_end, symbol, sum(volume) AS volume, count(*) AS trades,
           trending.first(price, traded_at) AS open, trending.last(price, traded_at) AS close,
           min(price) AS low, max(price) AS high, avg(price) AS average, sum(price * volume) AS turnover
    FROM   ticks, trending.hop(traded_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, symbol
    ORDER  BY volume DESC
$$, history_limit => 0);

-- Movers, up and down, by what the price gained within those five minutes; and the price at which a share changed hands
-- on average. A trend is a table: what one query over it can say needs no trend of its own.
CREATE VIEW top_movers AS
SELECT rank() OVER (ORDER BY abs(close / open - 1) DESC) AS rank, symbol, open, close,
       round(100 * (close / open - 1), 2) AS change_percent, round(turnover / volume, 4) AS average_price, volume
FROM   statistics;

-- The most recent trades.
SELECT trending.create_trend('recent_ticks', $$
    SELECT window_start, window_end, id, symbol, max(price) AS price, max(volume) AS volume, max(traded_at) AS traded_at
    FROM   ticks, trending.hop(traded_at, slide => '10 seconds', size => '1 minute')
    GROUP  BY window_start, window_end, id, symbol
    ORDER  BY traded_at DESC, id DESC
$$, history_limit => 0);
