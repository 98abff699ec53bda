# SPDX-License-Identifier: PostgreSQL
# A trend consists of exactly the objects that were checked: names that come to mean something else, objects that are
# dropped and made again, aggregates that get other functions, definitions that are replaced, dumps.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('definitions', autovacuum => 'off');
my $db = 'postgres';
$node->safe_psql(
	$db, q{
	CREATE EXTENSION trending;
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE SCHEMA t;
	GRANT USAGE ON SCHEMA t TO PUBLIC;
	CREATE FUNCTION t.ran(what text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
	BEGIN
	  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN RAISE LOG 'foreign code ran as superuser: %', what; END IF;
	END $$;
});

sub query { return $node->safe_psql($db, $_[0]) }
sub as_mallory { return $node->safe_psql($db, $_[0], extra_params => [ '-U', 'mallory' ]) }

sub refused
{
	my ($statement, $reason, $what) = @_;
	my (undef, undef, $error) = $node->psql($db, $statement, extra_params => [ '-U', 'mallory' ]);
	like($error, $reason, $what);
}

sub is_running
{
	my ($trend, $what) = @_;
	sync_trends($node, $db);
	is(query("SELECT state || coalesce(': ' || reason, '') FROM trending.status WHERE trend = '$trend'"), 'running', $what);
}

# -- operators, functions and types of a hostile search_path
as_mallory(q{
	CREATE FUNCTION m.eq(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('='); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
	CREATE OPERATOR m.= (LEFTARG = int, RIGHTARG = int, FUNCTION = m.eq);
	CREATE FUNCTION m.eq(oid, oid) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('= of oid'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
	CREATE OPERATOR m.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = m.eq);
	CREATE FUNCTION m.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('nextval'); RETURN pg_catalog.nextval($1); END $$;
	CREATE FUNCTION m.md5(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('md5'); RETURN pg_catalog.md5($1); END $$;
	CREATE DOMAIN m.timestamptz AS text; CREATE DOMAIN m.jsonb AS text; CREATE DOMAIN m.pg_lsn AS text;
	CREATE TABLE m.src (id int, region text, at pg_catalog.timestamptz DEFAULT now());
	SET search_path = m, pg_catalog;
	SELECT trending.create_trend('m.pathological', $$SELECT window_start, window_end, id, region, count(*) AS c FROM src, trending.tumble(at, '1 hour')
	  GROUP BY 1, 2, 3, 4 HAVING count(*) > 1000 ORDER BY c DESC$$, late_events => 'keep', partition_by => '{region}');
	ALTER TABLE src RENAME COLUMN id TO id2;
	SELECT trending.alter_trend('m.pathological', max_groups => 100, unset => '{history_limit}');
	INSERT INTO src VALUES (1, 'x'), (1, 'x'), (2, NULL);
});
is_running('m.pathological', 'a hostile search_path: the trend runs');
is(query(q{SELECT string_agg(a.atttypid::regtype::text, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'm.pathological_late'::regclass AND a.attnum > 0}),
	'timestamp with time zone pg_lsn text jsonb boolean timestamp with time zone', 'its tables have the types of the system');
is(query('SELECT count(*) FROM trending.verify(\'m.pathological\')'), '0', 'and verify finds no difference');
as_mallory(q{SET search_path = m, pg_catalog; SELECT trending.drop_trend('m.pathological')});
is(query('SELECT count(*) FROM trending.checked_definition'), '0', 'nothing is left of a dropped trend');

# The same of the session's temporary objects, which are looked up before the system's wherever no path says otherwise.
as_mallory(q{
	CREATE FUNCTION m.any(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('domain of pg_temp'); RETURN true; END $$;
	CREATE DOMAIN pg_temp.timestamptz AS text CHECK (m.any(VALUE)); CREATE DOMAIN pg_temp.jsonb AS text CHECK (m.any(VALUE));
	CREATE DOMAIN pg_temp.pg_lsn AS text CHECK (m.any(VALUE)); CREATE DOMAIN pg_temp.interval AS text CHECK (m.any(VALUE));
	CREATE DOMAIN pg_temp.regclass AS text CHECK (m.any(VALUE));
	CREATE TEMP TABLE pg_class (oid pg_catalog.oid, relname text, relowner pg_catalog.oid); CREATE TEMP TABLE pg_attribute (attrelid pg_catalog.oid, attname text);
	CREATE TEMP TABLE pg_depend (objid pg_catalog.oid); CREATE TEMP TABLE trend (id int, relation pg_catalog.oid);
	SELECT trending.create_trend('m.temporary', $$SELECT window_start, window_end, id2, region, count(*) AS c FROM m.src, trending.tumble(at, '1 hour')
	  GROUP BY 1, 2, 3, 4 HAVING count(*) > 0 ORDER BY c DESC$$, late_events => 'keep');
	SELECT trending.alter_trend('m.temporary', max_groups => 100, unset => '{history_limit}', retention => '1 day'::pg_catalog.interval);
	INSERT INTO m.src VALUES (1, 'x', NULL);
	SELECT trending.sync();
	SELECT count(*) FROM trending.verify('m.temporary');
	SELECT trending.expire();
});
is_running('m.temporary', 'objects in pg_temp: the trend runs');
is(query(q{SELECT string_agg(DISTINCT n.nspname, ' ') FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
	WHERE a.attnum > 0 AND a.attrelid IN ('m.temporary'::regclass, 'm.temporary_late'::regclass, 'm.temporary_history'::regclass, 'm.temporary_alerts'::regclass)}),
	'pg_catalog', 'and its tables have the types of the system');
query(q{SELECT trending.drop_trend('m.temporary')});

# -- what a definition names is depended upon, and follows when it is renamed
as_mallory(q{
	CREATE TYPE m.mood AS ENUM ('(x)', 'b');
	CREATE TYPE m.kind AS ENUM ('k', 'l');
	CREATE COLLATION m.order_of (provider = libc, locale = 'C');
	CREATE TABLE m.moods (id int, kind m.kind, name text, at timestamptz DEFAULT now());
	SELECT trending.create_trend('m.moody', $$SELECT id, kind, name COLLATE m.order_of AS name, count(*) AS c FROM m.moods
	  WHERE '(x)'::m.mood = '(x)'::m.mood AND kind = 'k' GROUP BY 1, 2, 3 ORDER BY c DESC$$);
});
refused('DROP TYPE m.mood', qr/cannot drop type m\.mood because other objects depend on it/, 'the type of a constant cannot be dropped');
refused('DROP TYPE m.kind', qr/cannot drop type m\.kind because other objects depend on it/, 'nor that of a column');
refused('DROP COLLATION m.order_of', qr/cannot drop collation m\.order_of because other objects depend on it/, 'nor a collation');
as_mallory(q{ALTER TYPE m.mood RENAME TO feeling; ALTER TYPE m.feeling RENAME VALUE '(x)' TO 'y'; ALTER TYPE m.kind RENAME VALUE 'k' TO 'kk';
	CREATE FUNCTION m.f(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM t.ran('domain'); RETURN true; END $$;
	CREATE DOMAIN m.d AS text CHECK (m.f(VALUE));
	CREATE TYPE m.mood AS (a m.d);
	ALTER TABLE m.moods ADD COLUMN extra int;
	INSERT INTO m.moods VALUES (1, 'kk', 'a'), (1, 'l', 'a')});
is_running('m.moody', 'a renamed type is followed');
is(query('SELECT id, kind, name, c FROM m.moody'), '1|kk|a|1', 'a renamed value, too');
is(query('SELECT count(*) FROM trending.verify(\'m.moody\')'), '0', 'by verify, too');
like(query("SELECT trending.definition('m.moody')"), qr/'y'::m\.feeling = 'y'::m\.feeling/, 'and is shown by its name of today');
refused('DROP VIEW m.moody_definition', qr/because foreign table m\.moody requires it/, 'its view is not dropped by itself');
# An owner who keeps his view locked holds up nobody, not even himself.
my $locker = $node->background_psql($db);
$locker->query_safe('SET ROLE mallory; BEGIN; ALTER VIEW m.moody_definition ALTER c SET DEFAULT 1');
as_mallory(q{ALTER TABLE m.moods DROP COLUMN extra; INSERT INTO m.moods VALUES (1, 'kk', 'a')});
is_running('m.moody', 'a locked view: the worker goes on');
is(query('SELECT id, c FROM m.moody'), '1|2', 'and readers do');
$locker->query_safe('ROLLBACK');
$locker->quit;
as_mallory('SET client_min_messages = error; DROP TYPE m.feeling CASCADE');
is(query(q{SELECT to_regclass('m.moody') IS NULL, to_regclass('m.moody_definition') IS NULL, count(*) FROM trending.trend}), 't|t|0', 'CASCADE takes the trend');

# A domain of a key: its check is its owner's code, and is not asked when somebody looks a key up.
as_mallory(q{
	CREATE TABLE m.keyed (id m.d);
	SELECT trending.create_trend('m.by_domain', 'SELECT id, count(*) AS c FROM m.keyed GROUP BY id ORDER BY c DESC');
	INSERT INTO m.keyed VALUES ('a'), ('a'), ('b');
});
sync_trends($node, $db);
is(query("SELECT trending.rank('m.by_domain', 'b')"), '2', 'a key of a domain is found');
is(query("SELECT c FROM m.by_domain WHERE id = 'a'"), '2', 'by a query, too');

# -- trends, sources and owners that move
as_mallory(q{ALTER FOREIGN TABLE m.by_domain RENAME TO moved; ALTER TABLE m.keyed RENAME TO keys; ALTER TABLE m.keys RENAME id TO k;
	INSERT INTO m.keys VALUES ('c')});
query('CREATE ROLE other; GRANT other TO mallory; CREATE SCHEMA o AUTHORIZATION other; GRANT ALL ON SCHEMA o, m TO other, mallory;
	ALTER FOREIGN TABLE m.moved SET SCHEMA o; ALTER TABLE m.keys OWNER TO other; ALTER FOREIGN TABLE o.moved OWNER TO other');
as_mallory(q{INSERT INTO m.keys VALUES ('c'), ('c')});
is_running('o.moved', 'renamed, moved and given away');
is(query("SELECT string_agg(id || c, ',' ORDER BY rank) FROM o.moved"), 'c3,a2,b1', 'and counts on');
$node->restart;
wait_for_worker($node, $db);
is_running('o.moved', 'also after a restart');
query('DROP FOREIGN TABLE o.moved');
is(query(q{SELECT to_regclass('m.by_domain_definition') IS NULL}), 't', 'and its view is dropped with it');

# -- aggregates
as_mallory(q{
	CREATE TABLE m.values (id int, v int);
	CREATE AGGREGATE m.a(int) (sfunc = int84pl, stype = int8, combinefunc = int8pl, finalfunc = int8send, initcond = '0', parallel = safe);
	CREATE AGGREGATE m.b(int) (sfunc = int4larger, stype = int4, combinefunc = int4larger, parallel = safe);
	SELECT trending.create_trend('m.sums', 'SELECT id, count(*) AS c, m.a(v) AS x, m.b(v) AS y FROM m.values GROUP BY id ORDER BY c DESC');
	INSERT INTO m.values SELECT g % 10, 4096 + g FROM generate_series(1, 100) g;
});
is_running('m.sums', 'aggregates of a user');
refused('DROP AGGREGATE m.a(int)', qr/cannot drop function m\.a\(integer\) because other objects depend on it/, 'cannot be dropped');
my $reader = $node->background_psql($db);
is($reader->query_safe('SELECT count(*), min(octet_length(x)), max(y) FROM m.sums'), '10|8|4196', 'a session that stays open reads');
as_mallory(q{CREATE OR REPLACE AGGREGATE m.b(int) (sfunc = int4smaller, stype = int4, combinefunc = int4smaller, parallel = safe)});
is_running('m.sums', 'an aggregate gets other functions');
ok($node->poll_query_until($db, 'SELECT min(y) = 4097 AND count(*) = 10 FROM m.sums'), 'its trend is refilled with these');
is($reader->query_safe('SELECT min(y), max(y) FROM m.sums'), '4097|4106', 'the open session reads that');
as_mallory(q{CREATE OR REPLACE AGGREGATE m.a(int) (sfunc = int84pl, stype = int8, combinefunc = int8larger, finalfunc = int8send, initcond = '0', parallel = safe)});
is_running('m.sums', 'once more');
$node->stop('immediate');
$node->start;
wait_for_worker($node, $db);
is_running('m.sums', 'after a crash');
as_mallory(q{CREATE OR REPLACE AGGREGATE m.b(int) (sfunc = int4larger, stype = int4, combinefunc = int4larger, parallel = safe);
	INSERT INTO m.values VALUES (1, 99999)});
$node->restart;
wait_for_worker($node, $db);
is_running('m.sums', 'replaced just before a restart');
is(query('SELECT max(y) FROM m.sums'), '99999', 'a stored state is of the same functions, or is not used');
# Functions that bring along somebody's identity, settings or types.
as_mallory(q{CREATE DOMAIN m.positive AS int CHECK (m.f(VALUE::text)); CREATE TYPE m.pair AS (a m.d, b int);
	CREATE AGGREGATE m.of_pairs(m.pair) (sfunc = array_append, stype = m.pair[], combinefunc = array_cat, parallel = safe);
	CREATE TABLE m.pairs (id int, p m.pair, n m.positive)});
refused(q{SELECT trending.create_trend('m.bad', 'SELECT id, m.of_pairs(p), count(*) AS c FROM m.pairs GROUP BY id ORDER BY c DESC')},
	qr/aggregate function m\.of_pairs\(m\.pair\) is not supported by trends.*user's types/s, 'an aggregate over a composite type is refused');
query(q{CREATE FUNCTION m.larger(int, int) RETURNS int LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int4larger'; ALTER FUNCTION m.larger(int, int) OWNER TO mallory});
as_mallory(q{CREATE AGGREGATE m.c(int) (sfunc = m.larger, stype = int4, combinefunc = m.larger, parallel = safe);
	SELECT trending.create_trend('m.largest', 'SELECT id, m.c(v) AS x, count(*) AS c FROM m.values GROUP BY id ORDER BY c DESC')});
is_running('m.largest', 'a function of a user that a superuser wrote');
as_mallory(q{ALTER FUNCTION m.larger(int, int) SET search_path = m});
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason LIKE '%is not supported by trends%' FROM trending.status WHERE trend = 'm.largest'}),
	'that gets settings of its own stops the trend') or diag query('TABLE trending.status');
as_mallory(q{ALTER FUNCTION m.larger(int, int) RESET search_path});
ok($node->poll_query_until($db, q{SELECT state = 'running' FROM trending.status WHERE trend = 'm.largest'}), 'without them it goes on');
as_mallory(q{CREATE OR REPLACE FUNCTION m.larger(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN PERFORM t.ran('sfunc'); RETURN 1; END $$;
	INSERT INTO m.values VALUES (3, 3)});
ok($node->poll_query_until($db, q{SELECT state = 'stopped' FROM trending.status WHERE trend = 'm.largest'}), 'rewritten in another language it stops the trend');
$reader->quit;

# What can be changed without a word to us: another's configuration of text search, one's own dictionary.
as_mallory('CREATE TEXT SEARCH CONFIGURATION m.words (COPY = pg_catalog.simple); CREATE TABLE m.doc (body text)');
for my $words (q{to_tsvector('m.words', body)::text}, q{ts_headline('m.words'::regconfig, body, 'a'::tsquery)}, q{to_tsquery('m.words'::regconfig, body)::text})
{
	my ($status, $out, $error) = $node->psql($db, "SELECT trending.create_trend('m.words_of', \$\$ SELECT $words AS w, count(*) AS n FROM m.doc GROUP BY 1 ORDER BY n DESC \$\$)",
		extra_params => [ '-U', 'mallory' ]);
	like($error, qr/user-defined text search configurations are not allowed/, "$words is refused");
}
as_mallory(q{SELECT trending.create_trend('m.words_of', $$ SELECT to_tsvector('english', body)::text AS w, count(*) AS n FROM m.doc GROUP BY 1 ORDER BY n DESC $$)});
is_running('m.words_of', 'one that is built in');

# -- nothing of a user's ran as a superuser, in the worker or in a session
unlike(slurp_file($node->logfile), qr/LOG:  foreign code ran as superuser/, 'no foreign code ran as a superuser');

no_crash_in_log($node);
$node->stop;
done_testing();
