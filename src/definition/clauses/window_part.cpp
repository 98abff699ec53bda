// SPDX-License-Identifier: PostgreSQL
// FILTER conditions that compare the event time with the window's bounds: the part of the window that an
// aggregate is over. What they say is taken out of the FILTER, so that the rest is about the row alone.
#include <algorithm>
#include <utility>

#include "definition/clauses/analysis.h"
#include "values/window_args.h"

namespace trending {

namespace {

// What both sides of a comparison are: a time of these, plus a constant.
enum class Base : uint8_t { kNone, kTime, kStart, kEnd };
struct Linear {
  Base base = Base::kNone;
  int64 distance = 0;
};

struct PartBuild {
  Analysis* analysis;
  WindowPart* part;
};

constexpr const char* kPartHint =
    "Compare the event time with window_start or window_end, plus or minus a constant interval: FILTER (WHERE "
    "viewed_at >= window_end - interval '5 minutes').";

[[noreturn]] void refuse(const Analysis& analysis, Node* at, const char* detail,
                         const char* hint = kPartHint) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("this condition on the window is not supported in FILTER of a trend"),
           errdetail("%s", detail), errhint("%s", hint), query_position(analysis.text, exprLocation(at))));
  pg_unreachable();
}

bool reads_window(Node* node, void* context) {
  if (node == nullptr) return false;
  const auto* analysis = static_cast<const Analysis*>(context);
  ColumnRole role;
  if (is_window_bound(*analysis, node, &role)) return true;
  return compat::walk_expression(node, reads_window, context);
}

bool reads_window(const Analysis& analysis, Node* node) {
  return reads_window(node, const_cast<Analysis*>(&analysis));
}

// The constant that a distance is; an error unless it says the same whatever the time and the session. With
// is_compared it is compared with an interval, where months and days have a length.
int64 constant_distance(const Analysis& analysis, Node* node, bool of_instant, bool is_compared) {
  if (exprType(node) != INTERVALOID || contain_var_clause(node)) {
    refuse(analysis, node, "The distance from the window's bound is not a constant.");
  }
  expression_check(node, analysis.scope, "FILTER");
  Node* folded = eval_const_expressions(nullptr, node);
  if (!IsA(folded, Const)) refuse(analysis, node, "The distance from the window's bound is not a constant.");
  const auto* constant = reinterpret_cast<Const*>(folded);
  if (constant->constisnull) refuse(analysis, node, "The distance from the window's bound is NULL.");
  const Interval* interval = DatumGetIntervalP(constant->constvalue);
  if (!is_compared && interval->month != 0) {
    refuse(analysis, node, "Months differ in length.", "Write days or hours, such as '720 hours'.");
  }
  if (!is_compared && interval->day != 0 && of_instant) {
    refuse(analysis, node, "A day has 23, 24 or 25 hours, as the setting TimeZone says.",
           "Write hours, such as '24 hours'.");
  }
  const int64 days = int64{interval->day} + int64{interval->month} * DAYS_PER_MONTH;
  const bool is_near = std::abs(days) <= kMaxWindowSize / USECS_PER_DAY && interval->time <= kMaxWindowSize &&
                       interval->time >= -kMaxWindowSize;
  if (!is_near || !compat::interval_is_finite(interval)) {
    refuse(analysis, node, "The distance is greater than any window.");
  }
  return days * USECS_PER_DAY + interval->time;
}

// A cast of a date to the time at which it begins says the same.
Node* without_cast(const Analysis& analysis, Node* node) {
  node = strip_implicit_coercions(node);
  if (!IsA(node, FuncExpr) || analysis.definition->event_time_type != DATEOID) return node;
  const auto* call = reinterpret_cast<FuncExpr*>(node);
  return call->funcid == F_TIMESTAMP_DATE ? static_cast<Node*>(linitial(call->args)) : node;
}

Base base_of(const Analysis& analysis, Node* node) {
  ColumnRole role;
  if (is_window_bound(analysis, node, &role)) {
    return role == ColumnRole::kWindowStart ? Base::kStart : Base::kEnd;
  }
  const bool is_time = equal(node, analysis.event_time) ||
                       equal(without_cast(analysis, node), strip_implicit_coercions(analysis.event_time));
  return is_time ? Base::kTime : Base::kNone;
}

bool is_built_in(const OpExpr* call, const char* name) {
  return call->opno < FirstNormalObjectId && strcmp(get_opname(call->opno), name) == 0;
}

