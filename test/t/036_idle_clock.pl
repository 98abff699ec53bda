# SPDX-License-Identifier: PostgreSQL
# A silent source: its clock follows the wall clock, the same way when the WAL is decoded again after a crash.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('idle', 'trending.checkpoint_interval' => '1h', autovacuum => 'off');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE ticks (k int, at timestamptz);
	CREATE TABLE days (k int, at timestamptz);
	SELECT trending.create_trend('quick', $$ SELECT window_start, window_end, k, count(*) AS n
	  FROM ticks, trending.tumble(at, '1 second') GROUP BY 1, 2, 3 ORDER BY n DESC $$,
	  history_limit => 0, idle_timeout => '1 s', allowed_lateness => '1 s');
	SELECT trending.create_trend('kept', $$ SELECT window_start, window_end, k, count(*) AS n
	  FROM ticks, trending.tumble(at, '2 s') GROUP BY 1, 2, 3 ORDER BY n DESC $$,
	  idle_timeout => '1 s', allowed_lateness => '1 s', watermark_delay => '1 s');
	SELECT trending.create_trend('daily', $$ SELECT window_start, window_end, k, count(*) AS n
	  FROM days, trending.tumble(at, '30 days') GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '1 s');
});
sync_trends($node, 'postgres');
# Drops a trend and waits for the checkpoint that this brings.
sub drop_and_forget
{
	my ($trend) = @_;
	my $id = $node->safe_psql('postgres', "SELECT id FROM trending.trend WHERE relation = '$trend'::regclass");
	$node->safe_psql('postgres', "DROP FOREIGN TABLE $trend");
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM trending.trend_state WHERE trend_id = $id")
	  or die "the state of $trend does not go";
}
my $position = 'SELECT lsn FROM trending.checkpoint';
my $counters = q{SELECT events, late FROM trending.status WHERE trend = 'quick'};

$node->safe_psql('postgres', q{INSERT INTO ticks VALUES (1, now()), (2, now()); INSERT INTO days VALUES (1, now())});
ok($node->poll_query_until('postgres', q{SELECT event_clock > now() - interval '2 s' AND live_groups = 0 AND kept_groups = 0
	FROM trending.status WHERE trend = 'quick' AND now() - interval '4 s' > (SELECT max(at) FROM ticks)}), 'windows pass while the source is silent');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 AND bool_and(final) FROM kept_history}), 'with watermark_delay, too, the last one closes and is final');

# What the clock's steps refused stays refused after a crash, although no checkpoint knows of them.
drop_and_forget('kept');
my $stored = $node->safe_psql('postgres', $position);
$node->safe_psql('postgres', q{INSERT INTO ticks VALUES (3, now())});
my $late = $node->safe_psql('postgres', 'SELECT now()');
ok($node->poll_query_until('postgres', qq{SELECT event_clock > '$late'::timestamptz + interval '3 s' FROM trending.status WHERE trend = 'quick'}), 'a silence');
$node->safe_psql('postgres', qq{INSERT INTO ticks VALUES (4, '$late')});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counters), '3|1', 'then an event that comes too late');
is($node->safe_psql('postgres', $position), $stored, 'no checkpoint was written meanwhile');
$node->stop('immediate');
sleep(2);
$node->start;
wait_for_worker($node, 'postgres');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counters), '3|1', 'it is late again after a crash');

# The time that the server was down has passed as well.
ok($node->poll_query_until('postgres', q{SELECT event_clock > now() - interval '2.5 s' FROM trending.status WHERE trend = 'quick'}), 'the clock caught up with the time that the server was down');

# Messages of others are not ours.
my $ahead = q{SELECT set_byte(set_byte('\x00000000000000000000000000000000'::bytea, 0, t.id), 14, 5) FROM trending.trend t WHERE relation = 'daily'::regclass};
$node->safe_psql('postgres', "SELECT pg_logical_emit_message(false, 'trending', ($ahead))");
$node->safe_psql('postgres', "SELECT pg_logical_emit_message(true, 'trending', ($ahead))");
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT event_clock < now() FROM trending.status WHERE trend = 'daily'}), 't', 'nobody else can move a clock');

# Quiet databases stay quiet.
drop_and_forget('quick');
is( settled(sub {
		my $before = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
		sleep(4);
		my $written = $node->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn() - '$before'");
		return $written < 600 ? '' : "$written bytes";
	}), '', 'a silent source writes no WAL while nothing passes');

no_crash_in_log($node);
$node->stop;
done_testing();
