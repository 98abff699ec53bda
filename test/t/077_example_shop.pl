# SPDX-License-Identifier: PostgreSQL
# examples/shop: orders that are cancelled, that come in broken, out of order or late; stock, sessions and alerts.
use strict;
use warnings;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = example('shop');
my $begin = q{timestamptz '2025-12-01 09:00:00+00'};

my $minute = q{date_bin('1 minute', ordered_at, 'epoch')};
my $ends = q{LATERAL (SELECT date_bin('%s', ordered_at, 'epoch') + n * interval '%s' AS e) e};
my %batch = (
	revenue => qq{
		SELECT $minute AS window_start, $minute + interval '1 minute' AS window_end, category,
		       sum(value) AS revenue, count(*) AS orders, count(DISTINCT user_id) AS buyers,
		       avg(value) AS average_order, max(value) AS highest_order,
		       row_number() OVER (PARTITION BY $minute ORDER BY sum(value) DESC, category) AS rank
		FROM (SELECT *, quantity * unit_price AS value FROM orders WHERE status <> 'cancelled' AND quantity > 0 AND unit_price > 0) o
		GROUP BY $minute, category},
	popular_products => qq{
		SELECT e - interval '1 hour' AS window_start, e AS window_end, product_id, sum(quantity) AS sold,
		       count(DISTINCT user_id) AS buyers,
		       row_number() OVER (PARTITION BY e ORDER BY sum(quantity) DESC, product_id) AS rank
		FROM orders, generate_series(1, 60) n, ${\sprintf($ends, '1 minute', '1 minute')}
		WHERE status <> 'cancelled' GROUP BY e, product_id},
	high_value_orders => qq{
		SELECT *, row_number() OVER (PARTITION BY window_start ORDER BY value DESC, order_id, user_id) AS rank
		FROM (SELECT $minute AS window_start, $minute + interval '1 minute' AS window_end, id AS order_id, user_id,
		             quantity * unit_price AS value
		      FROM orders) o WHERE value >= 2500},
	hasty_buyers => qq{
		SELECT e - interval '1 minute' AS window_start, e AS window_end, user_id, count(*) AS orders,
		       sum(quantity * unit_price) AS value,
		       row_number() OVER (PARTITION BY e ORDER BY count(*) DESC, user_id) AS rank
		FROM orders, generate_series(1, 6) n, ${\sprintf($ends, '10 seconds', '10 seconds')}
		WHERE user_id IS NOT NULL GROUP BY e, user_id HAVING count(*) > 10},
	stock => q{
		SELECT product_id, sum(quantity) AS pieces, (array_agg(reorder_point ORDER BY moved_at DESC, reorder_point DESC))[1] AS reorder_point,
		       max(moved_at) AS moved_at, row_number() OVER (ORDER BY sum(quantity), product_id) AS rank
		FROM stock_movements GROUP BY product_id},
	to_reorder => q{
		SELECT *, row_number() OVER (ORDER BY pieces, product_id) AS rank
		FROM (SELECT product_id, sum(quantity) AS pieces,
		             (array_agg(reorder_point ORDER BY moved_at DESC, reorder_point DESC))[1] AS reorder_point
		      FROM stock_movements GROUP BY product_id) s WHERE pieces <= reorder_point},
	order_quality => q{
		SELECT channel, count(*) AS orders, sum((user_id IS NULL)::int) AS no_user,
		       sum((coalesce(quantity, 0) <= 0)::int) AS bad_quantity, sum((unit_price IS NULL)::int) AS no_price,
		       sum((coalesce(unit_price, 0) < 0)::int) AS negative_price,
		       row_number() OVER (ORDER BY count(*) DESC, channel) AS rank
		FROM orders GROUP BY channel},
	seen => q{
		SELECT user_id, min(visited_at) AS first_seen, max(visited_at) AS last_seen, count(*) AS pages,
		       row_number() OVER (ORDER BY max(visited_at) DESC, user_id) AS rank
		FROM page_visits GROUP BY user_id},
	sessions => q{
		SELECT min(visited_at) AS window_start, max(visited_at) + interval '30 minutes' AS window_end, user_id,
		       count(*) AS pages, count(*) FILTER (WHERE page = '/basket') AS baskets
		FROM (SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY user_id ORDER BY visited_at) AS number
		      FROM (SELECT *, visited_at - lag(visited_at) OVER (PARTITION BY user_id ORDER BY visited_at)
		                      <= interval '30 minutes' IS NOT TRUE AS is_first FROM page_visits) v) v
		GROUP BY user_id, number},
);

sub all_equal
{
	my ($what) = @_;
	equals_batch($node, $_, $batch{$_}, what => $what, sessions => $_ eq 'sessions') for sort keys %batch;
	all_verified($node, $what);
}

all_equal('without orders');

# Two hours in transactions of two minutes. Orders reach back half a minute, visits five minutes; a user comes and goes.
my $stock = qq{INSERT INTO stock_movements (product_id, quantity, reorder_point, reason, moved_at)
	SELECT n, 60, 10 + n, 'first stock', $begin - interval '1 day' FROM generate_series(1, 20) n};
