# SPDX-License-Identifier: PostgreSQL
# One writer of the torture test: random transactions until it is told to stop, through whatever happens to the
# server. Started by TortureLoad.pm.
#
#   torture_writer.pl NUMBER SEED STOP_FILE PSQL_ARGUMENTS...
#
# Event times follow a simulated clock (function simulated() in the database), so that minutes of windows pass in
# seconds. A transaction that has taken too long for its events to be within the allowed lateness gives up, and
# so does a prepared one.
use strict;
use warnings;
use Time::HiRes qw(sleep);

my ($number, $seed, $stop_file, @psql) = @ARGV;
my $prepared = 0;
srand($seed * 100 + $number);

# Quick events lie up to 20 simulated seconds back; a quick transaction lasts up to four seconds of wall time.
my $at = q{simulated(now()) - random() * interval '20 seconds'};
my $group = q{nullif(floor(power(random(), 3) * 200)::int, 13)};

sub events
{
	my ($rows, $quick, $table) = @_;
	$quick //= 'true';
	$table //= 'event';
	return "INSERT INTO $table (grp, at, quick) SELECT $group, $at, $quick FROM generate_series(1, $rows);\n";
}

sub very_late
{
	my ($rows) = @_;
	return "INSERT INTO event (grp, at, quick, very_late) "
	  . "SELECT $group, simulated(now()) - interval '2 days' - random() * interval '3 days', random() < 0.5, true "
	  . "FROM generate_series(1, $rows);\n";
}

# Ends a transaction: commits if it was quick enough.
sub finish
{
	my ($commit) = @_;
	$commit //= 'COMMIT';
	return "\\set timely off\nSELECT clock_timestamp() < now() + interval '4 seconds' AS timely \\gset\n"
	  . "\\if :timely\n$commit;\n\\else\nROLLBACK;\n\\endif\n";
}

sub simple { return "BEGIN;\n" . events(1 + int rand 5) . finish(); }

sub lazy_commit { return "BEGIN; SET LOCAL synchronous_commit = off;\n" . events(1 + int rand 3) . finish(); }

sub rolled_back { return "BEGIN;\n" . events(1 + int rand 50) . "ROLLBACK;\n"; }

sub large
{
	return "BEGIN;\n" . events(2000 + int rand 15000) . very_late(1) . events(1) . finish(rand() < 0.8 ? 'COMMIT' : 'ROLLBACK');
}

sub subtransactions
{
	return "BEGIN;\n"
	  . events(2)
	  . "SAVEPOINT a;\n"
	  . events(3)
	  . "SAVEPOINT b;\n"
	  . events(4)
	  . (rand() < 0.5 ? "ROLLBACK TO b;\n" : "RELEASE b;\n")
	  . events(1)
	  . (rand() < 0.5 ? "ROLLBACK TO a;\n" : "RELEASE a;\n")
	  . events(1)
	  . finish();
}

# More subtransactions than a snapshot keeps, every third one failing.
sub many_subtransactions
{
	return "BEGIN;\nDO \$\$ BEGIN FOR i IN 1 .. 100 LOOP BEGIN\n"
	  . events(1)
	  . "PERFORM 1 / (i % 3);\nEXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END \$\$;\n"
	  . finish();
}

sub copy
{
	my $rows = '';
	my $commit = rand() < 0.9 ? 'COMMIT' : 'ROLLBACK';
	# psql takes the data as it stands, so the times are relative and a trigger turns them round.
	$rows .= int(200 * rand()**3) . "\t" . int(rand 20) . "\n" for 1 .. 1 + int rand 300;
	return "BEGIN;\nCOPY event_copied (grp, seconds_back) FROM STDIN;\n$rows\\.\n" . finish($commit);
}

sub late { return "BEGIN;\n" . very_late(1 + int rand 3) . (rand() < 0.5 ? events(2) : '') . finish(rand() < 0.9 ? 'COMMIT' : 'ROLLBACK'); }

