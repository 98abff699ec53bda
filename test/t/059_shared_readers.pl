# SPDX-License-Identifier: PostgreSQL
# Trends that read the rows of a source alike share the reading of them: each counts as if it were alone, whatever
# becomes of the others.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('sharing', autovacuum => 'off');
my $db = 'postgres';
create_blog($node, $db, no_trend => 1);

sub query { return $node->safe_psql($db, $_[0]) }

my %windows = (
	minute => q{trending.hop(viewed_at, slide => '1 second', size => '1 minute')},
	again => q{trending.hop(viewed_at, slide => '1 second', size => '1 minute')},
	hour => q{trending.tumble(viewed_at, '1 hour')},
	day => q{trending.hop(viewed_at, '2 hours', '1 day')},
	growing => q{trending.cumulate(viewed_at, '1 hour', '1 day')},
	zoned => q{trending.tumble(viewed_at, '1 day', zone => 'Europe/Berlin')},
	century => q{trending.tumble(viewed_at, '36500 days')},
	frequent => q{trending.tumble(viewed_at, '1 hour')},
	even => q{trending.tumble(viewed_at, '1 hour')});
my %where = (even => 'WHERE post_id % 2 = 0');
my %having = (frequent => 'HAVING count(*) > 20');

# A trend of that kind under that name, or of the kind of its name.
sub create
{
	my ($name, %options) = @_;
	my $kind = $options{kind} // $name;
	my ($where, $having) = ($where{$kind} // '', $having{$kind} // '');
	my $role = $options{role} ? "SET ROLE $options{role};" : '';
	my $more = $options{options} // '';
	query(qq{$role SELECT trending.create_trend('$name', \$\$
		SELECT window_start, window_end, post_id, count(*) AS views FROM view_events, $windows{$kind} $where
		GROUP BY window_start, window_end, post_id $having ORDER BY views DESC \$\$,
		idle_timeout => '1 day', history_limit => 0 $more)});
}

sub all_exact
{
	my ($what, @trends) = @_;
	my $wrong = join('', map { my $found = differences($node, $db, $_); $found eq '' ? '' : "$_:\n$found\n" } @trends);
	is($wrong, '', $what);
	is(query("SELECT string_agg(trend || ' ' || state || coalesce(': ' || reason, ''), ', ') FROM trending.status
		WHERE state <> 'running' AND trend IN (" . join(', ', map { "'$_'" } @trends) . ')'), '', "$what: all run");
}

sub becomes
{
	my ($trend, $condition, $what) = @_;
	ok($node->poll_query_until($db, "SELECT $condition FROM trending.status WHERE trend = '$trend'"), $what)
	  or diag query("TABLE trending.status");
}

query('CREATE ROLE watcher; GRANT CREATE, USAGE ON SCHEMA public TO watcher; GRANT SELECT ON view_events TO watcher');

# -- trends come, go, change and stop while the others count
create($_) for qw(minute again);
my $load = start_load($node, $db, 6, 3);
create('hour');
create('watched', kind => 'day', role => 'watcher');
create($_) for qw(growing even frequent zoned century);
query('DROP FOREIGN TABLE again');
query(q{SELECT trending.alter_trend('hour', max_ahead => '2 hours')});
query('REVOKE SELECT ON view_events FROM watcher');
becomes('watched', q{state = 'stopped'}, 'a trend stops');
create($_) for qw(again day);
query(q{SELECT trending.alter_trend('day', watermark_delay => '1 second', max_groups => 10000)});
finish_load($load);
my @trends = qw(minute again hour day growing even frequent zoned century);
all_exact('trends come, go, change and stop under load', @trends);

$load = start_load($node, $db, 2, 3);
query('GRANT SELECT ON view_events TO watcher');
becomes('watched', q{state = 'running'}, 'the stopped trend goes on');
finish_load($load);
push @trends, 'watched';
all_exact('a trend goes on under load', @trends);
my $version = query(q{SELECT version FROM trending.status WHERE trend = 'watched'});
query('INSERT INTO view_events (post_id) VALUES (3)');
all_exact('and does so once', @trends);
is(query(qq{SELECT version - $version < 20 FROM trending.status WHERE trend = 'watched'}), 't', 'it is not filled again');

# -- one waits to be filled, for a transaction that wrote before it
my $writer = $node->background_psql($db);
$writer->query_safe('BEGIN; INSERT INTO view_events (post_id) SELECT 500 FROM generate_series(1, 7)');
create('waiting', kind => 'minute');
$load = start_load($node, $db, 2, 2);
becomes('waiting', q{state <> 'running'}, 'a trend waits');
finish_load($load);
becomes('waiting', q{state <> 'running'}, 'and still does');
$writer->query_safe('INSERT INTO view_events (post_id) SELECT 500 FROM generate_series(1, 7); COMMIT');
$writer->quit;
push @trends, 'waiting';
becomes('waiting', q{state = 'running'}, 'until that has ended');
all_exact('one of them waited', @trends);

# -- rows that are refused count for each; only the altered one takes a row an hour ahead
sub refused { my ($columns) = @_; sync_trends($node, $db); return query("SELECT string_agg(concat_ws(' ', trend, $columns), ', ' ORDER BY trend) FROM trending.status
	WHERE trend IN ('minute', 'day', 'zoned', 'waiting', 'hour', 'century')") }
query(q{INSERT INTO view_events (post_id, viewed_at) VALUES (1, NULL), (2, NULL), (3, 'infinity'), (4, now() + interval '1 hour'), (5, now())});
is(refused('null_time, ahead'), 'century 3 1, day 3 1, hour 3 0, minute 3 1, waiting 3 1, zoned 3 1', 'refused rows count for each trend');
query(q{INSERT INTO view_events (post_id, viewed_at) VALUES (6, timestamptz '4700-01-01 BC'), (7, now())});
is(refused('out_of_range'), 'century 1, day 0, hour 0, minute 0, waiting 0, zoned 0', 'a time may be out of range for one alone');
query(q{DELETE FROM view_events WHERE viewed_at IS NULL OR viewed_at NOT BETWEEN '2000-01-01' AND clock_timestamp()});
all_exact('after rows that are refused', grep { $_ ne 'hour' } @trends);

# -- one keeps late rows
create('keeping', kind => 'hour', options => q{, late_events => 'keep', allowed_lateness => '0'});
query(q{INSERT INTO view_events (post_id, viewed_at) VALUES (1, NULL), (2, now() - interval '3 hours'), (3, now())});
push @trends, 'keeping';
all_exact('one keeps late rows', grep { $_ ne 'hour' && $_ ne 'century' && $_ ne 'day' && $_ ne 'zoned' && $_ ne 'growing' } @trends);
ok($node->poll_query_until($db, q{SELECT count(*) = 2 FROM keeping_late}), 'which it has') or diag query('TABLE keeping_late');
query('DROP FOREIGN TABLE keeping');
pop @trends;

# -- rows retracted and changed
query('ALTER TABLE view_events REPLICA IDENTITY FULL');
query('INSERT INTO view_events (post_id) SELECT n % 20 FROM generate_series(1, 500) n');
query('UPDATE view_events SET post_id = post_id + 1 WHERE id % 7 = 0 AND viewed_at > now() - interval \'20 seconds\'');
query('DELETE FROM view_events WHERE id % 5 = 0 AND viewed_at > now() - interval \'20 seconds\'');
all_exact('rows are retracted', qw(minute again even frequent waiting));

# -- they may differ in whether a row was refused that is retracted
query(q{SELECT trending.alter_trend('again', max_ahead => '2 hours')});
query(q{INSERT INTO view_events (post_id, viewed_at) VALUES (77, now() + interval '1 hour'), (78, now())});
query(q{SELECT trending.alter_trend('again', max_ahead => '1 minute')});
query(q{BEGIN; INSERT INTO view_events (post_id) VALUES (78); DELETE FROM view_events WHERE post_id = 77; INSERT INTO view_events (post_id) VALUES (79); COMMIT});
all_exact('only one of them had taken a row', qw(minute again even frequent waiting));
is(query(q{SELECT string_agg(concat_ws(' ', trend, unmatched), ', ' ORDER BY trend) FROM trending.status WHERE trend IN ('minute', 'again', 'waiting')}),
	'again 0, minute 0, waiting 0', 'and only that one retracts it');
query(q{DROP FOREIGN TABLE again});
@trends = grep { $_ ne 'again' } @trends;
create('again');
push @trends, 'again';

# -- a crash, and TRUNCATE
query('CHECKPOINT');
$node->stop('immediate');
$node->start;
wait_for_worker($node, $db);
$load = start_load($node, $db, 1, 2);
finish_load($load);
all_exact('after a crash', qw(minute again even frequent waiting));
query('BEGIN; INSERT INTO view_events (post_id) VALUES (1); TRUNCATE view_events; INSERT INTO view_events (post_id) SELECT 9 FROM generate_series(1, 30); COMMIT');
all_exact('after TRUNCATE', @trends);
query('INSERT INTO view_events (post_id) SELECT n % 9 FROM generate_series(1, 3000) n');
all_exact('and after a larger transaction', @trends);

# -- what none can read stops all
query('ALTER TABLE view_events SET UNLOGGED');
becomes($_, q{state = 'stopped'}, "an unlogged source stops $_") for @trends;

unlike(slurp_file($node->logfile), qr/WARNING:  trend/, 'nothing to warn of');
no_crash_in_log($node);
$node->stop;
done_testing();
