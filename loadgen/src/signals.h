// SPDX-License-Identifier: PostgreSQL
// Signals as events that the main thread waits for, instead of handlers.
#pragma once

#include <chrono>
#include <csignal>

#include <pthread.h>

namespace trending::loadgen {

// Made by the main thread before any other thread is: from then on SIGINT, SIGTERM and SIGHUP wait to be
// fetched.
class Signals {
 public:
  using Clock = std::chrono::steady_clock;

  Signals();

  // The number of a signal that asks to end, or 0 after wake() or at the given time.
  int wait_until(Clock::time_point time);

  // Ends the wait; may be called by any thread.
  void wake() { pthread_kill(owner_, SIGUSR1); }

 private:
  pthread_t owner_ = pthread_self();
  sigset_t awaited_;
};

// "SIGINT" and so on.
const char* signal_name(int number);

}  // namespace trending::loadgen
