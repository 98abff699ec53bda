# SPDX-License-Identifier: PostgreSQL
# One ranking over the trends of several servers: exact, whatever lies on which of them; and what happens when one of
# them is down, behind, slow or hostile. The servers are databases of one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
srand($seed);
my $node = trending_node('federate', max_worker_processes => 20, autovacuum => 'off', 'trending.checkpoint_interval' => '1s');
my @databases = ('north', 'south', 'east');

# Trends by every kind of order. Clocks are moved by rows alone.
my %trends = (
	counted => q{SELECT k, count(*) AS n, sum(x) AS s, max(x) AS m FROM events GROUP BY k ORDER BY n DESC},
	summed => q{SELECT k, t, sum(y) AS s, count(x) AS n FROM events GROUP BY k, t ORDER BY s DESC NULLS LAST, n, t DESC},
	lowest => q{SELECT t, sum(y) AS s FROM events GROUP BY t ORDER BY s},
	greatest => q{SELECT k, max(y) AS m, min(y) AS l FROM events GROUP BY k ORDER BY m DESC, l},
	least => q{SELECT k, min(f) AS m FROM events GROUP BY k ORDER BY m},
	latest => q{SELECT k, max(at) AS latest FROM events GROUP BY k ORDER BY latest DESC},
	keyed => q{SELECT k, count(*) AS n FROM events GROUP BY k ORDER BY k DESC},
	total => q{SELECT window_start, window_end, count(*) AS n, min(x) AS m FROM events, trending.tumble(at, '1 day') GROUP BY window_start, window_end ORDER BY n},
	windowed => q{SELECT window_start, window_end, t, count(*) AS n FROM events, trending.hop(at, slide => '10 seconds', size => '1 hour')
	              GROUP BY window_start, window_end, t ORDER BY n DESC});
for my $database (@databases, 'hub')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION trending');
	next if $database eq 'hub';
	$node->safe_psql($database, 'CREATE TABLE events (k int, t text, x int, y numeric, f float8, at timestamptz, who text)');
	$node->safe_psql($database, "SELECT trending.create_trend('$_', \$\$ $trends{$_} \$\$, idle_timeout => '1 day')") for sort keys %trends;
	$node->safe_psql(
		$database, q{
		SELECT trending.create_trend('averages', $$ SELECT k, avg(x) AS a, count(*) * 2 AS n FROM events GROUP BY k ORDER BY a DESC $$);
		SELECT trending.create_trend('parts', $$ SELECT k, t, count(*) AS n FROM events GROUP BY k, t ORDER BY n DESC $$, partition_by => '{k}');
		SELECT trending.create_trend('filtered', $$ SELECT k, count(*) AS n FROM events GROUP BY k HAVING count(*) > 1 ORDER BY n DESC $$)});
	# Some keys everywhere, some here only; NULLs; values that cancel out.
	my $part = int(rand(1000));
	$node->safe_psql(
		$database, qq{
		SELECT setseed(0.@{[int(rand(1000))]});
		INSERT INTO events
		SELECT nullif((200 * power(random(), 3))::int, 3), nullif('t' || (random() * 40)::int, 't7'), nullif((random() * 20)::int, 5),
		       nullif(round((random() * 100 - 50)::numeric, 2), 0), random(), timestamptz '2026-01-01 12:00+00' + random() * interval '1 minute', '$database'
		FROM   generate_series(1, 3000);
		INSERT INTO events SELECT 1000 + $part + n % 30, '$database', n, n, n, '2026-01-01 12:01+00' FROM generate_series(1, 200) n;
		INSERT INTO events VALUES (NULL, NULL, NULL, NULL, NULL, '2026-01-01 12:01+00')});
	sync_trends($node, $database);
}

