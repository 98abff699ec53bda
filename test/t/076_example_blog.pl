# SPDX-License-Identifier: PostgreSQL
# examples/blog: nothing, one post, many; titles that change and posts that are deleted; late and out-of-order views.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = example('blog');

# The trends as anybody would write them without the extension. Windows of five minutes every ten seconds are counted
# for the views within them.
sub ranked
{
	my ($windows, $keys, $partition, $more) = @_;
	$partition //= '';
	$more //= '';
	return qq{
		SELECT window_start, window_end, $keys, count(*) AS views $more,
		       row_number() OVER (PARTITION BY window_start, window_end $partition ORDER BY count(*) DESC, $keys) AS rank
		FROM   view_events v CROSS JOIN LATERAL ($windows) w
		GROUP  BY window_start, window_end, $keys};
}
my $tumbling = q{SELECT date_bin('5 minutes', viewed_at, 'epoch') AS window_start,
	date_bin('5 minutes', viewed_at, 'epoch') + interval '5 minutes' AS window_end};
my $sliding = q{SELECT e - interval '5 minutes' AS window_start, e AS window_end
	FROM generate_series(1, 30) n, LATERAL (SELECT date_bin('10 seconds', viewed_at, 'epoch') + n * interval '10 seconds' AS e) e};
my $local_day = q{SELECT date_trunc('day', viewed_at, 'Europe/Berlin') AS window_start, e AS window_end
	FROM generate_series(1, 24) n, LATERAL (SELECT date_trunc('day', viewed_at, 'Europe/Berlin') + n * interval '1 hour' AS e) e
	WHERE e > viewed_at};
my $hashtags = qq{
	SELECT window_start, window_end, hashtag, count(*) AS views, count(DISTINCT user_id) AS readers,
	       row_number() OVER (PARTITION BY window_start, window_end ORDER BY count(*) DESC, hashtag) AS rank
	FROM   (SELECT user_id, viewed_at, split_part(hashtags, ' ', n) AS hashtag FROM view_events, generate_series(1, 3) n) v
	CROSS  JOIN LATERAL ($sliding) w
	WHERE  hashtag <> '' GROUP BY window_start, window_end, hashtag};
my %batch = (
	hashtags => $hashtags,
	posts_5min => ranked($tumbling, 'post_id'),
	posts_now => ranked($sliding, 'post_id'),
	posts_rising => qq{SELECT q.*, row_number() OVER (PARTITION BY window_start, window_end ORDER BY rising DESC, post_id) AS rank FROM (
		SELECT window_start, window_end, post_id, count(*) AS views, sum((viewed_at + interval '1 minute' >= window_end)::int) AS recent,
		       (sum((viewed_at + interval '1 minute' >= window_end)::int) - 0.2 * count(*)::float8) / sqrt((0.2 * count(*)::float8 + 10) * 0.8) AS rising
		FROM view_events v CROSS JOIN LATERAL ($sliding) w GROUP BY window_start, window_end, post_id) q},
	posts_today => ranked($local_day, 'post_id'),
	posts_by_category => ranked($sliding, 'category, post_id', ', category'),
	posts_by_region => ranked($sliding, 'region, post_id', ', region', q{, count(*) FILTER (WHERE referrer = 'search') AS searched}),
);

sub all_equal
{
	my ($what) = @_;
	equals_batch($node, $_, $batch{$_}, what => $what) for sort keys %batch;
	all_verified($node, $what, 'posts_hot');    # which is about the present
}

# No events at all.
rows($node, 'SELECT * FROM trending_top10()', '', 'no views: an empty list');
all_equal('without views');

# A night in Berlin that has 25 hours: from ten to midnight until the clocks have gone back.
my $begin = q{timestamptz '2025-10-25 21:50:00+00'};

# A single view of a post that nobody wrote yet.
feed($node, qq{INSERT INTO view_events (post_id, user_id, category, region, referrer, viewed_at)
	VALUES (1, 1, 'travel', 'Asia', 'search', $begin)});
rows($node, q{SELECT rank, key, label, value FROM trending_top10('posts_now')}, '1|1||1', 'a post without a title');
feed($node, q{INSERT INTO posts SELECT n, 'Post ' || n, 'food', 'Asia', 'Ana' FROM generate_series(1, 40) n});
rows($node, q{SELECT rank, key, label, value, previous_rank FROM trending_top10('posts_now')}, '1|1|Post 1|1|', 'a single post');

