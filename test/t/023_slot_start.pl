# SPDX-License-Identifier: PostgreSQL
# A slot is made while transactions of others are open and tables change: decoding waits, says for whom, and begins with
# a catalog that lacks nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('start', max_prepared_transactions => 5, lock_timeout => "'500ms'");

# A session with an open transaction that has an id; its id.
sub open_transaction
{
	my ($database, $work) = @_;
	my $session = $node->background_psql($database, on_error_stop => 1);
	$session->query_safe('BEGIN');
	$session->query_safe($work) if $work;
	my $xid = $session->query_safe('SELECT txid_current()');
	$xid =~ s/\D//g;
	return ($session, $xid);
}

sub commit
{
	my ($session) = @_;
	$session->query_safe('COMMIT');
	$session->quit;
}

# Until the status names a transaction.
sub await_named
{
	my ($database, $name) = @_;
	$node->poll_query_until($database, "SELECT coalesce(message, '') LIKE '%transactions that are open now%$name%' FROM trending.worker_status")
	  or die "the status does not name $name";
}

# Tables that are about to change, or to be there at all, and what changes them.
my $before = q{
	CREATE TABLE added (k int, at timestamptz DEFAULT now());
	CREATE TABLE remade (k text, junk text, v int);
	CREATE TABLE retyped (k int, v int);
	CREATE TABLE whole (k int, v int) PARTITION BY LIST (k);
	CREATE TABLE part (v int, k int);
	CREATE TABLE rewritten (gone text, k int, v int);
	CREATE INDEX rewritten_k ON rewritten (k);
	ALTER TABLE rewritten DROP COLUMN gone;
	CREATE TABLE truncated (k int, v int);
	CREATE TABLE renamed_before (k int, w int);
	INSERT INTO added (k) SELECT 2 FROM generate_series(1, 100);
	INSERT INTO truncated SELECT 3, 4 FROM generate_series(1, 10)};
my $changes = q{
	CREATE TABLE made (k int, v int);
	ALTER TABLE added ADD v int DEFAULT 5;
	DROP TABLE remade; CREATE TABLE remade (k int, v int);
	ALTER TABLE retyped ALTER v TYPE bigint;
	ALTER TABLE whole ATTACH PARTITION part FOR VALUES IN (1);
	TRUNCATE truncated;
	ALTER TABLE renamed_before RENAME TO renamed; ALTER TABLE renamed RENAME w TO v};
my @sources = qw(made added remade retyped whole rewritten truncated renamed);
my $rows = join(';', map { "INSERT INTO $_ (k, v) VALUES (1, 7)" } @sources);

# What the trends over all of them show, and their definitions as queries.
sub results
{
	my ($database, $prefix) = @_;
	return $node->safe_psql($database, join(' UNION ALL ', map {
		my $from = $prefix ? "trend_$_" : "(SELECT k, count(*) AS n, sum(v) AS s FROM $_ GROUP BY k)";
		"SELECT '$_', t.k, t.n, t.s FROM $from t" } sort @sources) . ' ORDER BY 1, 2');
}

# The server's snapshot builder takes three steps, at each of which an older transaction runs. Tables are changed
# between the first two, or by a transaction that is open at the second; later ones write to them.
for my $open_across (0, 1)
{
	my $database = "gap$open_across";
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, $before);
	my ($first, $first_xid) = open_transaction('postgres');
	$node->safe_psql($database, 'CREATE EXTENSION trending');
	await_named($database, $first_xid);
	my ($second, $second_xid) = open_transaction('postgres');
	my ($changing) = $open_across ? open_transaction($database, "$changes; CLUSTER rewritten USING rewritten_k") : ();
	$node->safe_psql($database, "$changes; VACUUM FULL rewritten") unless $open_across;
	commit($first);
	await_named($database, $second_xid);
	commit($changing) if $open_across;
	my ($across, $across_xid) = open_transaction($database, $rows);
	commit($second);
	await_named($database, $across_xid);
	$across->query_safe($rows);
	commit($across);
	$node->safe_psql($database, "SELECT trending.create_trend('trend_$_', 'SELECT k, count(*) AS n, sum(v) AS s FROM $_ GROUP BY k ORDER BY n DESC')")
	  for @sources;
	wait_for_worker($node, $database);
	my $when = $open_across ? 'across the second step' : 'before the second step';
	for my $worker ('the first worker', 'the next one, which begins where that did')
	{
		$node->safe_psql($database, $rows);
		sync_trends($node, $database);
		is(results($database, 1), results($database, 0), "tables changed $when: $worker");
		kill_worker($node, $database, 'TERM');
		wait_for_worker($node, $database);
	}
}

