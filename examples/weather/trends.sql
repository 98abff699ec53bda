-- SPDX-License-Identifier: PostgreSQL
-- Temperatures per city and hour, the warmest first: there from the hour's first reading, and final when it closes.
SELECT trending.create_trend('hourly_weather', $$
    SELECT window_start, window_end,
           payload #>> '{station,city}' AS city,
           count(*) AS readings,
           avg((payload #>> '{air,temperature}')::numeric) AS average,
           min((payload #>> '{air,temperature}')::numeric) AS lowest,
           max((payload #>> '{air,temperature}')::numeric) AS highest,
           avg((payload #>> '{air,humidity}')::integer) AS humidity
    FROM   readings, trending.tumble(to_timestamp((payload ->> 'observed')::bigint), '1 hour')
    GROUP  BY window_start, window_end, city
    ORDER  BY average DESC
$$, history_limit => NULL, watermark_delay => '30 seconds', allowed_lateness => '10 minutes');

-- The latest reading of every station.
SELECT trending.create_trend('stations', $$
    SELECT payload #>> '{station,id}' AS station,
           trending.last((payload #>> '{air,temperature}')::numeric, to_timestamp((payload ->> 'observed')::bigint)) AS temperature,
           max(to_timestamp((payload ->> 'observed')::bigint)) AS observed
    FROM   readings
    GROUP  BY payload #>> '{station,id}'
    ORDER  BY observed DESC
$$);
