// SPDX-License-Identifier: PostgreSQL
// What the program says while it runs, on standard error: messages, and a progress line that is rewritten in
// place on a terminal. Used by all threads.
#pragma once

#include <mutex>
#include <string>

namespace trending::loadgen {

class Console {
 public:
  explicit Console(bool quiet);

  bool terminal() const { return terminal_; }

  void note(const std::string& text);  // silent with --quiet
  void warning(const std::string& text);
  void error(const std::string& text, const std::string& hint);
  void progress(const std::string& line);

  // Leaves the last progress line standing, and goes on below it.
  void end_progress();

 private:
  void print(const std::string& text);

  const bool quiet_;
  const bool terminal_;
  std::mutex mutex_;  // guards standard error and what follows
  bool line_open_ = false;
};

}  // namespace trending::loadgen
