# SPDX-License-Identifier: PostgreSQL
# What PostgreSQL 19 brought for tables that stay in use: REPACK (CONCURRENTLY), which takes no table with REPLICA IDENTITY
# FULL, and, where the server has them, partitions that are merged and split. Under writers it changes nothing: live and closed windows equal the definition run in batch.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = PostgreSQL::Test::Cluster->new('repack');
plan skip_all => 'the server has neither' if $node->pg_version->major < 19;

# The level of WAL that the server raises by itself.
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\nwal_level = replica");
$node->start;
my $db = 'postgres';

sub query { return $node->safe_psql($db, $_[0]) }

query(q{CREATE EXTENSION trending;
	CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY, k int NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), note text DEFAULT repeat('x', 200));
	CREATE TABLE parted (id bigint GENERATED ALWAYS AS IDENTITY, k int, at timestamptz DEFAULT clock_timestamp()) PARTITION BY RANGE (k);
	CREATE UNIQUE INDEX plain_identity ON plain (id, k, at); ALTER TABLE plain REPLICA IDENTITY USING INDEX plain_identity; ALTER TABLE parted REPLICA IDENTITY FULL;
	CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10); CREATE TABLE middle PARTITION OF parted FOR VALUES FROM (10) TO (20);
	CREATE TABLE high PARTITION OF parted FOR VALUES FROM (20) TO (30);
	ALTER TABLE low REPLICA IDENTITY FULL; ALTER TABLE middle REPLICA IDENTITY FULL; ALTER TABLE high REPLICA IDENTITY FULL});
for my $source (qw(plain parted))
{
	query(qq{SELECT trending.create_trend('of_$source', \$\$ SELECT window_start, window_end, k, count(*) AS n, sum(id) AS ids
		FROM $source, trending.tumble(at, '2 s') GROUP BY window_start, window_end, k ORDER BY n DESC \$\$, history_limit => NULL, allowed_lateness => '1 hour')});
}
sync_trends($node, $db);
is(query('SHOW wal_level') . ' ' . query('SHOW effective_wal_level'), 'replica logical', 'the slot raises the level of WAL');

my $script = PostgreSQL::Test::Utils::tempdir() . '/writes.sql';
append_to_file($script, <<'SQL');
\set k random(0, 29)
BEGIN;
INSERT INTO plain (k) SELECT :k FROM generate_series(1, 3);
INSERT INTO parted (k) VALUES (:k), (29 - :k);
UPDATE plain SET k = (k + 1) % 30 WHERE id = (SELECT max(id) - 10 FROM plain);
DELETE FROM plain WHERE id = (SELECT max(id) - 20 FROM plain);
COMMIT;
SQL

# Writers, while a statement runs some times. DDL may make a transaction of theirs fail; it is undone then.
sub under_load
{
	my ($statement, @more) = @_;
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start([ 'pgbench', '-n', '-f', $script, '-T', 6, '-c', 3, '--max-tries', 100, '-h', $node->host, '-p', $node->port, $db ],
		'>', \$out, '2>', \$err);
	for my $round (1 .. 3)
	{
		for ($statement, @more)
		{
			my ($status, undef, $error) = $node->psql($db, $_);
			is($status, 0, "$_, round $round") or diag($error);
		}
	}
	$load->finish;
	sync_trends($node, $db);
	for my $trend (qw(of_plain of_parted))
	{
		is(settled(sub { return query("SELECT * FROM trending.verify('$trend') LIMIT 5") }), '', "$trend is exact after $statement");
		is(query("SELECT state FROM trending.status WHERE trend = '$trend'"), 'running', 'and runs');
	}
}

under_load('REPACK (CONCURRENTLY) plain');
under_load('REPACK plain');
SKIP:
{
	my $merge = 'ALTER TABLE parted MERGE PARTITIONS (low, middle) INTO low';
	my (undef, undef, $error) = $node->psql($db, "BEGIN; $merge; ROLLBACK");
	skip 'the server does not merge partitions', 1 if $error =~ /syntax error/;
	under_load($merge, 'ALTER TABLE low REPLICA IDENTITY FULL',
		'ALTER TABLE parted SPLIT PARTITION low INTO (PARTITION low FOR VALUES FROM (0) TO (10), PARTITION middle FOR VALUES FROM (10) TO (20))',
		'ALTER TABLE low REPLICA IDENTITY FULL; ALTER TABLE middle REPLICA IDENTITY FULL');
}
is(query('SELECT sum(n) >= (SELECT count(*) FROM parted) * 0.5 FROM of_parted_history'), 't', 'history is there');
no_crash_in_log($node);

done_testing();
