# SPDX-License-Identifier: PostgreSQL
# One row in several groups: random rows with tags, updated and deleted, while the worker and the server are killed,
# compared with queries that are written by hand. Then rows that are refused, each counted and kept once.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = trending_node('tags', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on', timezone => "'UTC'");
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE posts (id int PRIMARY KEY, at timestamptz, starts timestamp, ends timestamp, author int, score int,
	                    tags text[], scores int[], doc jsonb, title text);
	ALTER TABLE posts REPLICA IDENTITY FULL;
	CREATE SEQUENCE ids;
	CREATE TABLE clock (second float8);
	INSERT INTO clock VALUES (0);
	CREATE FUNCTION some_tags() RETURNS text[] VOLATILE LANGUAGE sql AS $$
	  SELECT CASE WHEN random() < 0.1 THEN NULL WHEN random() < 0.1 THEN '{}'
	         ELSE (SELECT array_agg(CASE WHEN random() < 0.1 THEN NULL ELSE chr(97 + (random() * random() * 9)::int) END)
	               FROM generate_series(1, 1 + (random() * 4)::int)) END $$;
	-- A transaction of random rows around a moment that moves on, and of changes to earlier ones.
	CREATE PROCEDURE churn() LANGUAGE plpgsql AS $$
	DECLARE moment timestamptz;
	BEGIN
	  UPDATE clock SET second = second + random() * 9
	  RETURNING timestamptz '2026-01-01 00:00:00+00' + second * interval '1 second' INTO moment;
	  INSERT INTO posts
	  SELECT nextval('ids'), t.at, t.at AT TIME ZONE 'UTC', t.at AT TIME ZONE 'UTC' + random() * interval '12 minutes',
	         random() * 5, random() * 100, t.tags, ARRAY[1, 2, 3],
	         jsonb_build_object('tags', coalesce(t.tags, '{}'), 'attributes', jsonb_build_object('size', (random() * 3)::int, 'color', t.tags[1])),
	         (ARRAY['red', 'red green', 'green  blue blue', '', NULL])[1 + (random() * 4)::int]
	  FROM (SELECT moment - random() ^ 3 * interval '2 minutes' AS at, some_tags() AS tags FROM generate_series(1, (random() * 12)::int)) t;
	  UPDATE posts SET tags = some_tags(), score = score + 1, title = title || ' red', ends = ends + interval '1 minute',
	                   doc = jsonb_set(doc, '{tags}', to_jsonb(ARRAY['x', 'y']))
	  WHERE id = (random() * 300)::int;
	  UPDATE posts SET at = at - interval '30 seconds' WHERE id = (random() * 300)::int;
	  DELETE FROM posts WHERE id = (random() * 300)::int;
	END $$;
	-- Commits as it goes, until it is done or the server is killed.
	CREATE PROCEDURE churn(times int) LANGUAGE plpgsql AS $$
	BEGIN
	  FOR i IN 1 .. times LOOP CALL churn(); COMMIT; END LOOP;
	END $$;
});

# Windows of an event time.
my $sliding = q{SELECT e - interval '2 minutes' AS window_start, e AS window_end
	FROM generate_series(1, 6) n, LATERAL (SELECT date_bin('20 seconds', at, 'epoch') + n * interval '20 seconds' AS e) e};
my $minute = q{SELECT date_trunc('minute', at) AS window_start, date_trunc('minute', at) + interval '1 minute' AS window_end};
my $growing = q{SELECT date_bin('10 minutes', at, 'epoch') AS window_start, e AS window_end
	FROM generate_series(1, 10) n, LATERAL (SELECT date_bin('10 minutes', at, 'epoch') + n * interval '1 minute' AS e) e WHERE e > at};

