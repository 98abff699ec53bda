// SPDX-License-Identifier: PostgreSQL
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "client.h"
#include "commands.h"
#include "format.h"
#include "report.h"
#include "signals.h"

namespace trending::loadgen {

namespace {

using std::chrono::microseconds;

// After the end of --duration, for the last batches of a run that keeps pace; and for the slower steps of an
// end.
constexpr Micros kLastBatches = 250 * kMillisecond;
constexpr Micros kGrace = 5 * kSecond;
constexpr Micros kGraceAfterCancel = 2 * kSecond;

Micros micros_since(SteadyClock::time_point begin) {
  return std::chrono::duration_cast<microseconds>(SteadyClock::now() - begin).count();
}

uint64_t event_limit(const RunOptions& run, const Schedule& schedule) {
  uint64_t limit = run.events > 0 ? run.events : uint64_t{1} << 52;
  if (run.duration > 0) limit = std::min(limit, schedule.events_within(run.duration).value_or(limit));
  return limit;
}

std::string announcement(const Options& options, const Scenario& scenario, const Connection& connection) {
  const RunOptions& run = options.run;
  return fmt::format("Scenario {}, {}, seed {}, into {}.\n{}, {}, {} per transaction by {}. Ctrl-C ends.",
                     scenario.name(), scenario.describe(), options.shape.seed, connection.where(),
                     run.rate > 0 ? fmt::format("{} events/s", format_rate(run.rate)) : "As fast as possible",
                     counted(run.clients, "client"), counted(run.batch, "event"),
                     run.method == Method::kCopy ? "COPY" : "INSERT");
}

// Returns how long it took. Before the run begins nothing needs to be ended cleanly, so a signal just ends the
// program.
Micros wait_for_server(const Options& options, Console& console) {
  Random random(static_cast<uint64_t>(wall_clock()), 0);
  const SteadyClock::time_point begin = SteadyClock::now();
  for (unsigned attempt = 0;; ++attempt) {
    try {
      const Connection connection(options.connection);
      return micros_since(begin);
    } catch (const ConnectError& error) {
      const Micros waited = micros_since(begin);
      const auto is_over = [waited](Micros limit) { return limit > 0 && waited >= limit; };
      if (!options.run.reconnect || error.answers() || is_over(options.run.reconnect_for) ||
          is_over(options.run.duration))
        throw;
      if (attempt == 0) console.warning(fmt::format("{}; waiting for the server", first_line(error.what())));
    }
    std::this_thread::sleep_for(microseconds(backoff(attempt, random.unit())));
  }
}

// The main thread's part of a run: progress, signals, and an end even if the server hangs.
class Supervisor {
 public:
  Supervisor(RunContext& context, Console& console, Signals& signals,
             const std::vector<std::shared_ptr<Client>>& clients)
      : context_(context), console_(console), signals_(signals), clients_(clients) {
    const OutputOptions& output = context.options.output;
    interval_ = output.progress.value_or(console.terminal() ? kSecond : 10 * kSecond);
    if (output.quiet) interval_ = 0;
    next_progress_ = interval_ > 0 ? context.start + microseconds(interval_) : SteadyClock::time_point::max();
    shown_at_ = context.start;
  }

  // Returns when all clients have ended, or false if some hang.
  bool supervise() {
    while (context_.running.load() > 0) {
      if (!advance_end()) return false;
      if (const int number = signals_.wait_until(std::min(next_progress_, next_step_))) on_signal(number);
      if (SteadyClock::now() >= next_progress_) show_progress();
    }
    return true;
  }

  int signal() const { return signal_; }

 private:
  enum class Step { kRunning, kStopping, kCancelled };

  // Goes on to the next step of ending when its time has come; false when there is none left.
  bool advance_end() {
    if (step_ == Step::kRunning) {
      next_step_ = context_.deadline;
      const bool over = SteadyClock::now() > context_.deadline || context_.stop.stop_requested();
      if (over) stop();
    } else if (SteadyClock::now() >= next_step_) {
      if (step_ == Step::kCancelled) return false;
      cancel();
    }
    return true;
  }

  void stop() {
    context_.stop.request_stop();
    step_ = Step::kStopping;
    next_step_ = SteadyClock::now() + microseconds(kGrace);
  }

  // PQcancel connects to the server and may hang as well, so it gets a thread that nobody waits for, and
  // that shares in owning the client.
  void cancel() {
    console_.warning("the server does not answer; cancelling what is under way");
    step_ = Step::kCancelled;
    next_step_ = SteadyClock::now() + microseconds(kGraceAfterCancel);
    for (const std::shared_ptr<Client>& client : clients_) {
      std::thread([client] { client->cancel(); }).detach();
    }
  }

