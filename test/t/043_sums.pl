# SPDX-License-Identifier: PostgreSQL
# Sums of floats and numerics are those of the rows that are left: values and digits that PostgreSQL's own have, after
# overflows, cancellation and rows retracted. The oracle is the definition, run as a query, and verify.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
srand($seed);

my $node = trending_node('sums', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
sub query { return $node->safe_psql('postgres', $_[0]) }

query(q{
	CREATE EXTENSION trending;
	CREATE TABLE src (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k text, f float8, r real, n numeric, b bigint);
	ALTER TABLE src REPLICA IDENTITY FULL;
	SELECT trending.create_trend('sums', 'SELECT k, count(*) AS c, sum(f) AS sf, avg(f) AS af, sum(r) AS sr, avg(r) AS ar,
	  sum(n) AS sn, avg(n) AS an, sum(b) AS sb, avg(b) AS ab, min(n) AS mn, max(f) AS mf FROM src GROUP BY k ORDER BY sf DESC')});
sync_trends($node, 'postgres');

sub sums
{
	my ($key, $columns) = @_;
	sync_trends($node, 'postgres');
	return query("SELECT $columns FROM sums WHERE k = '$key'");
}

# Overflows that pass, one by one and within a transaction; a total beyond all doubles, whose average is not.
query(q{INSERT INTO src (k, f) VALUES ('over', 1e308), ('over', 1e308), ('over', 1), ('over', -1e308), ('over', -1e308)});
is(sums('over', 'sf, af'), '1|0.2', 'a sum that overflows on its way is right');
query(q{INSERT INTO src (k, f) VALUES ('far', 1.5e308), ('far', 1.5e308)});
is(sums('far', 'sf, af'), 'Infinity|1.5e+308', 'a sum beyond all doubles is Infinity, its average is not');
query(q{INSERT INTO src (k, f) VALUES ('far', 5e-324), ('far', 1); DELETE FROM src WHERE k = 'far' AND f > 1e300});
is(sums('far', 'sf'), '1', 'and nothing of it stays');
query(q{DELETE FROM src WHERE k = 'far' AND f = 1});
is(sums('far', 'sf'), '5e-324', 'not even beside the least double');

# NaN, both infinities, real's own overflow.
query(q{INSERT INTO src (k, f, r, n) VALUES ('odd', 'NaN', 3e38, 'NaN'), ('odd', 'Infinity', 3e38, '-Infinity'), ('odd', 2, 1, 2.50)});
is(sums('odd', 'sf, sr, sn'), 'NaN|Infinity|NaN', 'specials decide');
query(q{DELETE FROM src WHERE k = 'odd' AND f <> 2});
is(sums('odd', 'sf, sr, sn, an'), '2|1|2.50|2.5000000000000000', 'until they go');

# Small sums of large addends; the order does not matter.
query(q{INSERT INTO src (k, f) VALUES ('near', 0.1), ('near', 0.2), ('near', -0.3), ('near', 1e17), ('near', -1e17)});
is(sums('near', 'sf'), '2.7755575615628914e-17', 'cancellation leaves the exact rest');
query(q{DELETE FROM src WHERE k = 'over'});  # PostgreSQL's own sum raises an error
is(query(q{SELECT * FROM trending.verify('sums')}), '', 'verify measures by what was added');

# Digits: the greatest scale that is left, in min and max of other columns too.
query(q{INSERT INTO src (k, n) VALUES ('digits', 0.5), ('digits', 0.1250), ('digits', 1e-30), ('digits', 7)});
query(q{DELETE FROM src WHERE k = 'digits' AND n = 1e-30});
is(sums('digits', 'sn, an'), query(q{SELECT sum(n), avg(n) FROM src WHERE k = 'digits'}), 'digits of a row retracted are gone');
query(q{UPDATE src SET n = 1.5 WHERE k = 'digits' AND n = 0.1250});
is(sums('digits', 'sn, an'), query(q{SELECT sum(n), avg(n) FROM src WHERE k = 'digits'}), 'those of an old version, too');

# At random. Of floats few kinds in a group, so that three doubles hold their sum.
sub value { my ($kind) = @_; return (-1) ** int(rand 2) * ($kind == 0 ? int(rand 1e6) / 100 : $kind == 1 ? rand() * 10 ** int(rand 20) : (1e308, 1)[rand 2]) }
sub numeric { return rand() < 0.05 ? ('NaN', 'Infinity', '-Infinity')[rand 3] : sprintf('%.*f', int(rand 7), rand(1000) - 500) }
sub row { my $g = int(rand 6); return sprintf("('r%d', %s, %s, '%s', %d)", $g, value($g % 3), value(0), numeric(), rand(2 ** 62) - 2 ** 61) }
for my $round (1 .. 12)
{
	my @work = map {
		my $dice = rand;
		$dice < 0.5 ? 'INSERT INTO src (k, f, r, n, b) VALUES ' . join(', ', map { row() } 0 .. rand 20)
		  : $dice < 0.75 ? "DELETE FROM src WHERE k LIKE 'r%' AND id % 7 = " . int(rand 7)
		  : "UPDATE src SET n = '" . numeric() . "', b = " . int(rand 1e9) . ", r = 0.5 WHERE k LIKE 'r%' AND id % 5 = " . int(rand 5)
	} 1 .. 12;
	query(join(';', $round % 2 ? ('BEGIN', @work, 'COMMIT') : @work));
	kill_worker($node, 'postgres', 'TERM') if $round == 8;
	wait_for_worker($node, 'postgres');
	sync_trends($node, 'postgres');
	is( query(q{SELECT k, sn, an, sb, ab, c FROM sums WHERE k LIKE 'r%' ORDER BY k}),
		query(q{SELECT k, sum(n), avg(n), sum(b), avg(b), count(*) FROM src WHERE k LIKE 'r%' GROUP BY k ORDER BY k}),
		"round $round: numerics with their digits");
	# The exact sum, by numerics; 1e308 is not exactly that.
	is( query(q{SELECT k FROM sums s JOIN (SELECT k, sum(f::numeric) AS e, sum(abs(f)::numeric) AS a FROM src WHERE k LIKE 'r%' GROUP BY k) d USING (k)
		WHERE NOT coalesce(CASE WHEN abs(e) >= 1.8e308 THEN isinf WHEN isinf THEN false ELSE abs(sf::numeric - e) <= a * 1e-14 END, e IS NULL)}
		  =~ s/isinf/abs(sf) = 'Infinity'/gr),
		'', "round $round: floats");
}

no_crash_in_log($node);
$node->stop;
done_testing();