// A time that is one of the three plus a constant.
Linear linear_of(const Analysis& analysis, Node* node) {
  Linear linear;
  linear.base = base_of(analysis, node);
  if (linear.base != Base::kNone) return linear;
  auto* call = reinterpret_cast<OpExpr*>(node);
  const bool adds = IsA(node, OpExpr) && list_length(call->args) == 2 && is_built_in(call, "+");
  const bool subtracts = IsA(node, OpExpr) && list_length(call->args) == 2 && is_built_in(call, "-");
  if (!adds && !subtracts)
    refuse(analysis, node, "It compares something else than the event time and a bound.");
  auto* time = static_cast<Node*>(linitial(call->args));
  auto* distance = static_cast<Node*>(lsecond(call->args));
  if (adds && exprType(time) == INTERVALOID) std::swap(time, distance);
  linear = linear_of(analysis, time);
  const int64 span = constant_distance(analysis, distance, exprType(time) == TIMESTAMPTZOID, false);
  linear.distance += adds ? span : -span;
  return linear;
}

void add_step(const PartBuild& build, Node* at, PartStep step) {
  if (build.part->count == kMaxPartSteps) {
    refuse(*build.analysis, at, "It has too many comparisons.", "Create one trend for each part.");
  }
  build.part->steps[build.part->count++] = step;
}

// The event time is at the bound plus the distance, or after it. What holds for all times of a window, or for
// none, cuts no pane.
void add_from(const PartBuild& build, Node* at, Base bound, int64 distance) {
  const WindowCut cut{bound == Base::kEnd, distance};
  const int64 longest = longest_elapsed(build.analysis->definition->window);
  const bool always = cut.from_end ? distance <= -longest : distance <= 0;
  const bool never = cut.from_end ? distance >= 0 : distance >= longest;
  add_step(build, at, always || never ? PartStep{PartOp::kTrue, {}} : PartStep{PartOp::kFrom, cut});
  if (never) add_step(build, at, {PartOp::kNot, {}});
}

enum class Comparison : uint8_t { kLess, kLessEqual, kEqual, kGreaterEqual, kGreater, kNotEqual, kNone };

Comparison comparison_of(Node* node) {
  static constexpr const char* kNames[] = {"<", "<=", "=", ">=", ">", "<>"};
  if (!IsA(node, OpExpr) && !IsA(node, DistinctExpr)) return Comparison::kNone;
  const auto* call = reinterpret_cast<OpExpr*>(node);
  if (IsA(node, DistinctExpr)) return is_built_in(call, "=") ? Comparison::kNotEqual : Comparison::kNone;
  for (int i = 0; i < 6; i++) {
    if (is_built_in(call, kNames[i])) return static_cast<Comparison>(i);
  }
  return Comparison::kNone;
}

Comparison mirrored(Comparison comparison) {
  if (comparison == Comparison::kEqual || comparison == Comparison::kNotEqual) return comparison;
  return static_cast<Comparison>(static_cast<int>(Comparison::kGreater) - static_cast<int>(comparison));
}

// The event time compared with a bound plus a distance. Times are whole microseconds.
void add_comparison(const PartBuild& build, Node* at, Comparison comparison, Base bound, int64 distance) {
  const bool from_next = comparison == Comparison::kLessEqual || comparison == Comparison::kGreater;
  add_from(build, at, bound, distance + (from_next ? 1 : 0));
  if (comparison == Comparison::kGreaterEqual || comparison == Comparison::kGreater) return;
  if (comparison == Comparison::kEqual || comparison == Comparison::kNotEqual) {
    add_from(build, at, bound, distance + 1);
    add_step(build, at, {PartOp::kNot, {}});
    add_step(build, at, {PartOp::kAnd, {}});
    if (comparison == Comparison::kEqual) return;
  }
  add_step(build, at, {PartOp::kNot, {}});
}

// window_end - viewed_at < interval '5 minutes', either way around.
bool add_difference(const PartBuild& build, OpExpr* call, Comparison comparison) {
  auto* difference = static_cast<Node*>(linitial(call->args));
  auto* constant = static_cast<Node*>(lsecond(call->args));
  if (exprType(difference) != INTERVALOID) return false;
  if (!reads_window(*build.analysis, difference)) {
    std::swap(difference, constant);
    comparison = mirrored(comparison);
  }
  auto* minus = reinterpret_cast<OpExpr*>(difference);
  if (!IsA(difference, OpExpr) || list_length(minus->args) != 2 || !is_built_in(minus, "-") ||
      exprType(static_cast<Node*>(lsecond(minus->args))) == INTERVALOID) {
    refuse(*build.analysis, difference, "It compares something else than the event time and a bound.");
  }
  const Linear left = linear_of(*build.analysis, static_cast<Node*>(linitial(minus->args)));
  const Linear right = linear_of(*build.analysis, static_cast<Node*>(lsecond(minus->args)));
  if ((left.base == Base::kTime) == (right.base == Base::kTime)) {
    refuse(*build.analysis, difference, "It does not compare the event time with a bound.");
  }
  const int64 span = constant_distance(*build.analysis, constant, false, true);
  const int64 distance = span + right.distance - left.distance;
  auto* at = reinterpret_cast<Node*>(call);
  if (left.base == Base::kTime) {
    add_comparison(build, at, comparison, right.base, distance);
  } else {
    add_comparison(build, at, mirrored(comparison), left.base, -distance);
  }
  return true;
}

