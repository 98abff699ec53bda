# SPDX-License-Identifier: PostgreSQL
# examples/pageviews: integer times, most rows seconds late, one in five a day or two; recompute takes those in.
use strict;
use warnings;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = example('pageviews');
my $batch = q{
	SELECT to_timestamp(minute * 60) AS window_start, to_timestamp(minute * 60 + 60) AS window_end, postcode, views,
	       row_number() OVER (PARTITION BY minute ORDER BY views DESC, postcode) AS rank
	FROM (SELECT "timestamp" / 60 AS minute, postcode, count(*) AS views FROM pageviews GROUP BY 1, 2) v};

# A first view starts the clock. Then a quarter of an hour in transactions of five seconds, by the time of writing.
feed($node, q{INSERT INTO pageviews VALUES (1, '10001', '/', 1765432100)});
my $views = q{INSERT INTO pageviews
	SELECT 1 + floor(random() * 500), CASE WHEN random() < 0.98 THEN '1' || lpad(floor(30 * random() ^ 2)::text, 4, '0') END,
	       '/page/' || floor(random() * 20),
	       1765432100 + %d * 5 + floor(5 * random()) - floor(20 * random())
	       - CASE WHEN kind < 0.8 THEN 0 WHEN kind < 0.9 THEN 86400 ELSE 172800 END
	FROM (SELECT random() AS kind FROM generate_series(1, 60)) x};
feed($node, sprintf($views, $_)) for 0 .. 179;

# Every row has been counted or kept.
my ($rows, $old) = split /\|/, scalar_of($node,
	'SELECT count(*), count(*) FILTER (WHERE "timestamp" < 1765432100 - 20) FROM pageviews');
soon($node, "SELECT count(*) = $old FROM views_per_minute_late", 'all rows that are days late are kept, and no others');
is(scalar_of($node, "SELECT events || '|' || late FROM trending.status"), ($rows - $old) . "|$old", 'the others are counted');
is(scalar_of($node, q{SELECT count(*) FROM (SELECT "row" FROM views_per_minute_late
		EXCEPT ALL SELECT to_jsonb(p) FROM pageviews p) x}), 0, 'what is kept is the rows as they are');
equals_batch($node, 'views_per_minute', "SELECT * FROM ($batch) b WHERE window_end > to_timestamp(1765432100 - 20)",
	what => 'but for the rows that came late');
is(scalar_of($node, 'SELECT count(*) FROM (SELECT postcode FROM pageviews WHERE "timestamp" > 1765432100 - 20
		EXCEPT SELECT postcode FROM views_per_minute_history) x'), 0, 'every postcode is in history, also the unknown one');

# The days before are calculated from the rows; then all is as a plain GROUP BY of everything.
recompute_all($node);
equals_batch($node, 'views_per_minute', $batch, what => 'with the late rows');
all_verified($node, 'with the late rows');
is(scalar_of($node, 'SELECT bool_and(recomputed) FROM views_per_minute_late'), 't', 'late rows are marked as taken in');
is(scalar_of($node, q{SELECT count(DISTINCT window_start::date) FROM views_per_minute_history}), 3, 'on three days');

# The raw rows as JSON.
is(scalar_of($node, q{SELECT pageview - 'postcode' - 'webpage' - 'user_id' FROM pageviews_json WHERE pageview ->> 'timestamp' < '2025-12-11' ORDER BY 1 LIMIT 1})
	=~ /^\{"timestamp": "2025-12-09T0\d:\d\d:\d\d\+00:00"\}$/ ? 1 : 0, 1, 'a view shows the raw rows as JSON');
is(scalar_of($node, 'SELECT count(*) FROM pageviews_json'), $rows, 'all of them');

no_crash_in_log($node);
$node->stop;
done_testing();
