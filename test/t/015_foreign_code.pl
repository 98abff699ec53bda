# SPDX-License-Identifier: PostgreSQL
# Nobody's code runs with the rights of others, and nobody sees what he may not: labels, the install script in a hostile
# database, trending.trend and reasons.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('foreign_code', autovacuum => 'off');

my $noter = q{
	CREATE FUNCTION public.ran(what text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) THEN RAISE LOG 'foreign code ran as superuser: %', what; END IF; END $$;
};

# -- the install script, in a database whose owner has prepared public
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE DATABASE hostile OWNER mallory');
my @functions = (
	[ 'concat_ws(text, text, text)', 'text', q{'x'} ], [ 'jsonb_build_object(text, text)', 'jsonb', q{'{}'} ],
	[ 'now()', 'timestamptz', q{'2000-01-01'} ], [ 'has_table_privilege(regclass, text)', 'bool', 'true' ],
	[ 'pg_has_role(oid, text)', 'bool', 'true' ], [ 'to_jsonb(text)', 'jsonb', q{'{}'} ], [ 'pg_extension_config_dump(text, text)', 'void', '' ],
	[ 'format(text, regclass)', 'text', q{''} ], [ 'nextval(text)', 'bigint', '1' ]);
my @operators = (
	[ '/', 'float8', 'int', 'float8', '0' ], [ '=', 'text', 'text', 'bool', 'true' ], [ '=', 'int', 'int', 'bool', 'true' ],
	[ '=', 'oid', 'regclass', 'bool', 'true' ], [ '-', 'timestamptz', 'timestamptz', 'interval', q{'0'} ], [ '<>', 'text', 'text', 'bool', 'true' ],
	[ '=', 'regclass', 'regclass', 'bool', 'true' ], [ '*', 'float8', 'interval', 'interval', q{'0'} ], [ '>', 'int', 'int', 'bool', 'true' ]);
my $script = $noter;
for (@functions)
{
	my ($signature, $type, $value) = @$_;
	$script .= "CREATE FUNCTION public.$signature RETURNS $type LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM public.ran(\$q\$$signature\$q\$); RETURN $value; END \$f\$;\n";
}
my $n = 0;
for (@operators)
{
	my ($name, $left, $right, $type, $value) = @$_;
	$n++;
	$script .= "CREATE FUNCTION public.op$n($left, $right) RETURNS $type LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM public.ran(\$q\$$name\$q\$); RETURN $value; END \$f\$;
		CREATE OPERATOR public.$name (LEFTARG = $left, RIGHTARG = $right, FUNCTION = public.op$n);\n";
}
$script .= "CREATE DOMAIN public.interval AS text; CREATE DOMAIN public.regclass AS text; CREATE TABLE public.pg_class (oid oid, relowner oid);
	CREATE TABLE public.e (id int, at timestamptz DEFAULT now());";
$node->safe_psql('hostile', $script, extra_params => [ '-U', 'mallory' ]);
$node->safe_psql('hostile', 'CREATE EXTENSION trending');
wait_for_worker($node, 'hostile');
$node->safe_psql('hostile', q{SELECT trending.track('public.e', 'id', 'at'); INSERT INTO public.e VALUES (1, pg_catalog.now()), (2, pg_catalog.now())});
sync_trends($node, 'hostile');
$node->safe_psql('hostile', $_)
  for 'SELECT count(reason), sum(events) FROM trending.status', 'SELECT count(*), count(DISTINCT labels::text), sum(value) FROM trending.metrics',
  'TABLE trending.worker_status', 'SELECT count(*) FROM public.trending_top10()', q{SELECT count(*) FROM trending.verify('public.top_e')},
  'SELECT trending.expire()', q{SELECT trending.alter_trend('public.top_e', retention => '1 day', unset => '{label}')}, q{SELECT trending.definition('public.top_e')};
$node->psql('hostile', q{SELECT trending.recompute('public.top_e', '2000-01-01', '2100-01-01')});
is($node->safe_psql('hostile', 'SELECT trend, state, events FROM trending.status'), 'top_e|running|2', 'a hostile database: the trend runs');
is( $node->safe_psql('hostile', q{
	SELECT count(*) FROM pg_catalog.pg_depend d WHERE d.classid::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.=) 'pg_rewrite' AND d.refclassid::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.=) 'pg_proc'
	AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) d.refobjid AND p.pronamespace OPERATOR(pg_catalog.=) 'public'::pg_catalog.regnamespace::pg_catalog.oid)}),
	'0', 'no view is bound to what is in public');
