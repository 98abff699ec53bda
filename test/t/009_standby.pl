# SPDX-License-Identifier: PostgreSQL
# A physical standby that is promoted: its trends come back by themselves, without a slot to go on with.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $primary = trending_node('primary', 'trending.checkpoint_interval' => '1s', max_prepared_transactions => 5);
create_blog($primary, 'postgres');
create_paced($primary, 'postgres');
feed_paced($primary, 'postgres', 0, 200);
is(paced_differences($primary, 'postgres'), '', 'on the primary, before anything');

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# A standby shows the last checkpoint.
my $list = q{SELECT string_agg(concat_ws(' ', post_id, views, rank), ', ' ORDER BY rank) FROM top_posts};
$primary->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 9 + n / 30 FROM generate_series(1, 100) n');
sync_trends($primary, 'postgres');
wait_for_worker($standby, 'postgres');
ok($standby->poll_query_until('postgres', $list, $primary->safe_psql('postgres', $list)), 'a standby shows what the primary does');
my $before = $standby->safe_psql('postgres', 'SELECT as_of FROM trending.status WHERE trend = $$top_posts$$');
isnt($before, '', 'and says as of when');
is($primary->safe_psql('postgres', 'SELECT as_of IS NULL FROM trending.status WHERE trend = $$top_posts$$'), 't', 'which the primary does not');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM trending.top('top_posts', 3)}), '3', 'by functions, too');
$primary->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT 5 FROM generate_series(1, 50)');
sync_trends($primary, 'postgres');
ok($standby->poll_query_until('postgres', $list, $primary->safe_psql('postgres', $list)), 'a newer checkpoint follows');
is($standby->safe_psql('postgres', "SELECT as_of > '$before' FROM trending.status WHERE trend = 'top_posts'"), 't', 'as of later');
my $history = 'SELECT count(*) FROM paced_items_history';
is($standby->safe_psql('postgres', $history), $primary->safe_psql('postgres', $history), 'history is there');

# What comes, is being filled, or goes on the primary.
$primary->safe_psql('postgres', q{CREATE TABLE heavy (k int); INSERT INTO heavy VALUES (1);
	SELECT trending.create_trend('heavies', 'SELECT k, count(*) AS n FROM heavy GROUP BY k ORDER BY n DESC')});
sync_trends($primary, 'postgres');
ok($standby->poll_query_until('postgres', q{SELECT bool_and(state = 'running') AND count(*) = 3 FROM trending.status}), 'a new trend appears');
is($standby->safe_psql('postgres', 'SELECT k, n FROM heavies'), '1|1', 'with its rows');
$primary->safe_psql('postgres', 'DROP FOREIGN TABLE heavies');
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 FROM trending.status}), 'a dropped one goes');
my ($status, $out, $error) = $standby->psql('postgres', 'SELECT trending.sync()');
like($error, qr/primary server only/, 'nobody waits for what does not come');
ok($standby->poll_query_until('postgres', q{SELECT message LIKE 'the server is a standby%' FROM trending.worker_status}), 'the worker says what it does');
my $shower = worker_pid($standby, 'postgres');
kill_process($shower, 'TERM');
wait_for_worker($standby, 'postgres', $shower);
ok($standby->poll_query_until('postgres', $list, $primary->safe_psql('postgres', $list)), 'another shows the same');
$primary->safe_psql('postgres', 'CREATE DATABASE gone');
$primary->safe_psql('gone', q{CREATE EXTENSION trending; CREATE TABLE e (k int); SELECT trending.create_trend('te', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC')});
$primary->wait_for_catchup($standby);
$primary->safe_psql('postgres', 'DROP DATABASE gone');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'gone'}), '0', 'a database is dropped under it');

# Promoted under load, with a transaction prepared on the primary, and windows that closed there while its worker
# stood still, so that the standby's history lacks them.
my $pid = freeze_worker($primary, 'postgres');
my $load = start_load($primary, 'postgres', 5, 4);
feed_paced($primary, 'postgres', 200, 320);
$primary->safe_psql('postgres', "BEGIN; INSERT INTO view_events (post_id) SELECT 77 FROM generate_series(1, 9); PREPARE TRANSACTION 'open'");
sleep(2);
$primary->wait_for_catchup($standby);
$primary->kill9;
kill 'KILL', $pid;
finish_load($load);
$standby->promote;
$standby->safe_psql('postgres', "COMMIT PREPARED 'open'");
wait_for_worker($standby, 'postgres');
ok(log_says($standby, qr/refills all trends of database "postgres" from their sources/), 'the promoted server says what it does');
ok(log_says($standby, qr/Its replication slot is missing/), 'and why');
is(slot_exists($standby, 'postgres'), '1', 'it has a slot of its own');
is(differences($standby, 'postgres'), '', 'the trend equals its definition');
is(paced_differences($standby, 'postgres'), '', 'so does the one with history');
cmp_ok($standby->safe_psql('postgres', 'SELECT views FROM top_posts WHERE post_id = 77'), '>=', 9, 'a transaction prepared before counts');

# It goes on.
$load = start_load($standby, 'postgres', 3, 4);
feed_paced($standby, 'postgres', 320, 500);
finish_load($load);
is(differences($standby, 'postgres'), '', 'equal after more load');
is(paced_differences($standby, 'postgres'), '', 'and history goes on');
$standby->kill9;
start_again($standby);
wait_for_worker($standby, 'postgres');
is(differences($standby, 'postgres'), '', 'equal after a crash of the promoted server');
is(paced_differences($standby, 'postgres'), '', 'history too');
my $times = () = slurp_file($standby->logfile) =~ /refills all trends/g;
is($times, 1, 'refilled once only');

no_crash_in_log($_) for $primary, $standby;
$standby->stop;
done_testing();
