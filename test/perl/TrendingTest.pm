# SPDX-License-Identifier: PostgreSQL
# What the TAP tests share: a server with the extension, load on it, and the oracle (a trend's definition run as
# a batch query over its source).
package TrendingTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(trending_node create_blog sync_trends differences wait_for_worker worker_pid kill_worker kill_process
  freeze_worker slot_exists start_again start_load finish_load no_crash_in_log create_paced feed_paced paced_differences
  log_says settled random_seed);

# The seed of a test that is random: always the same one, SEED=n for another, SEED=random for a fresh one.
sub random_seed
{
	my $seed = $ENV{SEED} // 20261130;
	$seed = 1 + int(rand(1_000_000_000)) if $seed eq 'random';
	note("SEED=$seed");
	return $seed;
}

# How long to wait for what has to come, in seconds. Only a test that fails waits as long.
my $patience = 240;

# A slow machine recovers slowly, too. A session of psql in the background may last longer.
$ENV{PGCTLTIMEOUT} //= $patience;
$PostgreSQL::Test::Utils::timeout_default = 4 * $patience if $PostgreSQL::Test::Utils::timeout_default < 4 * $patience;

# The library's own function feeds psql the query by a pipe. While a server is down psql leaves without reading it, and
# where the test is slower than psql that ends the test ("ack Broken pipe").
{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::poll_query_until = sub {
		my ($node, $database, $query, $expected) = @_;
		$expected //= 't';
		local %ENV = $node->_get_env();
		my @psql = ($node->installed_command('psql'), '-XAt', '-d', $node->connstr($database), '-c', $query);
		my ($out, $error) = ('', '');
		my $end = time + $patience;
		do
		{
			IPC::Run::run(\@psql, '<', \undef, '>', \$out, '2>', \$error);
			chomp($out, $error);
			return 1 if $out eq $expected && $error eq '';
			sleep(0.1);
		} while (time < $end);
		diag("waited in vain for '$expected' from:\n$query\nlast answer: $out\n$error");
		return 0;
	};
}

# Calls a function that looks for something wrong until it finds nothing (returns ''), for what becomes right a moment
# later. Returns what it found last.
sub settled
{
	my ($find) = @_;
	my $end = time + $patience / 4;
	while (1)
	{
		my $found = $find->();
		return $found if $found eq '' || time > $end;
		sleep(0.25);
	}
}

# A running server with the library preloaded; further settings as name => value.
sub trending_node
{
	my ($name, %settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\n");
	$node->append_conf('postgresql.conf', "$_ = $settings{$_}\n") for sort keys %settings;
	$node->start;
	return $node;
}

# The extension, a table of events and a trend over it: the last minute, sliding by a second.
sub create_blog
{
	my ($node, $database, %options) = @_;
	my $time = $options{time} // 'now()';
	$node->safe_psql(
		$database, qq{
		CREATE EXTENSION trending;
		CREATE TABLE view_events (
		  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, post_id bigint, viewed_at timestamptz DEFAULT $time);
	});
	create_trend($node, $database) unless $options{no_trend};
}

sub create_trend
{
	my ($node, $database) = @_;
	$node->safe_psql(
		$database, q{
		SELECT trending.create_trend('top_posts', $$
		  SELECT window_start, window_end, post_id, count(*) AS views
		  FROM view_events, trending.hop(viewed_at, slide => '1 second', size => '1 minute')
		  GROUP BY window_start, window_end, post_id ORDER BY views DESC $$, idle_timeout => '1 hour');
	});
}

sub sync_trends
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "SELECT trending.sync('$patience s')");
}

# Rows in which a trend's current window differs from its definition run in batch; '' when they are equal.
sub differences
{
	my ($node, $database, $trend) = @_;
	$trend //= 'top_posts';
	sync_trends($node, $database);
	my $definition = $node->safe_psql($database,
		"SELECT trending.definition('$trend')");
	$definition =~ s/;\s*$//;
	return $node->safe_psql(
		$database, qq{
		WITH live AS MATERIALIZED (SELECT window_start, window_end, post_id, views, rank FROM $trend),
		batch AS (
		  SELECT d.window_start, d.window_end, d.post_id, d.views,
		         row_number() OVER (ORDER BY d.views DESC, d.post_id) AS rank
		  FROM ($definition) d
		  WHERE (d.window_start, d.window_end) = (SELECT s.window_start, s.window_end FROM trending.status s
		                                          WHERE s.relation = '$trend'::regclass))
		(SELECT 'only live', * FROM (TABLE live EXCEPT ALL TABLE batch) a)
		UNION ALL
		(SELECT 'only batch', * FROM (TABLE batch EXCEPT ALL TABLE live) b)
		LIMIT 10;
	});
}

