# SPDX-License-Identifier: PostgreSQL
# Versions of the extension: what CREATE EXTENSION installs, ALTER EXTENSION UPDATE makes of every older version.
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
	$node->safe_psql('updated', 'ALTER EXTENSION trending UPDATE');
	my $updated = $node->safe_psql('updated', $catalog);
	my %lines;
	$lines{$_} |= 1 for split /\n/, $installed;
	$lines{$_} |= 2 for split /\n/, $updated;
	my @differences = map { ($lines{$_} == 1 ? 'installed: ' : 'updated: ') . $_ } grep { $lines{$_} != 3 } sort keys %lines;
	is(join("\n", @differences), '', "$old becomes $current");
	wait_for_worker($node, 'updated');
	$node->safe_psql('updated', 'DROP EXTENSION trending');
	$node->safe_psql('postgres', 'DROP DATABASE updated');
}

$node->stop;
no_crash_in_log($node);
done_testing();
