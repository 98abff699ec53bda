# SPDX-License-Identifier: PostgreSQL
# Closed windows, late rows, recompute and verify, by event times of the past: replayed data works like live data.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('history');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE plays (song text, at timestamptz);
	SELECT trending.create_trend('songs', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => 2, allowed_lateness => '30 s', idle_timeout => '1 hour', late_events => 'keep');
	SELECT trending.create_trend('every_song', $$
	  SELECT window_start, window_end, song, count(*) AS n
	  FROM plays, trending.hop(at, slide => '20 s', size => '50 s')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => NULL, allowed_lateness => '40 s', watermark_delay => '5 s', idle_timeout => '1 hour');
});
sync_trends($node, 'postgres');

sub play
{
	my ($from, $to, $song) = @_;
	$node->safe_psql('postgres', "INSERT INTO plays SELECT $song, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 s'
		FROM generate_series($from, $to) n");
	sync_trends($node, 'postgres');
}
my $songs = q{'s' || n % 5};
my $history = q{SELECT to_char(window_end AT TIME ZONE 'UTC', 'MI:SS'), song, n, rank, final FROM songs_history ORDER BY window_end, rank};

sub history_becomes
{
	my ($expected, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT string_agg(h::text, E'\\n') FROM ($history) h",
			join("\n", map { "($_)" } @$expected)), $what)
	  or diag $node->safe_psql('postgres', $history);
}

play($_ * 20, $_ * 20 + 19, $songs) for 0 .. 9;    # 200 seconds
history_becomes(
	[ '01:00,s0,12,1,t', '01:00,s1,12,2,t', '02:00,s0,12,1,t', '02:00,s1,12,2,t', '03:00,s0,12,1,f', '03:00,s1,12,2,f' ],
	'the best two of every closed window; final after allowed_lateness');

# A correction within allowed_lateness, an event that is too late, and ones that can never be placed.
play(170, 175, q{'s9'});
$node->safe_psql('postgres', q{INSERT INTO plays SELECT 's9', '2026-01-01 00:02:40+00' FROM generate_series(1, 20)});
$node->safe_psql('postgres', q{INSERT INTO plays VALUES ('late', '2026-01-01 00:00:20+00'), ('none', NULL), ('ahead', '2099-01-01')});
sync_trends($node, 'postgres');
history_becomes(
	[ '01:00,s0,12,1,t', '01:00,s1,12,2,t', '02:00,s0,12,1,t', '02:00,s1,12,2,t', '03:00,s9,26,1,f', '03:00,s0,12,2,f' ],
	'a window is corrected while it may be');
my $late = q{SELECT event_time IS NULL, reason, "row"->>'song', recomputed FROM songs_late ORDER BY reason};
ok($node->poll_query_until('postgres', "SELECT count(*) = 3 FROM ($late) l"), 'late rows are kept');
is($node->safe_psql('postgres', $late), "f|late|late|f\nt|null time|none|f\nf|too far ahead|ahead|f", 'with their reasons');

# The same again after a crash: nothing twice.
$node->stop('immediate');
$node->start;
wait_for_worker($node, 'postgres');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $late), "f|late|late|f\nt|null time|none|f\nf|too far ahead|ahead|f", 'late rows are there once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM songs_history'), '6', 'so is history');

# Later data; then everything but the late row equals the batch query.
play($_ * 20, $_ * 20 + 19, $songs) for 10 .. 30;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 * 9 FROM songs_history WHERE final}), 'windows become final');
is( $node->safe_psql('postgres', q{SELECT part, found_in, "row"->>'song' FROM trending.verify('every_song') WHERE "row"->>'song' <> 'late'}),
	'', 'every closed window of every group equals the definition');
is( $node->safe_psql('postgres', q{SELECT DISTINCT "row"->>'song' FROM trending.verify('every_song')}),
	'late', 'but for the row that came too late');

# recompute takes it in, twice as well as once.
is($node->safe_psql('postgres', q{SELECT trending.recompute('songs', '2026-01-01 00:00+00', '2027-01-01')}), '18', 'recompute writes final windows');
is($node->safe_psql('postgres', q{SELECT trending.recompute('songs', '2026-01-01 00:00+00', '2027-01-01')}), '18', 'and again');
is($node->safe_psql('postgres', $late), "f|late|late|t\nt|null time|none|f\nf|too far ahead|ahead|f", 'late rows that it took in are marked');
$node->safe_psql('postgres', q{SELECT trending.recompute('every_song', '2025-12-31 00:00+00', '2027-01-01')});
is($node->safe_psql('postgres', q{SELECT * FROM trending.verify('songs') UNION ALL SELECT * FROM trending.verify('every_song')}),
	'', 'then nothing differs');

is( $node->safe_psql('postgres', q{BEGIN; SELECT * FROM trending.verify('songs');
	SELECT count(*) FROM pg_locks WHERE relation = 'plays'::regclass AND mode = 'ShareLock'; COMMIT}),
	'0', 'verify gives its lock back before the transaction ends');

# What verify finds when somebody meddled.
$node->safe_psql('postgres', q{UPDATE songs_history SET n = n + 1 WHERE rank = 1 AND window_end = '2026-01-01 00:02+00'});
is($node->safe_psql('postgres', q{SELECT part, found_in, "row"->>'n' FROM trending.verify('songs') ORDER BY 2}),
	"history|definition|12\nhistory|trend|13", 'verify shows both sides of a difference');

