# SPDX-License-Identifier: PostgreSQL
# Every kind of aggregate over every kind of window against its batch query: after random inserts out of order,
# updates and deletes, live and in history, across crashes of the worker.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
my $rounds = $ENV{AGGREGATES_ROUNDS} // 4;
srand($seed);

my $node = trending_node('aggregates', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TYPE mood AS ENUM ('sad', 'fine', 'glad');
	ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad';
	CREATE TABLE sales (
	  id bigint PRIMARY KEY, k int, at timestamptz, a smallint, b int, c bigint, d real, e float8, n numeric, name text, flag bool,
	  word text COLLATE "C", code char(6), doc jsonb, raw json, address inet, tags text[], span interval, feeling mood, image bytea);
	ALTER TABLE sales ALTER image SET STORAGE EXTERNAL;
	CREATE INDEX ON sales (at);
	ALTER TABLE sales REPLICA IDENTITY FULL;
	CREATE TABLE visits (LIKE sales INCLUDING ALL);
	CREATE TABLE base AS SELECT date_trunc('minute', now()) - interval '40 minutes' AS at;

	-- Mostly ordinary numbers, some that are not.
	CREATE FUNCTION some_numeric() RETURNS numeric LANGUAGE sql AS $$
	  SELECT CASE WHEN r < 0.05 THEN NULL WHEN r < 0.06 THEN 'NaN' WHEN r < 0.07 THEN 'Infinity' WHEN r < 0.08 THEN '-Infinity'
	              WHEN r < 0.2 THEN round((random() * 1e20 - 5e19)::numeric, 2) WHEN r < 0.4 THEN random()::numeric * 1e-12
	              ELSE round((random() * 1000 - 300)::numeric, (random() * 4)::int) END
	  FROM (SELECT random() AS r OFFSET 0) s $$;
	CREATE FUNCTION some_float() RETURNS float8 LANGUAGE sql AS $$
	  SELECT CASE WHEN r < 0.05 THEN NULL WHEN r < 0.055 THEN 'NaN' WHEN r < 0.06 THEN 'Infinity' WHEN r < 0.2 THEN 0.5 ELSE random() * 1e6 END
	  FROM (SELECT random() AS r OFFSET 0) s $$;
	-- Short ones, empty ones, long ones that are compressed, and such as are not.
	CREATE FUNCTION some_text() RETURNS text LANGUAGE sql AS $$
	  SELECT CASE WHEN r < 0.1 THEN NULL WHEN r < 0.15 THEN '' WHEN r < 0.2 THEN repeat(n, 200 + (r * 100)::int) WHEN r < 0.3 THEN upper(n) || 'ä'
	              ELSE n END
	  FROM (SELECT random() AS r, chr(97 + (random() * 25)::int) || chr(97 + (random() * 25)::int) AS n OFFSET 0) s $$;
	CREATE FUNCTION some_bytes() RETURNS bytea LANGUAGE sql AS $$
	  SELECT decode(CASE WHEN r < 0.1 THEN (SELECT string_agg(md5(r::text || i), '') FROM generate_series(1, 180) i) ELSE left(md5(r::text), 8) END, 'hex')
	  FROM (SELECT random() AS r OFFSET 0) s $$;
	-- Rows whose times are about `till` seconds after the base, up to 15 seconds out of order.
	CREATE PROCEDURE feed(target text, first bigint, rows int, till float8) LANGUAGE plpgsql AS $$
	BEGIN
	  EXECUTE format('INSERT INTO %s SELECT $1 + i, nullif((random() * 9)::int, 9), base.at + floor($3 - random() * 15) * interval ''1 s'',
	    nullif((random() * 20)::int, 20) - 10, (random() * 100)::int - 20, ((random() - 0.4) * 9e18)::bigint, some_float()::real, some_float(),
	    some_numeric(), nullif(''name '' || (random() * 30)::int, ''name 0''), random() < 0.5,
	    some_text(), left(some_text(), 6), to_jsonb(some_text()), to_json(some_text()), ''10.0.0.0''::inet + (random() * 500)::int,
	    ARRAY[some_text(), some_text()], random() * interval ''1 day'', (enum_range(NULL::mood))[1 + (random() * 3)::int], some_bytes()
	    FROM generate_series(1, $2) i, base', target)
	  USING first, rows, till;
	END $$;
});

# -- trends
my %windows = (
	tumble => q{trending.tumble(at, '10 s')},
	hop => q{trending.hop(at, slide => '7 s', size => '30 s')},
	cumulate => q{trending.cumulate(at, step => '20 s', size => '1 minute')},
	day => q{trending.cumulate(at, step => '1 minute', size => '1 day', zone => 'Europe/Berlin')},
	all => undef);
