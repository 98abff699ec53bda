# SPDX-License-Identifier: PostgreSQL
# What retention no longer covers goes: by the worker, by trending.expire(), by a job of pg_cron.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('retention');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE ROLE other LOGIN;
	CREATE TABLE plays (song int, at timestamp);
	SELECT trending.create_trend('songs', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$, retention => '10 minutes', late_events => 'keep',
	  allowed_lateness => '0', idle_timeout => '1 day');
	SELECT trending.create_trend('forever', $$
	  SELECT window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$, idle_timeout => '1 day');
});
sync_trends($node, 'postgres');

sub play
{
	my ($from, $to) = @_;
	$node->safe_psql('postgres', "INSERT INTO plays SELECT n % 3, timestamp '2026-01-01' + n * interval '20 s' FROM generate_series($_ * 3, $_ * 3 + 2) n")
	  for $from .. $to - 1;
	sync_trends($node, 'postgres');
}
my $kept = q{SELECT concat(to_char(min(window_end), 'HH24:MI'), ' ', count(DISTINCT window_end)) FROM songs_history};

play(0, 8);
ok($node->poll_query_until('postgres', $kept, '00:01 7'), 'windows within retention stay');
play(8, 40);
ok($node->poll_query_until('postgres', $kept, '00:30 10'), 'the worker removes others') or diag $node->safe_psql('postgres', $kept);
ok($node->poll_query_until('postgres', 'SELECT count(DISTINCT window_end) = 39 FROM forever_history'), 'not without retention');

# Autovacuum hears of what the worker writes and deletes, in its own tables and in those of others.
$node->safe_psql('postgres', q{ALTER SYSTEM SET autovacuum_naptime = '1s'});
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT n_tup_del > 0 AND last_autovacuum IS NOT NULL FROM pg_stat_all_tables WHERE relid = 'songs_history'::regclass}), 'history is vacuumed');
is($node->safe_psql('postgres', q{SELECT n_tup_ins > 0 AND n_tup_del > 0 FROM pg_stat_all_tables WHERE relid = 'trending.pane_state'::regclass}), 't', 'so can the stored state be');

# By hand, beside a lock on one of the rows.
my $old = q{INSERT INTO songs_history VALUES ('2025-12-31 23:00', '2025-12-31 23:01', 1, 1, 1, true), ('2025-12-31 23:00', '2025-12-31 23:01', 2, 1, 2, true)};
$node->safe_psql('postgres', $old);
$node->safe_psql('postgres', q{INSERT INTO plays VALUES (9, '2026-01-01 00:00:00')});
ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM songs_late'), 'a late row is kept');
$node->safe_psql('postgres', q{UPDATE songs_late SET kept_at = now() - interval '11 minutes'});
my $holder = $node->background_psql('postgres');
$holder->query_until(qr/held/, "BEGIN;\nSELECT FROM songs_history WHERE window_end < '2026-01-01' AND song = 2 FOR UPDATE;\n\\echo held\n");
is($node->safe_psql('postgres', q{SELECT trending.expire('songs')}), '2', 'expire leaves out a locked row');
$holder->quit;
is($node->safe_psql('postgres', 'SELECT trending.expire()'), '1', 'and takes it the next time');
is($node->safe_psql('postgres', 'SELECT trending.expire()'), '0', 'then there is no more');
is($node->safe_psql('postgres', q{SELECT trending.expire('forever')}), '0', 'nothing without retention');
is($node->safe_psql('postgres', $kept), '00:30 10', 'the rest is there');

sub refuses
{
	my ($query, $pattern, $what, $role) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $query, defined $role ? (extra_params => [ '-U', $role ]) : ());
	like($error, $pattern, $what);
}
refuses(q{SELECT trending.expire('songs')}, qr/must be owner of foreign table songs/, 'not the trends of others', 'other');
is($node->safe_psql('postgres', 'SELECT trending.expire()', extra_params => [ '-U', 'other' ]), '0', 'nor unnamed');
refuses(q{SELECT trending.expire('plays')}, qr/"plays" is not a trend/, 'a table');
refuses(q{SELECT trending.expire(4711::oid::regclass)}, qr/trend with OID 4711 does not exist/, 'nothing at all');

# What the owner has attached to a table runs with nobody's rights.
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$;
	CREATE TRIGGER who BEFORE DELETE ON songs_history FOR EACH ROW EXECUTE FUNCTION who();
	GRANT SELECT ON plays TO other;
	ALTER FOREIGN TABLE songs OWNER TO other; ALTER TABLE songs_history OWNER TO other; ALTER TABLE songs_late OWNER TO other;
});
$node->safe_psql('postgres', $old);
refuses(q{SELECT trending.expire('songs')}, qr/could not remove expired rows of "songs_history".*has a trigger, "who"/s, 'a trigger is named');
refuses(q{SELECT trending.expire()}, qr/WARNING:  trend "public.songs": could not remove expired rows/, 'which a job survives');
$node->safe_psql('postgres', 'DROP TRIGGER who ON songs_history');

# pg_cron.
refuses('SELECT trending.schedule_retention()', qr/pg_cron is not installed in this database.*shared_preload_libraries/s, 'without pg_cron');
is($node->safe_psql('postgres', 'SELECT trending.unschedule_retention()'), 'f', 'nothing to unschedule');
SKIP:
{
	skip 'pg_cron is not installed (Debian: postgresql-NN-cron)', 8
	  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'}) eq '0';
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending, pg_cron'\ncron.database_name = 'postgres'\ncron.use_background_workers = on\n");
	$node->restart;
	wait_for_worker($node, 'postgres');
	refuses('SELECT trending.schedule_retention()', qr/HINT:  Run CREATE EXTENSION pg_cron/, 'loaded but not created');
	$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
	$node->safe_psql('elsewhere', 'CREATE EXTENSION trending');
	my ($status, $out, $error) = $node->psql('elsewhere', 'SELECT trending.schedule_retention()');
	like($error, qr/pg_cron works in database postgres. Run there: SELECT cron.schedule_in_database\('trending.expire', .*, 'elsewhere'\);/, 'in another database');
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');
	my $job = $node->safe_psql('postgres', 'SELECT trending.schedule_retention()');
	is($node->safe_psql('postgres', q{SELECT trending.schedule_retention('* * * * *')}), $job, 'scheduling twice is one job');
	is($node->safe_psql('postgres', 'SELECT schedule, command, active FROM cron.job'), '* * * * *|SELECT trending.expire()|t', 'with the new schedule');
	refuses(q{SELECT trending.schedule_retention('nonsense')}, qr/invalid schedule/, 'a schedule that is none');
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM songs_history WHERE window_end < '2026-01-01'}), 'the job removes expired windows');
	is($node->safe_psql('postgres', 'SELECT trending.unschedule_retention()'), 't', 'unscheduled');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '0', 'no job is left');
}

no_crash_in_log($node);
$node->stop;
done_testing();
