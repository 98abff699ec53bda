-- SPDX-License-Identifier: PostgreSQL
\pset title 'Movers of five minutes'
SELECT rank, symbol, open, close, change_percent FROM top_movers ORDER BY rank LIMIT 5;
\pset title 'Most traded'
SELECT rank, symbol, volume, trades, low, high, round(average, 4) AS average FROM statistics WHERE rank <= 5 ORDER BY rank;
\pset title 'Last candles of the first of them'
SELECT c.window_start, c.symbol, c.open, c.high, c.low, c.close, c.volume FROM candles_history c
WHERE  c.symbol = (SELECT symbol FROM statistics WHERE rank = 1) ORDER BY c.window_start DESC LIMIT 4;
\pset title 'Most recent trades'
SELECT traded_at, symbol, price, volume FROM recent_ticks WHERE rank <= 5 ORDER BY rank;
