// SPDX-License-Identifier: PostgreSQL
// A scenario: a schema, its fixed data, and an endless, reproducible sequence of events written to it.
//
// To add one: a class in scenarios/, its tables in examples/, its options in options.h, one line in
// scenario.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "pacing.h"
#include "rows.h"

namespace trending::loadgen {

class Connection;

// Event times of one span: what generate() adds an event's own offsets to.
class EventTimes {
 public:
  // Live: the newest event of the span happens at `now`, the others before it as they were due.
  static EventTimes live(const Schedule& schedule, EventSpan span, Timestamp now) {
    return EventTimes(schedule, now - schedule.due(span), true);
  }
  // Replay: the timetable alone decides, beginning at `start`.
  static EventTimes replay(const Schedule& schedule, Timestamp start) {
    return EventTimes(schedule, start, false);
  }

  Timestamp of(uint64_t event) const {
    return base_ + (live_ ? schedule_.due(event) : schedule_.story_time(event));
  }

 private:
  EventTimes(const Schedule& schedule, Timestamp base, bool live)
      : schedule_(schedule), base_(base), live_(live) {}

  Schedule schedule_;
  Timestamp base_;
  bool live_;
};

struct SummaryLine {
  std::string name;
  std::string text;
};

class Scenario {
 public:
  virtual ~Scenario() = default;

  virtual std::string_view name() const = 0;

  // `init`: makes tables and fixed data that are not there yet, inside the transaction that the caller has
  // open. With drop, removes what is there first. Returns what was done, a sentence a line.
  virtual std::vector<std::string> create(Connection& connection, bool drop) = 0;

  // `run`: checks that the tables are there and fit, and reads what generate() needs to know. Throws
  // SchemaError.
  virtual void prepare(Connection& connection) = 0;

  // What is being written, for the first line of a run; after prepare().
  virtual std::string describe() const = 0;

  // The tables that events are written to, in the order in which a transaction fills them.
  virtual const std::vector<Table>& event_tables() const = 0;

  // What the batches' tallies count; at most Batch::kTallies.
  virtual std::vector<std::string_view> tally_names() const = 0;

  // Adds the span's rows to the batch, and statements that change older ones. A pure function of options,
  // database and arguments: it is called from all clients at the same time, and the same event must give the
  // same row in whichever span it comes.
  virtual void generate(EventSpan span, const EventTimes& times, Batch& batch) const = 0;

  // The scenario's own lines of the summary, from the tallies of all committed events.
  virtual std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                           uint64_t events) const = 0;
};

// The names that --scenario accepts.
const std::vector<std::string>& scenario_names();

std::unique_ptr<Scenario> make_scenario(const Options& options);

}  // namespace trending::loadgen
