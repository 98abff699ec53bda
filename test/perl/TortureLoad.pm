# SPDX-License-Identifier: PostgreSQL
# The load of the torture test and its oracle.
#
# Event times come from a simulated clock that runs ten times as fast as the wall clock. Every event is either
# within the allowed lateness of every trend that counts it (transactions that took too long give up, see
# torture_writer.pl) or lies days back, so it is known beforehand which events are late, and all results must
# equal the definition run as a batch query exactly. Slow events (of prepared transactions) count only in trends
# with much lateness.
package TortureLoad;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use TrendingTest;

our @EXPORT = qw(create_load create_newcomer start_writers stop_writers live_differences history_differences
  counter_differences late_differences close_all_windows trends);

# Trends over `event`, `changing` and `emptied`. %s is the source; `kept`: history_limit. History of those over `event` is
# not filled back: a row that comes meanwhile for a window of the past would count there, and not be late.
my %trends = (
	quick_tumble => {
		source => 'event',
		query => q{SELECT window_start, window_end, grp, count(*) AS n
			FROM %s, trending.tumble(at, '1 minute') WHERE quick GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{backfill => 'open', idle_timeout => '1 day', allowed_lateness => '2 minutes', late_events => 'keep'},
	},
	slow_hop => {
		source => 'event',
		query => q{SELECT window_start, window_end, grp, count(*) AS n
			FROM %s, trending.hop(at, slide => '30 seconds', size => '5 minutes') GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{backfill => 'open', idle_timeout => '1 day', allowed_lateness => '5 minutes'},
	},
	quick_cumulate => {
		source => 'event',
		query => q{SELECT window_start, window_end, grp, count(*) FILTER (WHERE mod(id, 3) <> 0) AS n
			FROM %s, trending.cumulate(at, '1 minute', '7 minutes') WHERE quick GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{backfill => 'open', idle_timeout => '1 day', allowed_lateness => '2 minutes'},
	},
	delayed_hop => {
		source => 'event',
		query => q{SELECT window_start, window_end, grp, count(*) AS n
			FROM %s, trending.hop(at, slide => '40 seconds', size => '100 seconds') WHERE quick GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{backfill => 'open', watermark_delay => '90 seconds', allowed_lateness => '30 seconds', idle_timeout => '1 second'},
		kept => 5,
	},
	changing_tumble => {
		source => 'changing',
		query => q{SELECT window_start, window_end, grp, count(*) AS n
			FROM %s, trending.tumble(at, '2 minutes') GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{idle_timeout => '1 day', allowed_lateness => '2 minutes'},
	},
	emptied_hop => {
		source => 'emptied',
		query => q{SELECT window_start, window_end, grp, count(*) AS n
			FROM %s, trending.hop(at, slide => '1 minute', size => '10 minutes') GROUP BY 1, 2, 3 ORDER BY n DESC},
		options => q{idle_timeout => '1 day', allowed_lateness => '5 minutes'},
		kept => 0,
	},
);

sub trends { return sort keys %trends; }

sub create_trend
{
	my ($node, $name) = @_;
	my $trend = $trends{$name};
	my $limit = defined $trend->{kept} ? $trend->{kept} : 'NULL';
	my $query = sprintf $trend->{query}, $trend->{source};
	$node->safe_psql('postgres',
		"SELECT trending.create_trend('$name', \$\$ $query \$\$, history_limit => $limit, $trend->{options})");
}

sub create_load
{
	my ($node) = @_;
	$node->safe_psql(
		'postgres', q{
		CREATE EXTENSION trending;
		DO $$ BEGIN EXECUTE format('CREATE FUNCTION simulated(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
		  AS %L', format('SELECT %L::timestamptz - interval ''30 days'' + (at - %L::timestamptz) * 10', now(), now())); END $$;
		CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, grp int, at timestamptz,
		  quick bool DEFAULT true, very_late bool DEFAULT false);
		CREATE TABLE changing (LIKE event INCLUDING ALL);
		CREATE TABLE emptied (LIKE event INCLUDING ALL);
		CREATE INDEX ON event (at);
		CREATE INDEX ON changing (at);
		ALTER TABLE changing REPLICA IDENTITY FULL;
		CREATE TABLE other AS SELECT id, 0 AS n, '' AS note FROM generate_series(1, 50) id;
		CREATE VIEW event_copied AS SELECT grp, 0 AS seconds_back FROM event;
		CREATE FUNCTION copied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		  INSERT INTO event (grp, at) VALUES (NEW.grp, simulated(now()) - NEW.seconds_back * interval '1 second');
		  RETURN NEW; END $$;
		CREATE TRIGGER copied INSTEAD OF INSERT ON event_copied FOR EACH ROW EXECUTE FUNCTION copied();
		CREATE VIEW event_in_time AS SELECT * FROM event WHERE NOT very_late;
		CREATE VIEW changing_in_time AS SELECT * FROM changing;
		CREATE VIEW emptied_in_time AS SELECT * FROM emptied;
		-- Before the first event there is no clock, so nothing could be late.
		INSERT INTO event (grp, at) VALUES (1, simulated(now()));
	});
	create_trend($node, $_) for trends();
	$node->safe_psql('postgres', q{SELECT trending.sync('240 s')});
	# Until a new trend is stored a crash refills it, and its counters begin again: that is the newcomer's part.
	$node->poll_query_until('postgres', 'SELECT (SELECT count(*) FROM trending.trend_state) = (SELECT count(*) FROM trending.trend)')
	  or die 'the trends are not stored';
}

# A trend made while everything is on its way. It has the windows that were open at this moment, and later ones.
sub create_newcomer
{
	my ($node) = @_;
	$trends{newcomer} = { %{ $trends{slow_hop} } };
	$trends{newcomer}{from} = $node->safe_psql('postgres', 'SELECT max(at) FROM event_in_time');
	create_trend($node, 'newcomer');
}

# -- writers

sub start_writers
{
	my ($node, $count, $seed) = @_;
	my $stop_file = PostgreSQL::Test::Utils::tempdir() . '/stop';
	my @psql = ('psql', '-XqAt', '-v', 'ON_ERROR_STOP=0', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-f', '-');
	my @handles;
	for my $number (1 .. $count)
	{
		push @handles,
		  IPC::Run::start([ $^X, dirname(__FILE__) . '/torture_writer.pl', $number, $seed, $stop_file, @psql ],
			'<', \undef, '>', '/dev/null', '2>', '/dev/null');
	}
	return { handles => \@handles, stop_file => $stop_file };
}

# Stops them and settles what they left prepared.
sub stop_writers
{
	my ($node, $writers) = @_;
	append_to_file($writers->{stop_file}, "stop\n");
	$_->finish for @{ $writers->{handles} };
	unlink $writers->{stop_file};
	my $left = $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	$node->safe_psql('postgres', "ROLLBACK PREPARED '$_'") for split /\n/, $left;
}

# -- oracle

sub batch
{
	my ($name) = @_;
	my $trend = $trends{$name};
	my $query = sprintf $trend->{query}, "$trend->{source}_in_time";
	return "SELECT d.*, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, grp) AS rank FROM ($query) d";
}

sub differing_rows
{
	my ($node, $trend, $batch) = @_;
	return $node->safe_psql(
		'postgres', qq{
		WITH trend AS MATERIALIZED ($trend), batch AS MATERIALIZED ($batch)
		(SELECT 'only trend', * FROM (TABLE trend EXCEPT ALL TABLE batch) a)
		UNION ALL (SELECT 'only batch', * FROM (TABLE batch EXCEPT ALL TABLE trend) b)
		ORDER BY 2, 3, 4 LIMIT 10});
}

my $columns = 'window_start, window_end, grp, n, rank';

# The current window against the batch query; nobody writes. '' if equal.
sub live_differences
{
	my ($node, $name) = @_;
	$node->safe_psql('postgres', "SELECT trending.sync('240 s')");
	# The clock of an idle source may move between the two looks.
	return settled(sub {
		return differing_rows($node, "SELECT $columns FROM $name",
			"SELECT $columns FROM (" . batch($name) . ") b WHERE (window_start, window_end) = "
			  . "(SELECT s.window_start, s.window_end FROM trending.status s WHERE s.relation = '$name'::regclass)");
	});
}

# All closed windows against the batch query, as soon as they are written. '' if equal.
sub history_differences
{
	my ($node, $name) = @_;
	my $trend = $trends{$name};
	return '' if defined $trend->{kept} && $trend->{kept} == 0;
	my $which = 'true';
	$which .= " AND window_end > '$trend->{from}'" if defined $trend->{from};
	$which .= " AND rank <= $trend->{kept}" if defined $trend->{kept};
	my $closed = "window_end <= (SELECT watermark FROM trending.status WHERE relation = '$name'::regclass)";
	return settled(sub {
		return differing_rows($node, "SELECT $columns FROM ${name}_history WHERE $which",
			"SELECT $columns FROM (" . batch($name) . ") b WHERE $which AND $closed");
	});
}

# Events counted and refused, each exactly once. '' if right.
sub counter_differences
{
	my ($node, $name) = @_;
	my $where = $trends{$name}{query} =~ /WHERE quick/ ? 'quick' : 'true';
	my $found = $node->safe_psql('postgres', "SELECT events, late, refused FROM trending.status WHERE relation = '$name'::regclass");
	my $wanted = $node->safe_psql('postgres',
		"SELECT count(*) FILTER (WHERE NOT very_late), count(*) FILTER (WHERE very_late), 0 FROM event WHERE $where");
	return $found eq $wanted ? '' : "counted (events|late|refused): $found, there are $wanted";
}

# Late rows of a trend that keeps them, each exactly once. '' if right.
sub late_differences
{
	my ($node, $name) = @_;
	my $query = qq{
		WITH kept AS (SELECT ("row" ->> 'id')::bigint AS id, event_time FROM ${name}_late),
		late AS (SELECT id, at FROM event WHERE very_late AND quick)
		(SELECT 'kept', * FROM (TABLE kept EXCEPT ALL TABLE late) a)
		UNION ALL (SELECT 'missing', * FROM (TABLE late EXCEPT ALL TABLE kept) b) ORDER BY 2 LIMIT 10};
	$node->poll_query_until('postgres', "SELECT count(*) FROM ($query) d", '0');
	return $node->safe_psql('postgres', $query);
}

# An event far ahead, after which every other window is closed for good.
sub close_all_windows
{
	my ($node) = @_;
	$node->safe_psql('postgres',
		"INSERT INTO $_ (grp, at) SELECT 0, simulated(now()) + interval '2 hours'; ") for qw(event changing emptied);
	$node->safe_psql('postgres', "SELECT trending.sync('240 s')");
}

1;