my %aggregates = (
	numbers => [ q{sum(a) AS sum_a, avg(a) AS avg_a, sum(b) AS sum_b, avg(b) AS avg_b, sum(c) AS sum_c, avg(c) AS avg_c, sum(n) AS sum_n,
	    avg(n) AS avg_n, count(*) AS rows, count(n) AS count_n, sum(b * n) FILTER (WHERE flag) AS product}, 'sum_n DESC' ],
	extremes => [ q{min(a) AS min_a, max(b) AS max_b, min(c) AS min_c, max(d) AS max_d, min(e) AS min_e, min(n) AS min_n, max(n) AS max_n,
	    max(at) AS max_at, min((at AT TIME ZONE 'UTC')::date) FILTER (WHERE b > 90) AS first_day}, 'max_n DESC NULLS LAST, k DESC' ],
	picks => [ q{trending.first(n, at) AS open, max(n) AS high, min(n) AS low, trending.last(n, at) AS close, trending.last(e, id) AS newest,
	    trending.first(b, at) FILTER (WHERE flag) AS first_b, trending.last(flag, at) AS flag, sum(b) AS volume}, 'close ASC' ],
	floats => [ q{sum(abs(d)) AS sum_d, avg(d) AS avg_d, sum(e) AS sum_e, avg(e) AS avg_e, sum(e * 2) FILTER (WHERE flag) AS doubled},
	    'avg_e ASC NULLS FIRST' ],
	texts => [ q{min(name) AS min_name, max(word) AS max_word, min(name COLLATE "C") FILTER (WHERE flag) AS min_c, max(code) AS code,
	    min(address) AS address, max(span) AS span, min(tags) AS tags, max(feeling) AS feeling, max(lower(word) || 'x') AS lowered,
	    count(*) AS rows, sum(b) AS volume}, 'volume DESC NULLS LAST' ],
	objects => [ q{trending.first(name, at) AS name, trending.last(doc, at) AS doc, trending.last(raw, id) AS raw, trending.first(tags, at) AS tags,
	    trending.last(feeling, at) AS feeling, trending.last(image, at) FILTER (WHERE flag) AS image, trending.first(address, at) AS address,
	    trending.last(span, at) AS span, trending.first(word || '!', at) AS word, max(b) AS max_b}, 'max_b DESC NULLS LAST' ],
	plain => [ q{min(word) AS min_word, max(name) AS max_name, trending.last(image, at) AS image, trending.first(raw, at) AS raw, count(*) AS rows},
	    'rows DESC' ],
	# Only over a table that only grows.
	combined => [ q{variance(n) AS var_n, stddev(b) AS dev_b, var_samp(e) AS var_e, bool_and(flag) AS every, bool_or(flag) FILTER (WHERE b > 50) AS any,
	    bit_or(a) AS bits, corr(b, a) AS corr, regr_count(b, a) AS pairs, sum(span) AS span, avg(span) AS mean_span, count(*) AS rows, max(name) AS name},
	    'rows DESC' ],
	distinct => [ q{count(DISTINCT a) AS different_a, count(DISTINCT n) AS different_n, count(DISTINCT name) AS names,
	    count(DISTINCT d) AS different_d, count(DISTINCT name) FILTER (WHERE flag) AS flagged},
	    'names DESC' ]);

sub create
{
	my ($name, $source, $window, $list, $order) = @_;
	my ($columns, $from) = ('', '');
	if (defined $window) { $columns = 'window_start, window_end, '; $from = ", $window"; }
	my $limit = int(rand(2)) ? 'NULL' : 3;
	$node->safe_psql('postgres', qq{SELECT trending.create_trend('$name', \$\$
	  SELECT ${columns}k, $list FROM $source$from GROUP BY ${columns}k ORDER BY $order \$\$,
	  allowed_lateness => '20 seconds', history_limit => $limit, idle_timeout => '1 day', max_ahead => '1 day')});
}

$node->safe_psql('postgres', q{CALL feed('sales', 0, 300, 30); CALL feed('visits', 0, 300, 30)});
for my $window (sort keys %windows)
{
	create("${_}_$window", 'sales', $windows{$window}, @{ $aggregates{$_} }) for grep { $_ ne 'combined' } sort keys %aggregates;
	create("combined_$window", 'visits', $windows{$window}, @{ $aggregates{combined} }) if $window ne 'day';
	# A sketch does not forget, so this one is over a table that only grows.
	create("approx_$window", 'visits', $windows{$window},
		q{trending.approx_count_distinct(name) AS names, trending.approx_count_distinct(n) AS numbers,
		  trending.approx_count_distinct(id) AS ids, max(d) AS most}, 'ids DESC');
	# Nor do its rows have to be kept for what is the least of them.
	next if $window eq 'day' or $window eq 'cumulate';
	create("${_}_kept_$window", 'visits', $windows{$window}, @{ $aggregates{$_} }) for ('texts', 'objects', 'plain');
}
create('hot', 'sales', undef,
	q{trending.decayed_count(at, '3 minutes') AS heat, trending.decayed_sum(a, at, '3 minutes') AS lean,
	  trending.decayed_count(at, '3 minutes') FILTER (WHERE flag) AS flagged}, 'heat DESC');
