# SPDX-License-Identifier: PostgreSQL
# Ten trends over five sources in one database, by one slot and one worker: windows of all kinds, every kind of source,
# random transactions across them by concurrent writers, a killed worker and a crashed server. In the end every trend
# equals trending.verify and a query written by hand.
#
# SEED in the environment repeats the transactions.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;
use ExampleTest;

my $seed = random_seed();
srand($seed);
my $writers = 4;
my $chunks = 8;    # of each writer
my $transactions = 12;    # of each chunk

my $node = trending_node('many', 'trending.checkpoint_interval' => '2s', restart_after_crash => 'on', timezone => "'UTC'");

# Event times follow a clock that runs five times as fast as the wall clock and began some hours ago, so that minutes
# of windows pass in seconds. No row may be late but those that say so: transactions that took too long give up.
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	DO $$ BEGIN EXECUTE format('CREATE FUNCTION clock(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
	  AS %L', format('SELECT %L::timestamptz - interval ''6 hours'' + (at - %L::timestamptz) * 5', now(), now())); END $$;
	CREATE SEQUENCE ids;
	CREATE TABLE orders (id bigint DEFAULT nextval('ids') PRIMARY KEY, k int, at timestamptz, amount int, very_late bool DEFAULT false);
	CREATE TABLE visits (id bigint DEFAULT nextval('ids'), k int, at timestamptz, region text) PARTITION BY LIST (region);
	CREATE TABLE visits_north PARTITION OF visits FOR VALUES IN ('north');
	CREATE TABLE visits_south (region text, at timestamptz, gone int, k int, id bigint DEFAULT nextval('ids'));
	ALTER TABLE visits_south DROP gone;
	ALTER TABLE visits ATTACH PARTITION visits_south FOR VALUES IN ('south');
	CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
	CREATE TABLE sales (id bigint DEFAULT nextval('ids'), k int, at timestamptz, n numeric, note text);
	CREATE TABLE docs (id bigint DEFAULT nextval('ids'), j jsonb, at timestamptz);
	CREATE TABLE wide (id bigint DEFAULT nextval('ids'), k int, at timestamptz, big text, doubled int GENERATED ALWAYS AS (k * 2) STORED);
	ALTER TABLE wide ALTER big SET STORAGE EXTERNAL;
	DO $$ DECLARE t text; BEGIN
	  FOREACH t IN ARRAY '{orders,visits_north,visits_south,visits_rest,sales,docs,wide}'::text[] LOOP
	    EXECUTE format('CREATE INDEX ON %I (at)', t);
	    IF t <> 'orders' THEN EXECUTE format('ALTER TABLE %I REPLICA IDENTITY FULL', t); END IF;
	  END LOOP; END $$;
});

# -- writers: what a transaction does
sub chance { return rand() < $_[0] }
sub pick { return $_[ int(rand(@_)) ] }

my $at = q{clock(now()) - random() * interval '20 s'};
my $k = 'nullif(floor(10 * random() ^ 2)::int, 7)';
my %row = (
	orders => "(k, at, amount) SELECT $k, $at, (random() * 50)::int",
	visits => "(k, at, region) SELECT $k, $at, (ARRAY['north', 'south', 'east', NULL])[1 + floor(random() * 4)]",
	sales => "(k, at, n, note) SELECT $k, $at, CASE WHEN random() < 0.9 THEN round((random() * 1000 - 300)::numeric, 2) END, 'n'",
	docs => "(j, at) SELECT jsonb_build_object('tag', 't' || floor(random() * 6), 'm', nullif((random() * 9)::int, 4)), $at",
	wide => "(k, at, big) SELECT $k, $at, repeat(md5((random() * 5)::int::text), 20 + (random() * 100)::int)",
);
my @sources = sort keys %row;
my @changed = grep { $_ ne 'orders' } @sources;
my %change = (
	visits => [ 'k = (k + 3) % 10', q{region = CASE region WHEN 'north' THEN 'south' ELSE 'north' END}, q{region = 'west', k = 2} ],
	sales => [ 'n = n + 1.25', 'k = (k + 1) % 10', q{note = note || 'x'}, 'n = NULL', q{at = at - interval '3 s'} ],
	docs => [ q{j = j || '{"tag": "t9"}'}, q{j = jsonb_set(j, '{m}', '8')}, q{at = at - interval '2 s'} ],
	wide => [ 'k = (k + 1) % 10', q{big = big || 'y'}, 'big = NULL' ],
);

sub add { my ($source) = @_; return "INSERT INTO $source $row{$source} FROM generate_series(1, " . (1 + int(rand(8))) . ');' }

