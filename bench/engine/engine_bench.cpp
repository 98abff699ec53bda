// SPDX-License-Identifier: PostgreSQL
// What an event, a look at the best ten and a window's end cost, and what memory groups and cells take.
//
//   engine_bench                              all of it, about a minute
//   engine_bench --benchmark_filter=Top
//
// Arguments in the names: groups, panes in the window. Keys are 9 bytes, as an encoded bigint.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <memory>
#include <random>
#include <vector>

#include "engine/aggregates/batch.h"
#include "engine/aggregates/hyperloglog.h"
#include "engine/trend/trend_reader.h"
#include "engine/trend/trend_writer.h"

namespace {

using namespace trending;

constexpr Time kSecond = 1'000'000;

BlockSource heap() {
  return {nullptr,
          [](void*, size_t bytes, uint64_t* handle, void** address) {
            *address = std::aligned_alloc(4096, (bytes + 4095) & ~size_t{4095});
            *handle = reinterpret_cast<uint64_t>(*address);
            return *address != nullptr;
          },
          [](void*, uint64_t handle) { std::free(reinterpret_cast<void*>(handle)); },
          [](void*, uint64_t handle) { return reinterpret_cast<void*>(handle); }};
}

struct Key {
  std::byte bytes[9];
  KeyView view() const { return {bytes, sizeof(bytes)}; }
};

Key key_of(uint64_t n) {
  Key key{};
  std::memcpy(key.bytes + 1, &n, sizeof(n));
  return key;
}

// A window of `panes` panes of ten seconds.
struct Trend {
  explicit Trend(int64_t panes, TrendOptions options = TrendOptions{}) {
    options.window = {WindowKind::kHop, false, panes * 10 * kSecond, 10 * kSecond, 0};
    options.max_groups = 100'000'000;
    options.hash_seed = 42;
    arena.create(heap(), uint64_t{8} << 30);
    writer.create(&arena, options, {});
    batch.open_slot(0, writer.windows(), writer.hash_seed());
    reader.open(&arena, {nullptr, compare_key_bytes});
  }
  ~Trend() { arena.destroy(); }

  void add(Time t, uint64_t key) { batch.append(0, t, 1, key_of(key).view()); }
  void add(Time t, uint64_t key, const ArgumentView& arguments) {
    batch.append(0, t, 1, key_of(key).view(), UINT32_MAX, arguments);
  }
  void commit() {
    writer.prepare(batch.slice(0).max_time);
    writer.apply(batch.slice(0));
    batch.clear();
  }