# Each trend with a query that does not say it in the same way. Nothing becomes final.
my %trends = (
	hashtags => [
		q{SELECT window_start, window_end, tag, count(*) AS n, count(DISTINCT author) AS authors, sum(score) FILTER (WHERE tag <> 'b') AS s
		  FROM posts, unnest(tags) AS tag, trending.hop(at, '20 seconds', '2 minutes')
		  WHERE author <> 3 AND (tag <> 'c' OR tag IS NULL) GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY n DESC, authors},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, authors, tag) AS rank FROM (
		     SELECT window_start, window_end, tag, count(*) AS n, count(DISTINCT author) AS authors,
		            sum(CASE WHEN tag <> 'b' THEN score END) AS s
		     FROM (SELECT p.*, p.tags[i] AS tag FROM posts p, generate_series(1, cardinality(p.tags)) i WHERE author <> 3) v, LATERAL ($sliding) w
		     WHERE tag IS DISTINCT FROM 'c' GROUP BY 1, 2, 3 HAVING count(*) > 1) g} ],
	numbered => [
		q{SELECT window_start, window_end, tag, no, count(*) AS n, min(score) AS least
		  FROM posts p LEFT JOIN LATERAL jsonb_array_elements_text(p.doc -> 'tags') WITH ORDINALITY AS t(tag, no) ON true
		  CROSS JOIN LATERAL trending.tumble(p.at, '1 minute') GROUP BY window_start, window_end, tag, no ORDER BY n DESC},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, tag, no) AS rank FROM (
		     SELECT window_start, window_end, doc -> 'tags' ->> (i - 1) AS tag, i::bigint AS no, count(*) AS n, min(score) AS least
		     FROM (SELECT p.*, generate_series(1, greatest(jsonb_array_length(doc -> 'tags'), 1)) AS i FROM posts p) q
		     CROSS JOIN LATERAL ($minute) w WHERE jsonb_array_length(doc -> 'tags') > 0 GROUP BY 1, 2, 3, 4
		     UNION ALL SELECT window_start, window_end, NULL, NULL, count(*), min(score) FROM posts, LATERAL ($minute) w
		     WHERE jsonb_array_length(doc -> 'tags') = 0 GROUP BY 1, 2) g} ],
	attributes => [
		q{SELECT window_start, window_end, a.key, a.value, count(*) AS n, avg(score) AS mean
		  FROM posts, trending.cumulate(at, '1 minute', '10 minutes'), jsonb_each_text(doc -> 'attributes') a
		  GROUP BY window_start, window_end, a.key, a.value ORDER BY n DESC},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end, key ORDER BY n DESC, value) AS rank FROM (
		     SELECT window_start, window_end, k AS key, doc -> 'attributes' ->> k AS value, count(*) AS n, avg(score) AS mean
		     FROM posts, (VALUES ('color'), ('size')) v(k), LATERAL ($growing) w GROUP BY 1, 2, 3, 4) g}, q{, partition_by => '{key}'} ],
	side_by_side => [
		q{SELECT tag, weight, count(*) AS n, max(no) AS latest FROM posts, unnest(tags, scores) WITH ORDINALITY AS u(tag, weight, no)
		  GROUP BY tag, weight ORDER BY n DESC},
		q{SELECT *, row_number() OVER (ORDER BY n DESC, tag, weight) AS rank FROM (
		    SELECT tags[i] AS tag, scores[i] AS weight, count(*) AS n, max(i)::bigint AS latest
		    FROM (SELECT p.*, generate_series(1, greatest(coalesce(cardinality(tags), 0), cardinality(scores))) AS i FROM posts p) q
		    GROUP BY 1, 2) g} ],
	busy => [
		q{SELECT window_start, window_end, author, count(*) AS n, count(DISTINCT minute) AS minutes
		  FROM posts, generate_series(starts, ends, '1 minute') AS minute, trending.tumble(minute, '5 minutes')
		  GROUP BY 1, 2, 3 ORDER BY n DESC},
		q{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, author) AS rank FROM (
		    SELECT date_bin('5 minutes', m, '2000-01-01') AS window_start, date_bin('5 minutes', m, '2000-01-01') + interval '5 minutes' AS window_end,
		           author, count(*) AS n, count(DISTINCT m) AS minutes
		    FROM (SELECT author, starts + i * interval '1 minute' AS m
		          FROM posts, generate_series(0, floor(extract(epoch FROM ends - starts) / 60)::int) i) q GROUP BY 1, 2, 3) g} ],
	runs => [
		q{SELECT window_start, window_end, word, count(*) AS n, sum(score) AS s
		  FROM posts, regexp_split_to_table(title, ' +') AS word, trending.session(at, '15 seconds')
		  WHERE word <> '' GROUP BY window_start, window_end, word ORDER BY n DESC},
		q{SELECT min(at) AS window_start, max(at) + interval '15 seconds' AS window_end, word, count(*) AS n, sum(score) AS s
		  FROM (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY word ORDER BY at) AS run
		        FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY word ORDER BY at) > interval '15 seconds', true) AS begins
		              FROM (SELECT p.*, unnest(string_to_array(regexp_replace(title, ' +', ' ', 'g'), ' ')) AS word FROM posts p) w
		              WHERE word <> '') b) r
		  GROUP BY word, run} ],
);

