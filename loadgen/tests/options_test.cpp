// SPDX-License-Identifier: PostgreSQL
#include "options.h"

#include <gtest/gtest.h>

#include "exit_codes.h"

namespace trending::loadgen {
namespace {

Options accept(const std::vector<std::string>& arguments) {
  ParseResult result = parse_options(arguments);
  EXPECT_FALSE(result.exit_code) << result.text;
  return result.options;
}

void expect_refused(const std::vector<std::string>& arguments, const std::string& message) {
  const ParseResult result = parse_options(arguments);
  ASSERT_TRUE(result.exit_code) << message;
  EXPECT_EQ(*result.exit_code, kExitBadOptions);
  EXPECT_NE(result.text.find(message), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("hint: "), std::string::npos) << result.text;
}

TEST(Options, RunHasDefaults) {
  const Options options = accept({"run"});
  EXPECT_EQ(options.command, Command::kRun);
  EXPECT_EQ(options.scenario, "blog");
  EXPECT_EQ(options.run.rate, 1000);
  EXPECT_EQ(options.run.batch, 25U);
  EXPECT_EQ(options.run.method, Method::kCopy);
  EXPECT_EQ(options.blog.posts, 0U);
  EXPECT_EQ(options.connection.application_name, "trending-loadgen");
  EXPECT_FALSE(options.output.progress);
}

TEST(Options, InitHasDefaults) {
  const Options options = accept({"init"});
  EXPECT_EQ(options.command, Command::kInit);
  EXPECT_EQ(options.blog.posts, BlogOptions::kDefaultPosts);
  EXPECT_FALSE(options.drop);
}

TEST(Options, AreRead) {
  const Options options = accept({"run",
                                  "-d",
                                  "host=h dbname=x",
                                  "--rate",
                                  "0",
                                  "--clients",
                                  "7",
                                  "--batch",
                                  "13",
                                  "--method",
                                  "insert",
                                  "--posts",
                                  "99",
                                  "--skew",
                                  "1.2",
                                  "--viral-every",
                                  "1min",
                                  "--viral-life",
                                  "10min",
                                  "--late-share",
                                  "0.1",
                                  "--late-max",
                                  "2h",
                                  "--change-share",
                                  "0.25",
                                  "--users",
                                  "12",
                                  "--seed",
                                  "18446744073709551615",
                                  "--duration",
                                  "90",
                                  "--events",
                                  "1000",
                                  "--start-time",
                                  "2026-01-01",
                                  "--speed",
                                  "60",
                                  "--async-commit",
                                  "--reconnect",
                                  "--reconnect-for",
                                  "1min",
                                  "--progress",
                                  "0",
                                  "-q",
                                  "--json"});
  EXPECT_EQ(options.connection.dbname, "host=h dbname=x");
  EXPECT_EQ(options.run.rate, 0);
  EXPECT_EQ(options.run.clients, 7U);
  EXPECT_EQ(options.run.batch, 13U);
  EXPECT_EQ(options.run.method, Method::kInsert);
  EXPECT_EQ(options.blog.posts, 99U);
  EXPECT_EQ(options.shape.skew, 1.2);
  EXPECT_EQ(options.blog.viral_every, kMinute);
  EXPECT_EQ(options.blog.viral_life, 10 * kMinute);
  EXPECT_EQ(options.shape.late_share, 0.1);
  EXPECT_EQ(options.shape.late_max, 2 * kHour);
  EXPECT_EQ(options.shape.change_share, 0.25);
  EXPECT_EQ(options.shape.users, 12U);
  EXPECT_EQ(options.shape.seed, UINT64_MAX);
  EXPECT_EQ(options.run.duration, 90 * kSecond);
  EXPECT_EQ(options.run.events, 1000U);
  EXPECT_EQ(options.run.start_time, parse_timestamp("2026-01-01"));
  EXPECT_EQ(options.run.speed, 60);
  EXPECT_TRUE(options.connection.async_commit);
  EXPECT_TRUE(options.run.reconnect);
  EXPECT_EQ(options.run.reconnect_for, kMinute);
  EXPECT_EQ(options.output.progress, 0);
  EXPECT_TRUE(options.output.quiet);
  EXPECT_TRUE(options.output.json);
}

TEST(Options, BadOnesAreRefused) {
  expect_refused({}, "the command is missing: init or run");
  expect_refused({"walk"}, "the command is missing: init or run");
  expect_refused({"run", "--scenario", "circus"}, "circus");
  expect_refused({"run", "--rate", "-1"}, "--rate");
  expect_refused({"run", "--rate", "fast"}, "--rate");
  expect_refused({"run", "--rate", "nan"}, "--rate");
  expect_refused({"run", "--rate", "0.0001"}, "--rate");
  expect_refused({"run", "--clients", "0"}, "--clients");
  expect_refused({"run", "--clients", "1001"}, "--clients");
  expect_refused({"run", "--batch", "0"}, "--batch");
  expect_refused({"run", "--batch", "2.5"}, "--batch");
  expect_refused({"run", "--method", "telepathy"}, "--method");
  expect_refused({"run", "--duration", "soon"}, "\"soon\" is not a duration");
  expect_refused({"run", "--duration", "0s"}, "--duration: must be above 0");
  expect_refused({"run", "--reconnect", "--reconnect-for", "0"}, "--reconnect-for: must be above 0");
  expect_refused({"run", "--events", "0"}, "--events");
  expect_refused({"run", "--skew", "-0.1"}, "--skew");
  expect_refused({"run", "--seed", "1e3"}, "--seed");
  expect_refused({"run", "--skew", "nan"}, "--skew");
  expect_refused({"run", "--late-share", "1.5"}, "--late-share");
  expect_refused({"run", "--change-share", "-1"}, "--change-share");
  expect_refused({"run", "--users", "0"}, "--users");
  expect_refused({"run", "--late-share", "0.5", "--late-max", "0"}, "--late-max");
  expect_refused({"run", "--viral-every", "1s", "--viral-life", "2min"}, "--viral-life");
  expect_refused({"run", "--viral-life", "0"}, "--viral-life");
  expect_refused({"run", "--seed", "-1"}, "--seed");
  expect_refused({"run", "--start-time", "yesterday"}, "\"yesterday\" is not a time");
  expect_refused({"run", "--speed", "2"}, "--start-time");
  expect_refused({"run", "--reconnect-for", "5s"}, "--reconnect");
  expect_refused({"run", "--progress", "x"}, "--progress");
  expect_refused({"run", "--unknown"}, "--unknown");
  expect_refused({"run", "stray"}, "stray");
  expect_refused({"init", "--posts", "0"}, "--posts");
  expect_refused({"init", "--rate", "5"}, "--rate");
}

TEST(Options, HelpNamesTheExitStatuses) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--help"}, {"run", "--help"}, {"init", "--help"}}) {
    const ParseResult result = parse_options(arguments);
    ASSERT_TRUE(result.exit_code);
    EXPECT_EQ(*result.exit_code, kExitOk);
    EXPECT_NE(result.text.find("Exit status:"), std::string::npos) << result.text;
  }
  EXPECT_EQ(parse_options({"--version"}).exit_code, kExitOk);
}

}  // namespace
}  // namespace trending::loadgen
