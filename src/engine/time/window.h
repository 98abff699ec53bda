// Windows and panes: pure arithmetic on time.
//
// Windows of a trend are half-open intervals [start, end). A pane is the largest slice of time that every
// window is a union of; it is cut where any window starts or ends, so a hop whose size is not a multiple of
// its slide has two panes a slide and never more (stream slicing, Carbone et al., "Cutty", CIKM 2016). A
// pane's identity is its start; its span follows from the specification.
//
// Everything is computed in *units*: microseconds, or local days of a named time zone, which a Calendar maps
// to instants. So tumble, hop and cumulate are written once and days are right across changes of daylight
// saving.
#pragma once

#include <array>
#include <cstdint>

#include "engine/time/time.h"

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
//            without a zone (zoned = false)               in a zone (zoned = true)
//   size     microseconds                                 local days
//   slide    tumble: ignored. hop: the slide, in units    hop: local days
//            of size. cumulate: the step, microseconds    cumulate: microseconds of elapsed time
//   origin   instant windows are aligned to               local day number (days since 2000-01-01, local)
// kUnbounded ignores all of it. kDecayed is as a hop; its slide and the aggregates' half_life must agree.
// kSession: size is the gap; never zoned. Where they begin and end depends on the events, so that
// only in_range() and pane_of(), an instant, are for them; see session_writer.h for the rest.
struct WindowSpec {
  WindowKind kind = WindowKind::kTumble;
  bool zoned = false;
  int64_t size = 0;
  int64_t slide = 0;
  int64_t origin = kUnixEpoch;  // kUnixEpochDay when zoned
};

// Local days of a named zone, given by the server. day_start gives the first instant of a local day (days
// since 2000-01-01, local); it must not decrease with the day and must stay within two days of day * 24
// hours; days that a zone skipped are empty (start where the next one starts). Called for days within the
// server's range.
struct Calendar {
  void* context = nullptr;
  Time (*day_start)(void* context, int64_t day) = nullptr;
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
  kTooManyPanes,    // more than kMaxPanesPerWindow slides or steps in a window
};

inline constexpr int64_t kMaxWindowSize = 100 * 366 * kMicrosPerDay;
inline constexpr int64_t kMaxPanesPerWindow = 100'000;

WindowError check_window(const WindowSpec& spec);

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
  int64_t unit_of(Time t) const;        // the unit that contains an instant
  Time instant_of(int64_t unit) const;  // the instant at which a unit begins
  Time day_start(int64_t day) const;
  int64_t align(int64_t unit) const;  // the last aligned unit not after it
  Window hop_at(int64_t start_unit) const;
  Window period_of(Time t) const;  // cumulate: the whole period around t

  WindowSpec spec_;
  Calendar calendar_;
  int64_t alignment_ = 1;  // hop: the slide; otherwise the size
  int64_t phase_ = 0;      // origin reduced to [0, alignment)
  Time lowest_ = 0;
  Time highest_ = 0;

  struct CachedDay {
    int64_t day = INT64_MIN;
    Time start = 0;
  };
  mutable std::array<CachedDay, 16> days_;
};

}  // namespace trending