sub make
{
	my ($name, $query, $options) = @_;
	$node->safe_psql('postgres', qq{SELECT trending.create_trend('$name', \$\$ $query \$\$, history_limit => NULL,
		idle_timeout => '1 day', allowed_lateness => '100 days' $options)});
}

sub all_equal
{
	my ($what) = @_;
	for my $trend (sort keys %trends)
	{
		equals_batch($node, $trend, $trends{$trend}[1], what => $what, sessions => $trend eq 'runs');
	}
	all_verified($node, $what);
}

# Half of the trends follow from the beginning, the others are filled.
my @late_comers = qw(attributes busy);
for my $trend (sort keys %trends)
{
	make($trend, $trends{$trend}[0], $trends{$trend}[2] // '') unless grep { $_ eq $trend } @late_comers;
}
wait_for_worker($node, 'postgres');
feed($node, 'CALL churn()') for 1 .. 40;
make($_, $trends{$_}[0], $trends{$_}[2] // '') for @late_comers;
all_equal('at first');

for my $round (1 .. 3)
{
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start([ 'psql', '-XqAt', '-c', 'CALL churn(60)', '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$out, '2>', \$err);
	my $before = scalar_of($node, 'SELECT second FROM clock');
	$node->poll_query_until('postgres', "SELECT second > $before + 40 FROM clock") or die 'nothing is written';
	if ($round == 2) { $node->kill9 } else { kill_worker($node, 'postgres') }
	eval { $load->finish };
	start_again($node) if $round == 2;
	wait_for_worker($node, 'postgres');
	feed($node, 'CALL churn()') for 1 .. 5;
	all_equal("after the " . ($round == 2 ? 'server' : 'worker') . " was killed ($round)");
}

# A trend that is made over all of it shows the same.
make('again', $trends{hashtags}[0], '');
equals_batch($node, 'again', $trends{hashtags}[1], what => 'of a trend that is filled');

# Heat is as of now.
$node->safe_psql('postgres', q{
	CREATE TABLE lines (at timestamptz DEFAULT now(), line text);
	ALTER TABLE lines REPLICA IDENTITY FULL;
	INSERT INTO lines SELECT now() - i * interval '1 second', 'red green' FROM generate_series(1, 50) i;
	SELECT trending.create_trend('heat', $$
	  SELECT word, trending.decayed_count(at, '3 minutes') AS heat FROM lines, string_to_table(line, ' ') AS word
	  WHERE word <> 'of' GROUP BY word ORDER BY heat DESC $$);
	INSERT INTO lines SELECT now() - i * interval '2 seconds', 'blue of  green blue' FROM generate_series(1, 50) i;
	DELETE FROM lines WHERE line = 'red green' AND at < now() - interval '20 seconds'});
rows($node, q{
	SELECT t.word, t.heat, t.rank, b.* FROM heat t FULL JOIN (
	  SELECT word, sum(n * power(0.5::float8, extract(epoch FROM now() - at)::float8 / 180)) AS heat
	  FROM lines, (VALUES ('red green', 'red', 1), ('red green', 'green', 1), ('blue of  green blue', 'blue', 2),
	                      ('blue of  green blue', '', 1), ('blue of  green blue', 'green', 1)) v(line, word, n)
	  WHERE v.line = lines.line GROUP BY word) b USING (word)
	WHERE (abs(t.heat / b.heat - 1) < 1e-9) IS NOT TRUE}, '', 'the heat of words');
all_verified($node, 'at the present time', keys %trends, 'again');

# -- rows that are refused

$node->safe_psql('postgres', q{
	CREATE TABLE notes (id int PRIMARY KEY, at timestamptz, tags text[], doc jsonb);
	CREATE TABLE timed (id int PRIMARY KEY, tags text[], doc jsonb);
	SELECT trending.create_trend('noted', $$
	  SELECT window_start, window_end, tag, count(*) AS n FROM notes, unnest(tags) AS tag, trending.tumble(at, '1 minute')
	  WHERE tag <> 'unseen' GROUP BY 1, 2, 3 ORDER BY n DESC $$,
	  late_events => 'keep', allowed_lateness => '0', idle_timeout => '1 day', history_limit => NULL);
	SELECT trending.create_trend('noted_runs', $$
	  SELECT window_start, window_end, tag, count(*) AS n FROM notes, unnest(tags) AS tag, trending.session(at, '20 seconds')
	  WHERE tag <> 'unseen' GROUP BY 1, 2, 3 ORDER BY n DESC $$,
	  late_events => 'keep', allowed_lateness => '0', idle_timeout => '1 day', history_limit => NULL);
	SELECT trending.create_trend('asked', $$
	  SELECT tag, count(*) AS n FROM notes, jsonb_array_elements_text(doc) AS tag GROUP BY tag ORDER BY n DESC $$);
	SELECT trending.create_trend('times', $$
	  SELECT window_start, window_end, count(*) AS n FROM timed, unnest(tags) AS tag, trending.tumble(trending.parse_timestamptz(doc ->> tag), '1 minute')
	  GROUP BY 1, 2 ORDER BY n DESC $$,
	  late_events => 'keep', allowed_lateness => '0', idle_timeout => '1 day', history_limit => NULL)});
my $note = sub { feed($node, "INSERT INTO notes VALUES ($_[0])"); };
my $refused = sub {
	my ($trend) = @_;
	return "SELECT late, null_time, ahead, failed FROM trending.status WHERE trend = '$trend'";
};
$note->(q{1, '2026-03-01 10:00:00', '{a,b}', '[1, "x"]'});
$note->(q{2, '2026-03-01 10:05:00', '{a,b,a}', '[]'});
rows($node, $refused->($_), '0|0|0|0', "nothing is refused by $_") for qw(noted noted_runs);
$note->(q{3, '2026-03-01 10:00:10', '{a,b,c,a,unseen}', '{}'});
$note->(q{4, '2026-03-01 10:00:20', '{unseen}', NULL});
$note->(q{5, '2026-03-01 10:00:20', '{}', '1'});
$note->(q{6, NULL, '{a,b}', '["x"]'});
$note->(q{7, now() + interval '1 year', '{a,b,c}', '["x"]'});
$note->(q{8, NULL, '{unseen}', NULL});
rows($node, $refused->($_), '1|1|1|0', "a row is refused once by $_") for qw(noted noted_runs);
rows($node, $refused->('asked'), '0|0|0|2', 'rows that a function fails for');
rows($node, 'SELECT * FROM asked', "x|3|1\n1|1|2", 'count nowhere');
like(slurp_file($node->logfile), qr/could not count a row\n.*cannot extract elements from (?:a scalar|an object)/, 'and the log has the reason');
for my $trend (qw(noted noted_runs))
{
	ok($node->poll_query_until('postgres', "SELECT count(*) = 3 FROM ${trend}_late"), "refused rows of $trend are kept");
	rows($node, qq{SELECT "row" ->> 'id', reason FROM ${trend}_late ORDER BY 1},
		"3|late\n6|null time\n7|too far ahead", "each once in $trend");
	$node->safe_psql('postgres', "SELECT trending.recompute('$trend', '2026-03-01', '2026-03-01 10:05')");
	rows($node, qq{SELECT "row" ->> 'id' FROM ${trend}_late WHERE recomputed}, '3', "and is taken in by $trend");
}
rows($node, q{SELECT window_start, tag, n, rank FROM noted_history ORDER BY window_start, rank},
	"2026-03-01 10:00:00+00|a|3|1\n2026-03-01 10:00:00+00|b|2|2\n2026-03-01 10:00:00+00|c|1|3", 'in all of its groups');
rows($node, q{SELECT window_start, window_end, tag, n FROM noted_runs_history ORDER BY tag},
	"2026-03-01 10:00:00+00|2026-03-01 10:00:30+00|a|3\n2026-03-01 10:00:00+00|2026-03-01 10:00:30+00|b|2\n"
	  . '2026-03-01 10:00:10+00|2026-03-01 10:00:30+00|c|1', 'and sessions');

# Elements that have times of their own are refused for these.
my $time = sub { feed($node, "INSERT INTO timed VALUES ($_[0])"); };
$time->(q{10, '{a,b,c}', '{"a": "2026-03-01 10:00:00Z", "b": "2026-03-01 10:05:00Z"}'});
rows($node, $refused->('times'), '0|1|0|0', 'an element without a time');
$time->(q{11, '{a,b,c,d,e}', '{"a": "2026-03-01 10:00:00Z", "b": "2026-03-01 10:00:00Z", "c": "2026-03-01 10:01:00Z",
	"d": "2026-03-01 10:06:00Z", "e": "2999-01-01 00:00:00Z"}'});
rows($node, $refused->('times'), '2|1|1|0', 'two late times of one row');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 4 FROM times_late}), 'they are kept');
rows($node, q{SELECT "row" ->> 'id', event_time, reason FROM times_late ORDER BY 1, 2},
	"10||null time\n11|2026-03-01 10:00:00+00|late\n11|2026-03-01 10:01:00+00|late\n11|2999-01-01 00:00:00+00|too far ahead", 'by their times');

no_crash_in_log($node);
$node->stop;
done_testing();
