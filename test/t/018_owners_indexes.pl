# SPDX-License-Identifier: PostgreSQL
# What the owner of a source attached to it, expressions of indexes and statistics, is evaluated where the server plans
# reading it. In the worker that is done with his rights, for a limited time, and leaves nothing behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $db = 'postgres';
my $node = trending_node('indexes', 'trending.checkpoint_interval' => '1s', autovacuum => 'off');
sub query { return $node->safe_psql($db, $_[0]) }
sub as { my ($role, $statement) = @_; return $node->safe_psql($db, $statement, extra_params => [ '-U', $role ]) }

# Only sessions of this test have the name of an application.
query(q{
	CREATE EXTENSION trending;
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE TABLE other (k int, at timestamptz);
	SELECT trending.create_trend('other_trend', $$SELECT window_start, window_end, k, count(*) AS n FROM other, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC$$, idle_timeout => '9000 days', history_limit => NULL, allowed_lateness => '0');
	CREATE FUNCTION public.in_worker() RETURNS bool LANGUAGE sql AS $$ SELECT pg_catalog.current_setting('application_name') OPERATOR(pg_catalog.=) '' $$;
	CREATE FUNCTION public.ran(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	  IF current_user <> 'mallory' THEN RAISE LOG 'foreign code ran as %: %', current_user, what; END IF;
	  IF public.in_worker() THEN RAISE LOG 'ran in the worker: %', what; END IF; END $$;
});
as('mallory', q{
	CREATE FUNCTION m.note(what text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran(what); RETURN true; END $$;
	CREATE FUNCTION m.number(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran(what); RETURN 1; END $$;
	CREATE FUNCTION m.settings() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
	  PERFORM public.ran('settings');
	  PERFORM set_config('search_path', 'm, pg_catalog', false), set_config('default_transaction_read_only', 'on', false),
	    set_config('statement_timeout', '1', false), set_config('lock_timeout', '1', false), set_config('enable_indexscan', 'off', false),
	    set_config('DateStyle', 'German', false), set_config('bytea_output', 'escape', false), set_config('work_mem', '64', false),
	    set_config('extra_float_digits', '-15', false), set_config('transaction_read_only', 'on', false);
	  RETURN 1; END $$;
	CREATE FUNCTION m.eq(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('operator'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
	CREATE OPERATOR m.= (LEFTARG = int, RIGHTARG = int, FUNCTION = m.eq);
});
my $minute = 0;

# Another trend's windows close, and come into history.
sub others_go_on
{
	my ($what) = @_;
	$minute++;
	query("INSERT INTO other SELECT i, timestamptz '2026-01-01 00:00+00' + $minute * interval '1 minute' FROM generate_series(1, 3) i");
	query("SELECT trending.sync('60 s', 'other_trend')");
	ok($node->poll_query_until($db, 'SELECT count(*) = ' . 3 * ($minute - 1) . ' FROM other_trend_history'), "$what: others go on");
}
others_go_on('at first'), others_go_on('and then');

# -- with his rights, without consequences: in filling, filling back, surveys of partitions
as('mallory', q{
	CREATE TABLE m.src (k int, at timestamptz);
	INSERT INTO m.src SELECT i % 5, timestamptz '2026-01-01' + i * interval '1 second' FROM generate_series(1, 120000) i;
	CREATE INDEX ON m.src (at) WHERE m.note('predicate');
	CREATE INDEX ON m.src (at, (m.number('expression')));
	CREATE INDEX ON m.src ((m.settings()));
	CREATE STATISTICS m.s ON (m.number('statistics')), k FROM m.src;
	SELECT trending.create_trend('m.trend', $$SELECT window_start, window_end, k, count(*) AS n FROM m.src, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC$$, idle_timeout => '9000 days', history_limit => NULL);
	SELECT trending.create_trend('m.visits', $$SELECT window_start, window_end, k, count(*) AS n FROM m.src, trending.session(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC$$, idle_timeout => '9000 days', history_limit => NULL);
});
sync_trends($node, $db);
others_go_on('filled');
ok($node->poll_query_until($db, 'SELECT bool_and(NOT backfilling) FROM trending.status'), 'filled back');
is(query(q{SELECT count(*) FROM trending.verify('m.trend')}), '0', 'and exact');
wait_for_worker($node, $db, kill_worker($node, $db, 'TERM'));
others_go_on('by another worker');
my $log = slurp_file($node->logfile);
like($log, qr/LOG:  ran in the worker: $_/, "$_: was evaluated") for qw(settings expression predicate statistics);
unlike($log, qr/LOG:  foreign code ran as/, 'as their owner');
as('mallory', q{SET client_min_messages = error; DROP TABLE m.src CASCADE});

# -- for a limited time
as('mallory', q{
	CREATE FUNCTION m.hold(catches bool) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
	  IF public.in_worker() THEN
	    LOOP BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN IF NOT catches THEN RAISE; END IF; END; END LOOP;
	  END IF;
	  RETURN 1; END $$;
	CREATE TABLE m.slow (k int, at timestamptz);
	CREATE TABLE m.endless (LIKE m.slow);
	CREATE INDEX ON m.slow ((m.hold(false)));
	CREATE STATISTICS m.of_endless ON (m.hold(true)), k FROM m.endless});
my $pid = worker_pid($node, $db);
as('mallory', q{SELECT trending.create_trend('m.slow_trend', 'SELECT k, count(*) AS n FROM m.slow GROUP BY k ORDER BY n DESC')});
others_go_on('an expression that takes long');
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason ~ 'expression of an index or of statistics of "slow" took longer than 5 s'
	FROM trending.status WHERE trend = 'm.slow_trend'}), 'its trend is set aside, with the reason') or diag query('TABLE trending.status');
is(worker_pid($node, $db), $pid, 'by the same worker');
as('mallory', q{SELECT trending.create_trend('m.endless_trend', 'SELECT k, count(*) AS n FROM m.endless GROUP BY k ORDER BY n DESC')});
others_go_on('an expression that does not end');
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason ~ 'set aside: the worker ended 2 times .* while it filled it' FROM trending.status WHERE trend = 'm.endless_trend'}),
	'its trend is set aside after the second death') or diag query('TABLE trending.status');
