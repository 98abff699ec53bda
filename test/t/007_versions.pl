# SPDX-License-Identifier: PostgreSQL
# Versions of the extension: what CREATE EXTENSION installs, ALTER EXTENSION UPDATE makes of every older version. Where
# the SQL in a database and the library in the server differ, everything says so, and goes on when they agree.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('versions');
my $current = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'trending'});

# Everything that the extension has in the catalog, a line each, without OIDs.
my $catalog = q{
	WITH own AS (
	  SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
	  WHERE e.extname = 'trending' AND d.deptype = 'e'),
	relations AS (
	  SELECT c.*, c.oid::regclass::text AS name FROM own JOIN pg_class c ON own.classid = 'pg_class'::regclass AND own.objid = c.oid)
	SELECT line FROM (
	  SELECT 'object ' || pg_describe_object(classid, objid, 0) || ': ' || coalesce(obj_description(objid, classid::regclass::name), '') FROM own
	  UNION ALL SELECT 'function ' || p.oid::regprocedure || coalesce(p.proacl::text, '') || CASE p.prokind WHEN 'a' THEN '' ELSE pg_get_functiondef(p.oid) END
	  FROM own JOIN pg_proc p ON own.classid = 'pg_proc'::regclass AND own.objid = p.oid
	  UNION ALL SELECT 'aggregate ' || a.aggfnoid::regprocedure || (to_jsonb(a) - 'aggfnoid')::text
	  FROM own JOIN pg_aggregate a ON own.classid = 'pg_proc'::regclass AND own.objid = a.aggfnoid
	  UNION ALL SELECT format('relation %s %s %s %s %s %s', name, relkind, relpersistence, relacl, relrowsecurity, reloptions) FROM relations
	  UNION ALL SELECT format('column %s %s %s %s %s %s %s %s %s %s', name, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), attname,
	    format_type(atttypid, atttypmod), attnotnull, attstorage, attidentity, attacl, pg_get_expr(adbin, adrelid), col_description(a.attrelid, a.attnum))
	  FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	  WHERE a.attnum > 0 AND NOT a.attisdropped
	  UNION ALL SELECT format('constraint %s %s %s', name, conname, pg_get_constraintdef(k.oid)) FROM relations JOIN pg_constraint k ON conrelid = relations.oid
	  UNION ALL SELECT format('index %s %s', name, pg_get_indexdef(indexrelid)) FROM relations JOIN pg_index ON indrelid = relations.oid
	  UNION ALL SELECT format('view %s %s', name, pg_get_viewdef(oid)) FROM relations WHERE relkind = 'v'
	  UNION ALL SELECT format('sequence %s %s', name, to_jsonb(s) - 'seqrelid') FROM relations JOIN pg_sequence s ON seqrelid = relations.oid
	  UNION ALL SELECT format('policy %s %s %s %s %s', name, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid)) FROM relations JOIN pg_policy ON polrelid = relations.oid
	  UNION ALL SELECT format('enum %s %s', t.oid::regtype, (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
	  FROM own JOIN pg_type t ON own.classid = 'pg_type'::regclass AND own.objid = t.oid
	  UNION ALL SELECT format('cast %s %s %s %s', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext)
	  FROM own JOIN pg_cast c ON own.classid = 'pg_cast'::regclass AND own.objid = c.oid
	  UNION ALL SELECT format('event trigger %s %s %s %s %s', evtname, evtevent, evtfoid::regproc, evtenabled, evttags) FROM pg_event_trigger
	  UNION ALL SELECT format('schema %s %s', nspname, nspacl) FROM own JOIN pg_namespace n ON own.classid = 'pg_namespace'::regclass AND own.objid = n.oid
	  UNION ALL SELECT format('wrapper %s %s %s %s', fdwname, fdwhandler::regproc, fdwvalidator::regproc, fdwacl) FROM pg_foreign_data_wrapper
	  UNION ALL SELECT format('server %s %s', srvname, srvacl) FROM pg_foreign_server
	  UNION ALL SELECT format('dumped %s %s', extconfig::regclass[], extcondition) FROM pg_extension WHERE extname = 'trending') lines(line)
	ORDER BY line COLLATE "C"};

$node->safe_psql('postgres', 'CREATE EXTENSION trending');
my $installed = $node->safe_psql('postgres', $catalog);
cmp_ok(scalar(split /\n/, $installed), '>', 500, 'the catalog of the extension is looked at');
for my $old (split /\n/, $node->safe_psql('postgres', qq{SELECT version FROM pg_available_extension_versions WHERE name = 'trending' AND version <> '$current' ORDER BY 1}))
{
	$node->safe_psql('postgres', 'CREATE DATABASE updated');
	$node->safe_psql('updated', qq{CREATE EXTENSION trending VERSION '$old'});
	$node->safe_psql('updated', 'CREATE ROLE mallory; CREATE SCHEMA trending_internal AUTHORIZATION mallory');
	my (undef, undef, $refusal) = $node->psql('updated', 'ALTER EXTENSION trending UPDATE');
	like($refusal, qr/schema "trending_internal" already exists/, "$old is not updated into a schema of somebody else");
	$node->safe_psql('updated', 'DROP SCHEMA trending_internal; DROP ROLE mallory');
	$node->safe_psql('updated', 'ALTER EXTENSION trending UPDATE');
	my $updated = $node->safe_psql('updated', $catalog);
	my %lines;
	$lines{$_} |= 1 for split /\n/, $installed;
	$lines{$_} |= 2 for split /\n/, $updated;
	my @differences = map { ($lines{$_} == 1 ? 'installed: ' : 'updated: ') . $_ } grep { $lines{$_} != 3 } sort keys %lines;
	is(join("\n", @differences), '', "$old becomes $current");
	wait_for_worker($node, 'updated');
	$node->safe_psql('updated', 'DROP EXTENSION trending');
	is($node->safe_psql('updated', q{SELECT nspname FROM pg_namespace WHERE nspname LIKE 'trending%'}), '', 'and leaves nothing behind');
	$node->safe_psql('postgres', 'DROP DATABASE updated');
}

