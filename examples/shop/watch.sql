-- SPDX-License-Identifier: PostgreSQL
\pset title 'This minute'
SELECT category, revenue, orders, buyers, round(average_order, 2) AS average, highest_order AS highest FROM revenue ORDER BY rank;
\pset title 'Sold best within the hour'
SELECT rank, value AS sold, label AS product FROM trending.top('popular_products', 5);
\pset title 'To be ordered'
SELECT rank, p.name AS product, t.pieces, t.reorder_point FROM to_reorder t JOIN products p ON p.id = t.product_id
WHERE  rank <= 5 ORDER BY rank;
\pset title 'Latest alerts'
SELECT * FROM (SELECT crossed_at AS at, 'high value' AS alert, 'order ' || order_id AS of, value FROM high_value_orders_alerts
               UNION ALL SELECT crossed_at, 'many orders', 'user ' || user_id, orders FROM hasty_buyers_alerts
               UNION ALL SELECT crossed_at, 'to be ordered', 'product ' || product_id, pieces FROM to_reorder_alerts) a
ORDER  BY at DESC LIMIT 6;
\pset title 'Longest sessions that are open'
SELECT rank, label AS user, value AS pages FROM trending.top('sessions', 3);
\pset title 'Quality of orders'
SELECT channel, orders, no_user, bad_quantity, no_price, negative_price FROM order_quality ORDER BY rank;
