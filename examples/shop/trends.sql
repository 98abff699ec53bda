-- SPDX-License-Identifier: PostgreSQL
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

-- Orders of a high value: LISTEN trending_alerts, or read high_value_orders_alerts.
SELECT trending.create_trend('high_value_orders', $$
    SELECT window_start, window_end, id AS order_id, user_id, sum(quantity * unit_price) AS value
    FROM   orders, trending.tumble(ordered_at, '1 minute')
    GROUP  BY window_start, window_end, id, user_id
    HAVING sum(quantity * unit_price) >= 2500
    ORDER  BY value DESC
$$, history_limit => NULL);

-- More than ten orders of one user within a minute.
SELECT trending.create_trend('hasty_buyers', $$
    SELECT window_start, window_end, user_id, count(*) AS orders, sum(quantity * unit_price) AS value
    FROM   orders, trending.hop(ordered_at, slide => '10 seconds', size => '1 minute')
    WHERE  user_id IS NOT NULL
    GROUP  BY window_start, window_end, user_id
    HAVING count(*) > 10
    ORDER  BY orders DESC
$$, history_limit => NULL);

-- What lies on the shelf: no window, so all movements that ever were. The lowest stock is first.
SELECT trending.create_trend('stock', $$
    SELECT product_id, sum(quantity) AS pieces, trending.last(reorder_point, moved_at) AS reorder_point,
           max(moved_at) AS moved_at
    FROM   stock_movements
    GROUP  BY product_id
    ORDER  BY pieces
$$, label => 'products.name');

-- The same with a threshold: an alert when a product falls to its reorder point. Order more of what is listed here.
SELECT trending.create_trend('to_reorder', $$
    SELECT product_id, sum(quantity) AS pieces, trending.last(reorder_point, moved_at) AS reorder_point
    FROM   stock_movements
    GROUP  BY product_id
    HAVING sum(quantity) <= trending.last(reorder_point, moved_at)
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
