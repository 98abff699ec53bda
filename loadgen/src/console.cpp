// SPDX-License-Identifier: PostgreSQL
#include "console.h"

#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace trending::loadgen {

namespace {

constexpr const char* kClearLine = "\r\033[K";

// Cuts UTF-8 text to a number of characters, all of which are taken to be one column wide.
std::string cut(const std::string& text, size_t columns) {
  size_t shown = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool continues = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (!continues && shown++ == columns) return text.substr(0, i);
  }
  return text;
}

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

}  // namespace

Console::Console(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

void Console::print(const std::string& text) {
  const std::lock_guard lock(mutex_);
  fmt::print(stderr, "{}{}\n", line_open_ ? kClearLine : "", text);
  line_open_ = false;
}

void Console::note(const std::string& text) {
  if (!quiet_) print(text);
}

void Console::warning(const std::string& text) {
  print(fmt::format("trending-loadgen: warning: {}", text));
}

void Console::error(const std::string& text, const std::string& hint) {
  print(fmt::format("trending-loadgen: error: {}{}{}", text, hint.empty() ? "" : "\nhint: ", hint));
}

void Console::progress(const std::string& line) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  if (terminal_) {
    fmt::print(stderr, "{}{}", kClearLine, cut(line, terminal_width()));
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
}

void Console::end_progress() {
  const std::lock_guard lock(mutex_);
  if (line_open_) fmt::print(stderr, "\n");
  line_open_ = false;
}

}  // namespace trending::loadgen
