# SPDX-License-Identifier: PostgreSQL
# A checkpoint that cannot be written: results stay current, the reason is shown, and nothing is lost by a crash
# before or after the trouble is removed. Then shutdown in every mode under load.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('failing', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
create_blog($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 40 FROM generate_series(1, 1000) n');
sync_trends($node, 'postgres');

sub checkpoint_message
{
	return $node->safe_psql('postgres', "SELECT coalesce(message, '') FROM trending.worker_status");
}

sub stored_position
{
	return $node->safe_psql('postgres', 'SELECT lsn FROM trending.checkpoint');
}

# Inserts, and checks that the trend is current.
sub current_results
{
	my ($what) = @_;
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 60 FROM generate_series(1, 500) n');
	is(differences($node, 'postgres'), '', $what);
}

sub break_checkpoints
{
	$node->safe_psql(
		'postgres', q{
		CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
		  $$ BEGIN RAISE EXCEPTION 'no room for checkpoints' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER no_room BEFORE INSERT ON trending.pane_state FOR EACH STATEMENT EXECUTE FUNCTION no_room();
		-- It must fire whatever the worker's session_replication_role.
		ALTER TABLE trending.pane_state ENABLE ALWAYS TRIGGER no_room;
	});
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) VALUES (1)');
	$node->poll_query_until('postgres', q{SELECT message LIKE '%no room for checkpoints%' FROM trending.worker_status})
	  or die 'the reason does not appear';
}

sub repair_checkpoints
{
	$node->safe_psql('postgres', 'DROP TRIGGER no_room ON trending.pane_state');
}

sub wait_for_checkpoint
{
	$node->poll_query_until('postgres', q{SELECT coalesce(message, '') = '' FROM trending.worker_status})
	  or die 'the message does not go away';
}

break_checkpoints();
my $position = stored_position();
like(checkpoint_message(), qr/no room for checkpoints/, 'the reason is in trending.worker_status');
is($node->safe_psql('postgres', 'SELECT state FROM trending.worker_status'), 'running', 'the worker runs on');
current_results("results are current while checkpoints fail ($_)") for 1 .. 3;
is(stored_position(), $position, 'the stored position stays');
ok( $node->safe_psql('postgres',
		"SELECT confirmed_flush_lsn <= '$position' FROM pg_replication_slots WHERE plugin = 'trending'") eq 't',
	'and the slot keeps the WAL since then');

# A crash while they fail.
$node->kill9;
start_again($node);
wait_for_worker($node, 'postgres');
is(differences($node, 'postgres'), '', 'equal after a crash while checkpoints fail');
current_results('and goes on');

# Repaired: written whole again; a crash right after it finds everything.
repair_checkpoints();
wait_for_checkpoint();
current_results('results after checkpoints succeed again');
$node->poll_query_until('postgres', "SELECT lsn > '$position' FROM trending.checkpoint") or die 'no checkpoint';
$node->kill9;
start_again($node);
wait_for_worker($node, 'postgres');
is(differences($node, 'postgres'), '', 'equal after a crash that follows the recovery');

# Fails, is repaired, and the state is restored from deltas on top of what was written whole.
for my $round (1 .. 3)
{
	break_checkpoints();
	current_results("current ($round)");
	repair_checkpoints();
	wait_for_checkpoint();
	current_results("current after repair ($round)");
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres'));
	is(differences($node, 'postgres'), '', "equal after failure, repair and a crash ($round)");
}
unlike(slurp_file($node->logfile), qr/refills all trends/, 'no refilling was needed');

# History that waited for a checkpoint is written by a later one, once.
$node->safe_psql(
	'postgres', q{
	SELECT trending.create_trend('minutes', $$ SELECT window_start, window_end, post_id, count(*) AS views
	  FROM view_events, trending.tumble(viewed_at, '1 second') GROUP BY 1, 2, 3 ORDER BY views DESC $$,
	  allowed_lateness => '1 second', history_limit => NULL, backfill => false)});
sync_trends($node, 'postgres');
break_checkpoints();
my $since = $node->safe_psql('postgres', 'SELECT date_trunc($$second$$, clock_timestamp()) + interval $$1 second$$');
for (1 .. 15)
{
	sleep(0.3);
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 20 FROM generate_series(1, 30) n');
}
repair_checkpoints();
wait_for_checkpoint();

# A history table that is locked for longer than the worker would wait, also when a worker starts.
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE minutes_history IN SHARE MODE');
for (1 .. 10)
{
	sleep(0.3);
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 20 FROM generate_series(1, 30) n');
	kill_worker($node, 'postgres', 'TERM') if $_ == 7;
}
wait_for_worker($node, 'postgres');
is(differences($node, 'postgres'), '', 'current while the history of another trend is locked');
ok($node->poll_query_until('postgres', q{SELECT reason = 'history waits to be written: "minutes_history" is locked by somebody else'
	FROM trending.status WHERE trend = 'minutes'}), 'its status says what history waits for');
is(checkpoint_message(), '', 'checkpoints go on');
ok($node->poll_query_until('postgres', 'SELECT count(DISTINCT window_end) >= 2 FROM trending.waiting_window'), 'windows are deferred');
$locker->query_safe('COMMIT');
$locker->quit;
wait_for_checkpoint();
my $until = $node->safe_psql('postgres', 'SELECT now()');
$node->safe_psql('postgres', qq{INSERT INTO view_events (post_id, viewed_at) VALUES (1, '$until'::timestamptz + interval '10 seconds')});
my $compare = qq{
	WITH kept AS (SELECT window_end, post_id, views, final FROM minutes_history WHERE window_end > '$since'::timestamptz + interval '1 second'),
	batch AS (SELECT window_end, post_id, count(*) AS views, true FROM view_events, trending.tumble(viewed_at, '1 second')
	  WHERE viewed_at >= '$since' AND viewed_at < '$until' AND window_end > '$since'::timestamptz + interval '1 second' GROUP BY 1, 2)
	SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE batch) UNION ALL (TABLE batch EXCEPT ALL TABLE kept)) d};
$node->poll_query_until('postgres', $compare, '0') or diag($node->safe_psql('postgres', $compare));
is($node->safe_psql('postgres', $compare), '0', 'windows that closed meanwhile are in history, once and exact');

# Shutdown under load, also in the middle of decoding a large transaction.
for my $mode ('fast', 'immediate', 'smart')
{
	my $load = start_load($node, 'postgres', $mode eq 'smart' ? 3 : 20, 4);
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 5000 FROM generate_series(1, 1000000) n');
	finish_load($load) if $mode eq 'smart';    # it would wait for the clients, as it should
	my $begun = time;
	$node->stop($mode);
	my $seconds = time - $begun;
	diag(sprintf('shutdown, %s: %.2f s', $mode, $seconds));
	cmp_ok($seconds, '<', 60, "shutdown is prompt: $mode");
	finish_load($load);
	$node->start;
	wait_for_worker($node, 'postgres');
	is(differences($node, 'postgres'), '', "equal after it: $mode");
}

no_crash_in_log($node);
$node->stop;
done_testing();
