# SPDX-License-Identifier: PostgreSQL
# trending.alter_trend: options change while a trend runs, at the position of the commit, and no state is lost.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('alter_trend', autovacuum => 'off');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }
sub fails { my (undef, undef, $error) = $node->psql($db, $_[0]); return $error }
sub status { sync_trends($node, $db); return query("SELECT $_[0] FROM trending.status WHERE trend = 'items'") }

# Rows from second a to b of the test's time.
sub rows { return "INSERT INTO source SELECT n % 5, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 s' FROM generate_series($_[0], $_[1]) n;" }

sub history { return query(q{SELECT string_agg(DISTINCT to_char(window_end AT TIME ZONE 'UTC', 'MI:SS') || CASE WHEN final THEN '' ELSE '?' END, ' ') FROM items_history}) }

sub history_becomes
{
	my ($expected, $what) = @_;
	sync_trends($node, $db);
	settled(sub { return history() eq $expected ? '' : 'not yet' });
	is(history(), $expected, $what);
}

query(q{CREATE TABLE source (k int, at timestamptz);
	CREATE TABLE names (id int PRIMARY KEY, name text);
	CREATE ROLE somebody;
	SELECT trending.create_trend('items', $$ SELECT window_start, window_end, k, count(*) AS n FROM source, trending.hop(at, '10 s', '20 s')
	  GROUP BY window_start, window_end, k ORDER BY n DESC $$, history_limit => 0, allowed_lateness => '10 s', idle_timeout => '1 day')});
# Filled first: what it is filled from counts in open windows only.
sync_trends($node, $db);
query(rows(0, 100));
is(status('events, late'), '101|0', 'a trend without history');

# -- lateness and watermark: more, less, and the state stays
query(rows(70, 71));
is(status('late'), '2', 'rows of final windows are late');
query(q{SELECT trending.alter_trend('items', allowed_lateness => '60 s')});
query(rows(70, 71) . rows(85, 90));
is(status('events, late'), '107|4', 'what was final stays final when more lateness is allowed');
query(rows(101, 130) . rows(92, 93));
is(status('events, late'), '139|4', 'what follows is taken longer');
query(q{SELECT trending.alter_trend('items', watermark_delay => '30 s')});
is(status(q{watermark AT TIME ZONE 'UTC'}), '2026-01-01 00:02:10', 'the watermark does not go back');
query(rows(131, 170));
is(status(q{watermark AT TIME ZONE 'UTC'}), '2026-01-01 00:02:20', 'it waits until the clock has caught up');

# -- history on, off, and on again
query(q{SELECT trending.alter_trend('items', unset => '{history_limit}', allowed_lateness => '40 s', watermark_delay => '0')});
history_becomes('01:40 01:50 02:00 02:10 02:20? 02:30? 02:40? 02:50?', 'history begins with the windows that were not final');
query(rows(171, 200));
history_becomes('01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50? 03:00? 03:10? 03:20?', 'and goes on');
is(query(q{SELECT * FROM differences('items', only_open => true)}), '', 'exactly');
query(q{SELECT trending.alter_trend('items', history_limit => 0)});
query(rows(201, 230));
sync_trends($node, $db);
is(history(), '01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50? 03:00? 03:10? 03:20?', 'switched off, its table is kept');
like(fails(q{SELECT trending.recompute('items', '2025-01-01', '2027-01-01')}), qr/trend "items" keeps no history/, 'but is history no more');
query(q{SELECT trending.alter_trend('items', history_limit => 2, retention => '2 hours')});
query(rows(231, 245));
history_becomes('01:40 01:50 02:00 02:10 02:20 02:30 02:40 02:50 03:00 03:10 03:20 03:30? 03:40? 03:50? 04:00?', 'switched on again, it goes on in that table');
is(query(q{SELECT max(rank) FROM items_history WHERE window_end > '2026-01-01 00:03:45+00'}), '2', 'with the new limit');
query(q{DROP TABLE items_history; SELECT trending.alter_trend('items', history_limit => 3)});
query(rows(246, 250));
ok($node->poll_query_until($db, q{SELECT count(*) > 0 FROM items_history}), 'a table that was dropped is made again');

