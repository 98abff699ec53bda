// SPDX-License-Identifier: PostgreSQL
// One client: a connection and a thread that takes spans of events, writes each as a transaction, and counts.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>

#include "connection.h"
#include "console.h"
#include "exit_codes.h"
#include "latency.h"
#include "pacing.h"
#include "random.h"
#include "scenario.h"

namespace trending::loadgen {

using SteadyClock = std::chrono::steady_clock;

// Why a run had to end; the first reason stays.
class Failure {
 public:
  void set(ExitCode code, const std::string& message, const std::string& hint);

  // For the main thread, after the clients have ended or hung.
  ExitCode code();
  std::string message();
  std::string hint();

 private:
  std::mutex mutex_;  // guards the rest
  ExitCode code_ = kExitOk;
  std::string message_;
  std::string hint_;
};

// How many clients are without a connection; says so once for all of them.
class Outage {
 public:
  explicit Outage(Console& console) : console_(console) {}

  void lost(const std::string& message);
  void back();
  uint64_t clients_away();

  // The time during which at least one client was away.
  Micros total();

 private:
  Console& console_;
  std::mutex mutex_;  // guards the rest
  uint64_t clients_ = 0;
  SteadyClock::time_point since_;
  Micros total_ = 0;
};

// What all clients of a run share. The references outlive the clients.
struct RunContext {
  const Options& options;
  const Scenario& scenario;
  const Schedule& schedule;
  Dispenser& dispenser;
  Outage& outage;
  Failure& failure;
  std::stop_source stop;
  SteadyClock::time_point start;
  SteadyClock::time_point deadline;  // no batch begins after it
  std::atomic<uint64_t> running{0};
};

// Written by the client's thread alone, read by the main thread at any time; all relaxed.
struct ClientCounters {
  std::atomic<uint64_t> events{0};
  std::atomic<uint64_t> transactions{0};
  std::array<std::atomic<uint64_t>, Batch::kTallies> tallies{};
  std::atomic<uint64_t> errors{0};  // statements refused and connections lost
  std::atomic<uint64_t> reconnects{0};
  std::atomic<uint64_t> unknown_events{0};  // their commit was in doubt when the connection broke
  std::atomic<uint64_t> unknown_transactions{0};
  std::atomic<uint64_t> unwritten_events{0};  // taken, but surely not committed when the run ended
  std::atomic<uint64_t> in_flight{0};         // events of the transaction under way
  LatencyHistogram latency;                   // of whole transactions, first row sent to commit confirmed
};

class alignas(64) Client {
 public:
  Client(RunContext& context, uint64_t number);

  // The thread's body.
  void run();

  // For the main thread, when the server does not answer: cancels the statement under way.
  void cancel() { connection_.cancel(); }

  const ClientCounters& counters() const { return counters_; }

 private:
  enum class Outcome { kGoOn, kEnd };

  void write_spans();
  bool wait_until(SteadyClock::time_point time);
  bool wait_for_turn(EventSpan span);
  EventTimes times_of(EventSpan span) const;
  Outcome deliver(EventSpan span);
  Outcome after_loss(const ConnectionLost& loss, EventSpan span, Progress progress, bool& again);
  Outcome after_refusal(const StatementError& refusal, EventSpan span, unsigned attempt);
  bool restore();
  void count_commit(EventSpan span, SteadyClock::time_point begin);

  RunContext& context_;
  const std::stop_token stop_;
  Connection connection_;
  Batch batch_;
  Random random_;  // of back-off alone
  std::mutex wait_mutex_;
  std::condition_variable_any wait_;
  ClientCounters counters_;
};

}  // namespace trending::loadgen