void add_condition(const PartBuild& build, Node* node) {
  if (node != nullptr && IsA(node, BoolExpr)) {
    const auto* of = reinterpret_cast<BoolExpr*>(node);
    ListCell* cell = nullptr;
    foreach (cell, of->args) {
      add_condition(build, static_cast<Node*>(lfirst(cell)));
      if (of->boolop == NOT_EXPR) add_step(build, node, {PartOp::kNot, {}});
      if (foreach_current_index(cell) == 0) continue;
      add_step(build, node, {of->boolop == AND_EXPR ? PartOp::kAnd : PartOp::kOr, {}});
    }
    return;
  }
  const Analysis& analysis = *build.analysis;
  if (!reads_window(analysis, node)) {
    refuse(analysis, node, "A condition on the row is joined by OR, or within NOT, with one on the window.",
           "Join them by AND, or write one aggregate for each.");
  }
  const Comparison comparison = comparison_of(node);
  if (comparison == Comparison::kNone) refuse(analysis, node, "It is no comparison.");
  auto* call = reinterpret_cast<OpExpr*>(node);
  if (add_difference(build, call, comparison)) return;
  const Linear left = linear_of(analysis, static_cast<Node*>(linitial(call->args)));
  const Linear right = linear_of(analysis, static_cast<Node*>(lsecond(call->args)));
  if ((left.base == Base::kTime) == (right.base == Base::kTime)) {
    refuse(analysis, node, "It does not compare the event time with a bound.");
  }
  if (left.base == Base::kTime) {
    add_comparison(build, node, comparison, right.base, right.distance - left.distance);
  } else {
    add_comparison(build, node, mirrored(comparison), left.base, left.distance - right.distance);
  }
}

// Panes are cut wherever a part begins or ends.
void add_cuts(const Analysis& analysis, Node* at, const WindowPart& part) {
  WindowSpec* window = &analysis.definition->window;
  for (int i = 0; i < part.count; i++) {
    if (part.steps[i].op != PartOp::kFrom) continue;
    WindowCut* const end = window->cuts + window->cut_count;
    if (std::find(window->cuts, end, part.steps[i].cut) != end) continue;
    if (window->cut_count == kMaxCuts) {
      refuse(analysis, at, psprintf("The parts of a trend begin and end at more than %d places.", kMaxCuts),
             "Create one trend for each part.");
    }
    *end = part.steps[i].cut;
    window->cut_count++;
  }
}

// Conditions that all have to hold.
void add_conjuncts(Node* node, List** conjuncts) {
  ListCell* cell = nullptr;
  if (!IsA(node, BoolExpr) || reinterpret_cast<BoolExpr*>(node)->boolop != AND_EXPR) {
    *conjuncts = lappend(*conjuncts, node);
    return;
  }
  foreach (cell, reinterpret_cast<BoolExpr*>(node)->args) {
    add_conjuncts(static_cast<Node*>(lfirst(cell)), conjuncts);
  }
}

}  // namespace

Node* take_window_part(Analysis* analysis, Node* filter, WindowPart* part) {
  if (!reads_window(*analysis, filter)) return filter;
  if (analysis->definition->window.kind == WindowKind::kSession) {
    refuse(*analysis, filter, "Where a session begins and ends is known only when all of its rows are there.",
           "Use another window function.");
  }
  List* conjuncts = NIL;
  add_conjuncts(filter, &conjuncts);
  const PartBuild build{analysis, part};
  List* of_row = NIL;
  ListCell* cell = nullptr;
  foreach (cell, conjuncts) {
    auto* condition = static_cast<Node*>(lfirst(cell));
    if (!reads_window(*analysis, condition)) {
      of_row = lappend(of_row, condition);
      continue;
    }
    const bool is_first = part->count == 0;
    add_condition(build, condition);
    if (!is_first) add_step(build, condition, {PartOp::kAnd, {}});
  }
  add_cuts(*analysis, filter, *part);
  return of_row == NIL ? nullptr : reinterpret_cast<Node*>(make_ands_explicit(of_row));
}

}  // namespace trending
