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

# A standby serves nothing, and says so.
my ($status, $out, $error) = $standby->psql('postgres', 'SELECT * FROM top_posts');
isnt($status, 0, 'a trend cannot be read on a standby');
unlike($error, qr/server closed the connection/, 'which is an ordinary error');

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
