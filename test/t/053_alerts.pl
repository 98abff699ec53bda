# SPDX-License-Identifier: PostgreSQL
# Alerts of trends with HAVING: written and announced within about a second, each once, across kills of worker and
# server; a table that refuses them costs the alerts, not the checkpoints.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('alerts', 'trending.checkpoint_interval' => '1h', 'restart_after_crash' => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE orders (customer int, note text DEFAULT '', at timestamptz DEFAULT now());
	INSERT INTO orders (customer) SELECT 0 FROM generate_series(1, 5);
	SELECT trending.create_trend('frequent', $$
	  SELECT window_start, window_end, customer, note, count(*) AS n FROM orders, trending.tumble(at, '1 day')
	  GROUP BY window_start, window_end, customer, note HAVING count(*) >= 3 ORDER BY n DESC $$,
	  notify_channel => 'Frequent', retention => '1 hour');
	SELECT trending.create_trend('visits', $$
	  SELECT window_start, window_end, customer, count(*) AS n, count(DISTINCT at) AS times
	  FROM orders, trending.session(at, '6 hours') GROUP BY window_start, window_end, customer HAVING count(*) >= 3 ORDER BY n DESC $$,
	  notify_channel => NULL);
});
sync_trends($node, 'postgres');

sub alerts { return $node->safe_psql('postgres', 'SELECT customer, n, left(note, 1) FROM frequent_alerts ORDER BY customer'); }

sub alerts_become
{
	my ($expected, $what) = @_;
	ok($node->poll_query_until("postgres", "SELECT coalesce(string_agg(customer::text, ',' ORDER BY customer), '') = '$expected' FROM frequent_alerts"),
		$what)
	  or diag alerts();
}

# -- within a second, and announced
my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN "Frequent"');
my $begun = time;
$node->safe_psql('postgres', 'INSERT INTO orders (customer) SELECT 1 FROM generate_series(1, 4)');
alerts_become('1', 'a group that comes true is written; one that was there when the trend was made is not');
cmp_ok(time - $begun, '<', 120, 'not with the next checkpoint by time');
cmp_ok($node->safe_psql('postgres', 'SELECT extract(epoch FROM alerted_at - crossed_at) FROM frequent_alerts'), '<', 60,
	'and soon after its commit');

# A notification follows its commit.
sub hear
{
	my $heard = '';
	settled(sub { $heard .= $listener->query('SELECT 1'); return $heard =~ /notification/ ? '' : 'nothing yet' });
	return $heard;
}
my $heard = hear();
# Anybody may listen to a channel: it says where, and nothing of what.
like($heard, qr/Asynchronous notification "Frequent" with payload "\{"trend": "public.frequent", "window_start": "[^"]*", "window_end": "[^"]*", "crossed_at": "[^"]*", "commit_lsn": "([^"]*)"\}"/,
	'and announced');
my ($lsn) = $heard =~ /"commit_lsn": "([^"]*)"/;
is($node->safe_psql('postgres', "SELECT customer, n FROM frequent_alerts WHERE commit_lsn = '$lsn'"), '1|4', 'by what it says the row is found');

# -- long keys that cross at once are announced once
$node->safe_psql('postgres', q{INSERT INTO orders (customer, note) SELECT 2, repeat('x', 9000) FROM generate_series(1, 3)});
alerts_become('1,2', 'a long key is written');
unlike(hear(), qr/xxx|customer/, 'and announced without it');

# -- on another channel, on none, and on the first again
$listener->query_safe('LISTEN "Other"');
sub crosses
{
	my ($customer, $options, $seen) = @_;
	$node->safe_psql('postgres', "SELECT trending.alter_trend('frequent', $options)");
	$node->safe_psql('postgres', "INSERT INTO orders (customer) SELECT $customer FROM generate_series(1, 3)");
	alerts_become($seen, "$customer is written");
}
crosses(3, q{notify_channel => 'Other'}, '1,2,3');
like(hear(), qr/notification "Other"/, 'announced on the channel that was altered');
crosses(4, q{unset => '{notify_channel}'}, '1,2,3,4');
crosses(5, q{notify_channel => 'Frequent'}, '1,2,3,4,5');
$heard = hear();
like($heard, qr/notification "Frequent"/, 'and on the first again');
unlike($heard, qr/"Other"|notification.*notification/s, 'not while there was none');