sub statement
{
	return add(pick(@sources)) if chance(0.55);
	my $source = pick(@changed);
	my $some = "WHERE at > clock(now()) - interval '15 s' AND id IN (SELECT id FROM $source WHERE at > clock(now()) - interval '15 s'"
	  . ' ORDER BY random() LIMIT 4 FOR UPDATE SKIP LOCKED);';
	return chance(0.25) ? "DELETE FROM $source $some" : "UPDATE $source SET " . pick(@{ $change{$source} }) . " $some";
}

sub transaction
{
	my @statements = 'BEGIN;';
	for (1 .. 1 + int(rand(5)))
	{
		push @statements, statement();
		push @statements, 'SAVEPOINT a;', statement(), 'SAVEPOINT b;', statement(), pick('ROLLBACK TO b;', 'RELEASE b;'), pick('ROLLBACK TO a;', 'RELEASE a;')
		  if chance(0.25);
	}
	push @statements, q{INSERT INTO orders (k, at, amount, very_late) SELECT 1, clock(now()) - interval '2 days', 7, true;} if chance(0.1);
	push @statements, q{\set timely off}, q{SELECT clock_timestamp() < now() + interval '4 s' AS timely \gset}, '\if :timely', chance(0.9) ? 'COMMIT;' : 'ROLLBACK;',
	  '\else', 'ROLLBACK;', '\endif';
	return join("\n", @statements) . "\n";
}

