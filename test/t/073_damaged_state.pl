# SPDX-License-Identifier: PostgreSQL
# What is stored is input: random damage to every table of state, by a superuser's hand, then a new worker. It never
# crashes, never goes round in circles, and every trend equals its definition afterwards; what is lost of rows that
# waited is said.
#
# DAMAGES=10000 for more of them, at random; SEED=n for the same again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use TrendingTest;

my $damages = $ENV{DAMAGES} || 150;
my $seed = random_seed();
my $node = trending_node('damaged', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on', fsync => 'off',
	timezone => "'UTC'");
$node->safe_psql('postgres', 'CREATE EXTENSION trending');

# -- sources and trends of all kinds; times are given, so nothing moves by itself

$node->safe_psql('postgres', q{
	CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
	-- Rows of the first may be retracted, those of the second may not.
	CREATE TABLE changing (at timestamptz, k int, t text, n numeric, m mood, u uuid, f float8, x int, b bool);
	ALTER TABLE changing REPLICA IDENTITY FULL;
	CREATE TABLE growing (LIKE changing) PARTITION BY RANGE (k);
	CREATE TABLE growing_1 PARTITION OF growing FOR VALUES FROM (0) TO (4);
	CREATE TABLE growing_2 PARTITION OF growing DEFAULT;
	CREATE TABLE stuck (LIKE changing);
	CREATE FUNCTION add_rows(source regclass, first_minute int, minutes int) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
	  EXECUTE format('INSERT INTO %s SELECT timestamptz ''2024-01-01 00:00+00'' + $1 * interval ''1 minute'' + g * interval ''7 s'',
	    g %% 7, CASE WHEN g %% 11 = 0 THEN NULL ELSE repeat(chr(97 + g %% 5), 1 + g %% 40) END, (g %% 13) * 1.25,
	    (enum_range(NULL::mood))[1 + g %% 3], md5((g %% 4)::text)::uuid, (g %% 17)::float8, g %% 19, g %% 6 <> 0
	    FROM generate_series(0, $2 * 60 / 7 - 1) g', source) USING first_minute, minutes;
	END $$;
	SELECT add_rows('changing', 0, 30), add_rows('growing', 0, 30), add_rows('stuck', 0, 30);
	CREATE TABLE trend (name text, source text, query text, columns text, definition text, options text);
	INSERT INTO trend (name, source, query, columns) VALUES
	  ('counting', 'changing', 'SELECT window_start, window_end, k, count(*) AS c FROM %s, trending.hop(at, ''5 min'', ''20 min'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('texts', 'growing', 'SELECT window_start, window_end, t, count(*) AS c, sum(n) AS s, avg(f) AS a, min(x) AS least, max(n) AS most FROM %s, trending.tumble(at, ''4 min'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('moods', 'changing', 'SELECT window_start, window_end, m, u, count(DISTINCT t) AS c, max(t) AS most, min(n) AS least FROM %s, trending.tumble(at, ''6 min'') GROUP BY 1, 2, 3, 4 ORDER BY c DESC', NULL),
	  ('sketches', 'growing', 'SELECT window_start, window_end, n::text AS n, trending.approx_count_distinct(t) AS c, sum(x) AS s FROM %s, trending.hop(at, ''3 min'', ''9 min'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('picked', 'growing', 'SELECT window_start, window_end, k, count(*) AS c, trending.first(t, at) AS first, trending.last(u, at) AS last, max(t) AS most FROM %s, trending.cumulate(at, ''2 min'', ''10 min'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('combined', 'growing', 'SELECT window_start, window_end, k, count(*) AS c, stddev(x) AS s, bool_and(b) AS b, var_pop(n) AS v FROM %s, trending.tumble(at, ''5 min'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('parted', 'changing', 'SELECT window_start, window_end, m, k, sum(x) AS s FROM %s, trending.tumble(at, ''5 min'') GROUP BY 1, 2, 3, 4 ORDER BY s DESC', NULL),
	  ('having_some', 'growing', 'SELECT window_start, window_end, k, count(*) AS c FROM %s, trending.tumble(at, ''5 min'') GROUP BY 1, 2, 3 HAVING count(*) > 5 ORDER BY c DESC', NULL),
	  ('everything', 'changing', 'SELECT t, count(*) AS c, sum(n) AS s FROM %s GROUP BY 1 ORDER BY c DESC', NULL),
	  ('visits', 'growing', 'SELECT window_start, window_end, k, count(*) AS c, count(DISTINCT t) AS d, sum(x) AS s FROM %s, trending.session(at, ''90 s'') GROUP BY 1, 2, 3 ORDER BY c DESC', NULL),
	  ('faded', 'growing', 'SELECT k, trending.decayed_count(at, ''500 days'') AS c FROM %s GROUP BY 1 ORDER BY c DESC', NULL),
	  ('blocked', 'stuck', 'SELECT window_start, window_end, t, count(*) AS c, max(t) AS most FROM %s, trending.tumble(at, ''1 min'') GROUP BY 1, 2, 3 HAVING count(*) > 0 ORDER BY c DESC', NULL);
	UPDATE trend SET definition = format(query, source),
	  options = 'idle_timeout => ''9000 days'', allowed_lateness => ''1 day'', history_limit => NULL'
	    || CASE name WHEN 'parted' THEN ', partition_by => ARRAY[''m'']' WHEN 'blocked' THEN ', late_events => ''keep''' ELSE '' END;
	-- Windows over everything know no lateness and no history.
	UPDATE trend SET options = 'idle_timeout => ''9000 days''' WHERE name IN ('everything', 'faded');
	-- Its late rows are those of before the first of all.
	UPDATE trend SET options = replace(options, '1 day', '2 hours') WHERE name = 'blocked';
	DO $$ DECLARE t trend; BEGIN
	  FOR t IN TABLE trend LOOP
	    EXECUTE format('SELECT trending.create_trend(%L, %L, %s)', t.name, t.definition, t.options);
	  END LOOP;
	END $$;
	UPDATE trend SET columns = (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
	  WHERE attrelid = name::regclass AND attnum > 0 AND attname <> 'rank');
	-- What a query cannot say.
	UPDATE trend SET definition = q.text FROM (VALUES ('visits', '
	  SELECT min(at) AS window_start, max(at) + interval ''90 s'' AS window_end, k, count(*) AS c, count(DISTINCT t) AS d, sum(x) AS s
	  FROM (SELECT *, sum(begins::int) OVER (PARTITION BY k ORDER BY at) AS visit FROM
	    (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY k ORDER BY at) > ''90 s'', true) AS begins FROM growing) e) e GROUP BY k, visit')) q(name, text)
	WHERE q.name = trend.name;
});
sync_trends($node, 'postgres');

$node->safe_psql('postgres', q{SELECT add_rows('changing', 30, 7), add_rows('growing', 30, 7), add_rows('stuck', 30, 7)});
sync_trends($node, 'postgres');

# -- damage

$node->safe_psql('postgres', q{
	CREATE TABLE damage (round int, what text);
	-- Which trends differ from their definition.
	CREATE FUNCTION differing() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	  t        trend;
	  windowed bool;
	  shown    text;
	  wanted   text;
	  differs  bool;
	  result   text := '';
	BEGIN
	  FOR t IN SELECT * FROM trend LOOP
	    windowed := t.columns ~ 'window_end';
	    IF t.name = 'faded' THEN
	      SELECT count(*) > 0 INTO differs FROM trending.verify('faded');
	    ELSE
	      shown := format('SELECT %s FROM %s', t.columns, t.name);
	      wanted := format('SELECT %s FROM (%s) d', t.columns, t.definition);
	      IF windowed AND t.name <> 'blocked' THEN
	        shown := shown || format(' UNION ALL SELECT %s FROM %s_history', t.columns, t.name);
	      END IF;
	      IF t.name = 'visits' THEN
	        NULL;
	      ELSIF windowed THEN
	        wanted := format('SELECT %s FROM (SELECT d.* FROM (%s) d, trending.status s WHERE s.relation = %L::regclass AND '
	          '((d.window_start, d.window_end) = (s.window_start, s.window_end)%s)) w', t.columns, t.definition, t.name,
	          CASE WHEN t.name = 'blocked' THEN '' ELSE ' OR d.window_end <= s.watermark' END);
	      END IF;
	      EXECUTE format('WITH s AS MATERIALIZED (%s), w AS MATERIALIZED (%s)
	        SELECT EXISTS ((TABLE s EXCEPT ALL TABLE w) UNION ALL (TABLE w EXCEPT ALL TABLE s))', shown, wanted) INTO differs;
	    END IF;
	    IF differs THEN result := concat_ws(', ', nullif(result, ''), t.name); END IF;
	  END LOOP;
	  RETURN result;
	END $$;
	-- A value of a type that should not stand there.
	CREATE FUNCTION wrong_value(type text, present text, other text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	  n int := floor(random() * 8);
	  b bytea;
	BEGIN
	  IF n = 0 THEN RETURN NULL; END IF;
	  IF n = 1 THEN RETURN other; END IF;
	  CASE type
	  WHEN 'bytea' THEN
	    b := coalesce(present::bytea, '\x00');
	    CASE n
	    WHEN 2 THEN RETURN '\x';
	    WHEN 3 THEN RETURN substr(b, 1, floor(random() * length(b))::int)::text;
	    WHEN 4 THEN RETURN (b || decode(md5(random()::text), 'hex'))::text;
	    WHEN 5 THEN RETURN '\x' || repeat('ff', 1 + floor(random() * 200)::int);
	    WHEN 6 THEN RETURN (decode(md5(random()::text), 'hex') || b)::text;
	    ELSE RETURN CASE WHEN length(b) = 0 THEN '\x01' ELSE
	      set_byte(b, least(floor(random() * length(b))::int, length(b) - 1), floor(random() * 256)::int)::text END;
	    END CASE;
	  WHEN 'boolean' THEN RETURN CASE WHEN present = 'true' THEN 'false' ELSE 'true' END;
	  WHEN 'pg_lsn' THEN RETURN (ARRAY['0/0', 'FFFFFFFF/FFFFFFFF', (coalesce(present, '0/10')::pg_lsn + 8)::text,
	    (coalesce(present, '0/10')::pg_lsn - 8)::text])[1 + n % 4];
	  WHEN 'text' THEN RETURN (ARRAY['', present || 'x', repeat('[', 10000), E'\x01\x7f', 'SELECT 1'])[1 + n % 5];
	  WHEN 'timestamp with time zone' THEN RETURN (ARRAY['infinity', '-infinity', '4713-01-01 BC', now()::text])[1 + n % 4];
	  WHEN 'bigint[]' THEN RETURN (ARRAY['{}', '{NULL}', '{{1,2},{3,4}}', '[5:6]={1,2}', '{1,2,3}',
	    '{9223372036854775807,-9223372036854775808}', regexp_replace(present, '\d', '7')])[1 + n % 7];
	  WHEN 'oid' THEN RETURN (ARRAY['0', '1259', '4294967295', floor(random() * 100000)::text])[1 + n % 4];
	  WHEN 'integer' THEN RETURN (ARRAY['0', '-1', '2147483647', '-2147483648', floor(random() * 100)::text])[1 + n % 5];
	  ELSE RETURN (ARRAY['0', '-1', '9223372036854775807', '-9223372036854775808', (coalesce(present, '0')::numeric + 1)::text,
	    floor(random() * 1e15)::text, (coalesce(present, '0')::numeric * -1)::text])[1 + n % 7];
	  END CASE;
	END $$;
	CREATE FUNCTION random_row(relation text) RETURNS tid LANGUAGE plpgsql AS $$
	DECLARE result tid; BEGIN
	  EXECUTE format('SELECT ctid FROM trending.%s ORDER BY random() LIMIT 1', relation) INTO result;
	  RETURN result;
	END $$;
	CREATE FUNCTION damage_one(of_waiting bool) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	  state    text[] := ARRAY['pane_state', 'pane_state', 'pane_state', 'pane_state', 'trend_state', 'trend_state', 'trend_state',
	    'trend_source_table', 'trend_ahead_range', 'checkpoint', 'checkpoint_trend', 'waiting_redo'];
	  waiting  text[] := ARRAY['waiting_window', 'waiting_late', 'waiting_alert', 'waiting_count'];
	  relation text := CASE WHEN of_waiting THEN waiting[1 + floor(random() * 4)] ELSE state[1 + floor(random() * 12)] END;
	  place    tid := random_row(relation);
	  chosen   record;
	  present  text;
	  other    text;
	  wrong    text;
	  how      float8 := random();
	  columns  text;
	BEGIN
	  IF relation = 'waiting_redo' AND place IS NULL THEN
	    INSERT INTO trending.waiting_redo VALUES (1 + floor(random() * 12), wrong_value('bigint', '0', '0')::bigint, 0, 7);
	    RETURN 'waiting_redo: a row made up';
	  END IF;
	  IF place IS NULL THEN RETURN NULL; END IF;
	  SELECT attname, format_type(atttypid, NULL) AS type INTO chosen FROM pg_attribute
	  WHERE attrelid = ('trending.' || relation)::regclass AND attnum > 0 AND attidentity = '' AND attname <> 'only_row'
	  ORDER BY random() LIMIT 1;
	  IF how < 0.6 THEN
	    EXECUTE format('SELECT %1$I::text, (SELECT %1$I::text FROM trending.%2$s WHERE ctid = $2) FROM trending.%2$s WHERE ctid = $1',
	      chosen.attname, relation) INTO present, other USING place, random_row(relation);
	    wrong := wrong_value(chosen.type, present, other);
	    EXECUTE format('UPDATE trending.%s SET %I = $1::%s WHERE ctid = $2', relation, chosen.attname, chosen.type) USING wrong, place;
	    RETURN format('%s.%s: %s for %s', relation, chosen.attname, left(wrong, 60), left(present, 60));
	  ELSIF how < 0.75 THEN
	    EXECUTE format('DELETE FROM trending.%s WHERE ctid = $1', relation) USING place;
	    RETURN format('%s: a row deleted', relation);
	  ELSIF how < 0.80 AND relation NOT IN ('checkpoint') THEN
	    EXECUTE format('DELETE FROM trending.%1$s WHERE trend_id = (SELECT trend_id FROM trending.%1$s WHERE ctid = $1)', relation) USING place;
	    RETURN format('%s: all rows of a trend deleted', relation);
	  ELSIF how < 0.82 THEN
	    EXECUTE format('DELETE FROM trending.%s', relation);
	    RETURN format('%s: all rows deleted', relation);
	  ELSIF how < 0.90 AND relation NOT IN ('checkpoint') THEN  -- a row of another trend, or of none
	    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
	    WHERE attrelid = ('trending.' || relation)::regclass AND attnum > 0 AND attidentity = '' AND attname <> 'trend_id';
	    EXECUTE format('INSERT INTO trending.%1$s (trend_id, %2$s) SELECT 1 + floor(random() * 13)::int, %2$s FROM trending.%1$s WHERE ctid = $1',
	      relation, columns) USING place;
	    RETURN format('%s: a row of another trend', relation);
	  ELSIF how < 0.95 AND relation = 'pane_state' THEN  -- two rows change their contents
	    EXECUTE 'UPDATE trending.pane_state p SET cells = q.cells, checksum = q.checksum FROM trending.pane_state q
	      WHERE p.ctid IN ($1, $2) AND q.ctid IN ($1, $2) AND p.ctid <> q.ctid' USING place, random_row(relation);
	    RETURN 'pane_state: two rows changed places';
	  ELSE  -- what an earlier checkpoint had
	    IF to_regclass('earlier_' || relation) IS NULL OR random() < 0.3 THEN
	      EXECUTE format('DROP TABLE IF EXISTS earlier_%1$s; CREATE TABLE earlier_%1$s AS TABLE trending.%1$s', relation);
	      RETURN NULL;
	    END IF;
	    IF relation = 'checkpoint' OR random() < 0.3 THEN
	      EXECUTE format('DELETE FROM trending.%s', relation);
	    ELSE
	      EXECUTE format('DELETE FROM trending.%1$s WHERE trend_id = (SELECT trend_id FROM trending.%1$s WHERE ctid = $1)', relation) USING place;
	    END IF;
	    EXECUTE format('INSERT INTO trending.%1$s OVERRIDING SYSTEM VALUE SELECT * FROM earlier_%1$s ON CONFLICT DO NOTHING', relation);
	    RETURN format('%s: rows of an earlier checkpoint', relation);
	  END IF;
	EXCEPTION WHEN OTHERS THEN  -- a value or row that the table itself does not take
	  RETURN NULL;
	END $$;
	CREATE FUNCTION await(condition text, what text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	  met   bool;
	  until timestamptz := clock_timestamp() + interval '30 s';
	BEGIN
	  LOOP
	    EXECUTE 'SELECT ' || condition INTO met;
	    EXIT WHEN met;
	    IF clock_timestamp() > until THEN RAISE EXCEPTION 'in vain: %', what; END IF;
	    PERFORM pg_sleep(0.01);
	  END LOOP;
	END $$;
	-- Closes windows, and has rows that are late and groups whose condition comes true.
	CREATE FUNCTION make_wait() RETURNS void LANGUAGE sql AS $$
	  SELECT add_rows('stuck', (extract(epoch FROM max(at) - timestamptz '2024-01-01 00:00+00') / 60)::int + 1, 2) FROM stuck;
	  INSERT INTO stuck (at, k, t) VALUES ('2023-12-01 00:00+00', 1, 'late ' || floor(random() * 10));
	$$;
	-- Rounds of some damages, each followed by a new worker, until there are so many.
	CREATE PROCEDURE damages(seed float8, wanted int, first_round int, of_waiting bool) LANGUAGE plpgsql AS $$
	DECLARE
	  done   int := 0;
	  round  int := first_round;
	  more   int;
	  what   text;
	  before int;
	BEGIN
	  PERFORM setseed(seed);
	  WHILE done < wanted LOOP
	    round := round + 1;
	    PERFORM await('(SELECT count(*) FROM trending.trend_state) = (SELECT count(*) FROM trend)', 'all trends are stored');
	    IF of_waiting THEN
	      PERFORM make_wait();
	      COMMIT;
	      PERFORM await('EXISTS (SELECT FROM trending.waiting_window)', 'windows wait');
	      PERFORM await('EXISTS (SELECT FROM trending.waiting_late)', 'late rows wait');
	      PERFORM await('EXISTS (SELECT FROM trending.waiting_alert)', 'alerts wait');
	    END IF;
	    SELECT pid INTO before FROM trending.worker_status;
	    more := 1 + floor(random() * 8);
	    WHILE more > 0 LOOP
	      what := damage_one(of_waiting);
	      CONTINUE WHEN what IS NULL;
	      INSERT INTO damage VALUES (round, what);
	      more := more - 1;
	      done := done + 1;
	    END LOOP;
	    COMMIT;
	    PERFORM pg_terminate_backend(before);
	    PERFORM await(format('(SELECT pid <> %s AND state = ''running'' FROM trending.worker_status)', before), 'a new worker');
	    PERFORM trending.sync('120 s');
	    PERFORM await('(SELECT bool_and(state = ''running'') FROM trending.status)', 'all trends run');
	    PERFORM await('differing() = ''''', format('trends are right in round %s', round));
	    -- Some rows more, so that there are deltas and other checkpoints.
	    IF round % 5 = 0 THEN
	      PERFORM add_rows('changing', 37 + round / 50, 1);
	      PERFORM add_rows('growing', 37 + round / 50, 1);
	      DELETE FROM changing WHERE ctid = (SELECT ctid FROM changing ORDER BY random() LIMIT 1);
	      COMMIT;
	      PERFORM trending.sync('120 s');
	    END IF;
	  END LOOP;
	END $$;
	-- As if NOT NULL had never been.
	DO $$ DECLARE c record; BEGIN
	  FOR c IN SELECT attrelid::regclass AS relation, attname FROM pg_attribute a WHERE attrelid::regclass::text ~
	      '^trending\.(checkpoint|checkpoint_trend|trend_state|trend_source_table|trend_ahead_range|pane_state|waiting_\w+)$' AND attnum > 0 AND attnotnull AND attidentity = ''
	      AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND attnum = ANY (indkey)) AND (SELECT relkind FROM pg_class WHERE oid = attrelid) = 'r'
	  LOOP
	    EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.relation, c.attname);
	    COMMIT;  -- the worker locks these tables, too
	  END LOOP;
	END $$;
});

is(settled(sub { return $node->safe_psql('postgres', 'SELECT differing()') }), '', 'all trends are right at first');
my $begun = time;
my ($done, $failed, $rounds) = (0, 0, 0);

sub damage
{
	my ($wanted, $of_waiting) = @_;
	$wanted = $damages - $done if $wanted > $damages - $done;
	return if $failed || $wanted <= 0;
	my $error = '';
	$failed = $node->psql('postgres', sprintf('CALL damages(%.9f, %d, %d, %s)', sin($seed + $done), $wanted, $rounds, $of_waiting ? 'true' : 'false'),
		stderr => \$error, timeout => 3600) != 0;
	diag("SEED=$seed after $done damages: $error\n"
		  . $node->safe_psql('postgres', 'SELECT * FROM damage WHERE round = (SELECT max(round) FROM damage); SELECT differing()'))
	  if $failed;
	$done += $wanted;
	$rounds = $node->safe_psql('postgres', 'SELECT coalesce(max(round), 0) FROM damage');
	diag(sprintf('%d damages, %.0f s', $done, time - $begun)) if $damages > 500;
}

while ($done < $damages && !$failed)
{
	damage(400 < $damages * 0.8 ? 400 : $damages * 0.8, 0);
	# Tables of a trend are locked: what goes there waits.
	my $locker = $node->background_psql('postgres');
	$locker->query_safe('BEGIN; LOCK TABLE blocked_history, blocked_late, blocked_alerts IN SHARE MODE');
	damage(100, 1);
	$locker->query_safe('COMMIT');
	$locker->quit;
}
ok(!$failed, sprintf('%d damages in %d rounds, %.3f s each: all trends are right after every one', $done, $rounds, (time - $begun) / $done));

# What is wrong is said.
my $log = slurp_file($node->logfile);
like($log, qr/WARNING:  trend \d+: is refilled, since its stored state cannot be used: /, 'state that cannot be used is reported');
like($log, qr/WARNING:  trend \d+: history is incomplete: \d+ closed windows that waited could not be read, or were lost/, 'lost windows are');
like($log, qr/WARNING:  trend \d+: late rows were not kept: \d+ late rows/, 'late rows are');
like($log, qr/WARNING:  trend \d+: alerts were lost: \d+ alerts/, 'alerts are');
unlike($log, qr/terminated by signal|PANIC|TRAP/, 'no process died by a signal');

# What waited and is not lost comes into its tables, and nothing else does.
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM trending.waiting_window) AND NOT EXISTS (SELECT FROM trending.waiting_late)
	AND NOT EXISTS (SELECT FROM trending.waiting_alert) FROM pg_advisory_lock(1)}), 'nothing waits any more')
	  or diag($node->safe_psql('postgres', 'TABLE trending.waiting_count; TABLE trending.waiting_redo; SELECT trend_id, window_end, final FROM trending.waiting_window;
		SELECT w FROM trending.waiting_late w; SELECT w FROM trending.waiting_alert w; SELECT trend, state, reason FROM trending.status; TABLE trending.trend'));
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT window_start, window_end, t, c, most FROM blocked_history EXCEPT
	SELECT window_start, window_end, t, count(*), max(t) FROM stuck, trending.tumble(at, '1 min') GROUP BY 1, 2, 3) d}), '0', 'no window is wrong');
is($node->safe_psql('postgres', q{SELECT count(*) FROM blocked_late WHERE "row" ->> 't' !~ '^late \d$'}), '0', 'no late row is');

no_crash_in_log($node);
$node->stop;
done_testing();