# Writers whose transactions overlap, so that one is always open, and none for long: the slot is made while they write,
# for the extension and for trending.reset_slot().
$node->safe_psql('postgres', 'CREATE DATABASE busy');
$node->safe_psql('busy', 'CREATE TABLE x (a int); CREATE TABLE e (k int)');
my $script = PostgreSQL::Test::Utils::tempdir() . '/overlap.sql';
append_to_file($script, "BEGIN;\nINSERT INTO x VALUES (1);\nSELECT pg_sleep(0.5 + 0.5 * random());\nCOMMIT;\n");
my ($out, $err) = ('', '');
my $writers = IPC::Run::start([ 'pgbench', '-n', '-f', $script, '-T', 600, '-c', 4, '-h', $node->host, '-p', $node->port, 'busy' ], '>', \$out, '2>', \$err);
$node->poll_query_until('busy', q{SELECT count(*) = 4 FROM pg_stat_activity WHERE datname = 'busy' AND backend_xid IS NOT NULL}) or die;
$node->safe_psql('busy', q{CREATE EXTENSION trending; INSERT INTO e VALUES (1);
	SELECT trending.create_trend('te', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC');
	SELECT trending.create_trend('tx', 'SELECT a, count(*) AS n FROM x GROUP BY a ORDER BY n DESC')});
for my $rows (2, 3)
{
	my $ended = $rows == 2 ? 0 : $node->safe_psql('busy', 'SELECT pid FROM trending.worker_status');
	$node->safe_psql('busy', 'SELECT trending.reset_slot()') if $ended;
	wait_for_worker($node, 'busy', $ended);
	$node->safe_psql('busy', 'INSERT INTO e VALUES (1)');
	sync_trends($node, 'busy');
	is($node->safe_psql('busy', 'SELECT n FROM te'), $rows, 'the slot is made, and trends count, while writers write');
	ok($writers->pumpable, 'who are still at it');
}
$writers->signal('INT');
$writers->finish;
sync_trends($node, 'busy');
is($node->safe_psql('busy', 'SELECT n FROM tx'), $node->safe_psql('busy', 'SELECT count(*) FROM x'), 'their own rows count, too');

# Prepared transactions of other databases are named by what ends them.
$node->safe_psql('postgres', q{BEGIN; CREATE TABLE x (a int); PREPARE TRANSACTION 'it''s forgotten'});
$node->safe_psql('postgres', 'CREATE DATABASE behind');
my ($unprepared) = open_transaction('postgres');
$node->safe_psql('behind', 'CREATE EXTENSION trending');
await_named('behind', q{prepared transaction ''it''''s forgotten''%database "postgres"});
my $activity = q{SELECT query FROM pg_stat_activity JOIN trending.worker_status USING (pid)};
is($node->safe_psql('behind', $activity), 'waiting for open transactions before decoding starts', 'pg_stat_activity says what the worker does');
like($node->safe_psql('behind', 'SELECT hint FROM trending.worker_status'),
	qr/COMMIT PREPARED or ROLLBACK PREPARED.*pg_prepared_xacts/, 'the hint says how to end it');
is($node->safe_psql('behind', 'SELECT state FROM trending.worker_status'), 'recovering', 'the worker waits longer than lock_timeout');
commit($unprepared);
await_named('behind', 'forgotten');

# While it waits, it ends when it is told to or not needed any more, and comes back.
my $ended = $node->safe_psql('behind', 'SELECT pid FROM trending.worker_status');
kill_process($ended, 'TERM');
$node->poll_query_until('behind', "SELECT pid <> $ended FROM trending.worker_status") or die;
await_named('behind', 'forgotten');
$node->safe_psql('behind', 'DROP EXTENSION trending');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_replication_slots WHERE database = 'behind'});
pass('no slot is left of an extension that was dropped while the worker waited');
$node->safe_psql('behind', 'CREATE EXTENSION trending');
await_named('behind', 'forgotten');

# So does the server, in every mode.
for my $mode ('smart', 'immediate', 'fast')
{
	my $began = time;
	$node->stop($mode);
	cmp_ok(time - $began, '<', 4, "a waiting worker does not hold up a shutdown ($mode)");
	$node->start;
	await_named('behind', 'forgotten');
}
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'it''s forgotten'});
wait_for_worker($node, 'behind');
is($node->safe_psql('behind', 'SELECT message, hint FROM trending.worker_status'), '|', 'and runs as soon as that has ended');
ok($node->poll_query_until('behind', q{SELECT query = 'following changes' AND a.state = 'idle' FROM pg_stat_activity a JOIN trending.worker_status USING (pid)}),
	'and says so');
unlike(slurp_file($node->logfile), qr/could not map filenode|could not map filenumber/, 'no table is unknown to decoding');

no_crash_in_log($node);
$node->stop;
done_testing();