$node->safe_psql('hostile', q{SELECT trending.drop_trend('public.top_e')});
unlike(slurp_file($node->logfile), qr/LOG:  foreign code ran as superuser/, 'nothing of it ran as a superuser');

# A schema that is there already is nobody's door.
$node->safe_psql('postgres', 'CREATE DATABASE occupied OWNER mallory');
my $error;
for my $schema ('trending', 'trending_internal')
{
	$node->safe_psql('occupied', "CREATE SCHEMA $schema", extra_params => [ '-U', 'mallory' ]);
	(undef, undef, $error) = $node->psql('occupied', 'CREATE EXTENSION trending');
	like($error, qr/schema "$schema" already exists/, "a schema $schema made beforehand is refused");
	$node->safe_psql('occupied', "DROP SCHEMA $schema");
}

# -- labels
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $noter CREATE SCHEMA m AUTHORIZATION mallory; CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA m TO reader");
wait_for_worker($node, $db);
sub as { my ($role, $statement) = @_; return $node->safe_psql($db, $statement, extra_params => [ '-U', $role ]) }

sub refused
{
	my ($statement, $reason, $what) = @_;
	my (undef, undef, $message) = $node->psql($db, $statement, extra_params => [ '-U', 'mallory' ]);
	like($message, $reason, $what);
}
as('mallory', q{
	CREATE FUNCTION m.check(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('check'); RETURN true; END $$;
	CREATE DOMAIN m.checked AS text CHECK (m.check(VALUE));
	CREATE TYPE m.comp AS (a text);
	CREATE TYPE m.mood AS ENUM ('good', 'bad');
	CREATE FUNCTION m.castf(m.comp) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('cast of composite'); RETURN 'label'; END $$;
	CREATE CAST (m.comp AS text) WITH FUNCTION m.castf(m.comp);
	CREATE FUNCTION m.castf(m.mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('cast of enum'); RETURN 'label'; END $$;
	CREATE CAST (m.mood AS text) WITH FUNCTION m.castf(m.mood);
	CREATE FUNCTION m.constant(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('index expression'); RETURN $1; END $$;
	CREATE FUNCTION m.yes() RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('predicate'); RETURN true; END $$;
	CREATE TABLE m.lab (id int PRIMARY KEY, title text, comp m.comp, comps m.comp[], mood m.mood, word m.checked, code char(5), flag bool, at date);
	CREATE INDEX ON m.lab (m.constant(1));
	CREATE UNIQUE INDEX ON m.lab (id) WHERE m.yes();
	CREATE STATISTICS m.stats ON (m.constant(2)), title FROM m.lab;
	INSERT INTO m.lab VALUES (1, 'one', ROW('x'), ARRAY[ROW('x')::m.comp], 'good', 'w', 'c', true, '2026-01-02');
	CREATE TABLE m.src (id int);
	INSERT INTO m.src VALUES (2);
	CREATE FUNCTION m.setting(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('index of the source'); PERFORM set_config('lock_timeout', '7d', false); RETURN $1; END $$;
	CREATE INDEX ON m.src (m.setting(3));
	CREATE INDEX ON m.src (id) WHERE m.yes();
	CREATE STATISTICS m.of_source ON (m.constant(4)), id FROM m.src;
	SELECT trending.create_trend('m.trend', 'SELECT id, count(*) AS c FROM m.src GROUP BY id ORDER BY c DESC', label => 'm.lab.title');
	INSERT INTO m.src VALUES (1), (1), (1), (NULL);
	GRANT SELECT ON m.trend TO reader;
});
sync_trends($node, $db);
my $labels = "SELECT string_agg(coalesce(label, '-'), ' ' ORDER BY rank) FROM trending_top10('m.trend')";
is(as('postgres', $labels), 'one - -', 'a label');
is(as('reader', $labels), '- - -', 'who may not read its table sees none');
as('mallory', 'GRANT SELECT (id, title) ON m.lab TO reader');
is(as('reader', $labels), 'one - -', 'by column grants');
for ([ 'mood', 'good' ], [ 'word', 'w' ], [ 'code', 'c' ], [ 'flag', 'true' ], [ 'at', '2026-01-02' ])
{
	as('mallory', "SELECT trending.alter_trend('m.trend', label => 'm.lab.$_->[0]')");
	is(as('postgres', $labels), "$_->[1] - -", "a label of column $_->[0]");
}
is(as('reader', $labels), '- - -', 'of which the grants are missing');
refused("SELECT trending.alter_trend('m.trend', label => 'm.lab.$_')", qr/of type m\.comp(\[\])? cannot be a label/, "a label of column $_ is refused") for 'comp', 'comps';
as('mallory', q{SELECT trending.alter_trend('m.trend', label => 'm.lab.title'); ALTER TABLE m.lab DROP title CASCADE; ALTER TABLE m.lab RENAME comp TO title});
is(as('postgres', $labels), '- - -', 'what becomes such a column later is not shown');
as('mallory', q{ALTER TABLE m.lab RENAME title TO comp; ALTER TABLE m.lab ADD title text DEFAULT 'again'; GRANT SELECT ON m.lab TO reader});
is(as('reader', $labels), 'again - -', 'a column of that name again');
as('mallory', q{ALTER TABLE m.lab ENABLE ROW LEVEL SECURITY; CREATE FUNCTION m.policy() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'policy ran as %', current_user; RETURN true; END $$;
	CREATE POLICY p ON m.lab USING (m.policy())});
is(as('reader', $labels), '- - -', 'row security that applies to the reader hides it');
unlike(slurp_file($node->logfile), qr/LOG:  policy ran as/, 'and is not run');
as('mallory', q{ALTER TABLE m.lab RENAME TO hidden; CREATE VIEW m.lab AS SELECT id, title, m.constant(id) FROM m.hidden; GRANT SELECT ON m.lab TO reader});
is(as('postgres', $labels), '- - -', 'a view in the place of its table is not read');
as('mallory', q{DROP VIEW m.lab; CREATE TABLE m.lab (id int PRIMARY KEY, title text) PARTITION BY RANGE (id); CREATE TABLE m.lab_1 PARTITION OF m.lab FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
	CREATE TABLE m.lab_11 (title text, gone int, id int NOT NULL); ALTER TABLE m.lab_11 DROP gone; ALTER TABLE m.lab_1 ATTACH PARTITION m.lab_11 FOR VALUES FROM (0) TO (10);
	CREATE TABLE m.lab_2 PARTITION OF m.lab DEFAULT; INSERT INTO m.lab VALUES (1, 'first'), (2, 'second'); GRANT SELECT ON m.lab TO reader});
is(as('reader', $labels), 'first second -', 'a partitioned table');
as('mallory', q{INSERT INTO m.src VALUES (11), (11), (11), (11); INSERT INTO m.lab VALUES (11, 'eleventh')});
sync_trends($node, $db);
is(as('reader', $labels), 'eleventh first second -', 'another partition of it');
as('mallory', q{DROP TABLE m.lab; CREATE MATERIALIZED VIEW m.lab AS SELECT 1 AS id, 'kept'::text AS title; CREATE UNIQUE INDEX ON m.lab (id)});
is(as('postgres', $labels), '- - - -', 'a table without a key that is not null has none');

# -- who sees what
as('mallory', q{CREATE TABLE m.secret (id int, word text); SELECT trending.create_trend('m.hidden_trend', $$SELECT id, count(*) AS c FROM m.secret WHERE word = 'swordfish' GROUP BY id ORDER BY c DESC$$)});
is(as('reader', 'SELECT string_agg(relation::text, $$ $$) FROM trending.trend'), 'm.trend', 'a role sees the trends that it may read');
is(as('reader', q{SELECT trending.definition('m.hidden_trend') IS NULL, count(*) FROM trending.trend WHERE query LIKE '%swordfish%'}), 't|0', 'and no text of others');
is(as('mallory', 'SELECT count(*) FROM trending.trend'), '2', 'its owner sees them');
as('mallory', 'GRANT SELECT (c) ON m.hidden_trend TO reader');
is(as('reader', 'SELECT count(*) FROM trending.trend'), '1', 'a grant of a column shows no text');
sync_trends($node, $db);
as('mallory', q{DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW m.trend_definition AS ' || replace(pg_get_viewdef('m.trend_definition'), 'count(*)', 'count(id)'); END $$});
ok($node->poll_query_until($db, q{SELECT state = 'stopped' FROM trending.status WHERE trend = 'm.trend'}), 'a trend is stopped');
like(as('mallory', q{SELECT reason FROM trending.status WHERE trend = 'm.trend'}), qr/was replaced/, 'its owner is told why');
like(as('reader', q{SELECT reason FROM trending.status WHERE trend = 'm.trend'}), qr/shown to the trend's owner/, 'others are told who may know');
$node->safe_psql($db, 'GRANT pg_monitor TO reader');
like(as('reader', q{SELECT reason FROM trending.status WHERE trend = 'm.trend'}), qr/was replaced/, 'members of pg_monitor may');


unlike(slurp_file($node->logfile), qr/LOG:  foreign code ran as superuser/, 'no foreign code ran as a superuser');
no_crash_in_log($node);
$node->stop;
done_testing();
