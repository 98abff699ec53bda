# SPDX-License-Identifier: PostgreSQL
# Tables of one trend that are locked, or cannot be written, keep neither the database from its checkpoints nor the
# trend from being refilled, and nothing is missing in the end; whatever is killed meanwhile. Locks are held by
# prepared transactions, which survive that.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('locked', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on', max_prepared_transactions => 5, autovacuum => 'off');
my $query = q{SELECT window_start, window_end, song, count(*) AS n, max(id) AS latest FROM plays, trending.tumble(at, '1 minute')
	GROUP BY window_start, window_end, song};
my $options = q{history_limit => NULL, allowed_lateness => '2 minutes', idle_timeout => '1 day'};
$node->safe_psql(
	'postgres', qq{
	CREATE EXTENSION trending;
	CREATE TABLE plays (id bigint GENERATED ALWAYS AS IDENTITY, song int, at timestamptz);
	SELECT trending.create_trend('troubled', \$\$ $query ORDER BY n DESC \$\$, $options);
	SELECT trending.create_trend('healthy', \$\$ $query ORDER BY n DESC \$\$, $options);
	SELECT trending.create_trend('hits', \$\$ $query HAVING count(*) >= 5 ORDER BY n DESC \$\$, $options);
	CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END \$\$;
	-- Windows after a time in which history differs from its definition.
	CREATE FUNCTION wrong(trend regclass, since timestamptz) RETURNS TABLE (found_in text, r jsonb) LANGUAGE plpgsql AS \$\$ BEGIN
	  RETURN QUERY EXECUTE format('WITH h AS MATERIALIZED (SELECT to_jsonb(x) - ''final'' FROM %s x WHERE window_end > \$1),
	      b AS MATERIALIZED (SELECT to_jsonb(x) FROM (%s) x WHERE window_end > \$1 AND window_end <= (SELECT watermark FROM trending.status s WHERE s.relation = \$2))
	    SELECT ''history'', q.* FROM (TABLE h EXCEPT ALL TABLE b) q UNION ALL SELECT ''definition'', q.* FROM (TABLE b EXCEPT ALL TABLE h) q',
	    trend || '_history', trending.batch_query(trend)) USING since, trend; END \$\$;
});
sync_trends($node, 'postgres');
my $minute = 0;

# Some minutes of plays, a little out of order; song 1 plays only in the first minute of every call.
sub play
{
	my ($minutes, $unsynced) = @_;
	for my $i (1 .. $minutes)
	{
		my $songs = $i == 1 ? 'n % 7' : '2 + n % 5';
		$node->safe_psql('postgres', "INSERT INTO plays (song, at) SELECT $songs, timestamptz '2026-01-01 00:00+00' + $minute * interval '1 minute' + (60 - n) * interval '1 s' FROM generate_series(1, 60) n");
		$minute++;
	}
	$node->safe_psql('postgres', "INSERT INTO plays (song, at) VALUES (3, timestamptz '2026-01-01 00:00+00' + ($minute - 2) * interval '1 minute')");
	sync_trends($node, 'postgres') unless $unsynced;
}

sub at_minute { my ($n) = @_; return "(timestamptz '2026-01-01 00:00+00' + $n * interval '1 minute')" }

sub becomes
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what) or diag $node->safe_psql('postgres', 'TABLE trending.status');
}
my $healthy_until = sub { 'SELECT max(window_end) = ' . at_minute($minute - 1) . ' FROM healthy_history' };

sub checkpoints_go_on
{
	my ($unsynced) = @_;
	my $before = $node->safe_psql('postgres', 'SELECT checkpoint_at FROM trending.worker_status');
	play(2, $unsynced);
	becomes("SELECT checkpoint_at > '$before' AND message IS NULL FROM trending.worker_status", 'checkpoints go on');
	becomes($healthy_until->(), 'another trend has its history');
}

sub lock_table { my ($table, $name) = @_; $node->safe_psql('postgres', "BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION '$name'") }

sub crash
{
	$node->kill9;
	start_again($node);
	wait_for_worker($node, 'postgres');
}

sub right
{
	my ($since, $what) = @_;
	for my $trend ('troubled', 'healthy')
	{
		becomes("SELECT count(*) = 0 FROM wrong('$trend', " . at_minute($since) . ')', "$what: history of $trend is right")
		  or diag $node->safe_psql('postgres', "SELECT * FROM wrong('$trend', " . at_minute($since) . ') LIMIT 10');
	}
	becomes('SELECT count(*) = 0 FROM (TABLE troubled_history EXCEPT ALL TABLE healthy_history) d', "$what: both have the same");
	becomes(q{SELECT NOT EXISTS (SELECT FROM trending.waiting_window) AND NOT EXISTS (SELECT FROM trending.waiting_redo)}, "$what: nothing waits");
}
play(4);
becomes($healthy_until->(), 'history begins');

# Alerts.
my $alerts = 'SELECT count(*) FROM hits_alerts';
becomes('SELECT count(*) > 20 FROM hits_alerts', 'alerts begin');
lock_table('hits_alerts', 'alerts');
checkpoints_go_on();
becomes(q{SELECT reason ~ '^alerts wait to be written: "hits_alerts" is locked by somebody else' FROM trending.status WHERE trend = 'hits'}, 'the status says that alerts wait');
becomes('SELECT EXISTS (SELECT FROM trending.waiting_alert)', 'they are deferred');
crash();
checkpoints_go_on();
my $listener = $node->background_psql('postgres');
$listener->query_until(qr/listening/, "LISTEN trending_alerts;\n\\echo listening\n");
$node->safe_psql('postgres', q{COMMIT PREPARED 'alerts'});
becomes('SELECT NOT EXISTS (SELECT FROM trending.waiting_alert)', 'later they are written');
becomes(q{SELECT reason IS NULL FROM trending.status WHERE trend = 'hits'}, 'the status says nothing any more');
is($node->safe_psql('postgres', "$alerts WHERE window_start >= " . at_minute(4)),
	$node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT 1 FROM plays WHERE at >= ' . at_minute(4) . q{ GROUP BY date_trunc('minute', at), song HAVING count(*) >= 5) g}),
	'each once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hits_alerts WHERE n < 5 OR latest IS NULL OR commit_lsn IS NULL'), '0', 'in whole');
