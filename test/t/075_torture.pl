# SPDX-License-Identifier: PostgreSQL
# Torture: random load while worker and server are killed at random instants. Afterwards every live and every
# closed window equals the definition run as a batch query, and every event is counted exactly once.
#
# KILLS (default 20) and SEED come from the environment. The seed gives the order of things; the instants
# at which a process is hit are never quite the same.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;
use TortureLoad;

my $kills = $ENV{KILLS} || 20;
my $seed = random_seed();
my $kills_per_round = 5;
my $begun = time;
diag("torture: SEED=$seed KILLS=$kills");
srand($seed);

my $node = trending_node(
	'torture',
	'trending.checkpoint_interval' => (1, 3, 30)[ rand 3 ] . 's',
	'trending.decoding_work_mem' => "'64kB'",
	restart_after_crash => 'on',
	max_prepared_transactions => 50,
	checkpoint_timeout => '30s',
	track_commit_timestamp => 'on',
	# Millions of statements, which a start that has to be tried again would copy into the test's own log each time.
	log_statement => 'none',
	log_line_prefix => "'%m [%p] %b '");
create_load($node);

# Kills one process at once. Returns what it was, or undef when there is none of that kind now.
sub kill_one
{
	my ($kind) = @_;
	my $postmaster = $node->{_pid};
	my @found;
	if ($kind eq 'server')
	{
		$node->kill9;
		return $kind;
	}
	for my $pid (split ' ', slurp_file("/proc/$postmaster/task/$postmaster/children"))
	{
		open(my $file, '<', "/proc/$pid/cmdline") or next;
		my $title = <$file> // '';
		# Without its startup process a server stays down.
		push @found, $pid
		  if $kind eq 'backend' ? $title =~ /^postgres:/ && $title !~ /trending|logger|startup/ : $title =~ /trending worker/;
	}
	return undef unless @found;
	kill_process($found[ rand @found ], $kind eq 'termination' ? 'TERM' : 'KILL');
	return $kind;
}

# A random instant: mostly under load, often while the server or the worker has only just come back.
sub kill_at_random
{
	my $kind = (('worker') x 9, ('server') x 8, ('backend') x 2, 'termination')[ rand 20 ];
	sleep(rand() < 0.3 ? rand 0.4 : rand 4);
	for (1 .. 200)
	{
		last if kill_one($kind);
		sleep(0.02);
	}
	start_again($node) if $kind eq 'server';
}

my $left = $kills;
my $round = 0;
while ($left > 0)
{
	my $writers = start_writers($node, 4, $seed + $round);
	for (1 .. $kills_per_round)
	{
		last if $left-- <= 0;
		kill_at_random();
	}
	if ($round++ == 0)
	{
		wait_for_worker($node, 'postgres');
		create_newcomer($node);
	}
	sleep(rand 1);
	wait_for_worker($node, 'postgres');
	stop_writers($node, $writers);
	is(live_differences($node, $_), '', "seed $seed, round $round: the current window of $_") for trends();
}

sub check_closed
{
	my ($when) = @_;
	is(history_differences($node, $_), '', "seed $seed, $when: the closed windows of $_") for trends();
	is(counter_differences($node, $_), '', "seed $seed, $when: every event counts once in $_")
	  for qw(quick_tumble slow_hop quick_cumulate delayed_hop);
	is(late_differences($node, 'quick_tumble'), '', "seed $seed, $when: every late row is kept once");
}

check_closed('before the end');
close_all_windows($node);
check_closed('at the end');
is($node->safe_psql('postgres', "SELECT count(*) FROM ${_}_history WHERE NOT final"), '0', "seed $seed: all of $_ is final")
  for grep { $_ ne 'emptied_hop' } trends();
kill_one('server');
start_again($node);
wait_for_worker($node, 'postgres');
check_closed('after one more crash');
is(live_differences($node, $_), '', "seed $seed, after one more crash: the current window of $_") for trends();

my $size = $node->safe_psql('postgres', q{
	SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM event WHERE very_late), (SELECT count(*) FROM changing),
	  (SELECT count(DISTINCT window_end) FROM quick_tumble_history)});
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM event'), '>', 1000, 'there was something to count');
diag(sprintf('torture: %d kills in %d s; events|very late|changing rows|closed minutes: %s', $kills, time - $begun, $size));

# None of this was healed by starting again.
my %may_begin_anew = map { $_ => 1 } split /\n/,
  $node->safe_psql('postgres', q{SELECT id FROM trending.trend WHERE relation IN ('emptied_hop'::regclass, 'newcomer'::regclass)});
my $log = slurp_file($node->logfile);
my @complaints = grep {
	/refills all trends|could not write|is stopped/
	  || /trend (\d+) is refilled/ && !$may_begin_anew{$1}
	  || /trending worker (ERROR|FATAL|PANIC)/
	  && !/terminating background worker|the database system is (shutting down|in recovery mode)/
} split /\n/, $log;
is(join("\n", @complaints), '', 'nothing was healed by refilling, and the worker met no error');

no_crash_in_log($node);
$node->stop;
done_testing();
