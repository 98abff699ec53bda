# SPDX-License-Identifier: PostgreSQL
# A dump of a database with trends, restored into another one: trends, history and late rows go on there, and what
# belongs to a trend is still dropped with it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('dump');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE ROLE owner LOGIN;
	CREATE SCHEMA app AUTHORIZATION owner;
	SET ROLE owner;
	CREATE TABLE app.plays (song text, at timestamptz);
	SELECT trending.create_trend('app.songs', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM app.plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => NULL, allowed_lateness => '0', idle_timeout => '1 day', late_events => 'keep');
	SELECT trending.create_trend('app.hits', $$
	  SELECT song, count(*) AS n FROM app.plays GROUP BY song HAVING count(*) >= 2 ORDER BY n DESC $$);
});
sync_trends($node, 'postgres');

sub play
{
	my ($database, $second, $song) = @_;
	$node->safe_psql($database, "INSERT INTO app.plays VALUES ('$song', timestamptz '2026-01-01 00:00+00' + $second * interval '1 s')");
	sync_trends($node, $database);
}

play('postgres', $_->[0], $_->[1]) for [ 1, 'a' ], [ 2, 'b' ], [ 3, 'b' ], [ 61, 'a' ], [ 130, 'c' ], [ 5, 'late' ];
ok($node->poll_query_until('postgres', 'SELECT (SELECT count(*) = 3 FROM app.songs_history) AND (SELECT count(*) = 1 FROM app.songs_late)'), 'history and a late row');

ok($node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM app.hits_alerts'), 'alerts');

my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('copy'), $dump ], 'restored');
wait_for_worker($node, 'copy');
sync_trends($node, 'copy');
is($node->safe_psql('copy', 'SELECT song, n, rank FROM app.songs'), 'c|1|1', 'the trend is there');
is($node->safe_psql('copy', 'SELECT count(*) FROM app.songs_history'), '3', 'with its history');
my ($status, $nothing, $refusal) = $node->psql('copy', 'DROP TABLE app.plays');
like($refusal, qr/cannot drop table app.plays because other objects depend on it/, 'the source cannot be dropped without it');
play('copy', 190, 'd');
ok($node->poll_query_until('copy', q{SELECT string_agg(song, '' ORDER BY window_end) = 'baac' FROM (SELECT window_end, song FROM app.songs_history ORDER BY window_end, rank) h})
	, 'which goes on') or diag $node->safe_psql('copy', 'SELECT * FROM app.songs_history ORDER BY window_end, rank');
is($node->safe_psql('copy', q{SELECT "row"->>'song' FROM trending.verify('app.songs')}), 'late', 'and equals the definition, but for the late row');
is($node->safe_psql('copy', q{SELECT count(*) FROM app.hits_alerts}), '2', 'the alerts of another trend are there, and no more');
is($node->safe_psql('copy', q{DROP FOREIGN TABLE app.hits; SELECT to_regclass('app.hits_alerts') IS NULL}, extra_params => [ '-U', 'owner' ]),
	't', 'and go with it');
is($node->safe_psql('copy', q{DROP FOREIGN TABLE app.songs; SELECT to_regclass('app.songs_history') IS NULL, to_regclass('app.songs_late') IS NULL, to_regclass('app.songs_definition') IS NULL, count(*) FROM trending.trend},
		extra_params => [ '-U', 'owner' ]), 't|t|t|0', 'history and late rows go with the trend that its owner drops');
is($node->safe_psql('postgres', 'SELECT count(*) FROM app.songs_history'), '3', 'the original is untouched');

# A table that the trend's owner gave away stays.
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('again'), $dump ], 'restored again');
$node->safe_psql('again', 'CREATE ROLE keeper; ALTER TABLE app.songs_history OWNER TO keeper');
is($node->safe_psql('again', q{DROP FOREIGN TABLE app.songs; SELECT to_regclass('app.songs_history') IS NULL, to_regclass('app.songs_late') IS NULL}, extra_params => [ '-U', 'owner' ]),
	'f|t', 'what is not his stays');
wait_for_worker($node, 'again');
sync_trends($node, 'again');
$node->safe_psql('again', 'DROP TABLE app.plays CASCADE');
is($node->safe_psql('again', q{SELECT to_regclass('app.hits') IS NULL, to_regclass('app.hits_alerts') IS NULL, count(*) FROM trending.trend}), 't|t|0',
	'the other trend goes with the source');

# A role that is no superuser dumps its own trends.
$node->safe_psql('postgres', q{CREATE TABLE public.others (id int); SELECT trending.create_trend('public.of_others', 'SELECT id, count(*) AS n FROM public.others GROUP BY id ORDER BY n DESC')});
$node->command_ok([ 'pg_dump', '-U', 'owner', '--enable-row-security', '-n', 'app', '-e', 'trending', '-f', "$dump.own", '-d', $node->connstr('postgres') ], 'dumped by an owner of trends');
my $own = slurp_file("$dump.own");
like($own, qr/app\.songs\t/, 'with what is registered of them');
unlike($own, qr/of_others/, 'and nothing of others');

no_crash_in_log($node);
$node->stop;
done_testing();
