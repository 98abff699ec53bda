// SPDX-License-Identifier: PostgreSQL
// CLI11 made to speak more plainly: help without internals, and range errors that name the range readably.
#pragma once

#include <charconv>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "format.h"

namespace trending::loadgen {

// "  --rate RATE      What it is [default]", wrapped.
class HelpFormatter : public CLI::Formatter {
 public:
  static constexpr size_t kNameWidth = 30;
  static constexpr size_t kTextWidth = 68;

  HelpFormatter() { column_width(kNameWidth); }

  std::string make_description(const CLI::App* app) const override {
    return CLI::Formatter::make_description(app) + "\n";
  }

  // All groups but the first come after a blank line already.
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    const std::string text = CLI::Formatter::make_group(group, is_positional, std::move(options));
    return group == "Options" ? text : text.substr(1);
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string value = option->get_default_str();
    return wrap(option->get_description() + (value.empty() ? "" : fmt::format(" [{}]", value)));
  }

 private:
  static std::string wrap(const std::string& text) {
    std::string wrapped;
    size_t column = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      const size_t length = end - begin;
      if (column > 0 && column + 1 + length > kTextWidth) {
        wrapped += '\n';
        column = 0;
      } else if (column > 0) {
        wrapped += ' ';
        ++column;
      }
      wrapped.append(text, begin, length);
      column += length;
      begin = end + 1;
    }
    return wrapped;
  }
};

// Accepts numbers from low to high; NaN is in no range.
template <typename Number>
CLI::Validator within(Number low, Number high) {
  const auto name = [](Number number) {
    if constexpr (std::is_integral_v<Number>) {
      return with_commas(number);
    } else {
      return number >= 1000 ? with_commas(static_cast<uint64_t>(number)) : fmt::format("{}", number);
    }
  };
  const std::string complaint =
      fmt::format("must be a{} from {} to {}", std::is_integral_v<Number> ? " whole number" : " number",
                  name(low), name(high));
  return CLI::Validator(
      [=](std::string& text) {
        Number number{};
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool read = error == std::errc() && stop == text.data() + text.size();
        const bool good = read && number >= low && number <= high;
        return good ? std::string() : fmt::format("{}, not \"{}\"", complaint, text);
      },
      "");
}

// Accepts one of the words and stores the value that belongs to it.
template <typename Value>
CLI::Validator one_of(std::vector<std::pair<std::string, Value>> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) {
        std::string known;
        for (const auto& [word, value] : words) {
          if (text == word) {
            text = std::to_string(static_cast<std::underlying_type_t<Value>>(value));
            return std::string();
          }
          known += (known.empty() ? "" : ", ") + word;
        }
        return fmt::format("must be one of: {}; not \"{}\"", known, text);
      },
      "");
}

}  // namespace trending::loadgen
