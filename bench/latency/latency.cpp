// SPDX-License-Identifier: PostgreSQL
// Measures how long after its commit an event shows in a trend, as a client sees it.
//
//   latency CONNINFO SAMPLES [WRITER]
//
// Commits one event for a post of its own, at the server WRITER (a conninfo) if there is one, then reads the
// trend until it counts; the time between the end of the commit and the end of the first read that shows it is one sample. The round trip of a read is the
// resolution, and is printed too. Other clients should load the server meanwhile (run.sh).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <libpq-fe.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kPost = "-1";

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string query(PGconn* connection, const std::string& sql) {
  PGresult* result = PQexec(connection, sql.c_str());
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    std::fprintf(stderr, "%s", PQerrorMessage(connection));
    std::exit(1);
  }
  std::string value = status == PGRES_TUPLES_OK && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  return value;
}

PGconn* connect(const char* conninfo) {
  PGconn* connection = PQconnectdb(conninfo);
  if (PQstatus(connection) == CONNECTION_OK) return connection;
  std::fprintf(stderr, "%s", PQerrorMessage(connection));
  std::exit(3);
}

void print(const char* name, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  auto at = [&](double share) {
    return samples[static_cast<size_t>(share * static_cast<double>(samples.size() - 1))];
  };
  std::printf("%-28s p50 %7.3f ms   p99 %7.3f ms   max %7.3f ms   (%zu samples)\n", name, at(0.5), at(0.99),
              at(1), samples.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: latency CONNINFO SAMPLES [WRITER]\n");
    return 2;
  }
  PGconn* connection = connect(argv[1]);
  PGconn* writer = argc == 4 ? connect(argv[3]) : connection;
  const std::string read = std::string("EXECUTE views");
  query(connection, std::string("PREPARE views AS SELECT views FROM top_posts WHERE post_id = ") + kPost);
  std::vector<double> visible;
  std::vector<double> round_trip;
  const long long start = std::atoll(query(connection, read).c_str());
  for (int i = 1; i <= std::atoi(argv[2]); i++) {
    query(writer, std::string("INSERT INTO view_events (post_id) VALUES (") + kPost + ")");
    const Clock::time_point committed = Clock::now();
    long long seen = 0;
    do {
      const Clock::time_point asked = Clock::now();
      seen = std::atoll(query(connection, read).c_str());
      round_trip.push_back(milliseconds_since(asked));
    } while (seen < start + i);
    visible.push_back(milliseconds_since(committed));
  }
  print("commit to visible", visible);
  print("round trip of a read", round_trip);
  if (writer != connection) PQfinish(writer);
  PQfinish(connection);
  return 0;
}
