#include "options.h"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "exit_codes.h"
#include "pacing.h"
#include "scenario.h"
#include "scenarios/viral.h"

namespace trending::loadgen {

namespace {

constexpr const char* kDescription =
    "Writes a live stream of events into PostgreSQL, for trying out and measuring rankings over them.\n"
    "\n"
    "  trending-loadgen init                       make the tables and the posts\n"
    "  trending-loadgen run --rate 2000            write views until Ctrl-C\n"
    "  trending-loadgen run -d 'host=db1 dbname=app' --duration 1min --method insert --batch 1";

constexpr const char* kFooter =
    "\nExit status:\n"
    "  0  done, or ended by Ctrl-C or SIGTERM\n"
    "  1  internal error\n"
    "  2  bad options\n"
    "  3  the server cannot be reached, refuses the connection, or went away\n"
    "  4  the tables are missing or do not fit\n"
    "  5  the server refused a statement\n"
    "  6  done, but the outcome of some transactions is unknown\n"
    "\n"
    "The server is found as by every libpq program: PGHOST, PGPORT, PGUSER, PGDATABASE, PGSERVICE, "
    "PGPASSFILE\n"
    "and so on are honoured. DURATION is a number with us, ms, s, min, h or d; a bare number is seconds.";

[[noreturn]] void refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

CLI::Option* add_span(CLI::App* app, const std::string& name, Micros& target, const std::string& help) {
  const auto read = [name, &target](const CLI::results_t& values) {
    const std::optional<Micros> span = parse_span(values.front());
    if (!span)
      refuse(name, fmt::format("\"{}\" is not a duration; write 250ms, 30s, 5min or 2h", values.front()));
    target = *span;
    return true;
  };
  return app->add_option(name, read, help)->type_name("DURATION");
}

void add_common(CLI::App* app, Options& options) {
  app->add_option("--scenario", options.scenario, "What to write")
      ->check(CLI::IsMember(scenario_names()))
      ->capture_default_str()
      ->type_name("NAME");

  CLI::Option_group* server = app->add_option_group("Server");
  ConnectionOptions& connection = options.connection;
  server
      ->add_option("-d,--dbname", connection.dbname,
                   "Database: a name, \"host=… dbname=…\", service=… or a URI")
      ->type_name("CONNINFO");
  server->add_option("-H,--host", connection.host, "Host or socket folder")->type_name("HOST");
  server->add_option("-p,--port", connection.port, "Port")->type_name("PORT");
  server->add_option("-U,--username", connection.user, "User")->type_name("NAME");
  server->add_option("--application-name", connection.application_name, "As shown in pg_stat_activity")
      ->capture_default_str()
      ->type_name("NAME");
}

void add_seed(CLI::App* app, Options& options) {
  app->add_option("--seed", options.shape.seed, "Same seed and options, same events")
      ->capture_default_str()
      ->type_name("N");
}

void add_init(CLI::App* app, Options& options) {
  app->add_flag("--drop", options.drop, "Drop the tables first");
  app->add_option("--posts", options.blog.posts, "Number of posts")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000'000}))
      ->default_str(std::to_string(BlogOptions::kDefaultPosts))
      ->type_name("N");
  add_seed(app, options);
  app->add_flag("-q,--quiet", options.output.quiet, "Print nothing but errors");
}

void add_load(CLI::App* app, RunOptions& run) {
  CLI::Option_group* load = app->add_option_group("Load");
  load->add_option("--rate", run.rate, "Events a second over all clients; 0: as fast as possible")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str()
      ->type_name("RATE");
  load->add_option("--clients", run.clients, "Connections")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1000}))
      ->capture_default_str()
      ->type_name("N");
  load->add_option("--batch", run.batch, "Events per transaction")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->default_str("what makes ten transactions a second and client; 1000 for --rate 0")
      ->type_name("N");
  load->add_option("--method", run.method, "How rows are sent: copy, or insert (a prepared INSERT for each)")
      ->transform(CLI::CheckedTransformer(
          std::vector<std::pair<std::string, Method>>{{"copy", Method::kCopy}, {"insert", Method::kInsert}}))
      ->default_str("copy")
      ->type_name("copy|insert");
  add_span(load, "--duration", run.duration, "Stop after so long");
  load->add_option("--events", run.events, "Stop after so many events")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 52))
      ->type_name("N");
}

void add_shape(CLI::App* app, Options& options) {
  CLI::Option_group* shape = app->add_option_group("Events");
  add_seed(shape, options);
  shape->add_option("--skew", options.shape.skew, "Zipf exponent of the posts' popularity; 0: all alike")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->type_name("EXPONENT");
  shape->add_option("--posts", options.blog.posts, "View only the first N posts [all that are there]")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 52))
      ->type_name("N");
  shape->add_option("--users", options.blog.users, "Number of users who view")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 52))
      ->capture_default_str()
      ->type_name("N");
  add_span(shape, "--viral-every", options.blog.viral_every, "How often a post goes viral; 0: never")
      ->default_str("15s");
  add_span(shape, "--viral-life", options.blog.viral_life, "How long it stays so")->default_str("2min");
  shape
      ->add_option("--late-share", options.shape.late_share, "Share (0 to 1) of events that are written late")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->type_name("SHARE");
  add_span(shape, "--late-max", options.shape.late_max, "How late at most; evenly spread")
      ->default_str("30s");
}