my $notified = $listener->query_until(qr/done.*/s, "SELECT 1;\n\\echo done\n");
my $count = () = $notified =~ /Asynchronous notification "trending_alerts"/g;
cmp_ok($count, '>', 0, 'and announced then');
$listener->quit;

# The trend is refilled while its history is locked: it waits, the others do not.
lock_table('troubled_history', 'history');
my $since = $minute;
$node->safe_psql('postgres', 'TRUNCATE plays');
becomes(q{SELECT state = 'filling' AND reason ~ '^waits to be filled: "troubled_history" is locked' FROM trending.status WHERE trend = 'troubled'}, 'it waits for its history');
# sync() would wait for it.
checkpoints_go_on('unsynced');
crash();
checkpoints_go_on('unsynced');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'history'});
becomes(q{SELECT state = 'running' AND reason IS NULL FROM trending.status WHERE trend = 'troubled'}, 'then it is filled');
play(4);
right($since, 'refilled');

# It is refilled, but what it has to undo in history, and what comes, cannot be written.
$node->safe_psql('postgres', 'CREATE TRIGGER trouble BEFORE INSERT OR DELETE ON troubled_history FOR EACH ROW EXECUTE FUNCTION trouble()');
$since = $minute;
$node->safe_psql('postgres', 'TRUNCATE plays');
play(3);
becomes(q{SELECT state = 'running' AND reason ~ '^history waits to be written: table "troubled_history" has a trigger' FROM trending.status WHERE trend = 'troubled'}, 'filled, and history waits');
becomes(q{SELECT EXISTS (SELECT FROM trending.waiting_redo) AND EXISTS (SELECT FROM trending.waiting_window)}, 'with what is to be undone');
becomes(q{SELECT count(*) = 3 FROM trending.trend_state}, 'the trend is stored');
crash();
checkpoints_go_on();
# Again, with that still to be done.
$node->safe_psql('postgres', 'TRUNCATE plays');
play(3);
becomes(q{SELECT EXISTS (SELECT FROM trending.waiting_redo) AND EXISTS (SELECT FROM trending.waiting_window)}, 'it waits on');
crash();
play(1);
$node->safe_psql('postgres', 'DROP TRIGGER trouble ON troubled_history');
play(4);
right($since + 5, 'without the trouble');
is($node->safe_psql('postgres', "SELECT count(*) FROM troubled_history WHERE song = 1 AND window_end > " . at_minute($since - 1) . ' AND window_end <= ' . at_minute($since)),
	$node->safe_psql('postgres', "SELECT count(*) FROM healthy_history WHERE song = 1 AND window_end > " . at_minute($since - 1) . ' AND window_end <= ' . at_minute($since)),
	'windows that lost their rows are as in the other trend');

# Transactions that ran when a trend was refilled, and still do, keep nothing from being stored.
$node->safe_psql('postgres', q{BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'old'});
$since = $minute;
$node->safe_psql('postgres', 'TRUNCATE plays');
play(6);
becomes($healthy_until->(), 'windows are written meanwhile');
becomes(q{SELECT count(*) = 3 FROM trending.trend_state}, 'and the state is stored all the same');
crash();
play(3);
becomes($healthy_until->(), 'after a crash, too');
$node->safe_psql('postgres', q{COMMIT PREPARED 'old'});
play(3);
right($since, 'in the end');
becomes(q{SELECT count(*) = 3 FROM trending.trend_state}, 'the state is stored again');

# Whoever drops the extension is waited for, with no deadlock, also where he thinks better of it.
my $pid = worker_pid($node, 'postgres');
my $dropper = $node->background_psql('postgres', on_error_stop => 1);
$dropper->query_safe('SET client_min_messages = error; BEGIN; DROP EXTENSION trending CASCADE');
$node->safe_psql('postgres', 'INSERT INTO plays (song, at) VALUES (1, ' . at_minute($minute - 1) . ')');
becomes("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $pid AND locktype = 'object' AND classid = 'pg_extension'::regclass AND NOT granted)", 'the worker waits for its end');
$dropper->query_safe('ROLLBACK');
for (1 .. 30)
{
	$node->safe_psql('postgres', 'INSERT INTO plays (song, at) VALUES (1, ' . at_minute($minute - 1) . ')');
	$dropper->query_safe('BEGIN; DROP EXTENSION trending CASCADE; ROLLBACK; SELECT pg_sleep(random() * 0.1)');
}
checkpoints_go_on();
is(worker_pid($node, 'postgres'), $pid, 'it is the same worker');
$dropper->query_safe('DROP EXTENSION trending CASCADE');
becomes(q{SELECT NOT EXISTS (SELECT FROM pg_replication_slots)}, 'which leaves when the extension is dropped');
$dropper->quit;
unlike(slurp_file($node->logfile), qr/deadlock detected|can't attach the same segment/, 'no deadlock, and no error as it leaves');

no_crash_in_log($node);
$node->stop;
done_testing();
