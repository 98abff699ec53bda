# SPDX-License-Identifier: PostgreSQL
# A fast shutdown is fast in every state: the worker is gone within two seconds, whatever it is at, and its successor
# goes on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $db = 'postgres';
my $node = trending_node('shutdown', max_prepared_transactions => 5, autovacuum => 'off', fsync => 'off', 'trending.checkpoint_interval' => '1h');
sub query { return $node->safe_psql($db, $_[0]) }
sub trend { my ($name, $query, $options) = @_; query("SELECT trending.create_trend('$name', \$\$$query\$\$, $options)") }
my $pid;

# Polls a query more often than the server's library does: some states are short.
sub meets
{
	my ($query, $what) = @_;
	my $session = $node->background_psql($db);
	my $end = time + 120;
	my $met = '';
	$met = $session->query($query) until $met eq 't' || time > $end;
	$session->quit;
	is($met, 't', $what);
	return;
}

sub stops_fast
{
	my ($what) = @_;
	$pid = worker_pid($node, $db);
	ok($pid, "$what: there is a worker");
	my $began = time;
	system_log('pg_ctl', '-D', $node->data_dir, '-m', 'fast', '--no-wait', 'stop');
	sleep(0.01) while kill(0, $pid) && time - $began < 60;
	my $took = time - $began;
	cmp_ok($took, '<', 2, sprintf('%s: the worker is gone after %.2f s', $what, $took));
	$node->stop('fast', fail_ok => 1);  # it may be down by now
	$node->start;
	return;
}

query(q{
	CREATE EXTENSION trending;
	CREATE TABLE src (k int, at timestamptz);
	INSERT INTO src SELECT i % 1000, timestamptz '2026-01-01' + i * interval '1 second' FROM generate_series(1, 400000) i;
	CREATE INDEX ON src (at);
	CREATE TABLE big (k int);
	CREATE TABLE other (k int, at timestamptz)});
wait_for_worker($node, $db);
stops_fast('nothing to do');

# Filling: twenty trends one after the other, so that there is always one at it; they close many windows.
wait_for_worker($node, $db);
trend("fill_$_", "SELECT k, count(*) AS n, avg(k) AS a, max(at) AS m, count(DISTINCT at) AS d FROM src GROUP BY k ORDER BY n DESC", 'backfill => true') for 1 .. 8;
meets(q{SELECT count(*) > 0 AND (SELECT count(*) > 0 FROM trending.status WHERE state = 'running') FROM trending.status WHERE state = 'filling'}, 'trends are being filled');
stops_fast('filling');
wait_for_worker($node, $db);
query("SELECT trending.drop_trend('fill_$_')") for 2 .. 8;
sync_trends($node, $db);
is(query('SELECT sum(n) FROM fill_1'), 400000, 'the next worker fills it all');

# Filling back.
trend('back', q{SELECT window_start, window_end, k, count(*) AS n FROM src, trending.tumble(at, '10 seconds') GROUP BY 1, 2, 3 ORDER BY n DESC},
	q{idle_timeout => '9000 days', history_limit => NULL});
meets(q{SELECT backfilling AND history_since IS NOT NULL FROM trending.status WHERE trend = 'back'}, 'history is being filled back');
stops_fast('filling back');
query("SELECT trending.drop_trend('back'), trending.drop_trend('fill_1')");

# Waiting for a writer of its source, and with history that may not be written.
wait_for_worker($node, $db);
trend('closing', q{SELECT window_start, window_end, k, count(*) AS n FROM other, trending.tumble(at, '10 seconds') GROUP BY 1, 2, 3 ORDER BY n DESC},
	q{idle_timeout => '9000 days', allowed_lateness => '0'});
sync_trends($node, $db);
query(q{CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
	CREATE TRIGGER never BEFORE INSERT ON closing_history FOR EACH ROW EXECUTE FUNCTION never();
	INSERT INTO other SELECT i, timestamptz '2026-01-01' + i * interval '1 second' FROM generate_series(1, 5000) i;
	BEGIN; INSERT INTO big VALUES (0); PREPARE TRANSACTION 'writer'});
trend('waiting', 'SELECT k, count(*) AS n FROM big GROUP BY k ORDER BY n DESC', 'backfill => true');
meets(q{SELECT reason ~ 'waits for transactions' FROM trending.status WHERE trend = 'waiting'}, 'a trend waits for a writer');
query(q{ALTER SYSTEM SET trending.checkpoint_interval = '1s'}), query('SELECT pg_reload_conf()');
meets(q{SELECT reason ~ 'has a trigger' FROM trending.status WHERE trend = 'closing'}, 'and history waits for its owner');
stops_fast('waiting for a writer');
query(q{DROP TRIGGER never ON closing_history; ROLLBACK PREPARED 'writer'});
ok($node->poll_query_until($db, 'SELECT count(DISTINCT window_start) = 500 FROM closing_history'), 'history is written by the next worker');

# Writing a big checkpoint: its transaction has a number while it writes.
query('INSERT INTO big SELECT generate_series(1, 700000)');
meets(q{SELECT backend_xid IS NOT NULL FROM pg_stat_activity WHERE backend_type = 'trending worker' AND datname = current_database()}, 'a checkpoint is being written');
stops_fast('writing a big checkpoint');
sync_trends($node, $db);
is(query('SELECT count(*), sum(n) FROM waiting'), '700000|700000', 'nothing is lost');

# Stopped trends only.
query(q{SELECT trending.drop_trend('waiting');
	CREATE OR REPLACE VIEW closing_definition AS SELECT window_start, window_end, k, count(k) AS n FROM other, trending.tumble(at, '10 seconds') GROUP BY 1, 2, 3 ORDER BY n DESC});
ok($node->poll_query_until($db, q{SELECT bool_and(state = 'stopped') FROM trending.status}), 'the only trend is stopped');
stops_fast('stopped');

# Making its slot behind a long transaction.
wait_for_worker($node, $db);
query(q{BEGIN; INSERT INTO big VALUES (0); PREPARE TRANSACTION 'writer'});
query('SELECT trending.reset_slot()');
ok($node->poll_query_until($db, q{SELECT state <> 'running' AND (message || hint) ~ 'transaction' FROM trending.worker_status}), 'the slot waits for a transaction')
  or diag query('SELECT state, message, hint FROM trending.worker_status');
stops_fast('making a slot');
query(q{ROLLBACK PREPARED 'writer'});
wait_for_worker($node, $db);

no_crash_in_log($node);
$node->stop;
done_testing();
