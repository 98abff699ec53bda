// SPDX-License-Identifier: PostgreSQL
// Command line → options, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "micros.h"

namespace trending::loadgen {

enum class Command { kInit, kRun };
enum class Method { kCopy, kInsert };

struct ConnectionOptions {
  std::string dbname;  // a name, a conninfo string or a URI; empty parts are libpq's defaults
  std::string host;
  std::string port;
  std::string user;
  std::string application_name = "trending-loadgen";
  bool async_commit = false;
  std::string init_command = "trending-loadgen init";  // for hints: how the scenario's tables are made
};

// The shape of the load, as far as scenarios share it.
struct ShapeOptions {
  uint64_t seed = 1;
  double skew = 0.8;
  double late_share = 0;
  Micros late_max = 30 * kSecond;
  std::optional<double> change_share;  // nothing: the scenario's own
  std::optional<uint64_t> users;       // likewise
};

struct BlogOptions {
  static constexpr uint64_t kDefaultPosts = 10000;

  uint64_t posts = 0;  // run: 0 is all there are
  Micros viral_every = 15 * kSecond;
  Micros viral_life = 2 * kMinute;
};

struct RunOptions {
  double rate = 1000;  // events a second; 0: as fast as possible
  double speed = 1;
  std::optional<Timestamp> start_time;  // nothing: live
  uint64_t clients = 4;
  uint64_t batch = 0;  // never 0 after parsing
  Method method = Method::kCopy;
  Micros duration = 0;  // 0: no end
  uint64_t events = 0;  // 0: no end
  bool reconnect = false;
  Micros reconnect_for = 0;  // 0: no end
};

struct OutputOptions {
  std::optional<Micros> progress;  // nothing: 1 s on a terminal, 10 s elsewhere; 0: none
  bool quiet = false;
  bool json = false;
};

struct Options {
  Command command = Command::kRun;
  std::string scenario = "blog";
  ConnectionOptions connection;
  ShapeOptions shape;
  BlogOptions blog;
  bool drop = false;  // init
  RunOptions run;
  OutputOptions output;
};

struct ParseResult {
  std::optional<int> exit_code;  // set if there is nothing to do but to say `text` and leave
  std::string text;
  Options options;
};

ParseResult parse_options(const std::vector<std::string>& arguments);

}  // namespace trending::loadgen