  // The first signal ends the run, further ones the patience.
  void on_signal(int number) {
    if (signal_ == 0) signal_ = number;
    if (step_ == Step::kRunning) {
      stop();
    } else {
      next_step_ = SteadyClock::now();
    }
  }

  void show_progress() {
    const SteadyClock::time_point now = SteadyClock::now();
    const Totals totals = sum_up(clients_);
    const Micros interval = std::chrono::duration_cast<microseconds>(now - shown_at_).count();
    console_.progress(progress_line({.before = shown_,
                                     .now = totals,
                                     .interval = interval,
                                     .elapsed = micros_since(context_.start),
                                     .clients = clients_.size(),
                                     .clients_away = context_.outage.clients_away(),
                                     .rate = context_.options.run.rate}));
    shown_ = totals;
    shown_at_ = now;
    while (next_progress_ <= now) next_progress_ += microseconds(interval_);
  }

  RunContext& context_;
  Console& console_;
  Signals& signals_;
  const std::vector<std::shared_ptr<Client>>& clients_;
  Micros interval_;
  SteadyClock::time_point next_progress_;
  SteadyClock::time_point shown_at_;
  Totals shown_;
  Step step_ = Step::kRunning;
  SteadyClock::time_point next_step_;
  int signal_ = 0;
};

std::string why_ended(const RunContext& context, int signal, uint64_t events) {
  if (context.failure.code() != kExitOk) return "by an error";
  if (signal != 0) return fmt::format("by {}", signal_name(signal));
  const uint64_t wanted = context.options.run.events;
  return wanted > 0 && events >= wanted ? "all events written" : "--duration is over";
}

// Prints errors and the summary; returns the exit status.
int conclude(RunContext& context, Console& console, const Totals& totals, Micros elapsed, int signal) {
  console.end_progress();
  const ExitCode failed = context.failure.code();
  if (failed != kExitOk) console.error(context.failure.message(), context.failure.hint());
  const Summary summary{.options = context.options,
                        .scenario = context.scenario,
                        .totals = totals,
                        .elapsed = elapsed,
                        .away = context.outage.total(),
                        .ended = why_ended(context, signal, totals.events)};
  if (context.options.output.json) {
    fmt::print("{}", summary_json(summary));
  } else if (!context.options.output.quiet) {
    fmt::print("{}", summary_text(summary));
  } else if (totals.unknown_events > 0) {
    console.warning(fmt::format("the outcome of {} is unknown", counted(totals.unknown_events, "event")));
  }
  std::fflush(stdout);
  if (failed != kExitOk) return failed;
  return totals.unknown_events > 0 ? kExitUnknownOutcome : kExitOk;
}

}  // namespace

int run_command(const Options& given, Console& console) {
  Options options = given;
  const Micros waited = wait_for_server(options, console);
  if (options.run.duration > 0) options.run.duration = std::max<Micros>(options.run.duration - waited, 1);
  const std::unique_ptr<Scenario> scenario = make_scenario(options);
  {
    Connection connection(options.connection);
    scenario->prepare(connection);
    console.note(announcement(options, *scenario, connection));
  }
  const Schedule schedule(options.run.rate, options.run.speed);
  Dispenser dispenser(event_limit(options.run, schedule), options.run.batch);
  Outage outage(console);
  Failure failure;
  RunContext context{.options = options,
                     .scenario = *scenario,
                     .schedule = schedule,
                     .dispenser = dispenser,
                     .outage = outage,
                     .failure = failure,
                     .stop = {},
                     .start = {},
                     .deadline = SteadyClock::time_point::max()};
  std::vector<std::shared_ptr<Client>> clients;
  for (uint64_t i = 0; i < options.run.clients; ++i) clients.push_back(std::make_shared<Client>(context, i));

  Signals signals;
  context.start = SteadyClock::now();
  if (options.run.duration > 0) {
    context.deadline =
        context.start + microseconds(options.run.duration + (schedule.paced() ? kLastBatches : 0));
  }
  context.running = clients.size();
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  for (const std::shared_ptr<Client>& client : clients) {
    threads.emplace_back([&context, &signals, &client] {
      client->run();
      --context.running;
      signals.wake();
    });
  }
  Supervisor supervisor(context, console, signals, clients);
  const bool ended = supervisor.supervise();
  const Micros elapsed = micros_since(context.start);
  Totals totals = sum_up(clients);
  if (!ended) {
    add_in_flight(clients, totals);
    console.warning("some clients hang; leaving them");
    std::_Exit(conclude(context, console, totals, elapsed, supervisor.signal()));
  }
  for (std::thread& thread : threads) thread.join();
  totals = sum_up(clients);
  return conclude(context, console, totals, elapsed, supervisor.signal());
}

}  // namespace trending::loadgen