# -- late rows on and off
query(rows(1, 2) . q{SELECT trending.alter_trend('items', late_events => 'keep')});
query(rows(3, 5));
ok($node->poll_query_until($db, q{SELECT count(*) = 3 FROM items_late}), 'late rows are kept from then on');
query(q{SELECT trending.alter_trend('items', late_events => 'drop');} . rows(6, 7));
query(q{SELECT trending.alter_trend('items', late_events => 'keep');} . rows(8, 8));
ok($node->poll_query_until($db, q{SELECT count(*) = 4 FROM items_late}), 'and not while they are not wanted');

# -- the others
query(q{SELECT trending.alter_trend('items', max_groups => 5, max_ahead => '0', idle_timeout => '2 days', label => 'names.name')});
query(q{INSERT INTO names VALUES (1, 'one'); INSERT INTO source VALUES (77, '2026-01-01 00:04:10+00'), (1, now() + interval '10 s')});
is(status('refused, ahead'), '1|1', 'bounds hold from then on');
is(query(q{SELECT label FROM trending_top10('items') WHERE key = '1'}), 'one', 'a label');
query(q{SELECT trending.alter_trend('items', unset => '{label,retention}', max_groups => 100)});
is(query(q{SELECT label FROM trending_top10('items') WHERE key = '1'}), '', 'and none');
is(query(q{SELECT label, retention, max_groups, history_limit, max_ahead, late_events FROM trending.trend}), '||100|3|00:00:00|keep', 'what is left out stays as it is');
query(q{SELECT trending.alter_trend('items', notify_channel => 'items', label => 'names.name')});
query(q{SELECT trending.alter_trend('items', NULL, NULL, NULL, retention => NULL, history_limit => NULL)});
my $options = q{SELECT label, retention, history_limit, max_ahead, notify_channel FROM trending.trend WHERE relation = 'items'::regclass};
is(query($options), 'public.names.name||3|00:00:00|items', 'NULL leaves an option as it is');
query(q{SELECT trending.alter_trend('items', unset => '{notify_channel}', reset => '{label,history_limit,max_ahead}')});
is(query($options), '||100|00:01:00|', 'none, and back to the defaults');
query(q{SELECT trending.alter_trend('items', history_limit => 3, max_ahead => '0', reset => ARRAY['notify_channel'])});
is(query($options), '||3|00:00:00|trending_alerts', 'both at once');

# -- at the position of the commit, also when the worker learns of it later
my $events = status('events');
my $pid = freeze_worker($node, $db);
query(rows(251, 300));
query(q{SELECT trending.alter_trend('items', allowed_lateness => '1 hour')});
query(rows(200, 210));    # final since second 300
query(q{SELECT trending.alter_trend('items', allowed_lateness => '5 s')});
query(rows(271, 272));    # final
kill 'CONT', $pid;
my $before = status('events, late, event_clock, watermark');
is($before =~ /^(\d+)\|/ && $1 - $events, 50, 'each in its turn');
$node->stop('immediate');
$node->start;
wait_for_worker($node, $db);
is(status('events, late, event_clock, watermark'), $before, 'and the same after a crash');
query(q{CHECKPOINT; SELECT trending.alter_trend('items', watermark_delay => '20 s', allowed_lateness => '2 hours')});
$before = status('events, late, event_clock, watermark');
$node->restart;
wait_for_worker($node, $db);
is(status('events, late, event_clock, watermark'), $before, 'the watermark stands after a restart, too');
query('BEGIN; SELECT trending.alter_trend(\'items\', max_groups => 1); ROLLBACK');
is(query('SELECT max_groups FROM trending.trend'), '100', 'rolled back, nothing happens');