# Left in place for any writer to resolve, but now and then.
sub prepared
{
	my $name = "w${number}_${seed}_$$" . '_' . $prepared++;
	my $script = "BEGIN;\n" . events(1 + int rand 20, 'false');
	$script .= "SAVEPOINT a;\n" . events(2, 'false') . "ROLLBACK TO a;\n" if rand() < 0.3;
	$script .= finish("PREPARE TRANSACTION '$name'");
	return $script . (rand() < 0.3 ? (rand() < 0.7 ? 'COMMIT' : 'ROLLBACK') . " PREPARED '$name';\n" : '');
}

sub resolve
{
	return q{SELECT format(CASE WHEN clock_timestamp() - prepared < interval '12 seconds' AND random() < 0.7
	           THEN 'COMMIT PREPARED %L' ELSE 'ROLLBACK PREPARED %L' END, gid)
	         FROM pg_prepared_xacts WHERE clock_timestamp() - prepared > random() * interval '8 seconds' \gexec
	};
}

sub others
{
	return "BEGIN;\nUPDATE other SET n = n + 1, note = repeat(md5(random()::text), " . int(rand 200)
	  . ") WHERE id = " . (1 + int rand 50) . ";\n" . (rand() < 0.3 ? events(1) : '') . finish(rand() < 0.9 ? 'COMMIT' : 'ROLLBACK');
}

sub catalog_changes
{
	return "BEGIN;\nSET LOCAL lock_timeout = '500ms';\nCREATE TEMP TABLE scratch ON COMMIT DROP AS SELECT 1;\n"
	  . events(2)
	  . "ALTER TABLE event ALTER COLUMN grp SET STATISTICS " . int(rand 100) . ";\n"
	  . events(2)
	  . finish(rand() < 0.7 ? 'COMMIT' : 'ROLLBACK');
}

# Rows that are changed and retracted while their windows can still be corrected.
sub changed_rows
{
	my $recent = "at > simulated(now()) - interval '20 seconds'";
	my $some = "id IN (SELECT id FROM changing WHERE $recent ORDER BY random() LIMIT 5)";
	my $script = "BEGIN;\n" . events(1 + int rand 6, 'true', 'changing');
	$script .= "UPDATE changing SET grp = $group WHERE $some;\n" if rand() < 0.5;
	$script .= "UPDATE changing SET at = $at WHERE $some;\n" if rand() < 0.3;
	$script .= "SAVEPOINT a;\nDELETE FROM changing WHERE $some;\n" if rand() < 0.5;
	$script .= "ROLLBACK TO a;\n" if $script =~ /SAVEPOINT/ && rand() < 0.3;
	return $script . finish(rand() < 0.9 ? 'COMMIT' : 'ROLLBACK');
}

sub emptied { return "BEGIN;\n" . events(1 + int rand 10, 'true', 'emptied') . finish(); }

sub truncate
{
	return "BEGIN;\nSET LOCAL lock_timeout = '1s';\nTRUNCATE emptied;\n"
	  . (rand() < 0.5 ? events(2, 'true', 'emptied') : '')
	  . finish(rand() < 0.8 ? 'COMMIT' : 'ROLLBACK');
}

my @kinds = (
	[ 30, \&simple ],         [ 6, \&lazy_commit ], [ 8, \&rolled_back ], [ 2, \&large ],
	[ 12, \&subtransactions ], [ 2, \&many_subtransactions ], [ 8, \&copy ], [ 8, \&late ],
	[ 8, \&prepared ],        [ 6, \&resolve ],     [ 15, \&others ],     [ 2, \&catalog_changes ],
	[ 20, \&changed_rows ],   [ 10, \&emptied ],    [ 1, \&truncate ]);
my $total = 0;
$total += $_->[0] for @kinds;

sub transaction
{
	my $pick = rand $total;
	for my $kind (@kinds)
	{
		return $kind->[1]->() if $pick < $kind->[0];
		$pick -= $kind->[0];
	}
	return simple();
}

$SIG{PIPE} = 'IGNORE';
# Also when the test itself was killed.
my $test = getppid();
until (-e $stop_file || getppid() != $test)
{
	my $script = "SET client_min_messages = error;\n" . join('', map { transaction() } 1 .. 15);
	open(my $psql, '|-', @psql) or die "cannot start psql: $!";
	print $psql $script;
	# Without a server there is nothing to be written for a moment.
	sleep(0.2) unless close($psql);
}
