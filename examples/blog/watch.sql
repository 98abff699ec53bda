\pset title 'Trending now'
SELECT rank, value AS views, coalesce(label, '(deleted)') AS post, previous_rank AS before FROM trending_top10('posts_now');
\pset title 'Today in Berlin'
SELECT rank, value AS views, coalesce(label, '(deleted)') AS post FROM trending.top('posts_today', 3);
