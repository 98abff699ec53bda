// SPDX-License-Identifier: PostgreSQL
// Windows and panes: pure arithmetic on time.
//
// Windows of a trend are half-open intervals [start, end). A pane is the largest slice of time that every
// window is a union of; it is cut where any window starts or ends, so a hop whose size is not a multiple of
// its slide has two panes a slide and never more (stream slicing, Carbone et al., "Cutty", CIKM 2016). Where
// parts of windows count (window_part.h) it is cut at their bounds, too. A pane's identity is its start; its
// span follows from the specification.
//
// Windows are laid out in *local time*: that of a named time zone, or UTC. There a day has 24 hours, and months
// are those of the calendar. A Calendar maps local time to instants. So tumble, hop and cumulate are written
// once, and days, weeks and months are right across changes of daylight saving, days that a zone skipped, and
// leap years.
#pragma once

#include <array>
#include <cstdint>

#include "engine/time/civil.h"
#include "engine/time/time.h"
#include "engine/time/window_part.h"

namespace trending {

enum class WindowKind : uint8_t {
  kTumble,
  kHop,
  kCumulate,
  kUnbounded,  // one window and pane for all time, kAllTime, that never closes
  kDecayed,    // for decayed sums: a hop by their half-life over 64 of them, beyond which nothing is left
  kSession,
};

// A window specification, trivially copyable; lies in the shared state.
//   size     microseconds, or months (size_months; then size is 0). In a zone microseconds are whole days.
//   slide    tumble: ignored. hop: the slide, cumulate: the step, in either unit like the size; a step in a
//            zone may also be elapsed time (elapsed_step). A hop of months slides by whole days or months: what
//            begins at 29 January 1:00 and at 31 January 0:00 would end in the other order.
//   cuts     where panes are cut beside the bounds of windows; none of kUnbounded, kDecayed and kSession
//   origin   the local time that windows are aligned to: one begins there. With months, windows begin on that
//            day of the month, on the last one of a month that is too short.
// kUnbounded ignores all of it. kDecayed is as a hop; its slide and the aggregates' half_life must agree.
// kSession: size is the gap; never zoned. Where they begin and end depends on the events, so that
// only in_range() and pane_of(), an instant, are for them; see session_writer.h for the rest.
struct WindowSpec {
  WindowKind kind = WindowKind::kTumble;
  bool zoned = false;
  int64_t size = 0;
  int64_t slide = 0;
  Time origin = kUnixEpoch;
  int32_t size_months = 0;
  int32_t slide_months = 0;
  bool elapsed_step = false;
  uint8_t cut_count = 0;
  WindowCut cuts[kMaxCuts] = {};
};

// Local time of a named zone, given by the server. instant() gives the first instant whose local time is
// `local` or later; it must not decrease with local time and must stay within two days of it. What a zone
// skipped is where it goes on. Called for times within the server's range.
struct Calendar {
  void* context = nullptr;
  Time (*instant)(void* context, Time local) = nullptr;
};

struct Window {
  Time start = kNoTime;
  Time end = kNoTime;

  bool contains(Time t) const { return start <= t && t < end; }
  friend bool operator==(const Window&, const Window&) = default;
};
using Pane = Window;

// The window of kUnbounded.
inline constexpr Window kAllTime{kMinTime, INT64_MAX};
inline constexpr int64_t kHalfLivesKept = 64;

enum class WindowError : uint8_t {
  kNone,
  kSizeNotPositive,
  kSlideNotPositive,
  kSlideAboveSize,  // hop: events between windows would belong to none; cumulate: the step exceeds the period
  kSizeTooLarge,    // above kMaxWindowSize
  kSlideNotDays,    // hop of months: a part of a day
  kTooManyPanes,    // more than kMaxPanesPerWindow slides or steps in a window
  kBadCut,          // too many, further from a bound than any window is long, or of a kind that has none
};

inline constexpr int64_t kMaxWindowSize = 100 * 366 * kMicrosPerDay;
inline constexpr int32_t kMaxWindowMonths = 1200;
inline constexpr int64_t kMaxPanesPerWindow = 1'000'000;

WindowError check_window(const WindowSpec& spec);

// The longest that a window of this specification can be; the other one in elapsed time, whatever a zone does.
int64_t longest_window(const WindowSpec& spec);
int64_t longest_elapsed(const WindowSpec& spec);

// A checked specification ready for use. Cheap to copy, one per process and user (it caches calendar
// look-ups, so it is not to be shared between threads).
class Windows {
 public:
  Windows() = default;
  // Undefined unless check_window(spec) is kNone and, when zoned, the calendar has its function.
  explicit Windows(const WindowSpec& spec, Calendar calendar = {});

  const WindowSpec& spec() const { return spec_; }

  // Whether all windows of t fit the server's timestamp range. Every other function wants such times.
  bool in_range(Time t) const { return t >= lowest_ && t < highest_; }
  // These times: [start, end).
  Pane range() const { return {lowest_, highest_}; }

  // The pane that contains t.
  Pane pane_of(Time t) const;

  // Of the windows that contain t, the one that ends first: the current window of an event clock at t, and
  // the first window whose end lies after t.
  Window first_window(Time t) const;
  // Of the windows that contain t, the one that ends last.
  Window last_window(Time t) const;
  // The window that follows w in the order in which windows close: by end, then by start.
  Window next_window(const Window& w) const;

  // All windows that contain t, in the order of their ends.
  template <typename Visit>
  void for_each_window_of(Time t, Visit&& visit) const {
    Window last = last_window(t);
    for (Window w = first_window(t);; w = next_window(w)) {
      visit(w);
      if (w == last) break;
    }
  }

 private:
  // Windows are numbered in the order in which they begin: number n begins at start(n) and ends at end(n), in
  // local time. Neither decreases with n. In a zone, some begin at one instant, end at one, or are empty.
  Time start(int64_t n) const;
  Time end(int64_t n) const;
  int64_t number_at(Time local) const;  // of the last window that begins not after it
  int64_t last_begun(Time t) const;     // the last one that begins not after an instant
  int64_t first_to_end(Time t) const;   // the first one that ends after it
  Time instant(Time local) const;
  Window window(int64_t n) const;

  Pane whole_pane(Time t) const;
  Pane even_pane(Time t) const;
  // What lies between two bounds of windows: [the last that is not after t, the next one).
  Pane between_starts(Time t) const;
  Pane between_ends(Time t) const;

  // Cumulate: the step around t in window n; step k begins at step(n, k), the window's end cuts the last one.
  Time step(int64_t n, int64_t k) const;
  Window step_at(int64_t n, Time t) const;

  WindowSpec spec_;
  Calendar calendar_;
  // What windows begin apart: the slide of a hop, otherwise the size; with months, that and the origin's.
  int64_t pitch_ = 1;
  int64_t phase_ = 0;  // the origin reduced to [0, pitch)
  bool by_months_ = false;
  bool is_even_ = false;  // all lengths are the same and need no calendar: guesses are right
  int64_t overlap_ = 0;   // then what of a window that began earlier is left where one begins
  MonthTime origin_;
  Time lowest_ = 0;
  Time highest_ = 0;

  struct CachedInstant {
    Time local = INT64_MIN;
    Time instant = 0;
  };
  mutable std::array<CachedInstant, 16> instants_;
};

}  // namespace trending
