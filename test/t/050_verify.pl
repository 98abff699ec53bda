# SPDX-License-Identifier: PostgreSQL
# trending.verify finds every difference: what is missing, what is left over, what is wrong, final or not; raises no
# false alarm; needs no right to write the source, and keeps its writers out for a moment only. trending.recompute marks
# late rows when all their windows have them, and runs nobody's code with another's rights.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();
use TrendingTest;

my $node = trending_node('verify', 'trending.checkpoint_interval' => '1s');
sub query { return $node->safe_psql('postgres', $_[0]) }
sub verify { return query("SELECT part, found_in, \"row\"->>'k', \"row\"->>'c' FROM trending.verify('$_[0]') ORDER BY 1, 2, 3, 4") }

query(q{
	CREATE EXTENSION trending;
	CREATE TABLE src (ts timestamptz, p text, k text, f float8);
	ALTER TABLE src REPLICA IDENTITY FULL;
	SELECT trending.create_trend('best', $$ SELECT window_start, window_end, p, k, count(*) AS c, sum(f) AS "Sum of f"
	  FROM src, trending.tumble(ts, '1 minute') GROUP BY 1, 2, 3, 4 ORDER BY c DESC $$,
	  partition_by => ARRAY['p'], idle_timeout => '100 days', history_limit => NULL, allowed_lateness => '1 hour');
	SELECT trending.create_trend('sessions', $$ SELECT window_start, window_end, k, count(*) AS c
	  FROM src, trending.session(ts, '30 seconds') GROUP BY 1, 2, 3 ORDER BY c DESC $$, idle_timeout => '100 days', history_limit => NULL)});
sync_trends($node, 'postgres');
query(q{INSERT INTO src VALUES ('2024-01-01 00:00:10+00', 'p0', 'alone', 1), ('2024-01-01 00:01:10+00', 'p0', 'later', 1)});
query(q{INSERT INTO src SELECT '2024-01-01 00:00:00+00'::timestamptz + i * interval '5 s', 'p' || i % 2, 'k' || i % 5, 0.1 * (i % 7 - 3) FROM generate_series(0, 59) i});
# Of the same instant, but never counted: too far ahead, and within the current window for sessions and hours.
query(q{INSERT INTO src VALUES (now() + interval '1 hour', 'p0', 'k0', 1)});
sync_trends($node, 'postgres');
ok($node->poll_query_until('postgres', q{SELECT count(DISTINCT window_end) = 4 FROM best_history}), 'windows close');
is(verify($_), '', "$_: no false alarm, rows ahead or not") for qw(best sessions);

# History: one change each, undone again.
for (
	['a window', q{DELETE FROM best_history WHERE window_start = '2024-01-01 00:02+00'}, 'history|definition', 10],
	['a partition', q{DELETE FROM best_history WHERE p = 'p1' AND window_start = '2024-01-01 00:01+00'}, 'history|definition', 5],
	['a value, not final', q{UPDATE best_history SET c = c + 1 WHERE p = 'p0' AND k = 'k0' AND window_start = '2024-01-01 00:01+00'}, 'history|definition history|trend', 2],
	['a rank', q{UPDATE best_history SET rank = 100 WHERE p = 'p0' AND k = 'k0' AND window_start = '2024-01-01 00:01+00'}, 'history|definition history|trend', 2],
	['a row too many', q{INSERT INTO best_history SELECT window_start, window_end, p, 'more', 1, 0, 77, false FROM best_history LIMIT 1}, 'history|trend', 1],
	['Infinity', q{UPDATE best_history SET "Sum of f" = 'Infinity' WHERE p = 'p0' AND k = 'k0' AND window_start = '2024-01-01 00:01+00'}, 'history|definition history|trend', 2],
	['a window past the watermark', q{INSERT INTO best_history SELECT window_start, window_end, p, k, c, "Sum of f", rank, false FROM best}, 'history|definition history|trend', 20])
{
	my ($what, $change, $found, $count) = @$_;
	query("CREATE TABLE saved AS SELECT * FROM best_history; $change");
	is(query(q{SELECT string_agg(DISTINCT part || '|' || found_in, ' ' ORDER BY part || '|' || found_in), count(*) FROM trending.verify('best')}), "$found|$count", "history: $what");
	query('DELETE FROM best_history; INSERT INTO best_history SELECT * FROM saved; DROP TABLE saved');
}
is(verify('best'), '', 'all is well again');
query(q{UPDATE best_history SET final = true WHERE window_start = '2024-01-01 00:01+00'});
query(q{DELETE FROM sessions_history WHERE window_end = (SELECT max(window_end) FROM sessions_history)});
is(query(q{SELECT DISTINCT found_in FROM trending.verify('sessions')}), 'definition', 'a session that is missing');

