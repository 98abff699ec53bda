# SPDX-License-Identifier: PostgreSQL
# A promoted standby that has copied the slot goes on where the primary's worker was: nothing lost, nothing twice,
# nothing filled anew, counters and late rows kept. Where the copy does not fit, trends are filled anew, and it is said.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

plan skip_all => "slots are copied to standbys from 17 on" if qx(pg_config --version) =~ m{ 1[56]};

my $primary = trending_node('primary', 'trending.checkpoint_interval' => '1s', max_prepared_transactions => 5, max_replication_slots => 20);
my $number = 0;

# A standby that copies slots. The primary waits for it with its slots.
sub new_standby
{
	my ($from) = @_;
	my $name = 'standby' . ++$number;
	$from->backup($name);
	my $standby = PostgreSQL::Test::Cluster->new($name);
	$standby->init_from_backup($from, $name, has_streaming => 1);
	my $connection = $from->connstr('postgres') =~ s/'/''/gr;
	$from->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('$name', true)");
	$standby->append_conf('postgresql.conf', "primary_slot_name = '$name'\nhot_standby_feedback = on\nsync_replication_slots = on\n"
		  . "synchronized_standby_slots = ''\nprimary_conninfo = '$connection application_name=$name'\n");
	$standby->start;
	$from->append_conf('postgresql.conf', "synchronized_standby_slots = '$name'");
	$from->reload;
	return $standby;
}

my $copied = q{plugin = 'trending' AND synced AND NOT temporary AND invalidation_reason IS NULL};

# Until the copy begins behind where it was made.
sub wait_for_copy
{
	my ($from, $standby) = @_;
	my $first = '';
	for (1 .. 120)
	{
		$from->safe_psql('postgres', 'SELECT pg_log_standby_snapshot(); INSERT INTO view_events (post_id) VALUES (1)');
		my $now = $standby->safe_psql('postgres', "SELECT restart_lsn FROM pg_replication_slots WHERE $copied");
		$first ||= $now;
		return if $now ne '' && $now ne $first;
		sleep(0.5);
	}
	die 'the slot is not copied';
}

create_blog($primary, 'postgres');
create_paced($primary, 'postgres');
$primary->safe_psql(
	'postgres', q{
	CREATE TABLE logins (name text, at timestamptz);
	SELECT trending.create_trend('names', $$
	  SELECT window_start, window_end, name, count(*) AS n FROM logins, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, name HAVING count(*) >= 3 ORDER BY n DESC $$,
	  allowed_lateness => '0', late_events => 'keep', idle_timeout => '1 day', history_limit => NULL);
	CREATE TABLE heavy (k int, at timestamptz DEFAULT now());
	INSERT INTO heavy SELECT n % 1000 FROM generate_series(1, 1000) n });
sync_trends($primary, 'postgres');

sub login
{
	my ($node, $second, $name) = @_;
	$node->safe_psql('postgres', "INSERT INTO logins VALUES ('$name', timestamptz '2026-01-01 00:00+00' + $second * interval '1 s')");
}
# What only a worker that goes on still knows: rows that were late, and how many.
my $kept = q{SELECT string_agg(concat_ws(' ', trend, late, null_time, unmatched), ', ' ORDER BY trend), (SELECT count(*) FROM names_late), (SELECT count(*) FROM names_alerts) FROM trending.status};

sub all_equal
{
	my ($node, $when) = @_;
	is(differences($node, 'postgres'), '', "$when: the trend equals its definition");
	is(paced_differences($node, 'postgres'), '', "$when: so does the one with history");
}

login($primary, $_, 'a') for 1, 2, 3, 70, 5, 6;    # two are late
$primary->safe_psql('postgres', "INSERT INTO logins VALUES ('b', NULL)");
feed_paced($primary, 'postgres', 0, 200);
my $standby = new_standby($primary);
wait_for_copy($primary, $standby);
is($primary->safe_psql('postgres', q{SELECT failover FROM pg_replication_slots WHERE plugin = 'trending'}), 't', 'the slot is for standbys to copy');

# The primary is killed under load.
my $load = start_load($primary, 'postgres', 4, 3);
feed_paced($primary, 'postgres', 200, 320);
sleep(2);
ok($primary->poll_query_until('postgres', 'SELECT (SELECT count(*) = 3 FROM names_late) AND (SELECT count(*) = 1 FROM names_alerts)'), 'late rows and an alert on the primary');
my $before = $primary->safe_psql('postgres', $kept);
$primary->wait_for_catchup($standby);
$primary->kill9;
finish_load($load);
my $promoted = time;
$standby->promote;
$standby->poll_query_until('postgres', q{SELECT state = 'running' FROM trending.status WHERE trend = 'top_posts'});
note(sprintf('trends went on %.2f s after the promotion was asked for', time - $promoted));
all_equal($standby, 'after a promotion under load');
is($standby->safe_psql('postgres', $kept), $before, 'counters, late rows and alerts are kept');
unlike(slurp_file($standby->logfile), qr/trending refills|is refilled/, 'nothing was filled anew');
login($standby, 7, 'late');
login($standby, 71, 'a');
sync_trends($standby, 'postgres');
ok($standby->poll_query_until('postgres', 'SELECT count(*) = 4 FROM names_late'), 'and rows are late as before');

