# SPDX-License-Identifier: PostgreSQL
# Rows that were refused as too far ahead, and are changed or deleted when they are ahead no longer: they take nothing
# from other rows of the same key and time.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('ahead', autovacuum => 'off', restart_after_crash => 'on', 'trending.checkpoint_interval' => '1s');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }

sub create
{
	my ($source, $expression) = @_;
	$expression //= 'at';
	query(qq{SELECT trending.create_trend('${source}_trend', \$\$
		SELECT window_start, window_end, k, count(*) AS n FROM $source, trending.tumble($expression, '1 day')
		GROUP BY window_start, window_end, k ORDER BY n DESC \$\$, history_limit => 0, max_ahead => '0', idle_timeout => '10 days')});
}

sub exact
{
	my ($source, $expected, $what) = @_;
	sync_trends($node, $db);
	is(query(qq{SELECT coalesce(string_agg(k || ':' || n, ' ' ORDER BY k), '') FROM ${source}_trend}), $expected, "$source: $what");
	is(query(qq{SELECT part, found_in, "row" FROM trending.verify('${source}_trend')}), '', "$source: and equals its definition");
}

sub status { sync_trends($node, $db); return query("SELECT $_[1] FROM trending.status WHERE trend = '$_[0]_trend'") }

my @sources = qw(kept deleted changed early many crashed filled lonely computed);
query("CREATE TABLE $_ (id serial, k int, at timestamptz); ALTER TABLE $_ REPLICA IDENTITY FULL; CREATE INDEX ON $_ (at);") for @sources;
create($_) for grep { $_ !~ /filled|lonely|computed/ } @sources;
query("INSERT INTO $_ (k, at) VALUES (9, now() - interval '1 minute')") for grep { $_ ne 'lonely' } @sources;
sync_trends($node, $db);

# All that is refused comes first, so that there is one wait only. Not around midnight.
query(q{DO $$ BEGIN
	WHILE extract(epoch FROM clock_timestamp())::bigint % 86400 NOT BETWEEN 60 AND 86100 LOOP PERFORM pg_sleep(1); END LOOP; END $$});
my $time = query(q{SELECT now() + interval '20 s'});
query("INSERT INTO $_ (k, at) VALUES (1, '$time')") for @sources;
query("INSERT INTO many (k, at) SELECT 2, '$time'::timestamptz - n * interval '10 ms' FROM generate_series(1, 400) n");
query("INSERT INTO early (k, at) VALUES (2, '2099-01-01'), (3, '$time')");
create($_) for qw(filled lonely);
create('computed', q{((at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')});
sync_trends($node, $db);
is(status($_, 'events, ahead'), '1|1', "$_: refused") for qw(kept deleted changed crashed);
is(status($_, 'events'), '1', "$_: not filled with it") for qw(filled computed);
is(status('many', 'events, ahead'), '1|401', 'many are refused');

# While they are ahead they can go without a trace.
query("DELETE FROM early WHERE k IN (2, 3); UPDATE early SET k = 4 WHERE at > now()");
is(status('early', 'events, ahead, unmatched'), '1|4|0', 'deleted or changed while it is ahead');

# The state that knows of them is stored, and restored.
query('SELECT trending.sync()');
ok($node->poll_query_until($db, q{SELECT count(DISTINCT trend_id) >= 6 FROM trending.trend_ahead_range}), 'their times are stored, of many some ranges');
cmp_ok(query(q{SELECT max(n) FROM (SELECT count(*) AS n FROM trending.trend_ahead_range GROUP BY trend_id) r}), '<=', 256, 'a bounded number of them');
wait_for_worker($node, $db, kill_worker($node, $db));

ok($node->poll_query_until($db, "SELECT now() > '$time'"), 'they are ahead no longer');
query("INSERT INTO $_ (k, at) SELECT 1, '$time' FROM generate_series(1, 2)") for @sources;
query('DELETE FROM deleted WHERE id = 2');
exact('deleted', '1:2 9:1', 'deleted, others of the same time stay');
query('UPDATE changed SET k = 5 WHERE id = 2');
exact('changed', '1:2 5:1 9:1', 'changed, it counts');
query('DELETE FROM crashed WHERE id = 2; DELETE FROM crashed WHERE id = (SELECT max(id) FROM crashed)');
exact('crashed', '1:1 9:1', 'deleted after a crash, with one that has counted');
query('DELETE FROM early WHERE k = 4');
exact('early', '1:2 9:1', 'changed while it was ahead, and deleted');
query('DELETE FROM many WHERE k = 2 AND id % 3 = 0; DELETE FROM many WHERE id = 2');
is(status('many', 'unmatched'), '0', 'many are deleted');
exact('many', '1:2 2:266 9:1', 'those that are left count');
query("DELETE FROM $_ WHERE k = 1 AND id = (SELECT min(id) FROM $_ WHERE k = 1)") for qw(filled lonely computed);
exact($_, '1:2 9:1', 'refused when the trend was filled') for qw(filled computed);
exact('lonely', '1:2', 'when there was nothing else');
is(status('kept', 'events, ahead'), '3|1', 'kept: nothing is refilled for one that stays');

no_crash_in_log($node);
$node->stop;
done_testing();
