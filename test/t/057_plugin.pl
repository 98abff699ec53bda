# SPDX-License-Identifier: PostgreSQL
# The output plugin for everybody: JSON lines of followed tables, and no way to steal the worker's events.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('plugin');
if ($node->safe_psql('postgres', q{SELECT current_setting('output_plugin_libraries', true) IS NOT NULL}) eq 't')
{
	$node->append_conf('postgresql.conf', "output_plugin_libraries = 'trending'");
	$node->restart;
}
create_blog($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE TABLE other (id int);
	ALTER TABLE view_events REPLICA IDENTITY FULL;
});
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('mine', 'trending')});
$node->safe_psql('postgres', q{
	BEGIN;
	INSERT INTO view_events (post_id, viewed_at) VALUES (42, '2026-01-02 03:04:05+00'), (NULL, '2026-01-02 03:04:06+00');
	INSERT INTO other VALUES (1);
	COMMIT;
	UPDATE view_events SET post_id = 43 WHERE post_id = 42;
	DELETE FROM view_events WHERE post_id IS NULL;
	TRUNCATE view_events, other;
});
# Messages, such as the worker writes for itself, are passed over.
$node->safe_psql('postgres', q{SELECT pg_logical_emit_message(false, 'trending', 'x'), pg_logical_emit_message(true, 'trending', 'x')});
my $changes = q{SELECT data::jsonb AS j FROM pg_logical_slot_peek_changes('mine', NULL, NULL)};
is( $node->safe_psql('postgres', "SELECT j->>'action', j->>'table', j#>>'{old,post_id}', j#>>'{new,post_id}' FROM ($changes) c"),
	join("\n",
		'insert|public.view_events||42', 'insert|public.view_events||',
		'update|public.view_events|42|43', 'delete|public.view_events||', 'truncate|public.view_events||'),
	'one JSON line per change of a followed table');
is($node->safe_psql('postgres', "SELECT count(DISTINCT j->>'xid'), bool_and((j->>'commit_lsn')::pg_lsn > '0/0') FROM ($changes) c"),
	'4|t', 'with transaction and position');

my ($status, $out, $error) = $node->psql('postgres', q{SELECT pg_logical_slot_peek_changes('mine', NULL, NULL, 'what', 'ever')});
isnt($status, 0, 'options are refused');
like($error, qr/takes no options/, 'with a reason');

# The worker's slot, free for a moment, still gives nothing to others.
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'trending worker\'');
($status, $out, $error) = $node->psql('postgres', q{SELECT pg_logical_slot_peek_changes('trending_' || oid, NULL, NULL)
	FROM pg_database WHERE datname = current_database()});
isnt($status, 0, 'the slot of the worker is refused');
wait_for_worker($node, 'postgres');
is(differences($node, 'postgres'), '', 'and the worker, ended by an administrator, comes back');

no_crash_in_log($node);
$node->stop;
done_testing();
