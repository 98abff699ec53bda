// SPDX-License-Identifier: PostgreSQL
#include "report.h"

#include <fmt/format.h>

#include "format.h"

namespace trending::loadgen {

namespace {

double per_second(uint64_t number, Micros span) {
  return span <= 0 ? 0 : static_cast<double>(number) * kSecond / static_cast<double>(span);
}

uint64_t load(const std::atomic<uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

// How far behind its timetable a paced run is; a batch per client may always be under way.
Micros behind_by(const ProgressView& view) {
  if (view.rate == 0) return 0;
  return view.elapsed - static_cast<Micros>(static_cast<double>(view.now.events) / view.rate * kSecond);
}

std::string latency_text(const LatencySnapshot& latency) {
  return fmt::format("p50 {}   p95 {}   p99 {}   max {}", format_span(latency.quantile(0.5)),
                     format_span(latency.quantile(0.95)), format_span(latency.quantile(0.99)),
                     format_span(latency.longest()));
}

std::string method_name(Method method) {
  return method == Method::kCopy ? "copy" : "insert";
}

std::string escape_json(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return escaped;
}

}  // namespace

Totals sum_up(const std::vector<std::shared_ptr<Client>>& clients) {
  Totals totals;
  for (const std::shared_ptr<Client>& client : clients) {
    const ClientCounters& counters = client->counters();
    totals.events += load(counters.events);
    totals.transactions += load(counters.transactions);
    for (size_t i = 0; i < Batch::kTallies; ++i) totals.tallies[i] += load(counters.tallies[i]);
    totals.errors += load(counters.errors);
    totals.reconnects += load(counters.reconnects);
    totals.unknown_events += load(counters.unknown_events);
    totals.unknown_transactions += load(counters.unknown_transactions);
    totals.unwritten_events += load(counters.unwritten_events);
    totals.latency.add(counters.latency);
  }
  return totals;
}

void add_in_flight(const std::vector<std::shared_ptr<Client>>& clients, Totals& totals) {
  for (const std::shared_ptr<Client>& client : clients) {
    const uint64_t events = load(client->counters().in_flight);
    totals.unknown_events += events;
    totals.unknown_transactions += events > 0 ? 1 : 0;
  }
}

std::string progress_line(const ProgressView& view) {
  const uint64_t seconds = static_cast<uint64_t>((view.elapsed + kSecond / 2) / kSecond);
  const LatencySnapshot latency = view.now.latency.since(view.before.latency);
  std::string line =
      fmt::format("{:02}:{:02}:{:02}  {} events  {}/s  {} tx/s", seconds / 3600, seconds / 60 % 60,
                  seconds % 60, with_commas(view.now.events),
                  format_rate(per_second(view.now.events - view.before.events, view.interval)),
                  format_rate(per_second(view.now.transactions - view.before.transactions, view.interval)));
  if (latency.count() > 0) {
    line += fmt::format("  commit p50 {} p99 {}", format_span(latency.quantile(0.5)),
                        format_span(latency.quantile(0.99)));
  }
  if (view.clients_away > 0) {
    line += fmt::format("  {} of {} clients wait for the server", view.clients_away, view.clients);
  }
  if (const Micros behind = behind_by(view); behind > 2 * kSecond) {
    line += fmt::format("  {} behind --rate", format_span(behind));
  }
  return line;
}

std::string summary_text(const Summary& summary) {
  const Totals& totals = summary.totals;
  std::vector<SummaryLine> lines;
  lines.push_back({"ended", fmt::format("{}, after {}", summary.ended, format_span(summary.elapsed))});
  lines.push_back({"events", fmt::format("{}   {}/s", with_commas(totals.events),
                                         format_rate(per_second(totals.events, summary.elapsed)))});
  lines.push_back(
      {"transactions", fmt::format("{}   {}/s", with_commas(totals.transactions),
                                   format_rate(per_second(totals.transactions, summary.elapsed)))});
  if (totals.transactions > 0) lines.push_back({"commit latency", latency_text(totals.latency)});
  for (SummaryLine& line : summary.scenario.summary(totals.tallies, totals.events))
    lines.push_back(std::move(line));
  lines.push_back({"errors", with_commas(totals.errors)});
  if (totals.reconnects > 0) {
    lines.push_back({"reconnects", fmt::format("{}, without the server for {}",
                                               with_commas(totals.reconnects), format_span(summary.away))});
  }
  if (totals.unwritten_events > 0) {
    lines.push_back({"not written", fmt::format("{} that were under way at the end",
                                                counted(totals.unwritten_events, "event"))});
  }
  if (totals.unknown_events > 0) {
    lines.push_back(
        {"unknown", fmt::format("{} in {}: the answer to their commit never came, so they may or may not "
                                "be in the table; they were not sent again",
                                counted(totals.unknown_events, "event"),
                                counted(totals.unknown_transactions, "transaction"))});
  }
  std::string text;
  for (const SummaryLine& line : lines) text += fmt::format("  {:<16}{}\n", line.name, line.text);
  return text;
}

std::string summary_json(const Summary& summary) {
  const Totals& totals = summary.totals;
  std::string tallies;
  const auto names = summary.scenario.tally_names();
  for (size_t i = 0; i < names.size(); ++i) tallies += fmt::format(",\"{}\":{}", names[i], totals.tallies[i]);
  return fmt::format(
      "{{\"scenario\":\"{}\",\"method\":\"{}\",\"clients\":{},\"batch\":{},\"seed\":{},\"ended\":\"{}\","
      "\"seconds\":{:.6f},\"events\":{},\"transactions\":{},\"events_per_second\":{:.3f},"
      "\"latency_us\":{{\"p50\":{},\"p95\":{},\"p99\":{},\"max\":{}}},\"errors\":{},\"reconnects\":{},"
      "\"not_written\":{},\"unknown_events\":{},\"unknown_transactions\":{}{}}}\n",
      summary.scenario.name(), method_name(summary.options.run.method), summary.options.run.clients,
      summary.options.run.batch, summary.options.shape.seed, escape_json(summary.ended),
      static_cast<double>(summary.elapsed) / kSecond, totals.events, totals.transactions,
      per_second(totals.events, summary.elapsed), totals.latency.quantile(0.5), totals.latency.quantile(0.95),
      totals.latency.quantile(0.99), totals.latency.longest(), totals.errors, totals.reconnects,
      totals.unwritten_events, totals.unknown_events, totals.unknown_transactions, tallies);
}

}  // namespace trending::loadgen
