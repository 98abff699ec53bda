-- SPDX-License-Identifier: PostgreSQL
\pset title 'This hour so far'
SELECT rank, city, readings, round(average, 1) AS average, lowest, highest, round(humidity) AS humidity FROM hourly_weather ORDER BY rank LIMIT 8;
\pset title 'The hours before, in the city that is warmest now'
SELECT h.window_start, h.city, h.readings, round(h.average, 1) AS average, h.lowest, h.highest, h.final FROM hourly_weather_history h
WHERE  h.city = (SELECT city FROM hourly_weather WHERE rank = 1) ORDER BY h.window_start DESC LIMIT 4;
\pset title 'Latest readings'
SELECT station, temperature, observed FROM stations WHERE rank <= 3 ORDER BY rank;
