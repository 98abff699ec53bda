#include "engine/time/window.h"

#include <algorithm>

namespace trending {

WindowError check_window(const WindowSpec& spec) {
  if (spec.kind == WindowKind::kUnbounded) return WindowError::kNone;
  const int64_t unit = spec.zoned ? kMicrosPerDay : 1;
  if (spec.size <= 0) return WindowError::kSizeNotPositive;
  if (spec.size > kMaxWindowSize / unit) return WindowError::kSizeTooLarge;
  if (spec.kind == WindowKind::kTumble || spec.kind == WindowKind::kSession) return WindowError::kNone;

  if (spec.slide <= 0) return WindowError::kSlideNotPositive;
  // A cumulating window's step is elapsed time even where its size is in days.
  const int64_t size = spec.kind == WindowKind::kCumulate ? spec.size * unit : spec.size;
  if (spec.slide > size) return WindowError::kSlideAboveSize;
  if (size / spec.slide > kMaxPanesPerWindow) return WindowError::kTooManyPanes;
  return WindowError::kNone;
}

Windows::Windows(const WindowSpec& spec, Calendar calendar) : spec_(spec), calendar_(calendar) {
  if (spec.kind == WindowKind::kUnbounded) {
    lowest_ = kMinTime;
    highest_ = kEndTime;
    return;
  }
  const bool slides = spec.kind == WindowKind::kHop || spec.kind == WindowKind::kDecayed;
  alignment_ = slides ? spec.slide : spec.size;
  phase_ = floor_mod(spec.origin, alignment_);
  // No window of t starts more than its size before t or ends more than its size after it; twice that leaves
  // room for the window after it, four days for the difference between local and universal days.
  const int64_t margin = spec.zoned ? (2 * spec.size + 4) * kMicrosPerDay : 2 * spec.size;
  lowest_ = kMinTime + margin;
  highest_ = kEndTime - margin;
}

Pane Windows::pane_of(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind == WindowKind::kSession) return {t, t + 1};
  if (spec_.kind == WindowKind::kCumulate) {
    const Window period = period_of(t);
    const Time start = t - (t - period.start) % spec_.slide;
    return {start, std::min(start + spec_.slide, period.end)};
  }
  const int64_t unit = unit_of(t);
  const int64_t base = align(unit);
  const int64_t cut = base + spec_.size % alignment_;  // where the windows that began earlier end
  if (unit < cut) return {instant_of(base), instant_of(cut)};
  return {instant_of(cut), instant_of(base + alignment_)};
}

Window Windows::first_window(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind == WindowKind::kCumulate) {
    const Window period = period_of(t);
    const Time step_start = t - (t - period.start) % spec_.slide;
    return {period.start, std::min(step_start + spec_.slide, period.end)};
  }
  return hop_at(align(unit_of(t) - spec_.size) + alignment_);
}

Window Windows::last_window(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind == WindowKind::kCumulate) return period_of(t);
  return hop_at(align(unit_of(t)));
}

Window Windows::next_window(const Window& w) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind == WindowKind::kCumulate) {
    const Window period = period_of(w.start);
    if (w.end < period.end) return {period.start, std::min(w.end + spec_.slide, period.end)};
    return first_window(period.end);
  }
  // Where a zone skipped a day, two units begin at the same instant: find the one that w began with by its
  // end.
  int64_t unit = align(unit_of(w.start));
  while (hop_at(unit).end > w.end) unit -= alignment_;
  Window next;
  do {
    unit += alignment_;
    next = hop_at(unit);
  } while (next.start == next.end);
  return next;
}

int64_t Windows::align(int64_t unit) const {
  return unit - floor_mod(unit - phase_, alignment_);
}

Window Windows::hop_at(int64_t start_unit) const {
  return {instant_of(start_unit), instant_of(start_unit + spec_.size)};
}

Window Windows::period_of(Time t) const {
  return hop_at(align(unit_of(t)));
}

Time Windows::instant_of(int64_t unit) const {
  return spec_.zoned ? day_start(unit) : unit;
}

// The last day that begins not after t.
int64_t Windows::unit_of(Time t) const {
  if (!spec_.zoned) return t;
  int64_t day = floor_div(t, kMicrosPerDay);
  while (day_start(day + 1) <= t) day++;
  while (day_start(day) > t) day--;
  return day;
}

Time Windows::day_start(int64_t day) const {
  CachedDay& cached = days_[static_cast<uint64_t>(day) % days_.size()];
  if (cached.day != day) cached = {day, calendar_.day_start(calendar_.context, day)};
  return cached.start;
}

}  // namespace trending
