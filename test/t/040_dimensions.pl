# SPDX-License-Identifier: PostgreSQL
# Joined tables: random events, and random changes of what they are joined to, while the worker and the server are killed,
# compared with queries that are written by hand. Then what is not a change of rows, rights, final windows, and what is
# refused.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = trending_node('dimensions', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on', timezone => "'UTC'");
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE events (id int PRIMARY KEY, at timestamptz, post int, kind text, size int);
	ALTER TABLE events REPLICA IDENTITY FULL;
	CREATE TABLE posts (id bigint PRIMARY KEY, category text, author int, published bool, price numeric, body text);
	ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;
	CREATE TABLE authors (id int, region text, country text, banned bool, UNIQUE (region, id)) PARTITION BY LIST (region);
	CREATE TABLE authors_a PARTITION OF authors FOR VALUES IN ('a');
	CREATE TABLE authors_b PARTITION OF authors FOR VALUES IN ('s', 'x');
	ALTER TABLE authors_a REPLICA IDENTITY FULL;
	ALTER TABLE authors_b REPLICA IDENTITY FULL;
	CREATE TABLE kinds (name text PRIMARY KEY, points int, least int);
	INSERT INTO kinds VALUES ('view', 1, 2), ('like', 5, 3), ('buy', NULL, 1);
	CREATE SEQUENCE ids;
	CREATE TABLE clock (second float8);
	INSERT INTO clock VALUES (0);
	CREATE FUNCTION some_post() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT CASE WHEN random() < 0.05 THEN NULL ELSE (random() * random() * 40)::int END';
	CREATE FUNCTION some_category() RETURNS text VOLATILE LANGUAGE sql AS 'SELECT (ARRAY[$$news$$, $$sport$$, $$art$$, NULL])[1 + (random() * 3)::int]';
	-- A transaction of random events around a moment that moves on, and of changes on all sides.
	CREATE PROCEDURE churn() LANGUAGE plpgsql AS $$
	DECLARE moment timestamptz;
	BEGIN
	  UPDATE clock SET second = second + random() * 9
	  RETURNING timestamptz '2026-01-01 00:00:00+00' + second * interval '1 second' INTO moment;
	  IF random() < 0.9 THEN
	    INSERT INTO events SELECT nextval('ids'), moment - random() ^ 3 * interval '2 minutes', some_post(),
	      (ARRAY['view', 'view', 'like', 'buy', 'none'])[1 + (random() * 4)::int], random() * 100 FROM generate_series(1, (random() * 12)::int);
	    UPDATE events SET post = some_post(), size = size + 1 WHERE id = (random() * 300)::int;
	    UPDATE events SET at = at - interval '30 seconds' WHERE id = (random() * 300)::int;
	    DELETE FROM events WHERE id = (random() * 300)::int;
	  END IF;
	  IF random() < 0.6 THEN
	    INSERT INTO posts SELECT coalesce(some_post(), 1), some_category(), random() * 9, random() < 0.8, random(), repeat('x', 3000 + (random() * 5)::int)
	    WHERE some_post() IS NOT NULL ON CONFLICT (id) DO UPDATE SET category = excluded.category, author = excluded.author;
	  END IF;
	  IF random() < 0.5 THEN UPDATE posts SET published = NOT published, price = price + 1 WHERE id = some_post(); END IF;
	  IF random() < 0.3 THEN UPDATE posts SET category = some_category(), author = random() * 9 WHERE id % 7 = (random() * 6)::int; END IF;
	  IF random() < 0.2 THEN DELETE FROM posts WHERE id = some_post(); END IF;
	  IF random() < 0.2 THEN UPDATE posts SET id = id + 100 WHERE id = some_post() AND id < 100 AND NOT EXISTS (SELECT FROM posts p WHERE p.id = posts.id + 100); END IF;
	  IF random() < 0.2 THEN UPDATE posts SET id = id - 100 WHERE id > 100 AND NOT EXISTS (SELECT FROM posts p WHERE p.id = posts.id - 100); END IF;
	  IF random() < 0.5 THEN
	    INSERT INTO authors VALUES ((random() * 9)::int, (ARRAY['a', 's', 'x'])[1 + (random() * 2)::int], (ARRAY['de', 'fr', 'pl'])[1 + (random() * 2)::int], random() < 0.2)
	    ON CONFLICT (region, id) DO UPDATE SET country = excluded.country, banned = excluded.banned;
	  END IF;
	  IF random() < 0.2 THEN UPDATE authors SET region = (ARRAY['a', 's', 'x'])[1 + (random() * 2)::int] WHERE id = (random() * 9)::int
	    AND NOT EXISTS (SELECT FROM authors a WHERE a.id = authors.id AND a.region <> authors.region); END IF;
	  IF random() < 0.1 THEN DELETE FROM authors WHERE id = (random() * 9)::int; END IF;
	  IF random() < 0.1 THEN UPDATE kinds SET points = (random() * 9)::int, least = (random() * 4)::int; END IF;
	  IF random() < 0.1 THEN DELETE FROM kinds WHERE name = 'like'; END IF;
	  IF random() < 0.2 THEN INSERT INTO kinds VALUES ('like', 7, 2) ON CONFLICT DO NOTHING; END IF;
	  IF random() < 0.05 THEN
	    BEGIN
	      UPDATE posts SET category = 'gone'; INSERT INTO events VALUES (-1, moment, 1, 'view', 1); RAISE EXCEPTION 'x';
	    EXCEPTION WHEN raise_exception THEN NULL; END;
	  END IF;
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
	by_category => [
		q{SELECT window_start, window_end, p.category, count(*) AS n, sum(e.size) AS s
		  FROM events e JOIN posts p ON p.id = e.post, trending.hop(e.at, '20 seconds', '2 minutes')
		  GROUP BY window_start, window_end, p.category ORDER BY n DESC},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, category) AS rank FROM (
		     SELECT window_start, window_end, category, count(*) AS n, sum(size) AS s
		     FROM (SELECT e.*, (SELECT category FROM posts WHERE id = e.post) AS category FROM events e
		           WHERE EXISTS (SELECT FROM posts WHERE id = e.post)) v, LATERAL ($sliding) w GROUP BY 1, 2, 3) g} ],
	published => [
		q{SELECT window_start, window_end, p.category, count(*) AS n, count(DISTINCT e.post) AS posts, avg(p.price) AS price,
		         max(p.price) AS dearest, count(*) FILTER (WHERE p.price > 2) AS dear
		  FROM events e LEFT JOIN posts p ON e.post = p.id CROSS JOIN LATERAL trending.tumble(e.at, '1 minute')
		  WHERE e.kind <> 'like' AND (p.published OR p.published IS NULL) GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY n DESC, posts},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, posts, category) AS rank FROM (
		     SELECT window_start, window_end, category, count(*) AS n, count(DISTINCT post) AS posts, avg(price) AS price,
		            max(price) AS dearest, sum((price > 2)::int) FILTER (WHERE price > 2) AS dear0, count(CASE WHEN price > 2 THEN 1 END) AS dear
		     FROM (SELECT e.*, p.category, p.price FROM posts p RIGHT JOIN events e ON e.post = p.id
		           WHERE e.kind <> 'like' AND p.published IS NOT FALSE) v, LATERAL ($minute) w GROUP BY 1, 2, 3 HAVING count(*) > 1) g} ],
	chain => [
		q{SELECT window_start, window_end, a.country, k.points, count(*) AS n, sum(k.points * e.size) AS s, min(e.size) AS least
		  FROM events e JOIN posts p ON p.id = e.post LEFT JOIN authors a ON a.id = p.author AND a.region = substr(p.category, 1, 1)
		  JOIN kinds k ON k.name = e.kind AND k.least > 1, trending.cumulate(e.at, '1 minute', '10 minutes')
		  WHERE a.banned IS NOT TRUE GROUP BY window_start, window_end, a.country, k.points ORDER BY s DESC NULLS LAST, n DESC},
		qq{SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY s DESC NULLS LAST, n DESC, country, points) AS rank FROM (
		     SELECT window_start, window_end, country, points, count(*) AS n, sum(points * size) AS s, min(size) AS least
		     FROM (SELECT e.*, k.points, (SELECT country FROM authors a WHERE a.id = p.author AND a.region = substr(p.category, 1, 1)) AS country,
		                  (SELECT banned FROM authors a WHERE a.id = p.author AND a.region = substr(p.category, 1, 1)) AS banned
		           FROM events e, posts p, kinds k WHERE p.id = e.post AND k.name = e.kind AND k.least > 1) v, LATERAL ($growing) w
		     WHERE banned IS NOT TRUE GROUP BY 1, 2, 3, 4) g} ],
	bodies => [
		q{SELECT length(p.body) AS length, p.category, count(*) AS n, trending.last(e.size, e.at) AS newest FROM events e JOIN posts p ON p.id = e.post
		  GROUP BY length(p.body), p.category ORDER BY n DESC},
		q{SELECT *, row_number() OVER (ORDER BY n DESC, length, category) AS rank FROM (
		    SELECT length(body) AS length, category, count(*) AS n, (array_agg(size ORDER BY at DESC, size DESC))[1] AS newest
		    FROM events e, posts p WHERE p.id = e.post GROUP BY 1, 2) g} ],
);
$trends{published}[1] =~ s/ sum\(\(price > 2\)::int\) FILTER \(WHERE price > 2\) AS dear0,//;

