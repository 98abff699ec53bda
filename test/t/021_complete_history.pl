# SPDX-License-Identifier: PostgreSQL
# History is complete from the first row: of windows that had closed before a trend was made, back to its retention, and of
# whatever came since it was made, though it is filled late, or again after a crash. Compared with queries written by hand.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $db = 'postgres';
my $node = trending_node('complete', max_prepared_transactions => 10, autovacuum => 'off', restart_after_crash => 'on',
	'trending.checkpoint_interval' => '1s');
sub query { return $node->safe_psql($db, $_[0]) }

# Every source has a column that says which rows came after its trends were made.
my $seed = random_seed();
query(
	qq{
	SET client_min_messages = error;
	CREATE EXTENSION trending;
	CREATE FUNCTION at_minute(m float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE
	  AS \$\$ SELECT timestamptz '2026-03-01 00:00+00' + m * interval '1 minute' \$\$;
	CREATE FUNCTION noise(n int) RETURNS float8 LANGUAGE sql IMMUTABLE AS \$\$ SELECT (hashint8extended(n, $seed) & 1048575) / 1048576.0 \$\$;
	CREATE TABLE template (n int, k int, at timestamptz, since bool NOT NULL DEFAULT false);
	-- The windows by hand. Minutes, as the windows of the trends: tumble 10, hop 30 by 10, cumulate to 60 by 10.
	CREATE FUNCTION floor_to(t timestamptz, minutes int) RETURNS timestamptz LANGUAGE sql IMMUTABLE
	  AS \$\$ SELECT date_bin(minutes * interval '1 minute', t, '1970-01-01 00:00+00') \$\$;
});

my %windows = (
	tumble => [ q{trending.tumble(at, '10 min')}, q{SELECT floor_to(at, 10) AS ws, floor_to(at, 10) + interval '10 min' AS we, k, since FROM %s} ],
	hop => [ q{trending.hop(at, '10 min', '30 min')},
		q{SELECT floor_to(at, 10) - i * interval '10 min' AS ws, floor_to(at, 10) + (3 - i) * interval '10 min' AS we, k, since
		  FROM %s, generate_series(0, 2) i} ],
	cumulate => [ q{trending.cumulate(at, '10 min', '60 min')},
		q{SELECT floor_to(at, 60) AS ws, we, k, since FROM %s,
		  generate_series(floor_to(at, 10) + interval '10 min', floor_to(at, 60) + interval '60 min', interval '10 min') we} ],
	session => [ q{trending.session(at, '4 min')},
		q{SELECT min(at) OVER s AS ws, max(at) OVER s + interval '4 min' AS we, k, since FROM (
		    SELECT *, sum(begins) OVER (PARTITION BY k ORDER BY at, n) AS number FROM (
		      SELECT *, CASE WHEN at - lag(at) OVER (PARTITION BY k ORDER BY at, n) <= interval '4 min' THEN 0 ELSE 1 END AS begins
		      FROM %s) b) c WINDOW s AS (PARTITION BY k, number)} ]);

my %trends;

sub create
{
	my ($name, $source, $kind, $options) = @_;
	$options .= ', history_limit => NULL' unless $options =~ /history_limit/;
	$trends{$name} = { source => $source, kind => $kind, options => $options };
	query(qq{SELECT trending.create_trend('$name', \$\$SELECT window_start, window_end, k, count(*) AS c FROM $source, $windows{$kind}[0]
	  GROUP BY window_start, window_end, k ORDER BY c DESC\$\$, allowed_lateness => '5 min', idle_timeout => '9000 days',
	  late_events => 'keep'$options)});
}

# Rows one minute after the other, each minute a transaction of its own or all of them one.
sub rows
{
	my ($source, $from, $to, $each) = @_;
	my $since = $from >= 600 ? 'true' : 'false';
	my $insert = sub {
		my ($first, $last) = @_;
		return "INSERT INTO $source SELECT n, noise(n) * 6, at_minute(n / 5.0 + noise(n + 1000000)), $since FROM generate_series($first, $last) n "
		  . "WHERE n / 200 % 3 <> 1 AND noise(n + 2000000) < 0.5;";
	};
	return $insert->($from * 5, $to * 5) unless $each;
	return join '', map { $insert->($_ * 5, $_ * 5 + 4) } $from .. $to - 1;
}

# The history that a trend should have, as a query: its closed windows.
sub expected
{
	my ($name) = @_;
	my $trend = $trends{$name};
	my $rows = $trend->{options} =~ /false/ ? "(SELECT * FROM $trend->{source} WHERE since) r" : $trend->{source};
	my $windows = sprintf $windows{ $trend->{kind} }[1], $rows;
	my $closed = "we <= (SELECT watermark FROM trending.status WHERE relation = '$name'::regclass)";
	# 'open' begins with the windows that were not final by the rows that were there.
	$closed .= " AND we > (SELECT max(at) FROM $trend->{source} WHERE NOT since) - interval '5 min'" if $trend->{options} =~ /open/;
	# Of sessions, those that a row which is not too late could still reach.
	$closed .= " - interval '4 min'" if $trend->{options} =~ /open/ && $trend->{kind} eq 'session';
	$closed .= " AND we >= (SELECT trending.history_since('$name'))" if $trend->{options} =~ /retention/;
	my $batch = "SELECT ws, we, k, count(*) AS c, row_number() OVER (PARTITION BY ws, we ORDER BY count(*) DESC, k) AS rank FROM ($windows) w WHERE $closed GROUP BY ws, we, k";
	return $trend->{options} =~ /history_limit => 2/ ? "SELECT * FROM ($batch) b WHERE rank <= 2" : $batch;
}

sub differences_of
{
	my ($name) = @_;
	my $since = $trends{$name}{options} =~ /retention/ ? "WHERE window_end >= (SELECT trending.history_since('$name'))" : '';
	return query(qq{WITH h AS MATERIALIZED (SELECT window_start, window_end, k, c, rank FROM ${name}_history $since),
	  b AS MATERIALIZED (@{[ expected($name) ]})
	  (SELECT 'too much', * FROM (TABLE h EXCEPT ALL TABLE b) x) UNION ALL (SELECT 'missing', * FROM (TABLE b EXCEPT ALL TABLE h) x)
	  ORDER BY 3, 4, 1 LIMIT 6});
}

sub all_equal
{
	my ($when, @names) = @_;
	sync_trends($node, $db);
	ok($node->poll_query_until($db, 'SELECT bool_and(NOT backfilling) FROM trending.status'), "$when: all is filled back");
	for my $name (@names)
	{
		is(settled(sub { differences_of($name) }), '', "$when: history of $name");
		is(query("SELECT count(*) FROM (SELECT window_start, window_end, k FROM ${name}_history GROUP BY 1, 2, 3 HAVING count(*) > 1) d"), '0', "$when: once each in $name");
	}
}

my @kinds = qw(tumble hop cumulate session);

# -- made while a prepared transaction keeps it from being filled: windows come and close meanwhile
query('CREATE TABLE ev (LIKE template INCLUDING ALL); CREATE INDEX ON ev (at);' . rows('ev', 0, 599));
query("BEGIN; INSERT INTO ev VALUES (0, 0, NULL); PREPARE TRANSACTION 'holds up'");
for my $kind (@kinds)
{
	create("all_$kind", 'ev', $kind, '');
	create("open_$kind", 'ev', $kind, q{, backfill => 'open'});
	create("none_$kind", 'ev', $kind, ', backfill => false');
}
create('limited', 'ev', 'hop', ', history_limit => 2');
query(rows('ev', 600, 700, 1));
query("ROLLBACK PREPARED 'holds up'");
my @names = sort keys %trends;
all_equal('filled late', @names);
query(rows('ev', 701, 760, 1));
all_equal('and goes on', @names);
is(query(q{SELECT string_agg(DISTINCT trending.history_since(relation)::text, ' ') FROM trending.status WHERE trend LIKE 'all%'}), '-infinity', 'which the status says');
is(query(q{SELECT bool_and(history_since BETWEEN at_minute(580) AND at_minute(600)) FROM trending.status WHERE trend LIKE 'open%'}), 't', 'also where it begins');
is(query('SELECT sum(late) FROM trending.status'), '0', 'nothing was late');

# -- and after the server has died before any of them was stored: checkpoints fail
query('SELECT trending.drop_trend(relation) FROM trending.trend; TRUNCATE ev;' . rows('ev', 0, 599));
%trends = ();
query(q{SELECT trending.create_trend('stored', 'SELECT k, count(*) AS c FROM template GROUP BY k ORDER BY c DESC')});
sync_trends($node, $db);
query(q{ALTER SYSTEM SET trending.debug_fail = 'checkpoint:error'});
query('SELECT pg_reload_conf()');
is(settled(sub { return query(q{INSERT INTO template VALUES (1, 1, NULL); SELECT 'yet to fail' FROM trending.worker_status WHERE (message ~ 'on purpose') IS NOT TRUE}) }), '', 'checkpoints fail');
for my $kind (@kinds)
{
	create("all_$kind", 'ev', $kind, ', backfill => true');
	create("open_$kind", 'ev', $kind, q{, backfill => 'open'});
	create("none_$kind", 'ev', $kind, ', backfill => false');
}
sync_trends($node, $db);
query(rows('ev', 600, 680, 1));
sync_trends($node, $db);
is(query(q{SELECT count(*) FROM trending.trend_state s JOIN trending.trend t ON t.id = s.trend_id WHERE t.relation <> 'stored'::regclass}), '0', 'none of these is stored yet');
query('ALTER SYSTEM RESET trending.debug_fail');
$node->stop('immediate');
$node->start;
wait_for_worker($node, $db);
@names = sort keys %trends;
all_equal('after a crash', @names);
query(rows('ev', 681, 720, 1));
all_equal('after a crash, and goes on', @names);

# -- a source large enough for many portions, its time a mere expression, and the worker ended again and again
query(q{SELECT trending.drop_trend(relation) FROM trending.trend;
	CREATE TABLE many (LIKE template INCLUDING ALL);
	INSERT INTO many SELECT n, noise(n) * 4, at_minute(n / 200.0 + noise(n + 1)) FROM generate_series(1, 120000) n WHERE noise(n + 2) < 0.99;
	CREATE INDEX ON many (at)});
%trends = ();
create("many_$_", 'many', $_, '') for @kinds;
create('many_kept', 'many', 'hop', q{, retention => '300 min'});
for (1 .. 4)
{
	$node->poll_query_until($db, 'SELECT count(*) > 0 FROM trending.status WHERE NOT backfilling OR history_since > at_minute(0)');
	my $pid = worker_pid($node, $db);
	kill_process($pid, $_ % 2 ? 'TERM' : 'KILL') if $pid;
	wait_for_worker($node, $db, $pid);
}
all_equal('in portions', sort keys %trends);
is(query(q{SELECT count(*) FROM many_kept_history WHERE window_end < at_minute(300)}), '0', 'retention ends it');

# -- what is final stays, and nothing final comes back
query(q{INSERT INTO many SELECT n, 1, at_minute(700), true FROM generate_series(1, 3) n});
sync_trends($node, $db);
$node->poll_query_until($db, "SELECT bool_and(final) FROM many_${_}_history WHERE window_end < at_minute(690)") for @kinds;
my $finals = sub { join ' ', map { query("SELECT md5(string_agg(h::text, ' ' ORDER BY window_end, window_start, rank)) FROM many_${_}_history h WHERE window_end < at_minute(690)") } @kinds };
my $before = $finals->();
my $clocks = 'SELECT string_agg(event_clock::text, $$ $$ ORDER BY trend) FROM trending.status';
my $stood = query($clocks);
query('TRUNCATE many');
sync_trends($node, $db);
is(query($clocks), $stood, 'TRUNCATE does not take the event clock back');
query(q{INSERT INTO many SELECT n, 1, at_minute(n), true FROM generate_series(650, 698) n});
sync_trends($node, $db);
query(q{INSERT INTO many SELECT n, 1, at_minute(n), true FROM generate_series(699, 800) n});
sync_trends($node, $db);
$node->poll_query_until($db, 'SELECT max(window_end) >= at_minute(790) FROM many_tumble_history');
is($finals->(), $before, 'what was final stays');
is(query(q{SELECT count(*) FROM many_tumble_history WHERE NOT final AND window_end < at_minute(690)}), '0', 'and does not come back');

# -- rows that are all too far ahead are counted when a trend is filled from them, once
query(q{CREATE TABLE ahead (LIKE template INCLUDING ALL);
	INSERT INTO ahead SELECT n, 1, now() + interval '1 day' FROM generate_series(1, 7) n});
query("BEGIN; INSERT INTO ahead VALUES (0, 0, NULL); PREPARE TRANSACTION 'holds up'");
create('ahead_tumble', 'ahead', 'tumble', '');
create('ahead_session', 'ahead', 'session', '');
query(q{INSERT INTO ahead VALUES (8, 1, now() + interval '1 day')});
query("ROLLBACK PREPARED 'holds up'");
sync_trends($node, $db);
query(q{INSERT INTO ahead VALUES (9, 1, now() + interval '1 day')});
sync_trends($node, $db);
is(query(q{SELECT string_agg(ahead::text, ' ') FROM trending.status WHERE trend LIKE 'ahead%'}), '9 9', 'rows too far ahead count once, whenever they came');

$node->stop;
done_testing();
