# SPDX-License-Identifier: PostgreSQL
# From 0.1.0, library and SQL, to this version: trends with state, late rows, alerts and rows that nobody has decoded
# yet go on, exactly, and nothing is filled anew. OLD_INSTALL is the prefix of a server of the same release that has the
# extension's 0.1.0 installed, built from the commit before 0.2.0 began (b0a03d7).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

plan skip_all => 'no server with 0.1.0: OLD_INSTALL' unless $ENV{OLD_INSTALL};

my $node = PostgreSQL::Test::Cluster->new('update', install_path => $ENV{OLD_INSTALL});
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\ntrending.checkpoint_interval = '1s'\n");
$node->start;
create_blog($node, 'postgres');
create_paced($node, 'postgres');
$node->safe_psql(
	'postgres', q{
	CREATE TABLE logins (name text, seconds float8, at timestamptz);
	ALTER TABLE logins REPLICA IDENTITY FULL;
	SELECT trending.create_trend('names', $$
	  SELECT window_start, window_end, name, count(*) AS n, avg(seconds) AS mean, max(seconds) AS longest
	  FROM logins, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, name HAVING count(*) >= 3 ORDER BY n DESC $$,
	  allowed_lateness => '0', late_events => 'keep', idle_timeout => '1 day', history_limit => NULL);
	SELECT trending.create_trend('visits', $$
	  SELECT window_start, window_end, name, count(*) AS n FROM logins, trending.session(at, '10 s')
	  GROUP BY window_start, window_end, name ORDER BY n DESC $$, idle_timeout => '1 day')});
is($node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'trending'}), '0.1.0', 'it begins with 0.1.0');

sub login
{
	my ($second, $name) = @_;
	$node->safe_psql('postgres', "INSERT INTO logins VALUES ('$name', $second / 7.0, timestamptz '2026-01-01 00:00+00' + $second * interval '1 s')");
}
my $kept = q{SELECT string_agg(concat_ws(' ', trend, events, late, null_time, unmatched, window_start, event_clock), E'\n' ORDER BY trend),
	(SELECT count(*) FROM names_late), (SELECT count(*) FROM names_alerts), (SELECT string_agg(n::text, '' ORDER BY n) FROM names_history) FROM trending.status};
my $names = q{SELECT string_agg(names::text, ', ' ORDER BY rank) FROM names};

login($_, 'a') for 1, 2, 3, 70, 5, 6, 71, 72;    # two are late
login(73, 'b');
feed_paced($node, 'postgres', 0, 200);
my $load = start_load($node, 'postgres', 2, 2);
finish_load($load);
is(differences($node, 'postgres'), '', 'a trend with 0.1.0');
is(paced_differences($node, 'postgres'), '', 'and one with history');
ok($node->poll_query_until('postgres', 'SELECT (SELECT count(*) = 2 FROM names_late) AND (SELECT count(*) = 2 FROM names_alerts)'), 'late rows and alerts');
my ($before, $shown) = ($node->safe_psql('postgres', $kept), $node->safe_psql('postgres', $names));

# What comes with the worker stopped is decoded by the new library.
my $pid = freeze_worker($node, 'postgres');
feed_paced($node, 'postgres', 200, 260);
$node->kill9;
kill 'KILL', $pid;
$node->{_install_path} = undef;    # the server whose tests run
start_again($node);

# The new library under the old SQL.
ok($node->poll_query_until('postgres', q{SELECT state = 'unavailable' AND message LIKE '%has version 0.1.0 in this database%' AND hint LIKE '%ALTER EXTENSION trending UPDATE%' FROM trending.worker_status}),
	'the worker waits for the new SQL');
my ($status, $out, $error) = $node->psql('postgres', 'TABLE names');
like($error, qr/has version 0.1.0 in this database.*ALTER EXTENSION trending UPDATE/s, 'and a reader is told');
login(74, 'a');
$node->safe_psql('postgres', 'ALTER EXTENSION trending UPDATE');
wait_for_worker($node, 'postgres');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT string_agg(name || n, ' ' ORDER BY rank) FROM names}), 'a4', 'rows that came in between are counted');
unlike(slurp_file($node->logfile), qr/trending refills|is refilled|cannot be used/, 'nothing was filled anew');
is($node->safe_psql('postgres', q{DELETE FROM logins WHERE at = timestamptz '2026-01-01 00:01:14+00'; SELECT trending.sync() IS NOT NULL}), 't', 'and can be taken back');
is($node->safe_psql('postgres', $names), $shown, 'the trend is as it was');
is(differences($node, 'postgres'), '', 'after the update');
is(paced_differences($node, 'postgres'), '', 'with history');
is((split /\|/, $node->safe_psql('postgres', $kept))[1 .. 2], (split /\|/, $before)[1 .. 2], 'late rows and alerts are there');
is($node->safe_psql('postgres', q{SELECT late FROM trending.status WHERE trend = 'names'}), '2', 'and so is their number');
feed_paced($node, 'postgres', 260, 400);
login(75, 'late') for 1;
login(140, 'c');
is(paced_differences($node, 'postgres'), '', 'history goes on');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM names_history WHERE window_end = '2026-01-01 00:02+00'}), 'windows close');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.verify('names') WHERE part = 'current window'}), '0', 'verified');

no_crash_in_log($node);
$node->stop;
done_testing();