my $orders = qq{INSERT INTO orders
	SELECT %1\$d * 100 + n, CASE WHEN random() < 0.98 THEN 1 + floor(random() * 30) END, product,
	       (ARRAY['books', 'garden', 'toys'])[1 + product %% 3],
	       CASE WHEN random() < 0.98 THEN floor(random() * 5) END,
	       CASE WHEN random() < 0.98 THEN round((700 * random())::numeric, 2) * CASE WHEN random() < 0.02 THEN -1 ELSE 1 END END,
	       (ARRAY['web', 'app'])[1 + floor(random() * 2)], 'placed', $begin + (%1\$d * 120 + 150 * random()) * interval '1 second'
	FROM (SELECT n, 1 + floor(20 * random() ^ 2)::bigint AS product FROM generate_series(1, 50) n) x};
my $sales = qq{INSERT INTO stock_movements (product_id, quantity, reorder_point, reason, moved_at)
	SELECT product_id, -quantity, 10 + product_id, 'sale', ordered_at FROM orders
	WHERE id BETWEEN %1\$d * 100 AND %1\$d * 100 + 99 AND quantity > 0;
	INSERT INTO stock_movements (product_id, quantity, reorder_point, reason, moved_at)
	SELECT 1 + floor(20 * random() ^ 2), 35, 10 + floor(20 * random()), 'delivery', $begin + %1\$d * interval '2 minutes'
	FROM generate_series(1, 3)};
my $visits = qq{INSERT INTO page_visits
	SELECT 1 + (%1\$d * 7 / 10 + floor(random() * 8)::int) * 13 %% 40, (ARRAY['/', '/search', '/basket'])[1 + floor(random() * 3)],
	       $begin + (%1\$d * 120 + 420 * random()) * interval '1 second'
	FROM generate_series(1, 25)};
my $cancelled = q{UPDATE orders SET status = 'cancelled' WHERE id %% 17 = 3 AND id BETWEEN (%1$d - 2) * 100 AND %1$d * 100};
feed($node, $stock);
feed($node, sprintf("$orders; $sales; $visits; $cancelled", $_)) for 0 .. 59;
all_equal('after orders that are out of order, and cancelled ones');

# Alerts, each from a change of its own: a dear order, the eleventh order of a minute, a shelf that empties.
my $now = scalar_of($node, q{SELECT quote_literal(event_clock) || '::timestamptz' FROM trending.status WHERE trend = 'revenue'});
feed($node, "INSERT INTO orders VALUES (90000, 77, 1, 'books', 3, 900, 'web', 'placed', $now)");
soon($node, q{SELECT count(*) = 1 FROM high_value_orders_alerts WHERE (order_id, user_id, value) = (90000, 77, 2700)}, 'an alert of a dear order');
my $more = q{INSERT INTO orders SELECT %d + n, 78, 2, 'toys', 1, 9.99, 'app', 'placed', %s FROM generate_series(1, %d) n};
feed($node, sprintf($more, 91000, $now, 10));
rows($node, q{SELECT count(*) FROM hasty_buyers WHERE user_id = 78}, 0, 'ten orders are not too many');
feed($node, sprintf($more, 92000, $now, 1));
rows($node, q{SELECT orders, value FROM hasty_buyers WHERE user_id = 78}, '11|109.89', 'eleven are');
soon($node, q{SELECT count(*) = 1 FROM hasty_buyers_alerts WHERE user_id = 78 AND orders = 11}, 'an alert of a hasty buyer');
my $moved = qq{INSERT INTO stock_movements (product_id, quantity, reorder_point, reason, moved_at) VALUES (21, %d, 10, 'test', $now)};
feed($node, sprintf($moved, 11));
my $alerts = 'SELECT array_agg(pieces ORDER BY commit_lsn) FROM to_reorder_alerts WHERE product_id = 21';
feed($node, sprintf($moved, $_)) for -1, -3, 20, -17;
soon($node, "($alerts) = '{10,10}'", 'an alert each time that a product falls to its reorder point');
rows($node, 'SELECT pieces FROM to_reorder WHERE product_id = 21', 10, 'it is listed');
is(scalar_of($node, "SELECT count(*) FROM (SELECT window_start, window_end, order_id, user_id, value FROM high_value_orders_alerts
	EXCEPT SELECT window_start, window_end, order_id, user_id, value FROM ($batch{high_value_orders}) b) x"), 0, 'no alert of a cheap order');
is(scalar_of($node, "SELECT count(*) > 5 FROM high_value_orders_alerts"), 't', 'but of others');

# Movements one by one.
feed($node, "INSERT INTO stock_movements (product_id, quantity, reorder_point, reason) VALUES (22, $_, 10 + $_, 'test')") for 11, -1, -3;
rows($node, 'SELECT pieces, reorder_point FROM stock WHERE product_id = 22', '7|7', 'stock follows every movement');

# Orders that are hours late, and one that is cancelled too late for its minute: taken in when it is recalculated.
my $late = scalar_of($node, q{SELECT late FROM trending.status WHERE trend = 'revenue'});
feed($node, "INSERT INTO orders VALUES (95000, 1, 1, 'books', 2, 450.25, 'web', 'placed', $begin + interval '5 minutes')");
feed($node, 'UPDATE orders SET status = $$cancelled$$ WHERE id = (SELECT min(id) FROM orders WHERE status = $$placed$$ AND quantity > 0 AND unit_price > 0)');
soon($node, "SELECT late > $late FROM trending.status WHERE trend = 'revenue'", 'a late order is counted as such');
recompute_all($node);
all_equal('after late orders');

no_crash_in_log($node);
$node->stop;
done_testing();