# A library under SQL of another version, older and newer: everything says so in words, and the slot is kept.
$node->safe_psql('postgres', 'DROP EXTENSION trending; CREATE DATABASE apart');
$node->safe_psql(
	'apart', q{
	CREATE EXTENSION trending;
	CREATE TABLE hits (page text, at timestamptz);
	CREATE TABLE documents (at timestamptz GENERATED ALWAYS AS (trending.parse_timestamptz(text)) STORED, text text);
	SELECT trending.create_trend('pages', $$
	  SELECT window_start, window_end, page, count(*) AS n FROM hits, trending.tumble(at, '1 hour')
	  GROUP BY window_start, window_end, page ORDER BY n DESC $$, idle_timeout => '1 day');
	INSERT INTO hits SELECT 'p' || n % 7, '2026-11-01 12:00Z' FROM generate_series(1, 100) n});
sync_trends($node, 'apart');
my $n = $node->safe_psql('apart', q{SELECT n FROM pages WHERE page = 'p1'});
for my $case ([ '0.1.0', qr/Run ALTER EXTENSION trending UPDATE in this database/ ], [ '9.0.1', qr/Restart the server/ ])
{
	my ($version, $hint) = @$case;
	my $pid = worker_pid($node, 'apart');
	$node->safe_psql('apart', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'trending'");
	kill_process($pid, 'TERM');
	my $words = qr/extension "trending" has version \Q$version\E in this database, the library that the server has loaded \Q$current\E/;
	for my $statement ('TABLE pages', 'EXPLAIN TABLE pages', q{SELECT trending.top('pages', 3)}, 'SELECT trending_top10()',
		q{SELECT trending.create_trend('x', 'SELECT page, count(*) AS n FROM hits GROUP BY page ORDER BY n DESC')},
		'SELECT trending.sync()', q{SELECT trending.drop_trend('pages')}, 'DROP FOREIGN TABLE pages', q{SELECT * FROM trending.verify('pages')},
		'TABLE trending.status', q{SELECT set_config(name, 'trending', false) FROM pg_settings WHERE name = 'output_plugin_libraries'; SELECT pg_create_logical_replication_slot('s', 'trending', true); SELECT * FROM pg_logical_slot_get_changes('s', NULL, NULL)})
	{
		my ($status, $out, $error) = $node->psql('apart', "\\set VERBOSITY verbose\n$statement", extra_params => ['-q']);
		like($error, $words, "$statement under $version") or diag "$out $error";
		like($error, $hint, 'with what to do');
		like($error, qr/55000/, 'and a code');
	}
	ok($node->poll_query_until('apart', q{SELECT state = 'unavailable' AND message LIKE 'extension "trending" has version%' FROM trending.worker_status}), 'the worker waits');
	like($node->safe_psql('apart', 'SELECT hint FROM trending.worker_status'), $hint, 'and says for what');
	is(slot_exists($node, 'apart'), '1', 'its slot is kept');
	is($node->safe_psql('apart', q{INSERT INTO documents(text) VALUES ('2026-11-01T12:00:00Z') RETURNING at = '2026-11-01 12:00Z'}), 't', 'writers of other tables do not notice');
	is($node->safe_psql('apart', q{CREATE TABLE other (); DROP TABLE other; SELECT count(*) FROM information_schema.tables WHERE table_name = 'pages'}), '1', 'nor who drops something else');
	$node->safe_psql('apart', q{INSERT INTO hits VALUES ('p1', '2026-11-01 12:30Z')});
	$node->safe_psql('apart', "UPDATE pg_extension SET extversion = '$current' WHERE extname = 'trending'; SELECT trending_internal.request_worker()");
	wait_for_worker($node, 'apart');
	sync_trends($node, 'apart');
	is($node->safe_psql('apart', q{SELECT n FROM pages WHERE page = 'p1'}), ++$n, 'then its trend goes on');
}
unlike(slurp_file($node->logfile), qr/trending refills/, 'nothing was filled anew');
my ($status, $out, $error) = $node->psql('apart', q{ALTER EXTENSION trending UPDATE TO '9.0.1'});
like($error, qr/the library of extension "trending" that the server has loaded has version \Q$current\E, which is older than 9.0.1.*Restart the server/s,
	'newer SQL is refused before it is loaded');
$node->safe_psql('apart', q{UPDATE pg_extension SET extversion = '0.1.0' WHERE extname = 'trending'});
is($node->safe_psql('apart', q{DROP EXTENSION trending CASCADE; SELECT to_regclass('pages') IS NULL}), 't', 'an extension of another version can be dropped');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_replication_slots WHERE plugin = 'trending'}), 'and its slot goes');

$node->stop;
no_crash_in_log($node);
done_testing();