my $port = $node->port;
my $host = $node->host;
$node->safe_psql('hub', 'CREATE EXTENSION postgres_fdw');
for my $database (@databases)
{
	$node->safe_psql(
		'hub', qq{
		CREATE SERVER $database FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$database', connect_timeout '2');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $database});
}
my $servers = "'{" . join(',', @databases) . "}'";

# All tables of the nodes, merged the plain way, against what the federated trend shows.
sub plainly
{
	my ($name, $k) = @_;
	my ($select) = $trends{$name} =~ /^SELECT (.*?) FROM /s;
	my ($order) = $trends{$name} =~ /ORDER BY (.*)$/s;
	my @names = map { /(\w+)$/ } split /,\s*/, $select;
	my @keys = grep { /^(k|t|window_start|window_end)$/ } @names;
	my @merged = map { my $n = $_; my ($f) = $select =~ /(\w+)\([^)]*\) AS $n\b/; $f = 'sum' if ($f // '') eq 'count'; $f ? "$f($n) AS $n" : $n } @names;
	my $union = join(' UNION ALL ', map { "SELECT * FROM ${name}_node$_" } 1 .. @databases);
	my $ranked = join(', ', $order, @keys);
	my $by = @keys ? 'GROUP BY ' . join(', ', @keys) : '';
	my $limit = defined $k ? "LIMIT $k" : '';
	my $plain = "SELECT " . join(', ', @merged) . " FROM ($union) u $by";
	my $list = join(', ', @names);
	return $node->safe_psql(
		'hub', qq{
		WITH plain AS (SELECT $list, row_number() OVER (ORDER BY $ranked) AS rank FROM ($plain) p ORDER BY rank $limit),
		     united AS (SELECT $list, rank FROM $name ORDER BY rank $limit)
		SELECT 'missing', p::text FROM (TABLE plain EXCEPT ALL TABLE united) p UNION ALL SELECT 'extra', u::text FROM (TABLE united EXCEPT ALL TABLE plain) u LIMIT 5});
}

for my $name (sort keys %trends)
{
	$node->safe_psql('hub', "SELECT trending.federate('$name', $servers, '$name')");
	is(plainly($name, $_), '', "the best " . ($_ // 'of all') . " of $name") for 1, 2 + int(rand(20)), 100, undef;
}
is($node->safe_psql('hub', 'SELECT count(*) FROM counted WHERE rank BETWEEN 3 AND 7'), 5, 'a range of ranks');
is($node->safe_psql('hub', 'SELECT string_agg(rank::text, $$,$$) FROM (SELECT rank FROM counted ORDER BY n DESC, k LIMIT 3 OFFSET 2) r'), '3,4,5', 'LIMIT and OFFSET in the order of the trend');
like($node->safe_psql('hub', 'EXPLAIN (COSTS OFF) SELECT * FROM counted ORDER BY n DESC LIMIT 3'), qr/^Limit\n  ->  Foreign Scan on counted\n        Limit: 3\n        Order: rank$/, 'no sort');
is($node->safe_psql('hub', 'SELECT count(*) FROM counted c, LATERAL (SELECT * FROM summed WHERE rank <= c.rank) s WHERE c.rank <= 3'), 6, 'scanned again');
is($node->safe_psql('hub', 'SELECT count(*) FROM counted WHERE rank <= 0'), 0, 'no rank');
is($node->safe_psql('hub', q{SET work_mem = '64kB'; SELECT count(*) > 2000, count(*) = max(rank), count(DISTINCT rank) = count(*) FROM summed}), 't|t|t', 'all groups, by way of the disk');
is($node->safe_psql('hub', q{SET work_mem = '64kB'; BEGIN; DECLARE c CURSOR FOR SELECT rank FROM summed; MOVE 1500 IN c; SAVEPOINT a; MOVE 1 IN c; ROLLBACK TO a; FETCH 1 FROM c; COMMIT}), 1502, 'by a cursor, too');
is($node->safe_psql('hub', q{SELECT string_agg(key || '=' || value, ' ' ORDER BY rank) FROM trending.top('counted', 2)}),
	$node->safe_psql('hub', q{SELECT string_agg(k || '=' || n, ' ' ORDER BY rank) FROM counted WHERE rank <= 2}), 'trending.top');
is($node->safe_psql('hub', q{SELECT count(*), count(value) FROM trending.top('summed', 5)}), '5|5', 'trending.top of two keys');
is($node->safe_psql('hub', q{SELECT value = extract(epoch FROM (SELECT latest FROM latest WHERE rank = 1)) FROM trending.top('latest', 1)}), 't', 'trending.top of a time');
is($node->safe_psql('hub', q{SELECT window_end - window_start FROM trending.top('windowed', 1)}), '01:00:00', 'trending.top of a window');

# Asynchronous: the scans of all nodes run at once.
like($node->safe_psql('hub', 'EXPLAIN SELECT 1, k FROM counted_node1 UNION ALL SELECT 2, k FROM counted_node2'), qr/Async Foreign Scan/, 'nodes are read at once');

# What cannot be merged; and what can when every key has its place.
sub refused
{
	my ($what, $expected, $name) = @_;
	my ($status, $out, $error) = $node->psql('hub', $what);
	like($error, $expected, $name);
}
refused("SELECT trending.federate('f', $servers, 'averages')", qr/columns of trend "averages" cannot be merged from several servers: "a", "n"/, 'averages');
refused("SELECT trending.federate('f', $servers, 'filtered')", qr/cannot be merged from several servers: "n"/, 'HAVING');
refused("SELECT trending.federate('f', $servers, 'parts')", qr/cannot be united/, 'partitions');
refused("SELECT trending.federate('f', $servers, 'nobody')", qr/server "north" has no trend "nobody"/, 'no such trend');
refused("SELECT trending.federate('f', '{nowhere}', 'counted')", qr/"nowhere" is not a server of postgres_fdw/, 'no such server');
refused("SELECT trending.federate('f', '{trending}', 'counted')", qr/"trending" is not a server of postgres_fdw/, 'not one of postgres_fdw');
refused("SELECT trending.federate('f', '{north,north}', 'counted')", qr/each once/, 'a server twice');
refused("SELECT trending.federate('f', '{}', 'counted')", qr/each once/, 'no server');
refused("SELECT trending.federate('f', NULL, 'counted')", qr/must not be NULL/, 'NULL');
refused("SELECT trending.federate('a.b.c', $servers, 'counted')", qr/is not valid/, 'a name of three parts');
refused("SELECT trending.federate('f', $servers, 'counted', patience => '-1s')", qr/is not valid/, 'negative patience');
refused("SELECT * FROM trending.top('counted', 3, at => now())", qr/neither a past nor partitions/, 'no past');
refused("SELECT trending.federation_status('events_of_nobody')", qr/does not exist/, 'no table');
refused("SELECT trending.federation_status('counted_node1')", qr/is not a federated trend/, 'the table of a node');
refused('DROP FOREIGN TABLE counted_node1', qr/cannot drop/, 'a node belongs to its federated trend');
$node->safe_psql('east', q{SELECT trending.create_trend('other', 'SELECT t AS k, count(*) AS n FROM events GROUP BY t ORDER BY n DESC')});
$node->safe_psql($_, q{SELECT trending.create_trend('other', 'SELECT k, count(*) AS n FROM events GROUP BY k ORDER BY n DESC')}) for 'north', 'south';
refused("SELECT trending.federate('f', $servers, 'other')", qr/of server "east" has other columns/, 'other columns');
is($node->safe_psql('hub', q{SELECT count(*) FROM pg_class WHERE relname ~ '^f_'}), 0, 'nothing is left of what was refused');

$node->safe_psql('hub', "SELECT trending.federate('public.averages', $servers, 'public.averages', placed => true)");
is( $node->safe_psql(
		'hub', q{
	WITH plain AS (SELECT k, a, n, row_number() OVER (ORDER BY a DESC, k) AS rank
	               FROM (TABLE averages_node1 UNION ALL TABLE averages_node2 UNION ALL TABLE averages_node3) u WHERE a IS NOT NULL)
	SELECT count(*) FROM (SELECT a FROM plain ORDER BY rank LIMIT 20) p FULL JOIN (SELECT a FROM averages WHERE a IS NOT NULL ORDER BY rank LIMIT 20) q USING (a)
	WHERE p.a IS NULL OR q.a IS NULL}), 0, 'keys in their places: the best of each are enough');

# A node that goes on to the next window is waited for. Then it is an error, or left out.
$node->safe_psql('hub', "SELECT trending.federate('partly', $servers, 'windowed', partial => true, patience => '0.2 s')");
$node->safe_psql('hub', "ALTER FOREIGN TABLE windowed OPTIONS (SET patience '0.2 s')");
$node->safe_psql('north', q{INSERT INTO events (t, at) VALUES ('t1', '2026-01-01 12:02+00')});
sync_trends($node, 'north');
refused('SELECT * FROM windowed WHERE rank <= 3', qr/servers of federated trend "public.windowed" show another window than the newest: "south", "east"/, 'behind: an error');
refused('SELECT * FROM windowed', qr/show another window/, 'behind: an error of all groups, too');
my ($status, $out, $error) = $node->psql('hub', 'SELECT count(*) FROM partly WHERE rank <= 3');
is($out, 3, 'a partial answer');
like($error, qr/missing from federated trend "public.partly", being behind: "south", "east"/, 'that says so');
is($node->safe_psql('hub', q{SELECT string_agg(server || ' ' || behind, ', ') FROM trending.federation_status('windowed')}), 'north false, south true, east true', 'the status says who is behind');
is($node->safe_psql('hub', q{SELECT count(*) FROM trending.federation_status('windowed') WHERE "position" IS NOT NULL AND watermark IS NOT NULL AND state = 'running'}), 3, 'and how far all are');
for my $database ('south', 'east')
{
	$node->safe_psql($database, q{INSERT INTO events (t, at) VALUES ('t2', '2026-01-01 12:02+00')});
	sync_trends($node, $database);
}
is(plainly('windowed', 10), '', 'when they have caught up it is exact again');

# A node that is down.
$node->safe_psql('hub', "ALTER SERVER east OPTIONS (SET dbname 'gone')");
refused('SELECT * FROM counted WHERE rank <= 3', qr/servers are missing from federated trend "public.counted": down "east"/, 'down: an error that names it');
($status, $out, $error) = $node->psql('hub', 'SELECT count(*) FROM partly WHERE rank <= 3');
is($out, 3, 'a partial answer without it');
like($error, qr/server "east" is missing from federated trend "public.partly"/, 'that says so');
like($node->safe_psql('hub', q{SELECT state || ' ' || reason FROM trending.federation_status('counted') WHERE server = 'east'}), qr/^down .*"gone" does not exist/, 'the status says why');
$node->safe_psql('hub', "ALTER SERVER $_ OPTIONS (SET dbname 'gone')") for 'north', 'south';
refused('SELECT * FROM partly', qr/no server of federated trend "public.partly" answers/, 'all of them down');
$node->safe_psql('hub', "ALTER SERVER $_ OPTIONS (SET dbname '$_')") for @databases;
is(plainly('counted', 10), '', 'and up again');
$node->safe_psql('east', 'ALTER FOREIGN TABLE least RENAME TO least_of_all');
refused('SELECT * FROM least LIMIT 1', qr/gone "east"/, 'a trend that is gone');
$node->safe_psql('east', 'ALTER FOREIGN TABLE least_of_all RENAME TO least');

# Rights. Readers read with the owner's mappings, and by the table alone.
$node->safe_psql(
	'hub', q{
	CREATE ROLE owner LOGIN; CREATE ROLE reader LOGIN; CREATE SCHEMA house AUTHORIZATION owner;
	GRANT USAGE ON FOREIGN SERVER north, south, east TO owner; GRANT USAGE ON SCHEMA house TO PUBLIC;
	GRANT SELECT ON counted TO reader});
$node->safe_psql('postgres', "CREATE ROLE remote LOGIN PASSWORD 'secret'");
sub as { my ($role, $statement) = @_; return $node->psql('hub', "SET ROLE $role; $statement") }
is((as('reader', 'SELECT count(*) FROM counted WHERE rank <= 3'))[1], 3, 'who may read the table reads it');
like((as('reader', 'SELECT * FROM counted_node1'))[2], qr/permission denied/, 'not the nodes');
like((as('reader', q{SELECT * FROM trending_internal.federated_rows(NULL::counted, 3)}))[2], qr/permission denied/, 'nor by the function beneath');
like((as('reader', q{SELECT * FROM trending.top('summed', 3)}))[2], qr/permission denied/, 'trending.top asks for the right');
like((as('reader', q{SELECT * FROM trending.federation_status('counted')}))[1], qr/down/, 'the status of nodes is for who may read them');
like((as('owner', "SELECT trending.federate('house.f', $servers, 'counted')"))[2], qr/user mapping not found/, 'without a mapping of his own');
$node->safe_psql('hub', "CREATE USER MAPPING FOR owner SERVER $_ OPTIONS (user 'remote')") for @databases;
like((as('owner', "SELECT trending.federate('house.f', $servers, 'counted')"))[2], qr/password is required/, "nobody reaches the server's own rights without a password");
like((as('reader', "SELECT trending.federate('house.f', $servers, 'counted')"))[2], qr/permission denied/, 'nor without USAGE');

# A table made by hand is its owner's statement: whoever reads it lends it no rights.
$node->safe_psql('hub', q{
	SET ROLE owner;
	CREATE FUNCTION house.peek() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN current_user; END $$;
	CREATE VIEW house.v AS SELECT house.peek() AS who, 1::bigint AS n, 1::bigint AS rank;
	CREATE FOREIGN TABLE house.trap (who text, n bigint, rank bigint) SERVER trending
	  OPTIONS (nodes '{house.v}', status_tables '{house.v}', remote '{a,b}', merging '{key,sum,rank}', ranking '2 desc first, 1 asc last', placed 'true')});
is($node->safe_psql('hub', 'SELECT who FROM house.trap'), 'owner', 'a superuser who reads it does not become its tool');
for my $bad ("ranking '9 desc first'", "ranking 'x'", "ranking ''", "merging '{key}'", "merging 'x'", "nodes 'x'", "nodes '{pg_authid,pg_authid}'",
	"nodes '{pg_authid}'", "patience 'x'", "placed 'x'", "ranking '1 desc first); DROP TABLE x; --'")
{
	my ($option) = $bad =~ /^(\w+)/;
	$node->safe_psql('hub', "SET ROLE owner; CREATE FOREIGN TABLE house.bad (who text, n bigint, rank bigint) SERVER trending
	  OPTIONS (nodes '{house.v}', status_tables '{house.v}', remote '{a,b}', merging '{key,sum,rank}', ranking '2 desc first, 1 asc last');
	  ALTER FOREIGN TABLE house.bad OPTIONS (SET $bad)") if $option !~ /patience|placed/;
	$node->safe_psql('hub', "SET ROLE owner; CREATE FOREIGN TABLE house.bad (who text, n bigint, rank bigint) SERVER trending
	  OPTIONS (nodes '{house.v}', status_tables '{house.v}', remote '{a,b}', merging '{key,sum,rank}', ranking '2 desc first, 1 asc last', $bad)") if $option =~ /patience|placed/;
	my ($status, $out, $error) = $node->psql('hub', 'SELECT * FROM house.bad WHERE rank <= 1');
	isnt($status, 0, "options that mean nothing: $bad");
	$node->safe_psql('hub', 'DROP FOREIGN TABLE house.bad');
}
like((as('owner', q{SELECT trending_internal.attach_node('counted_node1', 'house.trap')}))[2], qr/must be owner/, 'nodes of others cannot be taken');
like((as('owner', q{SELECT trending_internal.attach_node('house.trap', 'house.trap')}))[2], qr/its own node/, 'nor a table by itself');
like((as('owner', q{SELECT trending_internal.attach_node('house.v', 'house.trap')}))[2], qr/is not a foreign table/, 'nor what is none');
refused('CREATE FOREIGN TABLE x (a int) SERVER trending OPTIONS (color \'red\')', qr/invalid option "color"/, 'other options');

# Slow nodes: cancelled promptly, and nothing is left behind.
$node->safe_psql('north', q{ALTER FOREIGN TABLE counted RENAME TO counted_;
	CREATE VIEW counted AS SELECT c.* FROM counted_ c, pg_sleep(30)});
refused("SET statement_timeout = '500ms'; SELECT * FROM counted LIMIT 3", qr/canceling statement due to statement timeout/, 'cancelled');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'postgres_fdw' AND state = 'active'}), 'no query is left on a node');
$node->safe_psql('north', 'DROP VIEW counted; ALTER FOREIGN TABLE counted_ RENAME TO counted');
is(plainly('counted', 10), '', 'and then it answers again');

# Dropped, and dumped.
my $dump = $node->basedir . '/hub.sql';
$node->command_ok(['pg_dump', '-f', $dump, 'hub'], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'again'], 'restored');
is($node->safe_psql('again', 'SELECT array_agg(c::text ORDER BY rank) FROM counted c WHERE rank <= 5'),
	$node->safe_psql('hub', 'SELECT array_agg(c::text ORDER BY rank) FROM counted c WHERE rank <= 5'), 'and reads the same');
$node->safe_psql('hub', 'DROP FOREIGN TABLE counted');
is($node->safe_psql('hub', q{SELECT count(*) FROM pg_class WHERE relname ~ '^counted'}), 0, 'it takes its nodes along');

no_crash_in_log($node);
done_testing();