# An idle source: the last window closes by wall time.
$node->safe_psql('postgres', q{
	CREATE TABLE ticks (k int, at timestamptz);
	SELECT trending.create_trend('ticking', $$ SELECT window_start, window_end, k, count(*) AS n FROM ticks, trending.tumble(at, '2 s')
	  GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '1 s', allowed_lateness => '1 s');
});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{INSERT INTO ticks VALUES (1, now()), (1, now()), (2, now())});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 AND bool_and(final) FROM ticking_history}), 'the last window fires, and becomes final');
is($node->safe_psql('postgres', 'SELECT k, n, rank FROM ticking_history ORDER BY rank'), "1|2|1\n2|1|2", 'with its rows');

# A row that is late for some of its windows counts in the others: those that end after the clock before its transaction,
# less watermark_delay and allowed_lateness. Of several kinds of windows, with their bounds by hand.
$node->safe_psql('postgres', q{
	CREATE TABLE src (k int, at timestamptz);
	CREATE TABLE kind (kind text, call text, slide interval, longest interval);
	INSERT INTO kind VALUES ('hop', 'hop(at, ''500 ms'', ''2 s'')', '0.5 s', '2 s'), ('cumulate', 'cumulate(at, ''500 ms'', ''4 s'')', '0.5 s', '4 s'),
	  ('uneven', 'hop(at, ''700 ms'', ''2100 ms'')', '0.7 s', '2.1 s');
	CREATE TABLE opt AS SELECT kind || row_number() OVER (PARTITION BY kind ORDER BY d, l) AS name, kind.*, d * interval '1 s' AS delay, l * interval '1 s' AS late
	  FROM kind, generate_series(0, 4, 2) d, generate_series(0, 6, 3) l;
	SELECT trending.create_trend(name, format('SELECT window_start, window_end, k, count(*) AS n FROM src, trending.%s GROUP BY 1, 2, 3 ORDER BY n DESC', call),
	  watermark_delay => delay, allowed_lateness => late, history_limit => NULL, idle_timeout => '9000 days') FROM opt;
	CREATE TABLE counted (name text, window_end timestamptz, n bigint)});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', $_)
  for q{INSERT INTO src VALUES (1, '2025-11-29 20:31:20+00'), (1, '2025-11-29 20:31:24+00'), (1, '2025-11-29 20:31:32.000001+00')},
  q{INSERT INTO src VALUES (1, '2025-11-29 20:31:35.306565+00')},
  q{BEGIN; INSERT INTO src VALUES (0, '2025-11-29 20:31:25.999999+00'), (0, '2025-11-29 20:31:28+00'), (0, '2025-11-29 20:31:34+00'); SAVEPOINT a;
    INSERT INTO src VALUES (1, '2025-11-29 20:31:50+00'), (0, '2025-11-29 20:31:33+00'); RELEASE a; COMMIT},
  q{INSERT INTO src VALUES (1, '2025-11-29 20:32:20+00')};
sync_trends($node, 'postgres');
is( settled(
		sub {
			return $node->safe_psql('postgres', q{
				TRUNCATE counted;
				DO $$ DECLARE o opt; BEGIN FOR o IN TABLE opt LOOP
				  EXECUTE format('INSERT INTO counted SELECT %L, window_end, n FROM %1$I_history WHERE k = 0', o.name); END LOOP; END $$;
				WITH ends AS (
				  SELECT o.*, s.at, CASE WHEN kind = 'cumulate' THEN date_bin(longest, at, '1970-01-01 00:00+00') + i * slide
				    ELSE date_bin(slide, at, '1970-01-01 00:00+00') + i * slide END AS window_end
				  FROM opt o, src s, generate_series(1, 8) i WHERE k = 0 AND i * slide <= longest),
				expected AS (
				  SELECT name, window_end, count(*) AS n FROM ends
				  WHERE window_end > at AND window_end > timestamptz '2025-11-29 20:31:35.306565+00' - delay - late GROUP BY 1, 2)
				SELECT format('%s to %s: %s rows for %s', name, window_end, c.n, e.n) FROM expected e FULL JOIN counted c USING (name, window_end)
				WHERE e.n IS DISTINCT FROM c.n ORDER BY 1 LIMIT 5});
		}),
	'', 'rows that are late for some windows count in the others');

# A history table that its owner broke stops nobody.
$node->safe_psql('postgres', 'ALTER TABLE ticking_history DROP COLUMN n');
$node->safe_psql('postgres', q{INSERT INTO ticks VALUES (1, now())});
ok($node->poll_query_until('postgres', q{SELECT reason LIKE 'history waits to be written: table "ticking_history" has lost its column "n"%' FROM trending.status WHERE trend = 'ticking'}), 'its status says so');
is($node->safe_psql('postgres', q{SELECT message FROM trending.worker_status}), '', 'checkpoints go on');

$node->safe_psql('postgres', 'DROP FOREIGN TABLE songs');
is($node->safe_psql('postgres', q{SELECT to_regclass('songs_history') IS NULL AND to_regclass('songs_late') IS NULL}), 't', 'history is dropped with its trend');

no_crash_in_log($node);
$node->stop;
done_testing();
