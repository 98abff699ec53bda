// SPDX-License-Identifier: PostgreSQL
// A trend whose options are chosen at random, and random rows for it.
#pragma once

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "engine/aggregate_model.h"

namespace trending::test {

class RandomTrend {
 protected:
  explicit RandomTrend(uint64_t seed) : random_(seed) {
    choose_window();
    choose_aggregates();
  }

  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int64_t one_in) { return below(one_in) == 0; }

  std::string key() {
    const int64_t n = below(chance(2) ? 5 : keys_);
    return std::to_string(n) + std::string(static_cast<size_t>(n % 5 == 1 ? 30 : 0), 'x');
  }

  Time time() {
    if (chance(10)) return now_ - below(2 * span_ + 1);
    return now_ - below(chance(4) ? span_ : 3);
  }

  Argument argument(const AggregateSpec& spec, Time time) {
    Argument made;
    made.is_null = chance(6);
    made.at = spec.kind == AggregateKind::kDecayed ? time : below(50);
    made.integer = below(2 * values_) - values_;
    made.form = 2 + 3 * below(5);
    if (spec.kind == AggregateKind::kDistinct || spec.kind == AggregateKind::kApproxDistinct) {
      made.integer = below(values_);
    } else if (spec.type == ValueType::kInteger && specials_ && chance(4)) {
      made.integer = chance(2) ? INT64_MAX - below(3) : INT64_MIN + below(3);
    }
    made.real = static_cast<double>(made.integer) / 4;  // sums are exact
    if (spec.type == ValueType::kFloat && specials_ && chance(4)) {
      made.real = chance(3) ? std::nan("") : chance(2) ? HUGE_VAL : -HUGE_VAL;
    }
    if (spec.type == ValueType::kDecimal && specials_ && chance(4)) {
      made.form = kDecimalNegativeInfinity << (chance(2) ? 1 : 0);
      if (chance(3)) made.form = kDecimalNaN;
    }
    return made;
  }

  ModelRow row() {
    ModelRow made{time(), key(), {}};
    for (uint16_t i = 0; i < options_.aggregate_count; i++) {
      const AggregateSpec& spec = options_.aggregates[i];
      uint16_t same = 0;
      while (same < i && (spec.input == 0 || options_.aggregates[same].input != spec.input)) same++;
      made.arguments.push_back(same < i ? made.arguments[same] : argument(spec, made.time));
    }
    return made;
  }

  ModelValue value_in(const Window& window, uint16_t aggregate, const std::vector<ModelRow>& rows) const {
    const AggregateSpec& spec = options_.aggregates[aggregate];
    if (spec.part == 0) return model_value(spec, aggregate, rows);
    std::vector<ModelRow> part;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(part),
                 [&](const ModelRow& row) { return model_parts_[aggregate].contains(window, row.time); });
    return model_value(spec, aggregate, part);
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  int64_t span_ = 1;
  int64_t half_life_ = 1;
  bool retracts_ = false;
  Time now_ = 0;

 private:
  // The same by hand: from - to of a window, or all but that.
  struct ModelPart {
    bool from_end = false;
    int64_t from = 0;  // distance from the start or the end
    bool to_end = false;
    int64_t to = 0;
    bool negated = false;

    bool contains(const Window& window, Time t) const {
      const bool inside =
          t >= (from_end ? window.end : window.start) + from && t < (to_end ? window.end : window.start) + to;
      return inside != negated;
    }
  };

  void choose_window() {
    WindowSpec& window = options_.window;
    window.kind = static_cast<WindowKind>(below(5));
    window.size = 20 + below(200);
    window.slide = std::max<int64_t>(1, window.size / (1 + below(8)));
    window.origin = below(1000) - 500;
    span_ = window.size;
    if (window.kind == WindowKind::kDecayed) {
      half_life_ = 10 + below(50);
      window = {WindowKind::kDecayed, false, 64 * half_life_, half_life_, 0};
      span_ = 10 * half_life_;
    }
    if (chance(2)) options_.watermark_delay = below(span_);
    now_ = below(100 * span_) - 50 * span_;
  }

