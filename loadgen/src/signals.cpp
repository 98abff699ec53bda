// SPDX-License-Identifier: PostgreSQL
#include "signals.h"

#include <algorithm>

namespace trending::loadgen {

Signals::Signals() {
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  sigemptyset(&awaited_);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&awaited_, number);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&awaited_, SIGHUP);  // under nohup it is
  pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
}

int Signals::wait_until(Clock::time_point time) {
  using std::chrono::nanoseconds;
  constexpr int64_t kNanos = 1'000'000'000;
  const auto left =
      std::max<int64_t>(0, std::chrono::duration_cast<nanoseconds>(time - Clock::now()).count());
  const timespec timeout{left / kNanos, left % kNanos};
  const int number = sigtimedwait(&awaited_, nullptr, &timeout);
  return number > 0 && number != SIGUSR1 ? number : 0;
}

const char* signal_name(int number) {
  switch (number) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "a signal";
  }
}

}  // namespace trending::loadgen
