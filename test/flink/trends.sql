-- SPDX-License-Identifier: PostgreSQL
-- What the examples do not have: joined tables, cumulating windows, an origin, other aggregates and
-- expressions.
CREATE TABLE articles (id bigint PRIMARY KEY, tag text, at timestamp, stars float8);
ALTER TABLE articles REPLICA IDENTITY FULL;

SELECT trending.create_trend('shelves', $$
    SELECT window_start, window_end, p.category AS shelf, coalesce(u.country, 'none') AS country, count(*) AS orders, sum(o.quantity) AS pieces,
           sum(o.quantity * p.price) AS listed
    FROM   orders o LEFT JOIN products p ON p.id = o.product_id LEFT JOIN users u ON u.id = o.user_id,
           trending.tumble(ordered_at, '10 minutes', origin => '2024-01-01 00:03+00')
    WHERE  o.status <> 'cancelled'
    GROUP  BY window_start, window_end, p.category, coalesce(u.country, 'none')
    ORDER  BY orders DESC
$$, history_limit => NULL, allowed_lateness => '1 hour');

SELECT trending.create_trend('article_tags', $$
    SELECT window_start, window_end, upper(tag) AS tag, count(*) AS articles, sum(stars) AS stars, min(id) AS first_id, max(at) AS newest, avg(id) AS middle,
           CASE WHEN count(*) > 3 THEN 'many' ELSE 'few' END AS amount, count(DISTINCT id % 5) AS fifths, count(*) FILTER (WHERE stars BETWEEN 1 AND 3) AS middling
    FROM   articles, trending.cumulate(at, step => '5 minutes', size => '30 minutes')
    WHERE  tag <> 'x' AND tag LIKE 't%'
    GROUP  BY window_start, window_end, upper(tag)
    ORDER  BY articles DESC, stars DESC
$$, history_limit => 5);