sub make
{
	my ($name, $query, $options) = @_;
	$node->safe_psql('postgres', qq{SELECT trending.create_trend('$name', \$\$ $query \$\$, history_limit => NULL,
		idle_timeout => '1 day', allowed_lateness => '100 days' $options)});
}

sub all_equal
{
	my ($what, %options) = @_;
	for my $trend (sort keys %trends)
	{
		equals_batch($node, $trend, $trends{$trend}[1], what => $what);
	}
	all_verified($node, $what) unless $options{unverified};
}

# Half of the trends follow from the beginning, the others are filled.
my @late_comers = qw(chain published);
for my $trend (sort keys %trends)
{
	make($trend, $trends{$trend}[0], '') unless grep { $_ eq $trend } @late_comers;
}
wait_for_worker($node, 'postgres');
feed($node, 'CALL churn()') for 1 .. 40;
make($_, $trends{$_}[0], '') for @late_comers;
all_equal('at first');
rows($node, 'SELECT count(*) > 0 FROM chain_history', 't', 'there is something to compare');

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

# Trends that are filled beside writers of all tables, whose transactions overlap.
$node->safe_psql('postgres', q{
	CREATE PROCEDURE burst() LANGUAGE plpgsql AS $$
	DECLARE moment timestamptz := timestamptz '2026-01-01 00:00:00+00' + (SELECT second FROM clock) * interval '1 second';
	BEGIN
	  INSERT INTO events SELECT nextval('ids'), moment - random() ^ 3 * interval '2 minutes', some_post(),
	    (ARRAY['view', 'like', 'buy'])[1 + (random() * 2)::int], random() * 100 FROM generate_series(1, 3);
	  IF random() < 0.5 THEN UPDATE posts SET category = some_category(), author = random() * 9 WHERE id = some_post(); END IF;
	  IF random() < 0.1 THEN DELETE FROM posts WHERE id = some_post(); END IF;
	  IF random() < 0.3 THEN
	    INSERT INTO posts VALUES ((random() * 40)::int, some_category(), random() * 9, true, 1, 'x') ON CONFLICT (id) DO UPDATE SET category = excluded.category;
	  END IF;
	  UPDATE authors SET country = (ARRAY['de', 'fr', 'pl'])[1 + (random() * 2)::int] WHERE id = (random() * 9)::int;
	  PERFORM pg_sleep(random() * 0.01);
	  DELETE FROM events WHERE id = (random() * 1000)::int;
	EXCEPTION WHEN deadlock_detected OR unique_violation THEN NULL;
	END $$});