# -- errors
my $alter = q{SELECT trending.alter_trend('items', };
like(fails($alter . q{query => 'SELECT 1')}), qr/the query of a trend cannot be changed.*Drop the trend with trending.drop_trend\(\) and create it again/s, 'the query cannot be changed');
like(fails($alter . q{allowed_lateness => '-1 s')}), qr/allowed_lateness must not be negative/, 'negative lateness');
like(fails($alter . q{idle_timeout => '0')}), qr/idle_timeout must be greater than zero/, 'no timeout');
like(fails($alter . q{history_limit => -2)}), qr/history_limit must not be negative/, 'negative limit');
like(fails($alter . q{max_groups => 0)}), qr/max_groups must be between 1 and/, 'no groups');
like(fails($alter . q{late_events => 'keep them')}), qr/invalid value for late_events/, 'unknown word');
like(fails($alter . q{label => 'nowhere.name')}), qr/relation "nowhere" does not exist/, 'unknown label');
like(fails($alter . q{label => '')}), qr/invalid name syntax|label/, 'an empty label');
like(fails($alter . q{notify_channel => '')}), qr/notify_channel must have between 1 and 63 bytes/, 'an empty channel');
like(fails($alter . q{unset => '{max_groups}')}), qr/max_groups must not be null/, 'an option that cannot be none');
like(fails($alter . q{unset => '{max_ahead}')}), qr/max_ahead must not be null/, 'another');
like(fails($alter . q{unset => '{late_events}')}), qr/late_events must not be null/, 'and another');
like(fails($alter . q{reset => '{labels}')}), qr/trends have no option "labels".*Options that can be altered: label, watermark_delay, .*, notify_channel\./s, 'an option that there is not');
like(fails($alter . q{reset => '{backfill}')}), qr/backfill of a trend cannot be changed/, 'one that stays');
like(fails($alter . q{unset => '{partition_by}')}), qr/partition_by of a trend cannot be changed/, 'another');
like(fails($alter . q{unset => ARRAY[NULL])}), qr/unset must not contain nulls/, 'no name');
like(fails($alter . q{retention => '1 day', unset => '{retention}')}), qr/option "retention" is named twice/, 'a value and none');
like(fails($alter . q{reset => '{label,label}')}), qr/option "label" is named twice/, 'twice');
like(fails(q{SELECT trending.alter_trend('names', max_groups => 1)}), qr/"names" is not a trend/, 'no trend');
like(fails(q{SELECT trending.alter_trend(1, max_groups => 1)}), qr/trend with OID 1 does not exist/, 'nothing');
like(fails(q{SELECT trending.alter_trend(NULL, max_groups => 1)}), qr/trend must not be null/, 'null');
like(fails(q{SET ROLE somebody; } . $alter . q{max_groups => 1)}), qr/must be owner of foreign table items/, 'for its owner only');
is(fails($alter . q{max_groups => NULL)}), '', 'nothing to change is no error');
query(q{CREATE TABLE items_2_history (); SELECT trending.create_trend('items_2', trending.definition(relation), history_limit => 0) FROM trending.trend WHERE relation = 'items'::regclass});
like(fails(q{SELECT trending.alter_trend('items_2', history_limit => 1)}), qr/relation "items_2_history" already exists/, 'the name of the table is taken');

query(q{SELECT trending.create_trend('visits', $$ SELECT window_start, window_end, k, count(*) AS n FROM source, trending.session(at, '5 s')
	  GROUP BY window_start, window_end, k ORDER BY n DESC $$, idle_timeout => '1 day')});
like(fails(q{SELECT trending.alter_trend('visits', allowed_lateness => '1 s')}), qr/allowed_lateness of a trend with session windows cannot be changed/, 'sessions keep their lateness');
query(q{SELECT trending.alter_trend('visits', max_groups => 50)});
sync_trends($node, $db);
is(query(q{SELECT state FROM trending.status WHERE trend = 'visits'}), 'running', 'but not their bounds');

no_crash_in_log($node);
$node->stop;
done_testing();
