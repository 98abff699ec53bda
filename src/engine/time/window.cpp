// SPDX-License-Identifier: PostgreSQL
#include "engine/time/window.h"

#include <algorithm>

namespace trending {

namespace {

bool slides(WindowKind kind) {
  return kind == WindowKind::kHop || kind == WindowKind::kDecayed;
}

bool is_positive(int64_t micros, int64_t months) {
  return months == 0 ? micros > 0 : months > 0 && micros == 0;
}

int64_t longest(int64_t micros, int64_t months) {
  return months == 0 ? micros : most_days(months) * kMicrosPerDay;
}

int64_t shortest(int64_t micros, int64_t months) {
  return months == 0 ? micros : least_days(months) * kMicrosPerDay;
}

// Whether each slide fits into each size: all windows of a hop, so that no time is between two.
bool fits(const WindowSpec& spec) {
  if ((spec.slide_months == 0) == (spec.size_months == 0))
    return spec.slide <= spec.size && spec.slide_months <= spec.size_months;
  return longest(spec.slide, spec.slide_months) <= shortest(spec.size, spec.size_months);
}

// The first number for which `past` holds: it does for all numbers from some on, probably near the guess.
template <typename Past>
int64_t first_past(int64_t guess, Past past) {
  int64_t low = guess;  // not past, once the first loop is through
  int64_t high = guess + 1;
  for (int64_t step = 1; past(low); step *= 2) {
    high = low;
    low -= step;
  }
  for (int64_t step = 1; !past(high); step *= 2) {
    low = high;
    high += step;
  }
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (past(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

int64_t longest_window(const WindowSpec& spec) {
  return longest(spec.size, spec.size_months);
}

int64_t longest_elapsed(const WindowSpec& spec) {
  return longest_window(spec) + (spec.zoned ? 2 * kMicrosPerDay : 0);
}

namespace {

bool cuts_are_valid(const WindowSpec& spec) {
  if (spec.cut_count == 0) return true;
  const bool has_bounds =
      spec.kind == WindowKind::kTumble || spec.kind == WindowKind::kHop || spec.kind == WindowKind::kCumulate;
  return has_bounds && spec.cut_count <= kMaxCuts &&
         std::all_of(spec.cuts, spec.cuts + spec.cut_count, [&](const WindowCut& cut) {
           const int64_t inside = cut.from_end ? -cut.distance : cut.distance;
           return inside > 0 && inside < longest_elapsed(spec);
         });
}

}  // namespace

WindowError check_window(const WindowSpec& spec) {
  if (spec.kind == WindowKind::kUnbounded) return WindowError::kNone;
  if (!is_positive(spec.size, spec.size_months)) return WindowError::kSizeNotPositive;
  if (spec.size > kMaxWindowSize || spec.size_months > kMaxWindowMonths) return WindowError::kSizeTooLarge;
  if (!cuts_are_valid(spec)) return WindowError::kBadCut;
  if (spec.kind == WindowKind::kTumble || spec.kind == WindowKind::kSession) return WindowError::kNone;

  if (!is_positive(spec.slide, spec.slide_months)) return WindowError::kSlideNotPositive;
  if (!fits(spec)) return WindowError::kSlideAboveSize;
  if (spec.kind == WindowKind::kHop && spec.size_months > 0 && spec.slide % kMicrosPerDay != 0)
    return WindowError::kSlideNotDays;
  if ((longest_window(spec) - 1) / shortest(spec.slide, spec.slide_months) >= kMaxPanesPerWindow)
    return WindowError::kTooManyPanes;
  return WindowError::kNone;
}

Windows::Windows(const WindowSpec& spec, Calendar calendar) : spec_(spec), calendar_(calendar) {
  if (spec.kind == WindowKind::kUnbounded) {
    lowest_ = kMinTime;
    highest_ = kEndTime;
    return;
  }
  const int32_t months = slides(spec.kind) ? spec.slide_months : spec.size_months;
  by_months_ = months > 0;
  pitch_ = by_months_ ? months : slides(spec.kind) ? spec.slide : spec.size;
  if (by_months_) origin_ = month_time(spec.origin);
  is_even_ = !spec.zoned && spec.size_months == 0 && spec.slide_months == 0;
  if (is_even_) overlap_ = spec.size % pitch_;
  phase_ = floor_mod(by_months_ ? origin_.month : spec.origin, pitch_);
  // No window of t starts more than its size before t or ends more than its size after it; twice that leaves
  // room for the window after it, four days for the difference between local time and UTC.
  const int64_t margin =
      2 * longest_window(spec) + (spec.zoned || spec.size_months > 0 ? 4 * kMicrosPerDay : 0);
  lowest_ = kMinTime + margin;
  highest_ = kEndTime - margin;
}

Pane Windows::pane_of(Time t) const {
  Pane pane = whole_pane(t);
  for (int i = 0; i < spec_.cut_count; i++) {
    const WindowCut& cut = spec_.cuts[i];
    const Pane between = cut.from_end ? between_ends(t - cut.distance) : between_starts(t - cut.distance);
    pane = {std::max(pane.start, between.start + cut.distance),
            std::min(pane.end, between.end + cut.distance)};
  }
  return pane;
}

Pane Windows::between_starts(Time t) const {
  const int64_t n = last_begun(t);
  return {instant(start(n)), instant(start(n + 1))};
}

Pane Windows::between_ends(Time t) const {
  if (spec_.kind == WindowKind::kCumulate) return step_at(last_begun(t), t);
  const int64_t n = first_to_end(t);
  return {instant(end(n - 1)), instant(end(n))};
}

Pane Windows::whole_pane(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind == WindowKind::kSession) return {t, t + 1};
  if (is_even_) return even_pane(t);
  if (spec_.kind == WindowKind::kCumulate) return between_ends(t);
  const Pane begun = between_starts(t);
  if (spec_.kind == WindowKind::kTumble) return begun;
  const Pane ending = between_ends(t);
  return {std::max(begun.start, ending.start), std::min(begun.end, ending.end)};
}

// The same without a look at any window: what rows cost whose times come in no order.
Pane Windows::even_pane(Time t) const {
  const Time begun = start(number_at(t));
  if (spec_.kind == WindowKind::kCumulate) {
    const Time from = t - (t - begun) % spec_.slide;
    return {from, std::min(from + spec_.slide, begun + spec_.size)};
  }
  const Time cut = begun + overlap_;
  if (t < cut) return {begun, cut};
  return {cut, begun + pitch_};
}

Window Windows::first_window(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  if (spec_.kind != WindowKind::kCumulate) return window(first_to_end(t));
  const int64_t n = last_begun(t);
  return {instant(start(n)), step_at(n, t).end};
}

Window Windows::last_window(Time t) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  return window(last_begun(t));
}

Window Windows::next_window(const Window& w) const {
  if (spec_.kind == WindowKind::kUnbounded) return kAllTime;
  int64_t n = last_begun(w.start);
  if (spec_.kind == WindowKind::kCumulate) {
    const Window period = window(n);
    if (w.end >= period.end) return first_window(period.end);
    return {period.start, step_at(n, w.end).end};
  }
  // Where a zone skipped a day, two windows begin at the same instant: w is known by its end.
  while (instant(end(n)) > w.end) n--;
  Window next;
  do {
    next = window(++n);
  } while (next.start == next.end);
  return next;
}

Time Windows::start(int64_t n) const {
  if (!by_months_) return n * pitch_ + phase_;
  return local_time({n * pitch_ + phase_, origin_.day, origin_.in_day});
}

Time Windows::end(int64_t n) const {
  if (spec_.size_months == 0) return start(n) + spec_.size;
  if (!by_months_) return add_months(start(n), spec_.size_months);
  // By the origin's day again, so that windows end where others begin.
  return local_time({n * pitch_ + phase_ + spec_.size_months, origin_.day, origin_.in_day});
}

int64_t Windows::number_at(Time local) const {
  if (!by_months_) return floor_div(local - phase_, pitch_);
  const int64_t n = floor_div(month_time(local).month - phase_, pitch_);
  return start(n) > local ? n - 1 : n;
}

int64_t Windows::last_begun(Time t) const {
  const int64_t guess = number_at(t);
  if (!spec_.zoned) return guess;
  return first_past(guess, [&](int64_t n) { return instant(start(n)) > t; }) - 1;
}

int64_t Windows::first_to_end(Time t) const {
  const Time begun = spec_.size_months > 0 ? add_months(t, -spec_.size_months) : t - spec_.size;
  const int64_t guess = number_at(begun);
  if (is_even_) return guess + 1;
  return first_past(guess, [&](int64_t n) { return instant(end(n)) > t; });
}

Window Windows::window(int64_t n) const {
  return {instant(start(n)), instant(end(n))};
}

Time Windows::step(int64_t n, int64_t k) const {
  if (spec_.elapsed_step) return instant(start(n)) + k * spec_.slide;
  if (spec_.slide_months == 0) return instant(start(n) + k * spec_.slide);
  if (!by_months_) return instant(add_months(start(n), k * spec_.slide_months));
  const int64_t month = n * pitch_ + phase_ + k * spec_.slide_months;
  return instant(local_time({month, origin_.day, origin_.in_day}));
}

Window Windows::step_at(int64_t n, Time t) const {
  const Time from = start(n);
  const int64_t guess = spec_.slide_months == 0
                            ? (t - from) / spec_.slide
                            : (month_time(t).month - month_time(from).month) / spec_.slide_months;
  const int64_t k = first_past(guess, [&](int64_t i) { return step(n, i) > t; });
  return {step(n, k - 1), std::min(step(n, k), instant(end(n)))};
}

Time Windows::instant(Time local) const {
  if (!spec_.zoned) return local;
  const auto day = static_cast<uint64_t>(floor_div(local, kMicrosPerDay));
  CachedInstant& cached = instants_[day % instants_.size()];
  if (cached.local != local) cached = {local, calendar_.instant(calendar_.context, local)};
  return cached.instant;
}

}  // namespace trending
