// SPDX-License-Identifier: PostgreSQL
#include "options.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli.h"
#include "exit_codes.h"
#include "pacing.h"
#include "scenario.h"
#include "scenarios/viral.h"

namespace trending::loadgen {

namespace {

constexpr const char* kDescription =
    "Writes a live stream of events into PostgreSQL, to try out and measure rankings over them.";

constexpr const char* kExamples =
    "Examples:\n"
    "  trending-loadgen init                    make the tables and the posts\n"
    "  trending-loadgen run --rate 2000         write views until Ctrl-C\n"
    "  trending-loadgen run -d 'host=db1 dbname=app' --duration 1min --method insert --batch 1\n"
    "\n";

constexpr const char* kFooter =
    "Exit status:\n"
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

CLI::Validator known_scenario() {
  return CLI::Validator(
      [](const std::string& text) {
        const std::vector<std::string>& names = scenario_names();
        if (std::ranges::find(names, text) != names.end()) return std::string();
        return fmt::format("must be one of: {}; not \"{}\"", fmt::join(names, ", "), text);
      },
      "");
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

void add_scenario(CLI::App* app, Options& options) {
  app->add_option("--scenario", options.scenario, "What to write")
      ->check(known_scenario())
      ->capture_default_str()
      ->type_name("NAME");
}

void add_server(CLI::App* app, Options& options) {
  app->option_defaults()->group("Server");
  ConnectionOptions& connection = options.connection;
  app->add_option("-d,--dbname", connection.dbname,
                  "Database: a name, \"host=… dbname=…\", service=… or a URI")
      ->type_name("CONNINFO");
  app->add_option("-H,--host", connection.host, "Host or socket folder")->type_name("HOST");
  app->add_option("-p,--port", connection.port, "Port")->type_name("PORT");
  app->add_option("-U,--username", connection.user, "User")->type_name("NAME");
  app->add_option("--application-name", connection.application_name, "As shown in pg_stat_activity")
      ->capture_default_str()
      ->type_name("NAME");
}

void add_seed(CLI::App* app, Options& options) {
  app->add_option("--seed", options.shape.seed, "Same seed and options, same events")
      ->check(within(uint64_t{0}, UINT64_MAX))
      ->capture_default_str()
      ->type_name("N");
}

void add_init(CLI::App* app, Options& options) {
  app->add_flag("--drop", options.drop, "Drop the tables first");
  app->add_option("--posts", options.blog.posts, "Number of posts of the blog")
      ->check(within(uint64_t{1}, uint64_t{100'000'000}))
      ->default_str(std::to_string(BlogOptions::kDefaultPosts))
      ->type_name("N");
  add_seed(app, options);
  app->add_flag("-q,--quiet", options.output.quiet, "Print nothing but errors");
}

void add_load(CLI::App* app, RunOptions& run) {
  app->option_defaults()->group("Load");
  app->add_option("--rate", run.rate, "Events a second over all clients; 0: as fast as possible")
      ->check(within(0.0, 1e9))
      ->capture_default_str()
      ->type_name("RATE");
  app->add_option("--clients", run.clients, "Connections")
      ->check(within(uint64_t{1}, uint64_t{1000}))
      ->capture_default_str()
      ->type_name("N");
  app->add_option("--batch", run.batch, "Events per transaction")
      ->check(within(uint64_t{1}, uint64_t{1'000'000}))
      ->default_str("so many that each client commits ten times a second; 1000 with --rate 0")
      ->type_name("N");
  app->add_option("--method", run.method, "How rows are sent: copy, or insert (a prepared INSERT for each)")
      ->transform(one_of<Method>({{"copy", Method::kCopy}, {"insert", Method::kInsert}}))
      ->default_str("copy")
      ->type_name("copy|insert");
  add_span(app, "--duration", run.duration, "Stop after so long, with or without a server");
  app->add_option("--events", run.events, "Stop after so many events")
      ->check(within(uint64_t{1}, uint64_t{1} << 52))
      ->type_name("N");
}

void add_shape(CLI::App* app, Options& options) {
  app->option_defaults()->group("Events");
  add_seed(app, options);
  app->add_option("--skew", options.shape.skew,
                  "Zipf exponent of the popularity of posts, products and such; 0: all alike")
      ->check(within(0.0, 10.0))
      ->capture_default_str()
      ->type_name("EXPONENT");
  app->add_option("--posts", options.blog.posts, "Of the blog, view only the first N posts")
      ->default_str("all that are there")
      ->check(within(uint64_t{1}, uint64_t{1} << 52))
      ->type_name("N");
  app->add_option("--users", options.shape.users, "Number of users")
      ->check(within(uint64_t{1}, uint64_t{1} << 52))
      ->default_str("the scenario's own")
      ->type_name("N");
  add_span(app, "--viral-every", options.blog.viral_every,
           "How often a post of the blog goes viral; 0: never")
      ->default_str("15s");
  add_span(app, "--viral-life", options.blog.viral_life, "How long it stays so")->default_str("2min");
  app->add_option("--late-share", options.shape.late_share, "Share (0 to 1) of events that are written late")
      ->check(within(0.0, 1.0))
      ->capture_default_str()
      ->type_name("SHARE");
  add_span(app, "--late-max", options.shape.late_max, "How late at most; evenly spread")->default_str("30s");
  app->add_option("--change-share", options.shape.change_share,
                  "Share of events with which older rows are changed: titles, cancelled orders, corrections")
      ->check(within(0.0, 1.0))
      ->default_str("the scenario's own")
      ->type_name("SHARE");
}

void add_time(CLI::App* app, RunOptions& run) {
  app->option_defaults()->group("Event time");
  const auto read = [&run](const CLI::results_t& values) {
    run.start_time = parse_timestamp(values.front());
    if (!run.start_time) {
      refuse("--start-time", fmt::format("\"{}\" is not a time; write 2026-01-31T18:30:00Z", values.front()));
    }
    return true;
  };
  app->add_option("--start-time", read, "Date events from here on, instead of by the wall clock")
      ->type_name("TIME");
  app->add_option("--speed", run.speed,
                  "With --start-time: how fast event time passes as events are written at --rate (at 10,000 "
                  "events/s if that is 0)")
      ->check(within(1e-6, 1e9))
      ->capture_default_str()
      ->type_name("FACTOR");
}

void add_behaviour(CLI::App* app, Options& options) {
  app->option_defaults()->group("Behaviour");
  app->add_flag("--async-commit", options.connection.async_commit, "Set synchronous_commit to off");
  app->add_flag(
      "--reconnect", options.run.reconnect,
      "When the server is away, wait for it and go on; a batch that was surely not committed is sent "
      "again, one whose commit is in doubt is not, but reported");
  add_span(app, "--reconnect-for", options.run.reconnect_for, "… but give up after so long")
      ->default_str("never");

  app->option_defaults()->group("Output");
  static constexpr const char* kProgressHelp = "Interval of the progress line; 0: none";
  const auto read = [&options](const CLI::results_t& values) {
    options.output.progress = parse_span(values.front());
    if (!options.output.progress)
      refuse("--progress", fmt::format("\"{}\" is not a duration", values.front()));
    return true;
  };
  app->add_option("--progress", read, kProgressHelp)
      ->type_name("DURATION")
      ->default_str("1s on a terminal, else 10s");
  app->add_flag("-q,--quiet", options.output.quiet, "Print nothing but errors, and --json");
  app->add_flag("--json", options.output.json, "Print the summary as a line of JSON");
}

// What no single option can check by itself; fills in what depends on others.
void check_together(const CLI::App& run_command, Options& options) {
  RunOptions& run = options.run;
  const BlogOptions& blog = options.blog;
  if (options.scenario != Options().scenario)
    options.connection.init_command += " --scenario " + options.scenario;
  if (options.command == Command::kInit) {
    if (options.blog.posts == 0) options.blog.posts = BlogOptions::kDefaultPosts;
    return;
  }
  if (!run.start_time && run_command.count("--speed") > 0) refuse("--speed", "needs --start-time");
  for (const auto& [name, span] :
       {std::pair("--duration", run.duration), {"--reconnect-for", run.reconnect_for}}) {
    if (run_command.count(name) > 0 && span == 0) refuse(name, "must be above 0; leave it out for no end");
  }
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
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", "trending-loadgen " LOADGEN_VERSION);
  app.require_subcommand(1);
  CLI::App* init =
      app.add_subcommand("init", "Make the scenario's tables and fixed data; what is there stays");
  CLI::App* run = app.add_subcommand("run", "Write events");
  app.footer(std::string(kExamples) + kFooter);  // after the subcommands took theirs
  add_scenario(init, options);
  add_init(init, options);
  add_server(init, options);
  add_scenario(run, options);
  add_load(run, options.run);
  add_shape(run, options);
  add_time(run, options.run);
  add_behaviour(run, options);
  add_server(run, options);
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
    const bool no_command = *command == '\0' && error.get_name() == "RequiredError";
    result.exit_code = kExitBadOptions;
    result.text = fmt::format("trending-loadgen: error: {}\nhint: See trending-loadgen{} --help.\n",
                              no_command ? "the command is missing: init or run" : error.what(), command);
  }
  return result;
}

}  // namespace trending::loadgen
