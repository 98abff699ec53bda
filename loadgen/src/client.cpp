// SPDX-License-Identifier: PostgreSQL
#include "client.h"

#include <fmt/format.h>

#include "format.h"

namespace trending::loadgen {

namespace {

// A counter with a single writer needs no locked instruction.
void bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

Micros micros_between(SteadyClock::time_point from, SteadyClock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

}  // namespace

void Failure::set(ExitCode code, const std::string& message, const std::string& hint) {
  const std::lock_guard lock(mutex_);
  if (code_ != kExitOk) return;
  code_ = code;
  message_ = message;
  hint_ = hint;
}

ExitCode Failure::code() {
  const std::lock_guard lock(mutex_);
  return code_;
}

std::string Failure::message() {
  const std::lock_guard lock(mutex_);
  return message_;
}

std::string Failure::hint() {
  const std::lock_guard lock(mutex_);
  return hint_;
}

void Outage::lost(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (clients_++ > 0) return;
  since_ = SteadyClock::now();
  console_.warning(fmt::format("{}; waiting for the server", first_line(message)));
}

void Outage::back() {
  const std::lock_guard lock(mutex_);
  if (--clients_ > 0) return;
  const Micros away = micros_between(since_, SteadyClock::now());
  total_ += away;
  console_.warning(fmt::format("connected again after {}", format_span(away)));
}

uint64_t Outage::clients_away() {
  const std::lock_guard lock(mutex_);
  return clients_;
}

Micros Outage::total() {
  const std::lock_guard lock(mutex_);
  return total_ + (clients_ > 0 ? micros_between(since_, SteadyClock::now()) : 0);
}

Client::Client(RunContext& context, uint64_t number)
    : context_(context),
      stop_(context.stop.get_token()),
      connection_(context.options.connection),
      batch_(context.scenario.event_tables().size()),
      random_(static_cast<uint64_t>(wall_clock()), number) {}

void Client::run() {
  try {
    write_spans();
  } catch (const std::exception& error) {
    context_.failure.set(kExitInternal, error.what(), "");
  }
  if (context_.failure.code() != kExitOk) context_.stop.request_stop();
}

void Client::write_spans() {
  while (const std::optional<EventSpan> span = context_.dispenser.next()) {
    if (!wait_until(context_.start + std::chrono::microseconds(context_.schedule.due(*span)))) return;
    batch_.clear();
    context_.scenario.generate(*span, times_of(*span), batch_);
    counters_.in_flight.store(span->count, std::memory_order_relaxed);
    const Outcome outcome = wait_for_turn(*span) ? deliver(*span) : Outcome::kEnd;
    context_.dispenser.finish(*span);
    counters_.in_flight.store(0, std::memory_order_relaxed);
    if (outcome == Outcome::kEnd) return;
  }
}

// Changes of older rows come after the rows, and in the order of the events.
bool Client::wait_for_turn(EventSpan span) {
  if (batch_.statements.empty() || context_.dispenser.wait_for_earlier(span, stop_, context_.deadline)) {
    return true;
  }
  bump(counters_.unwritten_events, span.count);
  return false;
}

// False if the run is over before that, or by now.
bool Client::wait_until(SteadyClock::time_point time) {
  if (SteadyClock::now() < time) {
    std::unique_lock lock(wait_mutex_);
    wait_.wait_until(lock, stop_, time, [] { return false; });
  }
  return !stop_.stop_requested() && SteadyClock::now() <= context_.deadline;
}

EventTimes Client::times_of(EventSpan span) const {
  const std::optional<Timestamp> start = context_.options.run.start_time;
  return start ? EventTimes::replay(context_.schedule, *start)
               : EventTimes::live(context_.schedule, span, wall_clock());
}

// Writes the batch, again and again if need be and allowed, until its fate is known or stays unknown for
// good.
Client::Outcome Client::deliver(EventSpan span) {
  for (unsigned attempt = 0;; ++attempt) {
    Progress progress = Progress::kNotCommitted;
    const SteadyClock::time_point begin = SteadyClock::now();
    try {
      connection_.write(context_.options.run.method, context_.scenario.event_tables(), batch_, progress);
      count_commit(span, begin);
      return Outcome::kGoOn;
    } catch (const ConnectionLost& loss) {
      bool again = false;
      const Outcome outcome = after_loss(loss, span, progress, again);
      if (!again) return outcome;
    } catch (const StatementError& refusal) {
      if (after_refusal(refusal, span, attempt) == Outcome::kEnd) return Outcome::kEnd;
    }
  }
}

void Client::count_commit(EventSpan span, SteadyClock::time_point begin) {
  counters_.latency.record(micros_between(begin, SteadyClock::now()));
  for (size_t i = 0; i < Batch::kTallies; ++i) bump(counters_.tallies[i], batch_.tallies[i]);
  bump(counters_.transactions);
  bump(counters_.events, span.count);
}

// A batch in doubt may be in the table already, so it is counted as unknown and never sent a second time.
Client::Outcome Client::after_loss(const ConnectionLost& loss, EventSpan span, Progress progress,
                                   bool& again) {
  bump(counters_.errors);
  const bool in_doubt = progress == Progress::kInDoubt;
  if (in_doubt) {
    bump(counters_.unknown_events, span.count);
    bump(counters_.unknown_transactions);
    counters_.in_flight.store(0, std::memory_order_relaxed);
  }
  bool restored = false;
  if (!context_.options.run.reconnect) {
    context_.failure.set(kExitConnection, loss.what(), loss.hint());
  } else if (!stop_.stop_requested()) {
    context_.outage.lost(loss.what());
    restored = restore();
  }
  again = restored && !in_doubt;
  if (!restored && !in_doubt) bump(counters_.unwritten_events, span.count);
  return restored ? Outcome::kGoOn : Outcome::kEnd;
}

// The server has rolled the transaction back. Passing reasons are waited out with --reconnect.
Client::Outcome Client::after_refusal(const StatementError& refusal, EventSpan span, unsigned attempt) {
  bump(counters_.errors);
  if (!stop_.stop_requested()) {
    if (context_.options.run.reconnect && refusal.transient()) {
      const Micros pause = backoff(attempt, random_.unit());
      if (wait_until(SteadyClock::now() + std::chrono::microseconds(pause))) return Outcome::kGoOn;
    } else {
      const ExitCode code = refusal.sqlstate() == "42P01" ? kExitSchema : kExitRefused;
      context_.failure.set(code, fmt::format("the server refused a transaction: {}", refusal.what()),
                           refusal.hint());
    }
  }
  bump(counters_.unwritten_events, span.count);
  return Outcome::kEnd;
}

// Tries to connect until it works; false if the run ends before, or there is no point in going on.
bool Client::restore() {
  constexpr unsigned kMostRefusals = 5;  // by a server that is up; the first may be from while it came up
  const SteadyClock::time_point begin = SteadyClock::now();
  const Micros limit = context_.options.run.reconnect_for;
  unsigned refusals = 0;
  for (unsigned attempt = 0;; ++attempt) {
    if (!wait_until(SteadyClock::now() + std::chrono::microseconds(backoff(attempt, random_.unit()))))
      return false;
    try {
      connection_.reopen();
      context_.outage.back();
      bump(counters_.reconnects);
      return true;
    } catch (const ConnectError& error) {
      refusals = error.answers() ? refusals + 1 : 0;
      const bool too_long = limit > 0 && micros_between(begin, SteadyClock::now()) >= limit;
      if (refusals >= kMostRefusals || too_long) {
        context_.failure.set(
            kExitConnection, error.what(),
            too_long ? fmt::format("Gave up after {}, as --reconnect-for says.", format_span(limit))
                     : error.hint());
        return false;
      }
    } catch (const UserError&) {  // broke again while it was being prepared
    }
  }
}

}  // namespace trending::loadgen