$pid = worker_pid($node, $db);
others_go_on('afterwards');
is(worker_pid($node, $db), $pid, 'with one worker');
as('mallory', q{DROP INDEX m.slow_hold_idx; SELECT trending.resume('m.slow_trend'); INSERT INTO m.slow VALUES (7, NULL)});
ok($node->poll_query_until($db, 'SELECT n = 1 FROM m.slow_trend'), 'without it, and resumed, it is exact');

# -- an index that is locked, its table not
as('mallory', q{CREATE INDEX slow_k ON m.slow (k); ALTER TABLE m.slow REPLICA IDENTITY FULL;
	SELECT trending.create_trend('m.deviation', 'SELECT k, stddev(k) AS d, count(*) AS n FROM m.slow GROUP BY k ORDER BY n DESC')});
sync_trends($node, $db);
my $frozen = freeze_worker($node, $db);
as('mallory', 'INSERT INTO m.slow VALUES (7, NULL), (8, NULL); DELETE FROM m.slow WHERE k = 8');
my $session = $node->background_psql($db);
$session->query_safe('BEGIN; REINDEX INDEX m.slow_k');
kill 'CONT', $frozen;
others_go_on('an index that somebody builds');
ok($node->poll_query_until($db, q{SELECT reason ~ 'waits to be filled: "slow_k" is locked' FROM trending.status WHERE trend = 'm.deviation'}), 'its trend says what it waits for')
  or diag query('TABLE trending.status');
$session->query_safe('COMMIT');
$session->quit;
ok($node->poll_query_until($db, 'SELECT sum(n) = 2 FROM m.deviation'), 'and goes on');

# -- and what cannot be cancelled, for it looks for no interrupts
as('mallory', q{
	CREATE FUNCTION m.busy() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
	  IF public.in_worker() THEN RETURN length(translate(repeat('a', 2000000), repeat('b', 2000000), '')); END IF;
	  RETURN 1; END $$;
	CREATE TABLE m.busy (k int);
	CREATE INDEX ON m.busy ((m.busy()));
	SELECT trending.create_trend('m.busy_trend', 'SELECT k, count(*) AS n FROM m.busy GROUP BY k ORDER BY n DESC')});
others_go_on('an expression that cannot be cancelled');
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason ~ 'set aside: an expression of it or of its source .* could not be cancelled' FROM trending.status WHERE trend = 'm.busy_trend'}),
	'its trend is set aside') or diag query('TABLE trending.status');
as('mallory', q{SELECT trending.resume('m.busy_trend')});
ok($node->poll_query_until($db, q{SELECT state = 'filling' FROM trending.status WHERE trend = 'm.busy_trend'}), 'it is tried again');
$node->stop('fast');
ok(1, 'a fast shutdown does not wait for it');

no_crash_in_log($node);
done_testing();