query(q{ALTER FOREIGN TABLE best RENAME COLUMN k TO "k of that"; ALTER FOREIGN TABLE best RENAME TO "Best ""of"" all"});
is(query(q{SELECT count(*) FROM trending.verify('"Best ""of"" all"')}), '0', 'with renamed trend and column');
query(q{ALTER FOREIGN TABLE "Best ""of"" all" RENAME TO best});

# Columns of other types are not read as what they are not: not by conditions either, which are pushed down.
query(q{ALTER FOREIGN TABLE best ALTER "k of that" TYPE bool, ALTER c TYPE numeric, ALTER "Sum of f" TYPE text, ADD more text;
	ALTER FOREIGN TABLE sessions ALTER k TYPE bytea, ALTER c TYPE numeric});
is(query(q{SELECT (SELECT count(*) FROM trending.verify('best')) || ' ' || (SELECT count(*) FROM trending.verify('sessions'))}), '0 1',
	'columns of other types: compared as the definition has them');
for my $condition ('"k of that"', 'NOT "k of that"', '"k of that" IS NULL', '"k of that" = ANY (ARRAY[true, false])', 'rank = 1', q{c = 1 ORDER BY rank LIMIT 1})
{
	like(($node->psql('postgres', "SELECT rank FROM best WHERE $condition"))[2], qr/column "k" of trend "best" has been altered/,
		"columns of other types: not read where $condition");
}
query(q{ALTER FOREIGN TABLE sessions DROP k, ALTER c TYPE bigint; ALTER FOREIGN TABLE best ALTER "k of that" TYPE text,
	ALTER c TYPE bigint, ALTER "Sum of f" TYPE float8, DROP more});
ok(query('SELECT count(*) > 0 FROM sessions WHERE c > 0'), 'a column that was dropped is missed by nobody');

# A reader's rights suffice.
query(q{CREATE ROLE reader; GRANT SELECT ON src, best, best_history TO reader});
is(query(q{SET ROLE reader; SELECT count(*) FROM trending.verify('best')}), '0', 'verify needs no right to write');
is(query(q{SET ROLE reader; SET row_security = off; SELECT count(*) FROM trending.verify('best')}), '0', 'nor does it mind row_security');
my ($status, $out, $error) = $node->psql('postgres', q{CREATE ROLE nobody; GRANT SELECT ON best, best_history TO nobody; SET ROLE nobody; SELECT * FROM trending.verify('best')});
like($error, qr/permission denied for table src/, 'but those to read the source');