void add_time(CLI::App* app, RunOptions& run) {
  CLI::Option_group* time = app->add_option_group("Event time");
  const auto read = [&run](const CLI::results_t& values) {
    run.start_time = parse_timestamp(values.front());
    if (!run.start_time) {
      refuse("--start-time", fmt::format("\"{}\" is not a time; write 2026-01-31T18:30:00Z", values.front()));
    }
    return true;
  };
  time->add_option("--start-time", read, "Date events from here on, instead of by the wall clock")
      ->type_name("TIME");
  time->add_option("--speed", run.speed,
                   "With --start-time: event time that passes in a second of writing at --rate "
                   "(at 10,000 events a second, if that is 0)")
      ->check(CLI::Range(1e-6, 1e9))
      ->capture_default_str()
      ->type_name("FACTOR");
}

void add_behaviour(CLI::App* app, Options& options) {
  CLI::Option_group* behaviour = app->add_option_group("Behaviour");
  behaviour->add_flag("--async-commit", options.connection.async_commit, "Set synchronous_commit to off");
  behaviour->add_flag(
      "--reconnect", options.run.reconnect,
      "When the server is away, wait for it and go on; a batch that was surely not committed is sent "
      "again, one whose commit is in doubt is not, but reported");
  add_span(behaviour, "--reconnect-for", options.run.reconnect_for, "… but give up after so long [never]");

  CLI::Option_group* output = app->add_option_group("Output");
  static constexpr const char* kProgressHelp = "Interval of the progress line; 0: none";
  const auto read = [&options](const CLI::results_t& values) {
    options.output.progress = parse_span(values.front());
    if (!options.output.progress)
      refuse("--progress", fmt::format("\"{}\" is not a duration", values.front()));
    return true;
  };
  output->add_option("--progress", read, kProgressHelp)
      ->type_name("DURATION")
      ->default_str("1s on a terminal, else 10s");
  output->add_flag("-q,--quiet", options.output.quiet, "Print nothing but errors, and --json");
  output->add_flag("--json", options.output.json, "Print the summary as a line of JSON");
}

// What no single option can check by itself; fills in what depends on others.
void check_together(const CLI::App& run_command, Options& options) {
  RunOptions& run = options.run;
  const BlogOptions& blog = options.blog;
  if (options.command == Command::kInit) {
    if (options.blog.posts == 0) options.blog.posts = BlogOptions::kDefaultPosts;
    return;
  }
  if (!run.start_time && run_command.count("--speed") > 0) refuse("--speed", "needs --start-time");
  if (run.reconnect_for > 0 && !run.reconnect) refuse("--reconnect-for", "needs --reconnect");
  if (run.rate > 0 && run.rate < 1e-3) refuse("--rate", "must be 0 or at least 0.001");
  if (options.shape.late_share > 0 && options.shape.late_max == 0) refuse("--late-max", "must be above 0");
  if (blog.viral_every > 0) {
    if (blog.viral_every < kMillisecond) refuse("--viral-every", "must be 0 or at least 1ms");
    if (blog.viral_life == 0)
      refuse("--viral-life", "must be above 0; --viral-every 0 turns viral posts off");
    if (blog.viral_life > Viral::kMostAtOnce * blog.viral_every) {
      refuse("--viral-life", fmt::format("must be at most {} times --viral-every", Viral::kMostAtOnce));
    }
  }
  if (run.batch == 0) run.batch = automatic_batch(run.rate, run.clients);
}

}  // namespace

ParseResult parse_options(const std::vector<std::string>& arguments) {
  ParseResult result;
  Options& options = result.options;
  CLI::App app(kDescription, "trending-loadgen");
  app.footer(kFooter);
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", "trending-loadgen " LOADGEN_VERSION);
  app.require_subcommand(1);
  CLI::App* init =
      app.add_subcommand("init", "Make the scenario's tables and fixed data; what is there stays");
  CLI::App* run = app.add_subcommand("run", "Write events");
  add_common(init, options);
  add_init(init, options);
  add_common(run, options);
  add_load(run, options.run);
  add_shape(run, options);
  add_time(run, options.run);
  add_behaviour(run, options);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
    options.command = init->parsed() ? Command::kInit : Command::kRun;
    check_together(*run, options);
  } catch (const CLI::Success& request) {  // --help, --version
    std::ostringstream text;
    app.exit(request, text, text);
    result.exit_code = kExitOk;
    result.text = text.str();
  } catch (const CLI::ParseError& error) {
    const char* command = init->parsed() ? " init" : run->parsed() ? " run" : "";
    result.exit_code = kExitBadOptions;
    result.text = fmt::format("trending-loadgen: error: {}\nhint: See trending-loadgen{} --help.\n",
                              error.what(), command);
  }
  return result;
}

}  // namespace trending::loadgen