append_to_file($node->basedir . '/burst.sql', "CALL burst();\n");
my ($bursts, $trouble) = ('', '');
my $writers = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '4', '-f', $node->basedir . '/burst.sql', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$bursts, '2>', \$trouble);
for my $trend (qw(chain by_category published))
{
	$node->poll_query_until('postgres', 'SELECT count(*) > ' . scalar_of($node, 'SELECT count(*) + 200 FROM events') . ' FROM events') or die 'nobody writes';
	make("${trend}_beside", $trends{$trend}[0], '');
}
$writers->finish or die $trouble;
equals_batch($node, "${_}_beside", $trends{$_}[1], what => 'filled beside writers') for qw(chain by_category published);
all_equal('beside writers');
rows($node, "SELECT count(*) > 30, count(DISTINCT n) > 2 FROM ${_}_history", 't|t', "$_ has something to compare") for qw(by_category published);
$node->safe_psql('postgres', "SELECT trending.drop_trend('${_}_beside')") for qw(chain by_category published);

# A row moves between two states within a transaction.
feed($node, q{UPDATE posts SET category = 'x'; UPDATE posts SET category = 'y'; CALL churn(); UPDATE posts SET category = 'sport' WHERE id < 5});
all_equal('after several changes in a transaction');
for my $change (
	[ 'TRUNCATE', 'TRUNCATE posts; INSERT INTO posts SELECT i, $$art$$, i % 9, true, i FROM generate_series(1, 30) i' ],
	[ 'columns renamed', 'ALTER TABLE posts RENAME category TO topic; ALTER TABLE authors RENAME COLUMN country TO land; UPDATE posts SET topic = $$new$$ WHERE id = 3;
	   ALTER TABLE posts RENAME topic TO category; UPDATE authors SET land = $$it$$ WHERE id < 4; ALTER TABLE authors RENAME land TO country' ],
	[ 'a partition attached', q{CREATE TABLE authors_n (extra int, banned bool, country text, id int NOT NULL, region text NOT NULL, UNIQUE (region, id));
	   ALTER TABLE authors_n DROP extra; INSERT INTO authors_n VALUES (true, 'no', 1, 'n'), (false, 'se', 2, 'n'); ALTER TABLE authors_n REPLICA IDENTITY FULL;
	   ALTER TABLE authors ATTACH PARTITION authors_n FOR VALUES IN ('n')} ],
	[ 'a row in it', q{UPDATE authors SET country = 'dk' WHERE region = 'n'; INSERT INTO authors VALUES (3, 'n', 'fi', false)} ],
	[ 'it is detached', 'ALTER TABLE authors DETACH PARTITION authors_n' ],
	[ 'a rewrite', 'CLUSTER posts USING posts_pkey' ],
	[ 'a column added', 'ALTER TABLE posts ADD COLUMN extra int DEFAULT 3; UPDATE posts SET category = $$late$$ WHERE id = 4' ])
{
	feed($node, $change->[1]);
	feed($node, 'CALL churn()');
	all_equal("after $change->[0]", unverified => 1);
}
make('again', $trends{chain}[0], '');
equals_batch($node, 'again', $trends{chain}[1], what => 'of a trend that is filled');

like(slurp_file($node->logfile), qr/A joined table was truncated/, 'and TRUNCATE refills');

# -- windows that are final

$node->safe_psql('postgres', q{
	CREATE TABLE sales (id int PRIMARY KEY, at timestamptz, item int);
	CREATE TABLE items (id int PRIMARY KEY, name text);
	INSERT INTO sales VALUES (1, '2026-02-28 10:00', 1), (2, '2026-02-28 10:01', 2);
	INSERT INTO items VALUES (1, 'one'), (2, 'two');
	SELECT trending.create_trend('shelf', $$
	  SELECT window_start, window_end, name, count(*) AS n FROM sales LEFT JOIN items ON items.id = item, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC $$, allowed_lateness => '0', idle_timeout => '1 day', history_limit => NULL, late_events => 'keep')});
soon($node, q{SELECT count(*) = 1 FROM shelf_history}, 'the window that had closed is filled back');
my $sale = sub { feed($node, "INSERT INTO sales SELECT $_[0] + i, '2026-03-01 $_[1]', $_[2] FROM generate_series(1, $_[3]) i") };
my $history = q{SELECT window_start::time, name, n FROM shelf_history WHERE window_start > '2026-03-01' ORDER BY 1, rank};
$sale->(10, '10:00:10', 1, 2);
$sale->(20, '10:00:20', 3, 1);
rows($node, 'SELECT name, n FROM shelf', "one|2\n|1", 'a window that is open');
feed($node, q{UPDATE items SET name = 'uno' WHERE id = 1; INSERT INTO items VALUES (3, 'drei')});
rows($node, 'SELECT name, n FROM shelf', "uno|2\ndrei|1", 'follows');
$sale->(30, '10:01:30', 2, 1);
feed($node, q{UPDATE items SET name = 'eins' WHERE id = 1; DELETE FROM items WHERE id = 3});
soon($node, "SELECT count(*) = 2 FROM ($history) h", 'one that is final');
rows($node, $history, "10:00:00|uno|2\n10:00:00|drei|1", 'keeps what it had');
rows($node, q{SELECT window_start::date, name, n FROM shelf_history WHERE window_start < '2026-03-01' ORDER BY window_start},
	"2026-02-28|one|1\n2026-02-28|two|1", 'and so do those that were filled back');
all_verified($node, 'with windows that are final', keys %trends, 'again');
$sale->(40, '10:00:40', 1, 1);
rows($node, q{SELECT late FROM trending.status WHERE trend = 'shelf'}, '1', 'a row that is late');
feed($node, q{UPDATE items SET name = 'ein' WHERE id = 1; UPDATE items SET name = 'deux' WHERE id = 2});
rows($node, 'SELECT name, n FROM shelf', 'deux|1', 'does not move');
$sale->(50, '10:03:10', 99, 1);
rows($node, 'SELECT name, n FROM shelf', '|1', 'a row without a partner moves the clock');
$node->safe_psql('postgres', "SELECT trending.recompute('shelf', '2026-03-01', '2026-03-01 10:01')");
rows($node, "$history LIMIT 2", "10:00:00|ein|3\n10:00:00||1", 'recompute takes what they are now');

# -- what stops one trend alone

my $state = q{SELECT state, reason FROM trending.status WHERE trend = 'shelf'};
for my $case (
	[ 'ALTER TABLE items DROP CONSTRAINT items_pkey', 'ALTER TABLE items ADD PRIMARY KEY (id)', 'not joined by a unique key' ],
	[ 'ALTER TABLE items REPLICA IDENTITY NOTHING', 'ALTER TABLE items REPLICA IDENTITY DEFAULT', 'changes of "items" cannot be followed|replica identity' ],
	[ 'ALTER TABLE items SET UNLOGGED', 'ALTER TABLE items SET LOGGED', 'unlogged' ])
{
	my ($spoil, $mend, $reason) = @$case;
	feed($node, $spoil);
	soon($node, "SELECT state = 'stopped' AND reason ~ '$reason' FROM trending.status WHERE trend = 'shelf'", $spoil);
	feed($node, $mend . q{; UPDATE items SET name = name || '.' WHERE id = 1});
	soon($node, "SELECT state = 'running' FROM trending.status WHERE trend = 'shelf'", "and $mend");
}
$sale->(60, '10:03:20', 1, 1);
rows($node, 'SELECT name, n FROM shelf', "ein...|1\n|1", 'it goes on');
$node->safe_psql('postgres', q{CREATE ROLE joiner; GRANT CREATE, USAGE ON SCHEMA public TO joiner; GRANT SELECT ON sales TO joiner;
	GRANT SELECT (id, name) ON items TO joiner; SET ROLE joiner;
	SELECT trending.create_trend('his', 'SELECT name, count(*) AS n FROM sales JOIN items ON items.id = item GROUP BY name ORDER BY n DESC')});
rows($node, 'SELECT * FROM his ORDER BY name COLLATE "C"', "deux|2|2\nein...|5|1", 'columns that may be read suffice');
$node->safe_psql('postgres', 'REVOKE SELECT (name) ON items FROM joiner');
soon($node, q{SELECT state = 'stopped' AND reason ~ 'may no longer read "items"' FROM trending.status WHERE trend = 'his'}, 'a right that is withdrawn');
$node->safe_psql('postgres', 'GRANT SELECT (name) ON items TO joiner');
soon($node, q{SELECT state = 'running' FROM trending.status WHERE trend = 'his'}, 'and given back');
all_verified($node, 'beside it', 'his');
$node->safe_psql('postgres', 'DROP TABLE items CASCADE');
rows($node, q{SELECT string_agg(trend::text, ' ' ORDER BY trend::text) FROM trending.status WHERE state = 'running'},
	'again bodies by_category chain published', 'a joined table that is dropped takes along its trends alone');

# -- memory

$node->safe_psql('postgres', q{ALTER SYSTEM SET trending.memory_limit = '16MB'; SELECT pg_reload_conf();
	CREATE TABLE wide (id int PRIMARY KEY, pad text); INSERT INTO wide SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 30000) i;
	CREATE TABLE narrow (id int PRIMARY KEY, pad text);
	SELECT trending.create_trend('too_wide', 'SELECT pad, count(*) FROM sales JOIN wide ON wide.id = item GROUP BY pad ORDER BY 2 DESC');
	SELECT trending.create_trend('too_many', 'SELECT pad, count(*) FROM sales LEFT JOIN narrow ON narrow.id = item GROUP BY pad ORDER BY 2 DESC')});
soon($node, q{SELECT state = 'stopped' AND reason ~ 'joined tables take more than trending.memory_limit' FROM trending.status WHERE trend = 'too_wide'},
	'joined tables that do not fit');
feed($node, 'INSERT INTO sales SELECT 1000 + i, now(), i FROM generate_series(1, 100000) i');
soon($node, q{SELECT state = 'stopped' AND reason ~ 'takes more than trending.memory_limit' FROM trending.status WHERE trend = 'too_many'},
	'rows that do not fit');
rows($node, q{SELECT count(*) FROM trending.status WHERE state = 'running'}, '5', 'stop these trends alone');

no_crash_in_log($node);
$node->stop;
done_testing();
