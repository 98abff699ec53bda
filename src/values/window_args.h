// SPDX-License-Identifier: PostgreSQL
// The arguments of trending.tumble, hop, cumulate and session, checked and turned into the engine's window
// specification. Shared by the SQL functions and by definitions, so both know the same windows.
#pragma once

#include "engine/time/window.h"
#include "postgres/server.h"

namespace trending {

// As SQL gives them.
struct WindowArguments {
  WindowKind kind;
  Oid time_type;          // timestamptz, timestamp or date
  const Interval* size;   // the gap of session; NULL for SQL's NULL
  const Interval* slide;  // of hop, step of cumulate; unused by tumble and session
  bool has_origin;
  Timestamp origin;  // timestamptz for timestamptz, else timestamp
  const char* zone;  // NULL: none
};

// What the engine's Windows is made of.
struct WindowSetup {
  WindowSpec spec;
  Calendar calendar;
};

// Raises an error that names the argument if the windows make no sense.
WindowSetup window_setup(const WindowArguments& arguments);

// Where the SQL functions take which argument: (ts, size, origin, zone) for tumble, (ts, gap) for session,
// else (ts, slide, size, origin, zone). -1: not there.
struct WindowArgumentPositions {
  int slide;
  int size;
  int origin;
  int zone;
};
WindowArgumentPositions window_argument_positions(WindowKind kind);

// The SQL name of a kind ("hop"), and of its size and slide arguments.
const char* window_function_name(WindowKind kind);
const char* window_size_name(WindowKind kind);
const char* window_slide_name(WindowKind kind);

// The kind of a function that is one of ours, by OID. False for any other function.
bool window_function_kind(Oid function, WindowKind* kind);

// An interval as microseconds; days count 24 hours. Errors: NULL, months or years, infinite, out of range.
int64 interval_to_span(const Interval* interval, const char* argument);

}  // namespace trending
