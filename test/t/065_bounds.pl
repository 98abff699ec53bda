# SPDX-License-Identifier: PostgreSQL
# Bounds and bad events: the trend says what it refused and stays exact for the rest; other trends do not notice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('bounds', 'trending.memory_limit' => "'16MB'");
create_blog($node, 'postgres');
my $definition = q{$$ SELECT window_start, window_end, post_id, count(*) AS views
	FROM view_events, trending.hop(viewed_at, slide => '1 second', size => '1 minute')
	GROUP BY window_start, window_end, post_id ORDER BY views DESC $$};
$node->safe_psql('postgres', "SELECT trending.create_trend('few', $definition, max_groups => 100)");
sync_trends($node, 'postgres');

# More groups than max_groups: the first hundred stay exact.
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT generate_series(1, 100)');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT generate_series(1, 5000)');
is(differences($node, 'postgres'), '', 'the unbounded trend is exact');
is( $node->safe_psql('postgres', 'SELECT count(*), min(views), max(views), max(post_id) FROM few'),
	'100|2|2|100', 'the bounded trend holds its first groups, exactly');
is( $node->safe_psql('postgres', "SELECT live_groups, refused > 0 FROM trending.status WHERE trend = 'few'"),
	'100|t', 'and says what it refused');

# More groups than memory: everybody stays exact for what is held, the server does not notice.
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT generate_series(1, 400000)');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', "SELECT refused > 0, live_groups > 50000 FROM trending.status WHERE trend = 'top_posts'"),
	't|t', 'at the memory limit new groups are refused and counted');
is($node->safe_psql('postgres', 'SELECT count(*) FROM top_posts WHERE post_id <= 100 AND views <> 3'),
	'0', 'and those it holds are exact');
is($node->safe_psql('postgres', 'SELECT count(*) FROM few WHERE views <> 3'), '0', 'also in the other trend');

# Events that cannot be placed are counted, one by one.
$node->safe_psql('postgres', q{
	CREATE TABLE odd (k int, d int, at timestamptz);
	SELECT trending.create_trend('odd_ones', $$ SELECT window_start, window_end, k, count(*) AS n
	  FROM odd, trending.tumble(at, '1 hour') WHERE 10 / d > 0 GROUP BY 1, 2, 3 ORDER BY n DESC $$,
	  allowed_lateness => '0', idle_timeout => '1 hour');
});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{
	INSERT INTO odd VALUES (1, 1, now()), (NULL, 1, now());
	INSERT INTO odd VALUES (2, 0, now()), (2, 0, now());
	INSERT INTO odd VALUES (3, 1, NULL), (3, 1, 'infinity'), (3, 1, '-infinity');
	INSERT INTO odd VALUES (4, 1, '2099-01-01');
	INSERT INTO odd VALUES (5, 1, now() - interval '1 day');
	INSERT INTO odd VALUES (1, 1, now());
});
sync_trends($node, 'postgres');
is( $node->safe_psql('postgres', q{SELECT coalesce(k::text, 'null'), n, rank FROM odd_ones ORDER BY rank}),
	"1|2|1\nnull|1|2", 'good events count, NULL is a key');
is( $node->safe_psql('postgres', q{SELECT events, failed, null_time, ahead, late FROM trending.status WHERE trend = 'odd_ones'}),
	'3|2|3|1|1', 'bad ones are counted by their reason');

# A source that changes under its trend stops that trend alone, with the reason.
$node->safe_psql('postgres', 'ALTER TABLE odd SET UNLOGGED');
$node->safe_psql('postgres', 'INSERT INTO odd VALUES (1, 1, now())');
sync_trends($node, 'postgres');
my ($status, $out, $error) = $node->psql('postgres', 'SELECT * FROM odd_ones');
isnt($status, 0, 'a trend whose source is not logged any more is stopped');
is($node->safe_psql('postgres', q{SELECT state FROM trending.status WHERE trend = 'odd_ones'}), 'stopped', 'and says so');
is($node->safe_psql('postgres', q{SELECT state FROM trending.status WHERE trend = 'few'}), 'running', 'the others run on');

# One poison commit can be skipped.
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) VALUES (1)');
sync_trends($node, 'postgres');
my $before = $node->safe_psql('postgres', 'SELECT views FROM few WHERE post_id = 1');
cmp_ok($before, '>=', 4, 'counted');
($status, $out, $error) = $node->psql('postgres', q{ALTER SYSTEM SET trending.skip_commit = 'nonsense'});
isnt($status, 0, 'skip_commit wants an LSN');

no_crash_in_log($node);
$node->stop;

# More trends than shared memory has room for: refused; and left out, where there were more before.
my $many = trending_node('many', 'trending.max_trends' => 2);
create_blog($many, 'postgres');
$many->safe_psql('postgres', "SELECT trending.create_trend('second', $definition)");
($status, $out, $error) = $many->psql('postgres', "SELECT trending.create_trend('third', $definition)");
isnt($status, 0, 'a trend too many is refused');
like($error, qr/already has 2 trends.*raise trending.max_trends/s, 'with the reason and a hint');
$many->append_conf('postgresql.conf', 'trending.max_trends = 1');
$many->restart;
wait_for_worker($many, 'postgres');
$many->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT generate_series(1, 10)');
is(differences($many, 'postgres'), '', 'with room for one the first trend is followed');
ok(log_says($many, qr/trend \d+ is not followed: this database has more than 1 trends/), 'and the log names the other');
$many->safe_psql('postgres', "SELECT trending.drop_trend('top_posts')");
ok($many->poll_query_until('postgres', "SELECT state = 'running' FROM trending.status WHERE trend = 'second'"),
	'which is followed once there is room');
no_crash_in_log($many);
$many->stop;
done_testing();