# The primary dies between a checkpoint and the copying of the slot: the copy is behind the checkpoint.
$primary = $standby;
$standby = new_standby($primary);
wait_for_copy($primary, $standby);
$standby->append_conf('postgresql.conf', 'sync_replication_slots = off');
$standby->reload;
$standby->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'slotsync worker'});
feed_paced($primary, 'postgres', 320, 400);
sync_trends($primary, 'postgres');
my $position = $standby->safe_psql('postgres', q{SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE plugin = 'trending'});
$standby->poll_query_until('postgres', qq{SELECT lsn > '$position' FROM trending.checkpoint}) or die;
$primary->wait_for_catchup($standby);
$primary->kill9;
$standby->promote;
wait_for_worker($standby, 'postgres');
all_equal($standby, 'the copy was behind');
unlike(slurp_file($standby->logfile), qr/trending refills|is refilled/, 'nothing was filled anew');

# While the standby is behind, nothing is confirmed to the slot; checkpoints go on.
$primary = $standby;
$standby = new_standby($primary);
wait_for_copy($primary, $standby);
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my ($walreceiver) = split /\n/, $standby->safe_psql('postgres', 'SELECT pid FROM pg_stat_wal_receiver');
kill 'STOP', $walreceiver;
feed_paced($primary, 'postgres', 400, 480);
sync_trends($primary, 'postgres');
$position = $primary->safe_psql('postgres', 'SELECT max(confirmed_flush_lsn) FROM pg_replication_slots WHERE plugin = $$trending$$');
ok($primary->poll_query_until('postgres', qq{SELECT lsn > '$position' FROM trending.checkpoint}), 'a checkpoint is ahead of the slot');
sleep(2);
is($primary->safe_psql('postgres', q{SELECT count(*) FROM trending.checkpoint c, pg_replication_slots s WHERE s.plugin = 'trending' AND s.confirmed_flush_lsn >= c.lsn}),
	'0', 'which is not confirmed before the standby has it');
my $stored = $primary->safe_psql('postgres', 'SELECT lsn FROM trending.checkpoint');
kill 'CONT', $walreceiver;
ok($primary->poll_query_until('postgres', qq{SELECT confirmed_flush_lsn >= '$stored' FROM pg_replication_slots WHERE plugin = 'trending'}), 'then it is');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');

# Promotion while a trend is being filled: that one is filled again, the others go on.
$primary->safe_psql('postgres', 'BEGIN; INSERT INTO heavy VALUES (7); PREPARE TRANSACTION $$open$$');
$primary->safe_psql('postgres', q{SELECT trending.create_trend('heavies', 'SELECT k, count(*) AS n FROM heavy GROUP BY k ORDER BY n DESC')});
$primary->poll_query_until('postgres', q{SELECT state = 'filling' FROM trending.status WHERE trend = 'heavies'}) or die;
feed_paced($primary, 'postgres', 480, 500);
$primary->wait_for_catchup($standby);
$primary->kill9;
$standby->promote;
$standby->safe_psql('postgres', 'COMMIT PREPARED $$open$$');
wait_for_worker($standby, 'postgres');
all_equal($standby, 'promoted while a trend was filled');
ok($standby->poll_query_until('postgres', q{SELECT state = 'running' FROM trending.status WHERE trend = 'heavies'}), 'the trend is filled');
sync_trends($standby, 'postgres');
is($standby->safe_psql('postgres', 'SELECT k, n FROM heavies LIMIT 1'), '7|2', 'exactly');
unlike(slurp_file($standby->logfile), qr/trending refills/, 'the others were not');

# A copy that is ahead of the checkpoint, as it may come to be without synchronized_standby_slots: noticed.
$primary = $standby;
$standby = new_standby($primary);
wait_for_copy($primary, $standby);
$primary->append_conf('postgresql.conf', "synchronized_standby_slots = ''");
$primary->reload;
$primary->safe_psql('postgres', 'CREATE DATABASE other');
$primary->append_conf('postgresql.conf', 'trending.checkpoint_interval = 1s');
$primary->reload;
# The server moves a copy beyond what is replayed only as long as the slot begins where it did, so several tries.
my $is_ahead = q{SELECT confirmed_flush_lsn > pg_last_wal_replay_lsn() FROM pg_replication_slots WHERE plugin = 'trending'};
my $ahead = 'f';
for my $try (1 .. 8)
{
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
	$primary->wait_for_catchup($standby);
	wait_for_copy($primary, $standby);
	$primary->wait_for_catchup($standby);
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
	feed_paced($primary, 'postgres', 495 + 5 * $try, 500 + 5 * $try);
	sync_trends($primary, 'postgres');
	for (1 .. 20)
	{
		last if ($ahead = $standby->safe_psql('postgres', $is_ahead)) eq 't';
		sleep(0.5);
	}
	last if $ahead eq 't';
}
is($ahead, 't', 'a copy is ahead of what is replayed');
$primary->kill9;
$standby->promote;
wait_for_worker($standby, 'postgres');
all_equal($standby, 'the copy was ahead of what was replayed, which a promotion replays');
unlike(slurp_file($standby->logfile), qr/trending refills/, 'so that nothing is filled anew');

# Off: no copy, and what was copied before goes.
$standby->append_conf('postgresql.conf', 'trending.failover = off');
$standby->reload;
ok($standby->poll_query_until('postgres', q{SELECT NOT failover FROM pg_replication_slots WHERE plugin = 'trending'}), 'trending.failover = off');

no_crash_in_log($standby);
$standby->stop;
done_testing();
