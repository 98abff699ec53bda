-- What happens in the shop.

-- Revenue, orders, buyers and the value of orders, per category and minute. Orders that are cancelled drop out, also
-- from minutes that are over; broken ones are not counted at all.
SELECT trending.create_trend('revenue', $$
    SELECT window_start, window_end, category,
           sum(quantity * unit_price) AS revenue,
           count(*) AS orders,
           count(DISTINCT user_id) AS buyers,
           avg(quantity * unit_price) AS average_order,
           max(quantity * unit_price) AS highest_order
    FROM   orders, trending.tumble(ordered_at, '1 minute')
    WHERE  status <> 'cancelled' AND quantity > 0 AND unit_price > 0
    GROUP  BY window_start, window_end, category
    ORDER  BY revenue DESC
$$, history_limit => NULL, allowed_lateness => '1 hour');

-- The products that sold best within the last hour.
SELECT trending.create_trend('popular_products', $$
    SELECT window_start, window_end, product_id, sum(quantity) AS sold, count(DISTINCT user_id) AS buyers
    FROM   orders, trending.hop(ordered_at, slide => '1 minute', size => '1 hour')
    WHERE  status <> 'cancelled'
    GROUP  BY window_start, window_end, product_id
    ORDER  BY sold DESC
$$, label => 'products.name', history_limit => 10, allowed_lateness => '10 minutes');

-- A user's visits are one session as long as there is no pause of more than 30 minutes between two pages.
SELECT trending.create_trend('sessions', $$
    SELECT window_start, window_end, user_id, count(*) AS pages, count(*) FILTER (WHERE page = '/basket') AS baskets
    FROM   page_visits, trending.session(visited_at, gap => '30 minutes')
    GROUP  BY window_start, window_end, user_id
    ORDER  BY pages DESC
$$, label => 'users.name', history_limit => NULL, allowed_lateness => '10 minutes');

-- What lies on the shelf: no window, so all movements that ever were. The lowest stock is first.
SELECT trending.create_trend('stock', $$
    SELECT product_id, sum(quantity) AS pieces, trending.last(reorder_point, moved_at) AS reorder_point,
           max(moved_at) AS moved_at
    FROM   stock_movements
    GROUP  BY product_id
    ORDER  BY pieces
$$, label => 'products.name');

-- How many orders break which rule, per channel.
SELECT trending.create_trend('order_quality', $$
    SELECT channel,
           count(*) AS orders,
           count(*) FILTER (WHERE user_id IS NULL) AS no_user,
           count(*) FILTER (WHERE quantity IS NULL OR quantity <= 0) AS bad_quantity,
           count(*) FILTER (WHERE unit_price IS NULL) AS no_price,
           count(*) FILTER (WHERE unit_price < 0) AS negative_price
    FROM   orders
    GROUP  BY channel
    ORDER  BY orders DESC
$$);

-- When each user was here first and last, the latest ones first.
SELECT trending.create_trend('seen', $$
    SELECT user_id, min(visited_at) AS first_seen, max(visited_at) AS last_seen, count(*) AS pages
    FROM   page_visits
    GROUP  BY user_id
    ORDER  BY last_seen DESC
$$, label => 'users.name');