# Waits until the worker runs; until another one runs, if the pid of one that was ended is given.
sub wait_for_worker
{
	my ($node, $database, $ended) = @_;
	$ended //= 0;
	$node->poll_query_until($database, "SELECT state = 'running' AND pid <> $ended FROM trending.worker_status")
	  or die "the worker of $database does not run";
}

sub worker_pid
{
	my ($node, $database) = @_;
	return $node->safe_psql($database,
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker' AND datname = current_database()");
}

# Sends a signal and waits until the process is gone. Its server has noticed then: whoever connects from now on meets
# the server after it.
sub kill_process
{
	my ($pid, $signal) = @_;
	kill $signal, $pid;
	my $end = time + $patience;
	while (kill(0, $pid))
	{
		die "process $pid does not end" if time > $end;
		sleep(0.01);
	}
}

# Ends the worker, by SIGKILL or another signal. Returns its pid, for wait_for_worker().
sub kill_worker
{
	my ($node, $database, $signal) = @_;
	wait_for_worker($node, $database);
	my $pid = $node->safe_psql($database, 'SELECT pid FROM trending.worker_status');
	kill_process($pid, $signal // 'KILL');
	return $pid;
}

# Stops the worker where it is, but not where it holds a lock of the WAL that everybody's commits would wait for.
# Returns its pid.
sub freeze_worker
{
	my ($node, $database) = @_;
	wait_for_worker($node, $database);
	my $pid = worker_pid($node, $database);
	for (1 .. 50)
	{
		kill 'STOP', $pid;
		my ($out, $err) = ('', '');
		my $commit = IPC::Run::start(
			[ 'psql', '-XqAt', '-c', q{SELECT pg_logical_emit_message(true, 'test', 'commit')}, '-h', $node->host, '-p',
				$node->port, $database ], '>', \$out, '2>', \$err, my $limit = IPC::Run::timer(3));
		while ($commit->pumpable && !$limit->is_expired) { $commit->pump_nb; sleep(0.02) }
		my $stuck = $commit->pumpable;
		kill 'CONT', $pid if $stuck;
		$commit->finish;
		return $pid unless $stuck;
	}
	die 'the worker always holds a lock';
}

# Starts a server whose postmaster was killed: its children may need a moment to notice.
sub start_again
{
	my ($node) = @_;
	my $end = time + $patience;
	while (time < $end)
	{
		return if $node->start(fail_ok => 1);
		$node->{_pid} = undef;
		sleep(0.2);
	}
	die 'the server does not start again';
}

sub slot_exists
{
	my ($node, $database) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_replication_slots WHERE plugin = 'trending' AND database = '$database'");
}

# Writers in the background: each transaction inserts some events (post 1..50) and now and then rolls back.
sub start_load
{
	my ($node, $database, $seconds, $clients) = @_;
	my $script = PostgreSQL::Test::Utils::tempdir() . '/load.sql';
	append_to_file($script, <<'SQL') unless -e $script;
\set post random(1, 50)
\set rows random(1, 5)
\set fate random(1, 10)
BEGIN;
INSERT INTO view_events (post_id) SELECT :post + n FROM generate_series(1, :rows) n;
SAVEPOINT s;
INSERT INTO view_events (post_id) SELECT 7 FROM generate_series(1, 3);
\if :fate <= 3
ROLLBACK TO SAVEPOINT s;
\endif
\if :fate = 10
ROLLBACK;
\else
COMMIT;
\endif
SQL
	my ($out, $err) = ('', '');
	my $handle = IPC::Run::start(
		[
			'pgbench', '-n', '-f', $script, '-T', $seconds, '-c', $clients,
			'-h', $node->host, '-p', $node->port, $database
		],
		'>', \$out, '2>', \$err);
	return { handle => $handle, out => \$out, err => \$err };
}

# Waits for the load to end; its exit status does not matter where the server was killed under it.
sub finish_load
{
	my ($load) = @_;
	eval { $load->{handle}->finish; };
}

# A trend that closes windows of ten seconds and keeps all of them, over events whose times the test sets: second n
# after a fixed instant some days ago.
sub create_paced
{
	my ($node, $database) = @_;
	$node->safe_psql(
		$database, q{
		CREATE TABLE paced (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int, at timestamptz);
		CREATE INDEX ON paced (at);
		SELECT trending.create_trend('paced_items', $$
		  SELECT window_start, window_end, item, count(*) AS n FROM paced, trending.tumble(at, '10 seconds')
		  GROUP BY window_start, window_end, item ORDER BY n DESC $$,
		  allowed_lateness => '20 seconds', history_limit => NULL, idle_timeout => '1 day');
	});
	# Windows that are final when a trend is filled for the first time are not in its history.
	sync_trends($node, $database);
}

# Events from one second to another, in transactions of five seconds, each a little out of order.
sub feed_paced
{
	my ($node, $database, $from, $to) = @_;
	my $script = '';
	for (my $begin = $from; $begin < $to; $begin += 5)
	{
		$script .= "INSERT INTO paced (item, at) SELECT (n * 7) % 13, date_trunc('day', now()) - interval '3 days' "
		  . "+ ($begin + 5 - n % 9) * interval '1 second' FROM generate_series(1, 40) n;\n";
	}
	$node->safe_psql($database, $script);
}

# Live and closed windows of this trend that differ from the batch query; '' when they are equal, or will be soon.
sub paced_differences
{
	my ($node, $database) = @_;
	sync_trends($node, $database);
	return settled(sub {
		return $node->safe_psql(
			$database, q{
			WITH s AS (SELECT * FROM trending.status WHERE relation = 'paced_items'::regclass),
			trend AS MATERIALIZED (
			  SELECT window_start, window_end, item, n, rank FROM paced_items
			  UNION ALL SELECT window_start, window_end, item, n, rank FROM paced_items_history),
			batch AS MATERIALIZED (
			  SELECT b.* FROM (
			    SELECT d.*, row_number() OVER (PARTITION BY window_end ORDER BY n DESC, item) AS rank FROM (
			      SELECT window_start, window_end, item, count(*) AS n FROM paced, trending.tumble(at, '10 seconds')
			      GROUP BY 1, 2, 3) d) b, s
			  WHERE b.window_end <= s.watermark OR b.window_end = s.window_end),
			unfinished AS (
			  SELECT h.window_end FROM paced_items_history h, s
			  WHERE h.final IS DISTINCT FROM (h.window_end <= s.watermark - interval '20 seconds'))
			(SELECT 'only trend', * FROM (TABLE trend EXCEPT ALL TABLE batch) a)
			UNION ALL (SELECT 'only batch', * FROM (TABLE batch EXCEPT ALL TABLE trend) b)
			UNION ALL (SELECT DISTINCT 'final is wrong', NULL::timestamptz, window_end, NULL::int, NULL::bigint, NULL::bigint FROM unfinished)
			ORDER BY 3, 2, 4 LIMIT 10});
	});
}

# SQL: differences(trend) shows where a trend that keeps all of its history differs from its definition run in batch:
# the current window, and every closed one; with only_open those that may still change. History may follow a little
# later.
our $difference_function = q{
	CREATE FUNCTION differences(trend regclass, only_open bool DEFAULT false) RETURNS TABLE (found_in text, r jsonb) LANGUAGE plpgsql AS $$
	#variable_conflict use_column
	DECLARE s record;
	BEGIN
	  SELECT x.*, t.history, CASE WHEN only_open THEN x.watermark - t.allowed_lateness ELSE '-infinity' END AS after INTO s
	  FROM   trending.status x JOIN trending.trend t USING (relation) WHERE x.relation = differences.trend;
	  RETURN QUERY EXECUTE format('
	    WITH live AS MATERIALIZED (
	      SELECT to_jsonb(t) FROM %1$s t UNION ALL SELECT to_jsonb(h) - ''final'' FROM %2$s h WHERE h.window_end > $4),
	    batch AS MATERIALIZED (
	      SELECT to_jsonb(b) FROM (%3$s) b
	      WHERE b.window_end <= $1 AND b.window_end > $4 OR (b.window_start, b.window_end) = ($2, $3))
	    SELECT ''trend'', x.* FROM (TABLE live EXCEPT ALL TABLE batch) x
	    UNION ALL SELECT ''batch'', x.* FROM (TABLE batch EXCEPT ALL TABLE live) x LIMIT 10',
	    trend, s.history, trending.batch_query(trend))
	  USING s.watermark, s.window_start, s.window_end, s.after;
	END $$;
};

# Whether the server's log has a line like this, now or soon.
sub log_says
{
	my ($node, $pattern) = @_;
	my $end = time + $patience;
	while (time < $end)
	{
		return 1 if slurp_file($node->logfile) =~ $pattern;
		sleep(0.1);
	}
	return 0;
}

# Deliberate kills leave lines in the log; anything else that looks like a crash fails.
sub no_crash_in_log
{
	my ($node) = @_;
	my $log = slurp_file($node->logfile);
	my @lines = grep { /PANIC|TRAP:|AddressSanitizer|runtime error:|terminated by signal (?!9)/ } split /\n/, $log;
	is(join("\n", @lines), '', 'no crash in the log of ' . $node->name);
}

1;
