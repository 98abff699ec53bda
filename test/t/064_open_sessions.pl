# SPDX-License-Identifier: PostgreSQL
# Sessions that stay open while what they have read is replaced: states of trends refilled, trends that are dropped
# and made again, areas of workers that ended, the directory's entry of their database. They never read memory that is
# gone, and do not keep it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('open_sessions', 'trending.max_databases' => 4);
$node->safe_psql('postgres', 'CREATE EXTENSION trending');
wait_for_worker($node, 'postgres');

my %trends = (
	counts => [ 'SELECT k, count(*) AS n, min(v) AS m FROM src GROUP BY k ORDER BY n DESC', '' ],
	texts => [ 'SELECT x, count(*) AS n, max(x) AS m FROM src GROUP BY x ORDER BY n DESC', '' ],
	distincts => [ 'SELECT k % 5 AS k, count(DISTINCT x) AS n, sum(k) AS m FROM src GROUP BY 1 ORDER BY n DESC', '' ],
	partitions => [ 'SELECT k % 3 AS p, x, count(*) AS n FROM src GROUP BY 1, 2 ORDER BY n DESC', ", partition_by => ARRAY['p']" ],
);
$node->safe_psql('postgres', 'CREATE TABLE src (k int, v interval, x text); ALTER TABLE src REPLICA IDENTITY FULL');

sub create
{
	my ($trend) = @_;
	my ($query, $options) = @{ $trends{$trend} };
	return "SELECT trending.create_trend('$trend', '$query'$options);";
}
$node->safe_psql('postgres', join("\n", map { create($_) } sort keys %trends));
sync_trends($node, 'postgres');

# How many rows of a trend are not those of its definition.
my %columns = (counts => 'k, n, m', texts => 'x, n, m', distincts => 'k, n, m', partitions => 'p, x, n');
my $compare = join(
	' UNION ALL ',
	map {
		my ($trend, $query) = ($_, $trends{$_}[0]);
		"SELECT '$trend: ' || count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d"
		  =~ s/TABLE a/SELECT $columns{$trend} FROM $trend/gr =~ s/TABLE b/SELECT $columns{$trend} FROM ($query) q/gr
		  . ' HAVING count(*) > 0'
	} sort keys %trends);

# Readers that stay connected. What they see has to fit together; that a trend is being made or filled is no error.
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION read_all() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE found bigint; best bigint; ranks bigint;
	BEGIN
	  SELECT count(*), max(rank), count(DISTINCT rank) INTO found, best, ranks FROM counts;
	  IF found <> coalesce(best, 0) OR ranks <> found THEN RAISE EXCEPTION 'torn: % % %', found, best, ranks; END IF;
	  PERFORM * FROM texts WHERE rank <= 3;
	  PERFORM * FROM distincts WHERE k = 2;
	  PERFORM trending.rank('counts', '1');
	  PERFORM * FROM trending.top('texts', 5);
	  PERFORM * FROM partitions WHERE p = 1 AND rank <= 2;
	  PERFORM * FROM trending.status;
	EXCEPTION WHEN object_not_in_prerequisite_state OR undefined_table OR wrong_object_type THEN NULL;
	END $$});
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/read.sql", "SELECT read_all();\n");
my ($out, $error) = ('', '');
my $readers = IPC::Run::start(
	[ 'pgbench', '-n', '-f', "$folder/read.sql", '-T', 600, '-c', 3, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$out, '2>', \$error);

my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe('SET client_min_messages = error');
my $idle = $node->background_psql('postgres', on_error_stop => 1);
my $idle_pid = $idle->query_safe('SELECT pg_backend_pid() FROM counts RIGHT JOIN (SELECT 1) one ON true LIMIT 1');

sub round
{
	my ($what) = @_;
	$session->query_safe(q{
		TRUNCATE src;
		INSERT INTO src SELECT (random() * 20)::int, random() * interval '1 hour', repeat(md5((random() * 50)::int::text), 3)
		FROM generate_series(1, 10 + (random() * 2000)::int)});
	$session->query_safe(q{SELECT trending.sync('120 s')});
	my $found = settled(sub { $session->query_safe($compare) });
	return 1 if $found eq '';
	fail("$what: $found");
	return 0;
}

my $good = 1;
for (1 .. 15) { $good &&= round('refilled') }
ok($good, 'a session reads what there is after trends were refilled');
for (1 .. 3)
{
	for my $trend (sort keys %trends)
	{
		$session->query_safe("SELECT trending.drop_trend('$trend'); " . create($trend));
	}
	$good &&= round('made again');
}
ok($good, 'after trends were dropped and made again under their names');
for (1 .. 2)
{
	my $pid = worker_pid($node, 'postgres');
	$session->query_safe("SELECT pg_terminate_backend($pid)");
	wait_for_worker($node, 'postgres');
	$good &&= round('another worker');
}
ok($good, 'and after workers ended');

# Whoever is idle does not keep the memory of the areas that it has read.
SKIP:
{
	skip 'needs /proc', 1 unless -r "/proc/$idle_pid/maps";
	my $kept = settled(
		sub {
			my $maps = slurp_file("/proc/$idle_pid/maps");
			return join("\n", grep { /PostgreSQL\..*deleted/ } split(/\n/, $maps));
		});
	is($kept, '', 'an idle session gives replaced memory back');
}
$idle->quit;

# The database's entry in shared memory is given away and rebuilt: nothing that was remembered fits by chance.
$readers->signal('INT');
$readers->finish;
unlike($error, qr/torn|terminat|crash|server closed/i, 'readers were never wrong') or diag($error);
$node->safe_psql('postgres', 'CREATE DATABASE other');
for (1 .. 2)
{
	$session->query_safe('DROP EXTENSION trending CASCADE');
	ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE database = 'postgres')}),
		'the worker has left');
	$node->safe_psql('other', 'DROP EXTENSION IF EXISTS trending CASCADE; CREATE EXTENSION trending');
	wait_for_worker($node, 'other');
	$session->query_safe('CREATE EXTENSION trending');
	wait_for_worker($node, 'postgres');
	$session->query_safe($_) for map { create($_) } sort keys %trends;
	$good &&= round('the extension made again');
}
ok($good, 'and after the extension was made again');
$session->quit;

no_crash_in_log($node);
$node->stop('fast');
done_testing();
