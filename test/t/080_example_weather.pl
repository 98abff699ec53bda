# SPDX-License-Identifier: PostgreSQL
# examples/weather: readings as nested JSON become hourly figures, there from the first reading and final at the end.
use strict;
use warnings;
use Test::More;
use TrendingTest;
use ExampleTest;

my $node = example('weather');
my $begin = 1764547200;    # 2025-12-01 00:00 UTC
my %batch = (
	hourly_weather => q{
		SELECT to_timestamp(hour * 3600) AS window_start, to_timestamp(hour * 3600 + 3600) AS window_end, city,
		       count(*) AS readings, avg(temperature) AS average, min(temperature) AS lowest, max(temperature) AS highest,
		       avg(humidity) AS humidity,
		       row_number() OVER (PARTITION BY hour ORDER BY avg(temperature) DESC, city) AS rank
		FROM (SELECT (payload -> 'observed')::integer / 3600 AS hour, payload -> 'station' ->> 'city' AS city,
		             (payload -> 'air' -> 'temperature')::numeric AS temperature, (payload -> 'air' -> 'humidity')::integer AS humidity
		      FROM readings) r
		GROUP BY hour, city},
	stations => q{
		SELECT station, (array_agg(temperature ORDER BY observed DESC, temperature DESC) FILTER (WHERE temperature IS NOT NULL))[1] AS temperature, to_timestamp(max(observed)) AS observed,
		       row_number() OVER (ORDER BY max(observed) DESC, station) AS rank
		FROM (SELECT payload -> 'station' ->> 'id' AS station, (payload -> 'observed')::integer AS observed,
		             (payload -> 'air' -> 'temperature')::numeric AS temperature FROM readings) r
		GROUP BY station},
);

sub all_equal
{
	my ($what) = @_;
	equals_batch($node, $_, $batch{$_}, what => $what) for sort keys %batch;
	all_verified($node, $what);
}

sub reading
{
	my ($id, $station, $observed, $temperature) = @_;
	my $city = $station =~ /^OSL/ ? 'Oslo' : 'Lima';
	return qq{INSERT INTO readings VALUES ($id, '{"station": {"id": "$station", "city": "$city"}, "observed": $observed,
		"air": {"temperature": $temperature, "humidity": 50}}')};
}

all_equal('without readings');

# The hour is there from its first reading, and follows every one.
my $now = 'SELECT city, readings, average, lowest, highest FROM hourly_weather ORDER BY rank';
feed($node, reading(1, 'OSL-1', $begin, -3.5));
rows($node, $now, 'Oslo|1|-3.5000000000000000|-3.5|-3.5', 'after one reading');
feed($node, reading(2, 'OSL-2', $begin + 60, -2) . ';' . reading(3, 'LIM-1', $begin + 30, 19.25));
rows($node, $now, "Lima|1|19.2500000000000000|19.25|19.25\nOslo|2|-2.7500000000000000|-3.5|-2", 'after three');
is(scalar_of($node, 'SELECT count(*) FROM hourly_weather_history'), 0, 'nothing is closed');

# It closes half a minute after its end, and is final ten minutes later.
feed($node, reading(4, 'OSL-1', $begin + 3600 + 29, 0));
is(scalar_of($node, 'SELECT count(*) FROM hourly_weather_history'), 0, 'the watermark leaves time for stragglers');
feed($node, reading(5, 'OSL-2', $begin + 3500, 4.25) . ';' . reading(6, 'OSL-1', $begin + 3630, 1));
my $closed = 'SELECT city, readings, average, final FROM hourly_weather_history ORDER BY window_end, rank';
soon($node, 'SELECT count(*) = 2 FROM hourly_weather_history', 'it closes with its last reading');
rows($node, $closed, "Lima|1|19.2500000000000000|f\nOslo|3|-0.41666666666666666667|f", 'with the straggler');
feed($node, reading(7, 'OSL-1', $begin + 3600 + 631, 2));
soon($node, 'SELECT bool_and(final) FROM hourly_weather_history', 'and is final');
all_equal('after an hour');

# Ten hours in transactions of five minutes, reaching back half a minute; some without humidity or temperature.
my $readings = qq{INSERT INTO readings
	SELECT 1000 + %d * 100 + n, jsonb_build_object(
	  'station', jsonb_build_object('id', upper(left(city, 3)) || '-' || n %% 3, 'city', city),
	  'observed', $begin + 4300 + %d * 300 + floor(330 * random()),
	  'air', jsonb_strip_nulls(jsonb_build_object(
	     'temperature', CASE WHEN random() < 0.98 THEN round((30 * random())::numeric - 5, 1) END,
	     'humidity', CASE WHEN random() < 0.9 THEN floor(100 * random()) END)))
	FROM (SELECT n, (ARRAY['Accra', 'Bergen', 'Cairo', 'Lima', 'Oslo'])[1 + floor(random() * 5)] AS city
	      FROM generate_series(1, 40) n) x};
feed($node, sprintf($readings, $_, $_)) for 0 .. 119;
all_equal('after readings that are out of order');
is(scalar_of($node, 'SELECT count(*) > 40 FROM hourly_weather_history WHERE final'), 't', 'ten hours are final');

# A station corrects what it sent: the reading is retracted and counted again, also with another time.
feed($node, q{UPDATE readings SET payload = jsonb_set(payload, '{air,temperature}', '99.9') WHERE id = 12905});
rows($node, 'SELECT highest FROM hourly_weather WHERE highest = 99.9', '99.9', 'a wrong reading shows');
feed($node, q{UPDATE readings SET payload = jsonb_set(payload, '{air,temperature}', '9.9') WHERE id = 12905;
	UPDATE readings SET payload = jsonb_set(payload, '{observed}', to_jsonb((payload -> 'observed')::integer + 5)) WHERE id = 12906});
all_equal('after corrections');

# Readings of hours that are final.
feed($node, reading(20000, 'OSL-1', $begin + 1800, 40));
soon($node, q{SELECT late = 1 FROM trending.status WHERE trend = 'hourly_weather'}, 'a reading is late');
recompute_all($node);
all_equal('after a late reading');

no_crash_in_log($node);
$node->stop;
done_testing();
