# SPDX-License-Identifier: PostgreSQL
# What owners attach to the tables of their trends runs nowhere: what is not as it was made is not written, the
# status says why, and what waits comes later. What is kept of rows is what the trend's owner may read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('owned_tables', 'trending.checkpoint_interval' => '1s');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE m.src (k int, at timestamptz);
	SELECT trending.create_trend('m.low', $$
	  SELECT window_start, window_end, k, count(*) AS n FROM m.src, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '9000 days', history_limit => NULL, allowed_lateness => '0');
	CREATE FUNCTION m.ran() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'foreign code ran as %', current_user; RETURN 1; END $$;
	CREATE FUNCTION m.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.ran(); RETURN NEW; END $$;
	CREATE DOMAIN m.watched AS bigint CHECK (m.ran() = 1);
	CREATE TABLE m.parent (window_start timestamptz, window_end timestamptz, k int, n bigint, rank bigint, final bool NOT NULL) PARTITION BY RANGE (window_end);
	CREATE TABLE m.other (k int PRIMARY KEY);
});
sync_trends($node, 'postgres');
my $minute = 0;

sub mallory { return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', 'mallory' ]) }

# A minute whose window is closed by the next.
sub feed
{
	$node->safe_psql('postgres', "INSERT INTO m.src SELECT g % 3, timestamptz '2026-01-01 00:00:10+00' + $minute * interval '1 minute' FROM generate_series(1, 9) g");
	$minute++;
	sync_trends($node, 'postgres');
}

sub becomes
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what) or diag $node->safe_psql('postgres', 'TABLE trending.status');
}
my $complete = sub { 'SELECT count(*) = ' . 3 * ($minute - 1) . ' AND bool_and(n = 3 AND final) FROM m.low_history' };
feed(), feed();
becomes($complete->(), 'history begins');

# What stands in the way, how it is taken away, and what the status says.
my @refused = (
	[ 'a rule', 'CREATE RULE r AS ON INSERT TO m.low_history DO ALSO SELECT m.ran()', 'DROP RULE r ON m.low_history', 'rule r on table m.low_history' ],
	[ 'a trigger', 'CREATE TRIGGER t AFTER INSERT ON m.low_history FOR EACH ROW EXECUTE FUNCTION m.fired()', 'DROP TRIGGER t ON m.low_history', 'a trigger, "t"' ],
	[ 'a trigger for statements, enabled always', 'CREATE TRIGGER t BEFORE DELETE ON m.low_history EXECUTE FUNCTION m.fired(); ALTER TABLE m.low_history ENABLE ALWAYS TRIGGER t',
		'DROP TRIGGER t ON m.low_history', 'a trigger, "t"' ],
	[ 'a check', 'ALTER TABLE m.low_history ADD CONSTRAINT c CHECK (m.ran() = n) NOT VALID', 'ALTER TABLE m.low_history DROP CONSTRAINT c', 'a CHECK constraint, "c"' ],
	[ 'a foreign key', 'INSERT INTO m.other SELECT generate_series(0, 2); ALTER TABLE m.low_history ADD CONSTRAINT f FOREIGN KEY (k) REFERENCES m.other',
		'ALTER TABLE m.low_history DROP CONSTRAINT f', 'a constraint that needs triggers, "f"' ],
	[ 'a default', 'ALTER TABLE m.low_history ADD COLUMN x int DEFAULT m.ran()', 'ALTER TABLE m.low_history DROP COLUMN x', 'a further column with a default, "x"', 'ran' ],
	[ 'a domain', 'ALTER TABLE m.low_history ADD COLUMN x m.watched', 'ALTER TABLE m.low_history DROP COLUMN x', 'a further column of a domain, "x"', 'ran' ],
	[ 'a generated column', 'ALTER TABLE m.low_history ADD COLUMN x int GENERATED ALWAYS AS (m.ran()) STORED', 'ALTER TABLE m.low_history DROP COLUMN x', 'a generated column, "x"', 'ran' ],
	[ 'another type', 'ALTER TABLE m.low_history ALTER COLUMN n TYPE m.watched', 'ALTER TABLE m.low_history ALTER COLUMN n TYPE bigint', 'a column of another type, "n". It has to be of type bigint', 'ran' ],
	[ 'an index on an expression', 'CREATE INDEX CONCURRENTLY i ON m.low_history ((m.ran() + k))', 'DROP INDEX m.i', 'an index on an expression, "i"', 'ran' ],
	[ 'a partial index', 'CREATE INDEX i ON m.low_history (k) WHERE m.ran() = k', 'DROP INDEX m.i', 'a partial index, "i"', 'ran' ],
	[ 'a partition', q{ALTER TABLE m.parent ATTACH PARTITION m.low_history FOR VALUES FROM ('2020-01-01') TO ('2030-01-01')}, 'ALTER TABLE m.parent DETACH PARTITION m.low_history', 'become a partition' ],
	[ 'no logging', 'ALTER TABLE m.low_history SET UNLOGGED', 'ALTER TABLE m.low_history SET LOGGED', 'been made another kind of table' ]);
# In the worker, whose lines in the log have no name of an application. (The superuser of this test runs some himself.)
my $ran = qr/\] LOG:  foreign code ran/;
for my $case (@refused)
{
	my ($what, $attach, $detach, $reason, $runs) = @$case;
	mallory($_) for split /; /, $attach;
	my $from = -s $node->logfile;
	feed();
	becomes(qq{SELECT reason LIKE 'history waits to be written: table "low_history" has $reason%' FROM trending.status}, "$what: the status says so");
	feed();
	my $log = substr(slurp_file($node->logfile), $from);
	unlike($log, $ran, 'and nothing ran');
	mallory($detach);
	becomes($complete->(), 'later history is complete');
}
becomes(q{SELECT reason IS NULL FROM trending.status}, 'nothing is amiss any more');

