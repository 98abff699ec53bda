\pset title 'This minute'
SELECT category, revenue, orders, buyers, round(average_order, 2) AS average, highest_order AS highest FROM revenue ORDER BY rank;
\pset title 'Sold best within the hour'
SELECT rank, value AS sold, label AS product FROM trending.top('popular_products', 5);
\pset title 'Lowest stock'
SELECT rank, p.name AS product, t.pieces, t.reorder_point FROM stock t JOIN products p ON p.id = t.product_id
WHERE  rank <= 5 ORDER BY rank;
\pset title 'Latest visitors'
SELECT rank, u.name, t.pages, t.first_seen, t.last_seen FROM seen t JOIN users u ON u.id = t.user_id WHERE rank <= 3 ORDER BY rank;
\pset title 'Longest sessions that are open'
SELECT rank, label AS user, value AS pages, window_start, window_end FROM trending.top('sessions', 3);
\pset title 'Quality of orders'
SELECT channel, orders, no_user, bad_quantity, no_price, negative_price FROM order_quality ORDER BY rank;