  Arena arena;
  TrendWriter writer;
  TrendReader reader;
  Batch batch;
};

// Draws of Zipf's law with exponent 1, scattered over the keys; made beforehand.
const std::vector<uint32_t>& zipf(uint32_t keys) {
  static std::vector<uint32_t> draws;
  static uint32_t made_for = 0;
  if (made_for == keys) return draws;
  made_for = keys;
  std::mt19937_64 random(1);
  std::vector<double> sums(keys);
  double sum = 0;
  for (uint32_t i = 0; i < keys; i++) sums[i] = sum += 1.0 / (i + 1);
  draws.resize(4'000'000);
  for (uint32_t& draw : draws) {
    const double x = std::uniform_real_distribution<double>(0, sum)(random);
    const auto rank = static_cast<uint64_t>(std::lower_bound(sums.begin(), sums.end(), x) - sums.begin());
    draw = static_cast<uint32_t>(rank * 2654435761 % keys);
  }
  return draws;
}

// Events in time order, `per_commit` to a transaction, 100,000 to a pane; windows roll all the while.
void events(benchmark::State& state, int64_t per_commit) {
  const auto& draws = zipf(static_cast<uint32_t>(state.range(0)));
  Trend trend(state.range(1));
  const uint64_t per_pane = 100'000;
  uint64_t n = 0;
  const auto one = [&] {
    trend.add(static_cast<Time>(n * static_cast<uint64_t>(10 * kSecond) / per_pane), draws[n % draws.size()]);
    n++;
    if (n % static_cast<uint64_t>(per_commit) == 0) trend.commit();
  };
  while (n < draws.size()) one();
  for (auto _ : state) one();
  state.SetItemsProcessed(state.iterations());
  state.counters["live"] = static_cast<double>(trend.reader.live_groups());
}
void Events_InLargeTransactions(benchmark::State& state) {
  events(state, 1000);
}
void Events_OneToATransaction(benchmark::State& state) {
  events(state, 1);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgsProduct({{100'000, 1'000'000}, {1, 30}})->ArgNames({"groups", "panes"})->MinTime(1);
}
BENCHMARK(Events_InLargeTransactions)->Apply(sizes);
BENCHMARK(Events_OneToATransaction)->Apply(sizes);

// Every event counted in several trends, as one decoding pass hands it to them; times are an event's.
void Events_InManyTrends(benchmark::State& state) {
  const auto& draws = zipf(static_cast<uint32_t>(state.range(0)));
  std::vector<std::unique_ptr<Trend>> trends;
  Batch batch;
  for (uint32_t i = 0; i < static_cast<uint32_t>(state.range(1)); i++) {
    trends.push_back(std::make_unique<Trend>(i % 2 == 0 ? 1 : 30));
    batch.open_slot(i, trends[i]->writer.windows(), trends[i]->writer.hash_seed());
  }
  uint64_t n = 0;
  const auto one = [&] {
    const Key key = key_of(draws[n % draws.size()]);
    for (uint32_t i = 0; i < trends.size(); i++) batch.append(i, static_cast<Time>(n * 100), 1, key.view());
    if (++n % 1000 != 0) return;
    for (uint32_t i = 0; i < trends.size(); i++) trends[i]->writer.apply(batch.slice(i));
    batch.clear();
  };
  while (n < 500'000) one();
  for (auto _ : state) one();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Events_InManyTrends)
    ->ArgsProduct({{100'000}, {1, 2, 10}})
    ->ArgNames({"groups", "trends"})
    ->MinTime(0.3);

TrendOptions with(std::initializer_list<AggregateSpec> specs, uint16_t rank_by) {
  TrendOptions options;
  for (const AggregateSpec& spec : specs) options.aggregates[options.aggregate_count++] = spec;
  options.rank[0].aggregate = rank_by;
  return options;
}

// The same with arguments: aggregates of one kind after the other, ranked by the second.
void aggregates(benchmark::State& state, const TrendOptions& options, int64_t range) {
  const auto& draws = zipf(static_cast<uint32_t>(state.range(0)));
  Trend trend(state.range(1), options);
  const StateLayout& layout = trend.writer.layout();
  const uint64_t per_pane = 100'000;
  uint64_t n = 0;
  std::mt19937_64 random(1);
  int64_t words[kMaxAggregates * (kDecimalWords + 1)] = {};
  const auto one = [&] {
    const auto t = static_cast<Time>(n * static_cast<uint64_t>(10 * kSecond) / per_pane);
    const auto value = static_cast<int64_t>(random() % static_cast<uint64_t>(range));
    for (uint16_t i = 0; i < options.aggregate_count; i++) {
      int64_t* argument = words + layout.argument_of[i];
      const AggregateSpec& spec = options.aggregates[i];
      if (spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast) *argument++ = t;
      const double real = static_cast<double>(value) * 0.37;
      if (argument_words(spec) > 0) {
        *argument = spec.type == ValueType::kFloat          ? __builtin_bit_cast(int64_t, real)
                    : spec.kind == AggregateKind::kDistinct ? 8
                    : spec.kind == AggregateKind::kApproxDistinct
                        ? static_cast<int64_t>(hash_for_sketch(&value, 8))
                        : value;
      }
    }
    const auto* tail = reinterpret_cast<const std::byte*>(&value);
    trend.add(t, draws[n % draws.size()], {words, layout.argument_words, tail, 8});
    if (++n % 1000 == 0) trend.commit();
  };
  while (n < draws.size() / 2) one();
  for (auto _ : state) one();
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(trend.arena.bytes_used());
}
constexpr AggregateSpec kRows{AggregateKind::kRowCount, ValueType::kNone};
constexpr AggregateSpec integer(AggregateKind kind) {
  return {.kind = kind, .type = ValueType::kInteger, .input = 1};
}
void Aggregates_Count(benchmark::State& state) {
  aggregates(state, with({kRows}, 0), 1000);
}
void Aggregates_Five(benchmark::State& state) {
  aggregates(state,
             with({kRows, integer(AggregateKind::kSum), integer(AggregateKind::kAvg),
                   integer(AggregateKind::kMin), integer(AggregateKind::kMax)},
                  1),
             1000);
}
void Aggregates_FiveDecimal(benchmark::State& state) {
  const auto decimal = [](AggregateKind kind) { return AggregateSpec{kind, ValueType::kDecimal, 0, 1}; };
  aggregates(state,
             with({kRows, decimal(AggregateKind::kSum), decimal(AggregateKind::kAvg),
                   decimal(AggregateKind::kMin), decimal(AggregateKind::kMax)},
                  1),
             1000);
}
void Aggregates_FiveFloat(benchmark::State& state) {
  const auto real = [](AggregateKind kind) { return AggregateSpec{kind, ValueType::kFloat, 0, 1}; };
  aggregates(state,
             with({kRows, real(AggregateKind::kSum), real(AggregateKind::kAvg), real(AggregateKind::kFirst),
                   real(AggregateKind::kLast)},
                  1),
             1000);
}
void Aggregates_RetractableMax(benchmark::State& state) {
  TrendOptions options = with({kRows, integer(AggregateKind::kMax)}, 1);
  options.keeps_values = true;
  aggregates(state, options, 1000);
}
void Aggregates_Distinct(benchmark::State& state) {
  aggregates(state, with({kRows, {AggregateKind::kDistinct, ValueType::kNone}}, 1), 1000);
}
void Aggregates_ApproxDistinct(benchmark::State& state) {
  aggregates(state, with({kRows, {AggregateKind::kApproxDistinct, ValueType::kNone}}, 1), 1000);
}
void few_sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgsProduct({{100'000}, {1, 30}})->ArgNames({"groups", "panes"})->MinTime(0.5);
}
BENCHMARK(Aggregates_Count)->Apply(few_sizes);
BENCHMARK(Aggregates_Five)->Apply(few_sizes);
BENCHMARK(Aggregates_FiveDecimal)->Apply(few_sizes);
BENCHMARK(Aggregates_FiveFloat)->Apply(few_sizes);
BENCHMARK(Aggregates_RetractableMax)->Apply(few_sizes);
BENCHMARK(Aggregates_Distinct)->Apply(few_sizes);
BENCHMARK(Aggregates_ApproxDistinct)->Apply(few_sizes);

// Half of the events up to a window late.
void Events_OutOfOrder(benchmark::State& state) {
  const auto& draws = zipf(static_cast<uint32_t>(state.range(0)));
  Trend trend(30);
  std::mt19937_64 random(1);
  std::vector<Time> lateness(1 << 16);
  for (Time& t : lateness) t = random() % 2 == 0 ? 0 : static_cast<Time>(random() % (290 * kSecond));
  uint64_t n = 0;
  const auto one = [&] {
    const Time now = static_cast<Time>(n * 100);
    trend.add(now - lateness[n % lateness.size()], draws[n % draws.size()]);
    if (++n % 1000 == 0) trend.commit();
  };
  while (n < draws.size()) one();
  for (auto _ : state) one();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Events_OutOfOrder)->Arg(100'000)->Arg(1'000'000)->ArgName("groups")->MinTime(1);

// Groups of one event each with keys that grow, in a hopping window: the best leave as fast as others come.
void Events_QueueOfTies(benchmark::State& state) {
  Trend trend(100);
  const auto groups = static_cast<uint64_t>(state.range(0));
  uint64_t n = 0;
  const auto one = [&] {
    trend.add(static_cast<Time>(n * static_cast<uint64_t>(1000 * kSecond) / groups), __builtin_bswap64(n));
    if (++n % 100 == 0) trend.commit();
  };
  while (n < 2 * groups) one();
  for (auto _ : state) one();
  state.SetItemsProcessed(state.iterations());
  state.counters["live"] = static_cast<double>(trend.reader.live_groups());
}
BENCHMARK(Events_QueueOfTies)->Arg(100'000)->Arg(1'000'000)->ArgName("groups")->MinTime(1);

// A window full of the given number of groups, Zipf on top.
std::unique_ptr<Trend> filled(uint32_t groups, int64_t panes) {
  auto trend = std::make_unique<Trend>(panes);
  for (int64_t pane = 0; pane < panes; pane++) {
    for (uint32_t n = 0; n < groups; n++) {
      trend->add(pane * 10 * kSecond, n);
      if (n % 1000 == 999) trend->commit();
    }
    trend->commit();
  }
  if (panes > 1) return trend;
  const auto& draws = zipf(groups);
  for (uint32_t n = 0; n < 1'000'000; n++) {
    trend->add(0, draws[n]);
    if (n % 1000 == 999) trend->commit();
  }
  return trend;
}

void Top(benchmark::State& state) {
  const auto trend = filled(static_cast<uint32_t>(state.range(0)), 1);
  int64_t sum = 0;
  for (auto _ : state) {
    trend->reader.refresh();
    trend->reader.top(static_cast<uint64_t>(state.range(1)), [&](const Row& row) { sum += row.score; });
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(Top)->ArgsProduct({{1000, 100'000, 1'000'000}, {10, 100}})->ArgNames({"groups", "k"});

void Find(benchmark::State& state) {
  const auto groups = static_cast<uint32_t>(state.range(0));
  const auto trend = filled(groups, 1);
  uint64_t n = 0;
  Row row;
  for (auto _ : state)
    benchmark::DoNotOptimize(trend->reader.find(key_of((n += 7919) % groups).view(), &row));
}
BENCHMARK(Find)->Arg(1000)->Arg(1'000'000)->ArgName("groups");

// Processor time, so that a busy machine does not count as a pause of ours.
double thread_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The longest any one commit of a thousand new groups takes while a table of a million groups grows.
void LongestCommitWhileGrowing(benchmark::State& state) {
  double longest = 0;
  for (auto _ : state) {
    Trend trend(1);
    for (uint64_t n = 0; n < 1'000'000;) {
      for (int i = 0; i < 1000; i++) trend.add(0, n++);
      const double start = thread_micros();
      trend.commit();
      longest = std::max(longest, thread_micros() - start);
    }
  }
  state.counters["longest_us"] = longest;
}
BENCHMARK(LongestCommitWhileGrowing)->Iterations(2)->Unit(benchmark::kMillisecond);

// What is paused when the clock passes the end of a pane of a hopping window, all groups in every pane.
void Roll(benchmark::State& state) {
  const auto groups = static_cast<uint32_t>(state.range(0));
  const int64_t panes = state.range(1);
  const auto trend = filled(groups, panes);
  Time t = panes * 10 * kSecond;
  for (auto _ : state) {
    trend->add(t, 0);
    trend->commit();
    t += 10 * kSecond;
    state.PauseTiming();
    while (trend->writer.reclaim(1'000'000)) {
    }
    for (uint32_t n = 0; n < groups; n++) trend->add(t - 10 * kSecond, n);
    trend->commit();
    state.ResumeTiming();
  }
}
BENCHMARK(Roll)
    ->Args({100'000, 3})
    ->Args({1'000'000, 1})
    ->Args({1'000'000, 3})
    ->ArgNames({"groups", "panes"})
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

// The worst for what cannot be taken out of a total: a maximum of falling values, so that every cell that
// leaves decided, and every group is rebuilt from all its panes. Most of that happens before the lock is taken.
void Roll_FallingMaximum(benchmark::State& state) {
  const auto groups = static_cast<uint32_t>(state.range(0));
  const int64_t panes = state.range(1);
  Trend trend(panes, with({integer(AggregateKind::kMax)}, 0));
  int64_t value = 1'000'000;
  const auto fill = [&](Time t) {
    value--;
    for (uint32_t n = 0; n < groups; n++) {
      trend.add(t, n, {&value, 1});
      if (n % 1000 == 999) trend.commit();
    }
    trend.commit();
  };
  for (int64_t pane = 0; pane < panes; pane++) fill(pane * 10 * kSecond);
  Time t = panes * 10 * kSecond;
  double longest = 0;
  for (auto _ : state) {
    value--;
    trend.add(t, 0, {&value, 1});
    trend.writer.prepare(t);
    const double start = thread_micros();
    trend.writer.apply(trend.batch.slice(0));
    longest = std::max(longest, thread_micros() - start);
    trend.batch.clear();
    state.PauseTiming();
    while (trend.writer.reclaim(1'000'000)) {
    }
    fill(t);
    t += 10 * kSecond;
    state.ResumeTiming();
  }
  state.counters["longest_lock_us"] = longest;
}
BENCHMARK(Roll_FallingMaximum)
    ->Args({100'000, 30})
    ->Args({1'000'000, 30})
    ->ArgNames({"groups", "panes"})
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

// Bytes for a group with one cell, and for each further cell of a group.
void Memory(benchmark::State& state) {
  const auto groups = static_cast<uint32_t>(state.range(0));
  double one = 0;
  double many = 0;
  for (auto _ : state) {
    one = static_cast<double>(filled(groups, 1)->arena.bytes_used());
    many = static_cast<double>(filled(groups, 11)->arena.bytes_used());
  }
  const double cell = (many - one) / 10 / groups;
  state.counters["bytes_per_cell"] = cell;
  state.counters["bytes_per_group"] = one / groups - cell;
}
BENCHMARK(Memory)->Arg(1'000'000)->ArgName("groups")->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