# What does not matter.
my $from = -s $node->logfile;
mallory($_)
  for 'CREATE TRIGGER t BEFORE INSERT ON m.low_history FOR EACH ROW EXECUTE FUNCTION m.fired()', 'ALTER TABLE m.low_history DISABLE TRIGGER t',
  'ALTER TABLE m.low_history ADD COLUMN note text', 'CREATE INDEX ON m.low_history (n, k)', 'CREATE STATISTICS m.s ON (k + m.ran()), n FROM m.low_history',
  'ALTER TABLE m.low_history ENABLE ROW LEVEL SECURITY', 'CREATE POLICY p ON m.low_history USING (m.ran() = 1)', 'ALTER TABLE m.low_history ALTER COLUMN rank SET STATISTICS 50';
feed();
becomes($complete->(), 'history goes on beside a disabled trigger, a further column, an index, statistics, policies');
$node->restart;
wait_for_worker($node, 'postgres');
feed();
becomes($complete->(), 'also after it was read again');
unlike(substr(slurp_file($node->logfile), $from), $ran, 'without running anything');
mallory('DROP TABLE m.low_history');
feed();
becomes(q{SELECT reason = 'history is incomplete: the table was dropped' FROM trending.status}, 'a table that is gone is not waited for');
$node->safe_psql('postgres', 'DROP FOREIGN TABLE m.low');

# -- late rows
$node->safe_psql(
	'postgres', q{
	CREATE ROLE team;
	GRANT team TO mallory;
	CREATE TABLE public.secrets (id int, at timestamptz, shared text, secret text);
	GRANT SELECT (id, at) ON public.secrets TO mallory;
	GRANT SELECT (shared) ON public.secrets TO team;
	SET SESSION AUTHORIZATION mallory;
	SELECT trending.create_trend('m.late', $$
	  SELECT window_start, window_end, id, count(*) AS n FROM public.secrets, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '9000 days', late_events => 'keep');
});
sync_trends($node, 'postgres');
sub late { return $node->safe_psql('postgres', q{SELECT string_agg("row"::text, ';' ORDER BY kept_at, "row"::text) FROM m.late_late}) }
sub refuse_row { $node->safe_psql('postgres', "INSERT INTO public.secrets VALUES ($_[0])"); sync_trends($node, 'postgres') }

refuse_row(q{1, NULL, 'seen', 'xyzzy'});
becomes('SELECT count(*) = 1 FROM m.late_late', 'a late row is kept');
is(late(), '{"at": null, "id": 1, "shared": "seen"}', 'without the column that its owner may not read');
$node->safe_psql('postgres', 'REVOKE team FROM mallory');
refuse_row(q{2, NULL, 'unseen', 'xyzzy'});
becomes('SELECT count(*) = 2 FROM m.late_late', 'another one');
like(late(), qr/;\{"at": null, "id": 2\}$/, 'without one that he may not read any more');

# Rights that are lost while a row waits.
$node->safe_psql('postgres', 'GRANT team TO mallory');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE m.late_late IN ACCESS EXCLUSIVE MODE');
refuse_row(q{3, NULL, 'unseen', 'xyzzy'});
becomes('SELECT count(*) = 1 FROM trending.waiting_late', 'one waits');
is($node->safe_psql('postgres', q{SELECT "row" ~ 'unseen' FROM trending.waiting_late}), 't', 'as he may read it');
$node->safe_psql('postgres', 'REVOKE team FROM mallory');
$holder->query_safe('COMMIT');
becomes('SELECT count(*) = 3 FROM m.late_late', 'it is written');
like(late(), qr/;\{"at": null, "id": 3\}$/, 'as he may read it then');
$node->safe_psql('postgres', 'GRANT SELECT ON public.secrets TO mallory');
refuse_row(q{4, NULL, 'seen', 'plugh'});
becomes(q{SELECT count(*) = 1 FROM m.late_late WHERE "row" ->> 'secret' = 'plugh'}, 'a grant of the table is one of all columns');

# -- bounds
$node->safe_psql('postgres', q{INSERT INTO public.secrets VALUES (5, NULL, repeat('x', 17 * 1024 * 1024))});
becomes(q{SELECT reason = 'a late row was too long to be kept, and was counted only' FROM trending.status WHERE trend = 'm.late'}, 'a row that is too long');
$holder->query_safe('BEGIN; LOCK TABLE m.late_late IN ACCESS EXCLUSIVE MODE');
$node->safe_psql('postgres', q{INSERT INTO public.secrets SELECT 6, NULL, repeat('x', 1024 * 1024) FROM generate_series(1, 80)});
sync_trends($node, 'postgres');
becomes(q{SELECT sum(octet_length("row")) BETWEEN 60000000 AND 67200000 FROM trending.waiting_late}, 'no more waits than may');
$holder->query_safe('COMMIT');
$holder->quit;
becomes(q{SELECT NOT EXISTS (SELECT FROM trending.waiting_late)}, 'it is written in portions');
becomes(q{SELECT reason LIKE 'late rows were not kept: %' FROM trending.status WHERE trend = 'm.late'}, 'and the status says that some are missing');
is($node->safe_psql('postgres', q{SELECT count(*) BETWEEN 55 AND 65 FROM m.late_late WHERE "row" ->> 'id' = '6'}), 't', 'the first are there');

no_crash_in_log($node);
$node->stop;
done_testing();
