# SPDX-License-Identifier: PostgreSQL
# Readers beside writers: a scan shows whole transactions only.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('readers');
create_blog($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT generate_series(1, 10)');
sync_trends($node, 'postgres');

# Each transaction gives every one of ten posts one view, row by row.
my $script = PostgreSQL::Test::Utils::tempdir() . '/whole.sql';
append_to_file($script,
	"BEGIN;\n" . join('', map { "INSERT INTO view_events (post_id) VALUES ($_);\n" } 1 .. 10) . "COMMIT;\n");
my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-f', $script, '-T', 5, '-c', 3, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$out, '2>', \$err);

$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION torn_scans(seconds int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE torn bigint := 0; until timestamptz := clock_timestamp() + make_interval(secs => seconds); n int; distinct_views int;
	BEGIN
	  WHILE clock_timestamp() < until LOOP
	    SELECT count(*), count(DISTINCT views) INTO n, distinct_views FROM top_posts;
	    IF n <> 10 OR distinct_views <> 1 THEN torn := torn + 1; END IF;
	  END LOOP;
	  RETURN torn;
	END $$;
});
# Old rows leave the window by the second, all ten posts of a transaction together: they share now().
is($node->safe_psql('postgres', 'SELECT torn_scans(3)'), '0', 'no scan saw half a transaction');
$load->finish;
is(differences($node, 'postgres'), '', 'and all was counted in the end');

no_crash_in_log($node);
$node->stop;
done_testing();
