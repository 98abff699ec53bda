-- SPDX-License-Identifier: PostgreSQL
\pset title 'Trending now'
SELECT rank, value AS views, coalesce(label, '(deleted)') AS post, previous_rank AS before FROM trending_top10('posts_now');
\pset title 'Rising'
SELECT t.rank, round(t.rising::numeric, 1) AS rising, t.recent, t.views, coalesce(p.title, '(deleted)') AS post
FROM   posts_rising t LEFT JOIN posts p ON p.id = t.post_id WHERE t.rank <= 5 ORDER BY t.rank;
\pset title 'Today in Berlin'
SELECT rank, value AS views, coalesce(label, '(deleted)') AS post FROM trending.top('posts_today', 3);
\pset title 'The first of every category'
SELECT t.category, t.views, p.title AS post
FROM   posts_by_category t LEFT JOIN posts p ON p.id = t.post_id
WHERE  t.rank = 1 ORDER BY t.category;
\pset title 'Hashtags'
SELECT rank, hashtag, views, readers FROM hashtags WHERE rank <= 3 ORDER BY rank;