$listener->quit;

# -- a worker that is killed right after a crossing, before and after it was written, neither loses nor repeats one
my @expected = (1 .. 5);
for my $round (1 .. 8)
{
	my $customer = 100 + $round;
	my $pid = worker_pid($node, 'postgres');
	$node->safe_psql('postgres', "INSERT INTO orders (customer) SELECT $customer FROM generate_series(1, 3)");
	sleep(0.08 * $round);
	if ($round % 4 == 0)
	{
		$node->kill9;
		start_again($node);
	}
	else
	{
		kill_process($pid, 'KILL');
	}
	wait_for_worker($node, 'postgres', $pid);
	$node->safe_psql('postgres', "INSERT INTO orders (customer) VALUES ($customer)");
	push @expected, $customer;
}
sync_trends($node, 'postgres');
alerts_become(join(',', @expected), 'every crossing is there once, whenever the worker was killed');
is($node->safe_psql('postgres', q{SELECT string_agg(customer::text, ',' ORDER BY customer) FROM visits_alerts}),
	join(',', @expected), 'and those of sessions');
$node->safe_psql('postgres', 'DROP FOREIGN TABLE visits');
sync_trends($node, 'postgres');

# -- a table that has something of its owner's attached to it
$node->safe_psql('postgres', q{
	CREATE TABLE seen (who text);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NEW; END $$;
	CREATE TRIGGER note BEFORE INSERT ON frequent_alerts FOR EACH ROW EXECUTE FUNCTION note();
});
my $confirmed = $node->safe_psql('postgres', 'SELECT confirmed_lsn FROM trending.worker_status');
$node->safe_psql('postgres', 'INSERT INTO orders (customer) SELECT 200 FROM generate_series(1, 3)');
ok($node->poll_query_until('postgres', q{SELECT reason LIKE 'alerts wait to be written: table "frequent_alerts" has a trigger, "note".%' FROM trending.status}),
	'the status says what keeps alerts from being written');
ok($node->poll_query_until('postgres', "SELECT confirmed_lsn > '$confirmed' FROM trending.worker_status"),
	'and checkpoints go on');
$node->safe_psql('postgres', q{ALTER TABLE frequent_alerts DISABLE TRIGGER note; CREATE ROLE keeper; GRANT ALL ON SCHEMA public TO keeper; ALTER TABLE frequent_alerts OWNER TO keeper;
	INSERT INTO orders (customer) SELECT 201 FROM generate_series(1, 3)});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM frequent_alerts WHERE customer IN (200, 201)}), 'then they are written, whoever owns the table');
is($node->safe_psql('postgres', 'SELECT count(*) FROM seen'), '0', 'the trigger never ran');

# -- retention
$node->safe_psql('postgres', q{UPDATE frequent_alerts SET alerted_at = now() - interval '2 hours' WHERE customer < 201;
	INSERT INTO orders (customer) SELECT 202 FROM generate_series(1, 3)});
alerts_become('201,202', 'alerts go when retention is over');
$node->safe_psql('postgres', q{UPDATE frequent_alerts SET alerted_at = now() - interval '2 hours' WHERE customer = 201;
	SELECT trending.expire()});
alerts_become('202', 'and by trending.expire()');

# -- refilling raises nothing again
$node->safe_psql('postgres', 'DELETE FROM frequent_alerts');
$node->stop;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->start;
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots});
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\n");
$node->restart;
wait_for_worker($node, 'postgres');
sync_trends($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO orders (customer) SELECT 203 FROM generate_series(1, 3)');
alerts_become('203', 'a trend that is refilled alerts of new rows only');
is($node->safe_psql('postgres', 'SELECT count(*) FROM trending.verify(\'frequent\')'), '0', 'and equals its definition');

no_crash_in_log($node);
$node->stop;
done_testing();
