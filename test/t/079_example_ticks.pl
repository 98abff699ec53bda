# SPDX-License-Identifier: PostgreSQL
# examples/ticks: prices, candles and statistics exactly as SQL computes them; trades out of order, late, and deleted.
use strict;
use warnings;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = example('ticks');
my $begin = q{timestamptz '2025-12-01 09:00:00+00'};

# Of trades at the same microsecond the lowest price opens and the highest closes.
my $open = '(array_agg(price ORDER BY traded_at, price))[1]';
my $close = '(array_agg(price ORDER BY traded_at DESC, price DESC))[1]';
my %batch = (
	latest_price => qq{
		SELECT symbol, $close AS price, max(traded_at) AS traded_at, count(*) AS trades,
		       row_number() OVER (ORDER BY max(traded_at) DESC, symbol) AS rank
		FROM ticks GROUP BY symbol},
	candles => qq{
		SELECT date_bin('1 minute', traded_at, 'epoch') AS window_start,
		       date_bin('1 minute', traded_at, 'epoch') + interval '1 minute' AS window_end, symbol,
		       $open AS open, max(price) AS high, min(price) AS low, $close AS close, sum(volume) AS volume,
		       row_number() OVER (PARTITION BY date_bin('1 minute', traded_at, 'epoch') ORDER BY sum(volume) DESC, symbol) AS rank
		FROM ticks GROUP BY 1, symbol},
	statistics => qq{
		SELECT e - interval '5 minutes' AS window_start, e AS window_end, symbol, sum(volume) AS volume, count(*) AS trades,
		       $open AS open, $close AS close, min(price) AS low, max(price) AS high, avg(price) AS average,
		       sum(price * volume) AS turnover,
		       row_number() OVER (PARTITION BY e ORDER BY sum(volume) DESC, symbol) AS rank
		FROM ticks, generate_series(1, 30) n,
		     LATERAL (SELECT date_bin('10 seconds', traded_at, 'epoch') + n * interval '10 seconds' AS e) e
		GROUP BY e, symbol},
	recent_ticks => q{
		SELECT e - interval '1 minute' AS window_start, e AS window_end, id, symbol, price, volume, traded_at,
		       row_number() OVER (PARTITION BY e ORDER BY traded_at DESC, id DESC) AS rank
		FROM ticks, generate_series(1, 6) n,
		     LATERAL (SELECT date_bin('10 seconds', traded_at, 'epoch') + n * interval '10 seconds' AS e) e},
);

sub all_equal
{
	my ($what) = @_;
	equals_batch($node, $_, $batch{$_}, what => $what) for sort keys %batch;
	all_verified($node, $what);
}

all_equal('without trades');

# Twelve minutes in transactions of twenty seconds, reaching back one second. A trade in a hundred is at the very same time as
# others of its symbol.
my $trades = qq{INSERT INTO ticks
	SELECT %d * 1000 + n, (ARRAY['ACME', 'BOLT', 'CRUX', 'DUNE', 'ECHO', 'FLUX'])[1 + floor(6 * random() ^ 2)],
	       round((10 + 90 * random())::numeric, 4), floor(1 + 900 * random()),
	       $begin + %d * interval '20 seconds'
	         + CASE WHEN random() < 0.01 THEN interval '7 seconds' ELSE random() * interval '21 seconds' END
	FROM generate_series(1, 80) n};
feed($node, sprintf($trades, $_, $_)) for 0 .. 35;
all_equal('after trades that are out of order');
is(scalar_of($node, q{SELECT count(*) >= 11 * 6 AND bool_and(low <= open AND open <= high AND low <= close AND close <= high)
	FROM candles_history}), 't', 'candles of all symbols');

# The movers are a view of the statistics.
is(scalar_of($node, qq{
	SELECT count(*) FROM (
	  SELECT symbol, change_percent, average_price FROM top_movers
	  EXCEPT SELECT symbol, round(100 * ($close / $open - 1), 2), round(sum(price * volume) / sum(volume), 4)
	  FROM ticks, trending.status s WHERE s.trend = 'statistics' AND traded_at >= window_start AND traded_at < window_end
	  GROUP BY symbol) x}), 0, 'movers and average prices');
is(scalar_of($node, q{SELECT count(*) FROM top_movers}), 6, 'of every symbol');

# A trade that is the latest, the highest and the dearest is deleted: the one before it counts again. So it is in the
# minute before, which is closed but may still be corrected.
my $before = scalar_of($node, q{SELECT price FROM latest_price WHERE symbol = 'ACME'});
feed($node, qq{INSERT INTO ticks SELECT 100000 + n, 'ACME', 5000, 1000, $begin + n * interval '1 minute' + interval '61 seconds'
	FROM generate_series(10, 11) n});
rows($node, q{SELECT price, rank FROM latest_price WHERE symbol = 'ACME'}, '5000.0000|1', 'a wrong trade is the latest');
rows($node, q{SELECT symbol FROM recent_ticks WHERE rank = 1}, 'ACME', 'and the most recent');
feed($node, 'DELETE FROM ticks WHERE price = 5000');
rows($node, q{SELECT price FROM latest_price WHERE symbol = 'ACME'}, $before, 'a deleted trade is not');
all_equal('after a deletion');

# A straggler does not replace a newer price; half an hour late, it misses its candle until that is recalculated.
feed($node, qq{INSERT INTO ticks VALUES (200000, 'ACME', 1.2345, 1, $begin + interval '90.000001 seconds')});
rows($node, q{SELECT price FROM latest_price WHERE symbol = 'ACME'}, $before, 'a straggler is not the latest');
soon($node, q{SELECT late = 1 FROM trending.status WHERE trend = 'candles'}, 'it is late for its candle');
recompute_all($node);
all_equal('after a late trade');

no_crash_in_log($node);
$node->stop;
done_testing();