  void choose_aggregates() {
    options_.keeps_values = chance(2);
    retracts_ = options_.keeps_values || chance(2);
    options_.aggregate_count = static_cast<uint16_t>(1 + below(6));
    for (uint16_t i = 0; i < options_.aggregate_count; i++) {
      AggregateSpec& spec = options_.aggregates[i];
      do {
        spec.kind = static_cast<AggregateKind>(below(static_cast<int64_t>(AggregateKind::kCombined) + 1));
      } while ((spec.kind == AggregateKind::kDecayed && options_.window.kind != WindowKind::kDecayed) ||
               (spec.kind == AggregateKind::kApproxDistinct && chance(2)));
      if (spec.kind == AggregateKind::kDecayed) spec.half_life = half_life_;
      if (spec.kind >= AggregateKind::kMin && spec.kind <= AggregateKind::kLast && !options_.keeps_values)
        retracts_ = false;
      if (spec.kind == AggregateKind::kApproxDistinct || spec.kind == AggregateKind::kCombined)
        retracts_ = false;
      const bool typed = spec.kind >= AggregateKind::kSum && spec.kind <= AggregateKind::kLast;
      if (typed) spec.type = static_cast<ValueType>(1 + below(spec.kind >= AggregateKind::kMin ? 4 : 3));
      if (spec.kind >= AggregateKind::kCount && spec.kind <= AggregateKind::kMax && chance(2)) share_input(i);
    }
    if (options_.window.kind <= WindowKind::kCumulate && chance(2)) choose_parts();
    options_.rank_count = static_cast<uint16_t>(chance(2) ? 1 : 1 + below(3));
    for (uint16_t i = 0; i < options_.rank_count; i++) {
      RankTerm& term = options_.rank[i];
      term = {static_cast<uint16_t>(below(options_.aggregate_count)), chance(2), chance(2)};
      AggregateSpec& ranked = options_.aggregates[term.aggregate];
      if (is_bytes(ranked)) {
        ranked.kind = AggregateKind::kCount;
        ranked.type = ValueType::kNone;
      }
    }
    options_.has_condition = chance(3);
    options_.ranks_by_host = chance(4);
    options_.host_rank_moves = true;
    options_.hash_seed = random_();
    keys_ = chance(3) ? 1500 : 30;
    values_ = chance(2) ? 6 : 100'000;
    specials_ = chance(3);
  }

  int64_t add_cut(WindowPart* part, bool from_end) {
    WindowSpec& window = options_.window;
    const int64_t distance = 1 + below(window.size - 1);
    const WindowCut cut{from_end, from_end ? -distance : distance};
    if (std::find(window.cuts, window.cuts + window.cut_count, cut) == window.cuts + window.cut_count) {
      window.cuts[window.cut_count++] = cut;
    }
    part->steps[part->count++] = {PartOp::kFrom, cut};
    return cut.distance;
  }

  void choose_parts() {
    for (uint16_t i = 0; i < options_.aggregate_count; i++) {
      AggregateSpec& spec = options_.aggregates[i];
      if (chance(3)) continue;
      if (spec.kind == AggregateKind::kRowCount) spec.kind = AggregateKind::kCount;
      spec.part = static_cast<uint16_t>(i + 1);
      if (i > 0 && options_.aggregates[i - 1].part == i && chance(3)) {
        spec.part = i;
        model_parts_[i] = model_parts_[i - 1];
        continue;
      }
      WindowPart& part = options_.parts[i];
      ModelPart& model = model_parts_[i];
      model = {chance(2), 0, chance(2), 0, chance(3)};
      model.from = add_cut(&part, model.from_end);
      model.to = add_cut(&part, model.to_end);
      part.steps[part.count++] = {PartOp::kNot, {}};
      part.steps[part.count++] = {PartOp::kAnd, {}};
      if (model.negated) part.steps[part.count++] = {PartOp::kNot, {}};
    }
  }

  // Lets an aggregate have the same argument as earlier ones, if there are any.
  void share_input(uint16_t index) {
    AggregateSpec& spec = options_.aggregates[index];
    spec.input = static_cast<uint16_t>(1 + below(2));
    for (uint16_t i = 0; i < index; i++) {
      const AggregateSpec& other = options_.aggregates[i];
      if (spec.type != ValueType::kNone && is_number(other.type) && other.input == spec.input) {
        spec.type = other.type;
      }
    }
  }

  ModelPart model_parts_[kMaxAggregates];
  int64_t keys_ = 1;
  int64_t values_ = 1;
  bool specials_ = false;
};

}  // namespace trending::test