# It waits for an open writer; others write meanwhile.
my $writer = $node->background_psql('postgres');
$writer->query_safe(q{BEGIN; INSERT INTO src VALUES ('2024-01-01 00:04:56+00', 'p0', 'k1', 1)});
my $verifier = $node->background_psql('postgres');
$verifier->query_until(qr/begun/, "\\echo begun\nSELECT count(*) AS found FROM trending.verify('best');\n");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) AS found%' AND state = 'active'}), 'verify waits');
my ($slowest) = (0);
for (1 .. 20)
{
	my $begun = Time::HiRes::time();
	query(q{INSERT INTO src VALUES ('2024-01-01 00:04:57+00', 'p0', 'k2', 1)});
	my $took = Time::HiRes::time() - $begun;
	$slowest = $took if $took > $slowest;
}
note sprintf('slowest write beside a waiting verify: %.0f ms', $slowest * 1000);
is(query(q{SELECT state FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) AS found%'}), 'active', 'twenty others wrote while verify waited for the first');
$writer->query_safe('COMMIT');
$writer->quit;
$verifier->quit;

# recompute: marks, its lock, its rights.
query(q{
	CREATE TABLE plays (ts timestamptz, k text);
	SELECT trending.create_trend('hops', $$ SELECT window_start, window_end, k, count(*) AS c FROM plays, trending.hop(ts, '10 s', '30 s')
	  GROUP BY 1, 2, 3 ORDER BY c DESC $$, idle_timeout => '100 days', history_limit => NULL, allowed_lateness => '0', late_events => 'keep');
	SELECT trending.create_trend('steps', $$ SELECT window_start, window_end, k, count(*) AS c FROM plays, trending.cumulate(ts, '10 s', '30 s')
	  GROUP BY 1, 2, 3 ORDER BY c DESC $$, idle_timeout => '100 days', history_limit => NULL, allowed_lateness => '0', late_events => 'keep')});
sync_trends($node, 'postgres');
query("INSERT INTO plays VALUES ('2024-01-01 $_+00', 'a')") for '00:00:05', '00:02:00', '00:00:06';
ok($node->poll_query_until('postgres', "SELECT (SELECT count(*) FROM ${_}_late) = 1 AND count(*) >= 3 FROM ${_}_history WHERE final"), "$_: a late row") for qw(hops steps);
for (['hops', '00:00:00', '00:00:30', 'f'], ['hops', '00:00:00', '00:01', 'f'], ['steps', '00:00', '00:00:20', 'f'], ['steps', '00:00', '00:00:30', 't'])
{
	my ($trend, $from, $to, $marked) = @$_;
	query("SELECT trending.recompute('$trend', '2024-01-01 $from+00', '2024-01-01 $to+00')");
	is(query("SELECT recomputed FROM ${trend}_late"), $marked, "$trend, $from to $to: marked or not");
}
query(q{SELECT trending.recompute('hops', '2023-12-31 23:59+00', '2024-01-01 00:01+00')});
is(query('SELECT recomputed FROM hops_late'), 't', 'marked when all windows have it');

# History that somebody writes by hand.
($status, $out, $error) = $node->psql('postgres', 'UPDATE hops_history SET rank = NULL');
like($error, qr/violates not-null constraint/, 'a rank is always there');
is(query(q{SELECT count(*) FROM trending.verify('hops')}), '0', 'history is right');
query('ALTER TABLE hops_history ALTER rank DROP NOT NULL; UPDATE hops_history SET rank = NULL');
cmp_ok(query(q{SELECT count(*) FROM trending.verify('hops')}), '>', 0, 'without that, verify finds ranks that are gone');
query(q{SELECT trending.recompute('hops', '-infinity', 'infinity'); ALTER TABLE hops_history ALTER rank SET NOT NULL});
is(query(q{SELECT count(*) FROM trending.verify('hops')}), '0', 'recompute puts them right');

# Rows without a window would be in none that is compared.
query(q{ALTER TABLE hops_history ALTER window_end DROP NOT NULL; INSERT INTO hops_history (window_start, k, c, rank, final)
	SELECT window_start, k, c, rank, final FROM hops_history LIMIT 1});
for my $call ("trending.verify('hops')", "trending.recompute('hops', '-infinity', 'infinity')") {
	($status, $out, $error) = $node->psql('postgres', "SELECT * FROM $call");
	like($error, qr/a column that is not NOT NULL any more, "window_end"/, "$call: refused where rows may have no window");
}
query(q{DELETE FROM hops_history WHERE window_end IS NULL; ALTER TABLE hops_history ALTER window_end SET NOT NULL});
is(query(q{SELECT count(*) FROM trending.verify('hops')}), '0', 'and right again');

# Behind a writer that does not end.
my $writer = $node->background_psql('postgres');
$writer->query_safe('BEGIN; LOCK TABLE plays IN ROW EXCLUSIVE MODE');
($status, $out, $error) = $node->psql('postgres', q{SET lock_timeout = '3s'; SELECT * FROM trending.verify('hops')});
like($error, qr/NOTICE:  trending.verify waits for transactions that have written to "plays"/, 'verify says whom it waits for');
like($error, qr/ERROR:  canceling statement due to lock timeout/, 'and no longer than lock_timeout');
$writer->query_safe('COMMIT');
$writer->quit;

my $holder = $node->background_psql('postgres');
$holder->query_safe(q{SELECT pg_advisory_lock('trending.trend'::regclass::oid::int, 'hops'::regclass::oid::int)});
query(q{SET statement_timeout = '30s'; SELECT trending.recompute('hops', '2024-01-01 00:00+00', '2024-01-01 00:01+00')});
pass('an advisory lock is in nobody\'s way');
$holder->quit;

query(q{
	CREATE ROLE owner; GRANT SELECT ON plays TO owner; ALTER FOREIGN TABLE hops OWNER TO owner; ALTER TABLE hops_history OWNER TO owner; ALTER TABLE hops_late OWNER TO owner;
	CREATE SCHEMA own AUTHORIZATION owner; SET ROLE owner;
	CREATE TABLE own.ran (who text);
	CREATE FUNCTION own.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO own.ran VALUES (current_user); RETURN NULL; END $$;
	CREATE TRIGGER note AFTER INSERT ON hops_history EXECUTE FUNCTION own.note()});
($status, $out, $error) = $node->psql('postgres', q{SELECT trending.recompute('hops', '2024-01-01 00:00+00', '2024-01-01 00:01+00')});
like($error, qr/could not recompute "hops_history"\s+DETAIL:.*has a trigger, "note"/, "an owner's trigger is not run but refused");
is(query('SELECT count(*) FROM own.ran'), '0', 'by whomever');
query('DROP TRIGGER note ON hops_history');
($status, $out, $error) = $node->psql('postgres', q{GRANT SELECT ON hops TO reader; SET ROLE reader; SELECT trending.recompute('hops', '2024-01-01', '2025-01-01')});
like($error, qr/permission denied for table hops_history/, 'who may not write history may not recompute');
query('ALTER TABLE hops_late OWNER TO reader');
($status, $out, $error) = $node->psql('postgres', q{SELECT trending.recompute('hops', '2024-01-01', '2025-01-01')});
like($error, qr/belong to different owners/, 'nor anybody where two owners are concerned');

no_crash_in_log($node);
$node->stop;
done_testing();