# Transactions of ten minutes' views, in any order, each reaching back two minutes before the end of the one before.
my $views = qq{INSERT INTO view_events (post_id, user_id, category, hashtags, region, referrer, viewed_at)
	SELECT post, 1 + floor(random() * 50), (ARRAY['food', 'travel', 'books'])[1 + post % 3],
	       (ARRAY[NULL, '', '#spring', '#spring #garden', '#sea #night #spring'])[1 + post % 5],
	       (ARRAY['Asia', 'Europe'])[1 + floor(random() * 2)], (ARRAY['search', 'direct'])[1 + floor(random() * 2)], at
	FROM (SELECT 1 + floor(40 * random() ^ 2)::bigint AS post,
	             $begin + (%d * 8 + random() * 10) * interval '1 minute' AS at
	      FROM generate_series(1, 250)) x};
feed($node, sprintf($views, $_)) for 0 .. 26;
all_equal('after views that are out of order');
is(scalar_of($node, q{SELECT count(*) > 35 AND bool_and(n <= 10) FROM (SELECT count(*) AS n FROM posts_5min_history GROUP BY window_end) h}),
	't', 'the best ten of every five minutes are kept');
is(scalar_of($node, q{SELECT count(*) FROM (SELECT key, label FROM trending_top10('posts_now')
		EXCEPT SELECT id::text, title FROM posts) x}), 0, 'the ten best have their titles');

# Titles change: the list shows the new one at once.
my $first = scalar_of($node, q{SELECT key FROM trending_top10('posts_now') WHERE rank = 1});
feed($node, "UPDATE posts SET title = 'Post $first, revisited' WHERE id = $first");
rows($node, q{SELECT label FROM trending_top10('posts_now') WHERE rank = 1}, "Post $first, revisited", 'a changed title shows');

# A deleted post: first without its title; when its views are deleted as well it has never been there. Windows that are
# final stay as they were until they are recalculated.
feed($node, "DELETE FROM posts WHERE id = $first");
rows($node, q{SELECT key, label FROM trending_top10('posts_now') WHERE rank = 1}, "$first|", 'a deleted post has no title');
feed($node, "DELETE FROM view_events WHERE post_id = $first");
rows($node, "SELECT trending.rank('posts_now', '$first')", '', 'a post without views has no rank');
rows($node, 'SELECT coalesce(sum(unmatched + unretracted), 0) FROM trending.status', 0, 'all of its views could be retracted');
is(scalar_of($node, "SELECT count(*) > 0 FROM posts_5min_history WHERE post_id = $first AND final"), 't', 'it stays in final windows');
recompute_all($node);
all_equal('after a deletion');

# Views that are an hour late.
my $late = scalar_of($node, q{SELECT sum(late) FROM trending.status});
feed($node, qq{INSERT INTO view_events (post_id, user_id, category, region, referrer, viewed_at)
	SELECT 3, 1, 'food', 'Asia', 'search', $begin + interval '2 hours' FROM generate_series(1, 10)});
soon($node, "SELECT sum(late) > $late FROM trending.status", 'late views are counted');
recompute_all($node);
all_equal('after late views');

# Heat is as of now, so it is compared at the present time, where views of last year amount to nothing.
feed($node, q{INSERT INTO view_events (post_id, user_id, category, region, referrer, viewed_at)
	SELECT 1 + n % 40, 1, 'food', 'Asia', 'search', now() - random() ^ 3 * interval '1 hour' FROM generate_series(1, 400) n});
rows($node, q{
	SELECT t.post_id, t.heat, t.rank, b.*
	FROM posts_hot t FULL JOIN (
	  SELECT post_id, sum(power(0.5::float8, extract(epoch FROM now() - viewed_at)::float8 / 600)) AS heat,
	         row_number() OVER (ORDER BY sum(power(0.5::float8, extract(epoch FROM now() - viewed_at)::float8 / 600)) DESC) AS rank
	  FROM view_events WHERE viewed_at > now() - interval '10 hours' GROUP BY post_id) b USING (post_id)
	WHERE (abs(t.heat / b.heat - 1) < 1e-9 AND t.rank = b.rank) IS NOT TRUE LIMIT 5}, '', 'the heat of posts, and their ranks by it');
is(scalar_of($node, 'SELECT count(*) FROM posts_hot'), 40, 'of all posts');
all_verified($node, 'at the present time');

no_crash_in_log($node);
$node->stop;
done_testing();