# Scripts first, all from the seed; then one process runs those of a writer, whatever happens to the server.
my $folder = PostgreSQL::Test::Utils::tempdir();
sub start_writer
{
	my ($number) = @_;
	for my $chunk (1 .. $chunks)
	{
		append_to_file("$folder/$number.$chunk.sql",
			sprintf("SELECT setseed(%f);\n", rand()) . join('', map { transaction() } 1 .. $transactions));
	}
	my $psql = 'psql -XqAt -h ' . $node->host . ' -p ' . $node->port . ' -d postgres';
	return IPC::Run::start([ 'sh', '-c', qq{for chunk in \$(seq $chunks); do
		until $psql -c 'SELECT'; do sleep 0.2; done; $psql -f $folder/$number.\$chunk.sql; done; true} ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
}

# -- trends, and the same by hand
sub by_hand { my ($select, $partition, $order) = @_; return qq{SELECT *, row_number() OVER (PARTITION BY $partition ORDER BY $order) AS rank FROM ($select) x} }
sub tumbling { my ($size) = @_; return "date_bin('$size', at, 'epoch') AS window_start, date_bin('$size', at, 'epoch') + interval '$size' AS window_end" }
sub hopping
{
	my ($slide, $count) = @_;
	return "generate_series(1, $count) i, LATERAL (SELECT date_bin('$slide', at, 'epoch') + (i - $count) * interval '$slide' AS window_start,
		date_bin('$slide', at, 'epoch') + i * interval '$slide' AS window_end) w";
}

my $bounds = 'window_start, window_end';
my @trends = (
	{ name => 'orders_tumble', from => q{orders, trending.tumble(at, '20 s')}, keys => 'k', list => 'count(*) AS n, sum(amount) AS total', order => 'n DESC',
		options => q{, late_events => 'keep'},
		hand => by_hand("SELECT ${\tumbling('20 s')}, k, count(*) AS n, sum(amount) AS total FROM orders GROUP BY 1, 2, 3", 'window_end', 'n DESC, k') },
	{ name => 'orders_session', from => q{orders, trending.session(at, '7 s') WHERE NOT very_late}, keys => 'k', list => 'count(*) AS n, sum(amount) AS total', order => 'n DESC',
		hand => q{SELECT min(at) AS window_start, max(at) + interval '7 s' AS window_end, k, count(*) AS n, sum(amount) AS total
			FROM (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY k ORDER BY at) AS number
			      FROM (SELECT *, (at - lag(at) OVER (PARTITION BY k ORDER BY at) <= interval '7 s') IS NOT TRUE AS begins FROM orders WHERE NOT very_late) x) x
			GROUP BY k, number} },
	{ name => 'orders_often', from => q{orders, trending.hop(at, slide => '10 s', size => '30 s') WHERE NOT very_late}, keys => 'k', list => 'count(*) AS n, max(amount) AS most',
		having => 'HAVING count(*) >= 6', order => 'n DESC',
		hand => by_hand("SELECT $bounds, k, count(*) AS n, max(amount) AS most FROM orders, ${\hopping('10 s', 3)} WHERE NOT very_late GROUP BY 1, 2, 3 HAVING count(*) >= 6", 'window_end', 'n DESC, k') },
	{ name => 'visits_hop', from => q{visits, trending.hop(at, slide => '15 s', size => '45 s')}, keys => 'region, k', list => 'count(*) AS n', order => 'n DESC',
		options => q{, partition_by => '{region}'},
		hand => by_hand("SELECT $bounds, region, k, count(*) AS n FROM visits, ${\hopping('15 s', 3)} GROUP BY 1, 2, 3, 4", 'window_end, region', 'n DESC, k') },
	{ name => 'visits_all', from => 'visits', keys => 'k', list => 'count(*) AS n, max(at) AS latest', order => 'n DESC', unbounded => 1,
		hand => by_hand('SELECT k, count(*) AS n, max(at) AS latest FROM visits GROUP BY k', 'true', 'n DESC, k') },
	{ name => 'sales_cumulate', from => q{sales, trending.cumulate(at, step => '20 s', size => '1 minute')}, keys => 'k', list => 'sum(n) AS total, avg(n) AS mean, count(n) AS counted', order => 'total DESC',
		hand => by_hand("SELECT date_bin('1 minute', at, 'epoch') AS window_start, e AS window_end, k, sum(n) AS total, avg(n) AS mean, count(n) AS counted
			FROM sales, generate_series(1, 3) i, LATERAL (SELECT date_bin('1 minute', at, 'epoch') + i * interval '20 s' AS e) e WHERE e > at GROUP BY 1, 2, 3", 'window_end', 'total DESC, k') },
	{ name => 'sales_picks', from => q{sales, trending.tumble(at, '30 s')}, keys => 'k', limit => 3, order => 'high DESC',
		list => 'trending.first(n, at) AS open, max(n) AS high, min(n) AS low, trending.last(n, at) AS close',
		hand => by_hand("SELECT ${\tumbling('30 s')}, k, (array_agg(n ORDER BY at, n) FILTER (WHERE n IS NOT NULL))[1] AS open, max(n) AS high, min(n) AS low,
			(array_agg(n ORDER BY at DESC, n DESC) FILTER (WHERE n IS NOT NULL))[1] AS close FROM sales GROUP BY 1, 2, 3", 'window_end', 'high DESC, k') },
	{ name => 'docs_hop', from => q{docs, trending.hop(at, slide => '10 s', size => '20 s')}, keys => q{(j->>'tag') COLLATE "C"}, as => 'tag', order => 'total DESC',
		list => q{sum((j->>'m')::int) AS total, count(DISTINCT (j->>'m')::int) AS different},
		hand => by_hand(qq{SELECT $bounds, (j->>'tag') COLLATE "C" AS tag, sum((j->>'m')::int) AS total, count(DISTINCT (j->>'m')::int) AS different
			FROM docs, ${\hopping('10 s', 2)} GROUP BY 1, 2, 3}, 'window_end', 'total DESC, tag') },
	{ name => 'wide_tumble', from => q{wide, trending.tumble(at, '20 s')}, keys => 'doubled', list => 'count(DISTINCT big) AS texts, max(length(big)) AS longest', order => 'texts DESC',
		hand => by_hand("SELECT ${\tumbling('20 s')}, doubled, count(DISTINCT big) AS texts, max(length(big)) AS longest FROM wide GROUP BY 1, 2, 3", 'window_end', 'texts DESC, doubled') },
	{ name => 'wide_hot', from => 'wide', keys => 'doubled', list => q{trending.decayed_count(at, '30 minutes') AS heat}, order => 'heat DESC', unbounded => 1 },
);

sub create
{
	my ($trend) = @_;
	my $windows = $trend->{unbounded} ? '' : "$bounds, ";
	my $keys = $trend->{keys} . ($trend->{as} ? " AS $trend->{as}" : '');
	my $options = $trend->{unbounded} ? '' : q{, allowed_lateness => '2 minutes', history_limit => } . ($trend->{limit} // 'NULL') . ($trend->{options} // '');
	$node->safe_psql('postgres', qq{SELECT trending.create_trend('$trend->{name}', \$\$ SELECT ${windows}$keys, $trend->{list} FROM $trend->{from}
		GROUP BY ${windows}$trend->{keys} @{[ $trend->{having} // '' ]} ORDER BY $trend->{order} \$\$, idle_timeout => '1 day'$options)});
}

sub all_right
{
	my ($what) = @_;
	equals_batch($node, $_->{name}, $_->{hand}, what => $what, sessions => $_->{name} eq 'orders_session') for grep { $_->{hand} } @trends;
	rows($node, q{
		SELECT t.doubled, t.heat, b.heat FROM wide_hot t FULL JOIN (
		  SELECT doubled, sum(power(0.5::float8, extract(epoch FROM now() - at)::float8 / 1800)) AS heat FROM wide GROUP BY doubled) b
		  ON coalesce(t.doubled, -1) = coalesce(b.doubled, -1)
		WHERE (abs(t.heat / b.heat - 1) < 1e-9) IS NOT TRUE LIMIT 5}, '', "wide_hot has the heat, $what");
	all_verified($node, $what);
}

# A first row starts each clock.
$node->safe_psql('postgres', join('', map { "INSERT INTO $_ $row{$_};" } @sources));
create($_) for @trends;
sync_trends($node, 'postgres');
is(scalar_of($node, q{SELECT count(*), count(DISTINCT source) FROM trending.status WHERE state = 'running'}), '10|5', 'ten trends over five sources');
is(scalar_of($node, q{SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'trending worker')}), '1|1', 'by one slot and one worker');

# Each transaction is decoded once, not for every trend or source.
my $decoded = scalar_of($node, 'SELECT transactions FROM trending.worker_status');
$node->safe_psql('postgres', join('', map { 'BEGIN;' . join('', map { "INSERT INTO $_ $row{$_};" } @sources) . 'COMMIT;' } 1 .. 100));
sync_trends($node, 'postgres');
my $after = scalar_of($node, 'SELECT transactions FROM trending.worker_status');
ok($after - $decoded >= 100 && $after - $decoded < 200, 'in one pass') or diag("$decoded, $after");
all_right('before the load');

my @running = map { start_writer($_) } 1 .. $writers;

# In the midst of it, as far as there are rows to tell: a third, then another.
sub written
{
	my ($share) = @_;
	my $rows = int($share * $writers * $chunks * $transactions);
	$node->poll_query_until('postgres', "SELECT count(*) > $rows FROM orders") or die 'the writers do not get on';
}
written(0.5);
my $ended = kill_worker($node, 'postgres');
wait_for_worker($node, 'postgres', $ended);
written(1);
$node->kill9;
start_again($node);
$_->finish for @running;
wait_for_worker($node, 'postgres');
note(scalar_of($node, q{SELECT string_agg(format('%s: %s events, %s late, %s unmatched', trend, events, late, unmatched), '; ') FROM trending.status}));

is(scalar_of($node, 'SELECT sum(ahead + null_time + failed + refused + unmatched + unretracted) FROM trending.status'), 0, "seed $seed: nothing was refused");
is(scalar_of($node, q{SELECT string_agg(trend, ' ') FROM trending.status WHERE late > 0}), 'orders_tumble', "seed $seed: nothing was late but what says so");
soon($node, q{(SELECT count(*) FROM orders_tumble_late) = (SELECT count(*) FROM orders WHERE very_late)}, "seed $seed: late rows are kept, each once");
is(scalar_of($node, q{SELECT count(*) FROM (SELECT ("row"->>'id')::bigint FROM orders_tumble_late EXCEPT SELECT id FROM orders WHERE very_late) x}), 0, 'those');

# All windows close; late rows are taken in.
$node->safe_psql('postgres', join('', map { 'INSERT INTO ' . $_ . ' ' . ($row{$_} =~ s/\Q$at\E/clock(now()) + interval '10 minutes'/r) . ';' } @sources));
sync_trends($node, 'postgres');
soon($node, q{(SELECT count(*) FROM sales_picks_history) > 0 AND (SELECT bool_and(final) FROM sales_picks_history)}, "seed $seed: windows become final");
is(scalar_of($node, q{SELECT trending.recompute('orders_tumble', '2000-01-01', now()) > 0}), 't', 'late rows are taken in');
all_right("seed $seed, after the load");
is(scalar_of($node, q{SELECT count(*) > 0 FROM orders_often_alerts}), 't', 'there were alerts');
is(scalar_of($node, q{SELECT count(*) FROM (SELECT k, window_end FROM orders_often_alerts a WHERE NOT EXISTS (SELECT FROM orders_often_history h
	WHERE (h.window_end, h.k) IS NOT DISTINCT FROM (a.window_end, a.k))) x}), 0, 'of groups that history shows');
is(scalar_of($node, q{SELECT count(*) FROM (SELECT k, window_end FROM orders_often_alerts GROUP BY 1, 2 HAVING count(*) > 1) x}), 0, 'each once');

no_crash_in_log($node);
$node->stop;
done_testing();