create('hot_sums', 'sales', undef, q{trending.decayed_sum(b + 21, at, '20 s') AS heat}, 'heat ASC');
# No key.
$node->safe_psql('postgres', q{SELECT trending.create_trend('totals', $$
	SELECT window_start, window_end, sum(n) AS total, avg(e) AS mean, count(DISTINCT k) AS keys
	FROM sales, trending.hop(at, slide => '10 s', size => '20 s') GROUP BY 1, 2 ORDER BY total DESC $$,
	allowed_lateness => '20 seconds', history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day')});

sub all_equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	my $differences = $node->safe_psql('postgres', q{
		SELECT t.relation, v.* FROM trending.trend t, trending.verify(t.relation) v LIMIT 12});
	is($differences, '', $what);
}
all_equal('trends are filled with what is there');

# -- changes
my ($id, $clock) = (1000, 30);
for my $round (1 .. $rounds)
{
	for (1 .. 3)
	{
		my $rows = 20 + int(rand(60));
		$clock += rand(9);
		# Updates and deletes of rows whose windows may still be corrected.
		my $recent = "at > (SELECT at FROM base) + ($clock - 15) * interval '1 s'";
		$node->safe_psql('postgres', qq{
			BEGIN;
			SELECT setseed(@{[ rand() ]});
			CALL feed('sales', $id, $rows, $clock);
			CALL feed('visits', $id, $rows, $clock);
			UPDATE sales SET n = some_numeric(), e = some_float(), d = some_float(), name = 'name ' || (random() * 30)::int
			WHERE $recent AND random() < 0.15;
			UPDATE sales SET k = nullif((random() * 9)::int, 9), b = b + 1, at = at + interval '1 s' WHERE $recent AND random() < 0.1;
			UPDATE sales SET flag = NOT flag WHERE $recent AND random() < 0.1;
			UPDATE sales SET word = some_text(), code = left(some_text(), 6), doc = to_jsonb(some_text()), tags = tags || some_text(), image = some_bytes()
			WHERE $recent AND random() < 0.1;
			DELETE FROM sales WHERE $recent AND random() < 0.2;
			COMMIT});
		$id += 1000;
	}
	if ($round % 2 == 0)
	{
		wait_for_worker($node, 'postgres', kill_worker($node, 'postgres'));
	}
	all_equal("round $round");
}

# Everything is closed by later rows; then history has every window.
$node->safe_psql('postgres', qq{CALL feed('sales', $id, 50, $clock + 200); CALL feed('visits', $id, 50, $clock + 200)});
sync_trends($node, 'postgres');
for my $trend ('numbers_tumble', 'picks_hop', 'distinct_cumulate', 'totals')
{
	ok($node->poll_query_until('postgres', qq{
		WITH s AS (SELECT watermark - interval '20 s' AS final FROM trending.status WHERE trend = '$trend')
		SELECT (SELECT count(DISTINCT (window_start, window_end)) FROM ${trend}_history WHERE final) =
		       (SELECT count(DISTINCT (window_start, window_end)) FROM sales, @{[
			$trend eq 'totals' ? q{trending.hop(at, slide => '10 s', size => '20 s')} : $windows{ (split /_/, $trend)[1] } ]}, s
		        WHERE window_end <= s.final)}), "$trend has its windows in history");
}
all_equal('at the end');
is($node->safe_psql('postgres', q{SELECT string_agg(format('%s: %s late, %s failed, %s unmatched', trend, late, failed, unmatched), '; ')
	FROM trending.status WHERE late + failed + unmatched + refused > 0}), '', 'nothing was refused');

# A source that loses its replica identity and gets it back.
$node->safe_psql('postgres', q{
	CREATE TABLE readings (id int PRIMARY KEY, k int, x int);
	SELECT trending.create_trend('highest', $$ SELECT k, max(x) AS x FROM readings GROUP BY k ORDER BY x DESC $$);
	INSERT INTO readings VALUES (1, 1, 5), (2, 1, 9), (3, 2, 7);
});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', 'ALTER TABLE readings REPLICA IDENTITY FULL');
$node->safe_psql('postgres', 'DELETE FROM readings WHERE id = 2');
ok($node->poll_query_until('postgres', q{SELECT string_agg(format('%s %s', k, x), ', ' ORDER BY rank) = '2 7, 1 5' FROM highest}),
	'an extended replica identity brings what retracting rows needs');
$node->safe_psql('postgres', 'DELETE FROM readings WHERE id = 3; INSERT INTO readings VALUES (4, 3, 1)');
all_equal('and goes on');

# Gets it and loses it while the worker is behind: refilled once, not for every change.
$node->safe_psql('postgres', q{
	ALTER TABLE readings REPLICA IDENTITY DEFAULT;
});
sync_trends($node, 'postgres');
my $frozen = freeze_worker($node, 'postgres');
$node->safe_psql('postgres', q{
	INSERT INTO readings VALUES (5, 3, 100);
	ALTER TABLE readings REPLICA IDENTITY FULL;
	DELETE FROM readings WHERE id = 5;
	UPDATE readings SET x = x + 1;
	ALTER TABLE readings REPLICA IDENTITY DEFAULT;
	INSERT INTO readings VALUES (6, 4, 50);
});
kill 'CONT', $frozen;
all_equal('an identity that comes and goes');

no_crash_in_log($node);
$node->stop;
done_testing();
