// SPDX-License-Identifier: PostgreSQL
#include "data/status.h"

#include <QCoreApplication>

namespace trending {

namespace {

// The context of this file's words for translators.
class StatusWords {
  Q_DECLARE_TR_FUNCTIONS(StatusWords)
};

}  // namespace

QString state_in_words(const QString& state) {
  static const QHash<QString, const char*> kWords{
      {QStringLiteral("running"), QT_TRANSLATE_NOOP("StatusWords", "running")},
      {QStringLiteral("stopped"), QT_TRANSLATE_NOOP("StatusWords", "stopped")},
      {QStringLiteral("filling"), QT_TRANSLATE_NOOP("StatusWords", "filling")},
      {QStringLiteral("starting"), QT_TRANSLATE_NOOP("StatusWords", "starting")},
      {QStringLiteral("recovering"), QT_TRANSLATE_NOOP("StatusWords", "recovering")},
      {QStringLiteral("unavailable"), QT_TRANSLATE_NOOP("StatusWords", "unavailable")},
      {QStringLiteral("down"), QT_TRANSLATE_NOOP("StatusWords", "down")},
      {QStringLiteral("worker down"), QT_TRANSLATE_NOOP("StatusWords", "worker down")}};
  const auto words = kWords.constFind(state);
  return words == kWords.constEnd() ? state : StatusWords::tr(*words);
}

void derive_rates(StatusSample& sample, const StatusSample& before) {
  const double seconds = static_cast<double>(before.taken_at.msecsTo(sample.taken_at)) / 1000;
  if (!before.taken_at.isValid() || seconds <= 0.05) return;

  // A counter that went back belongs to a worker that started again: no rate until the next sample.
  const auto rate = [seconds](qint64 now, qint64 then) {
    return now < 0 || then < 0 || now < then ? -1.0 : static_cast<double>(now - then) / seconds;
  };
  double total = 0;
  bool any = false;
  for (TrendStatus& trend : sample.trends) {
    const auto old = before.trends.constFind(trend.id);
    if (old == before.trends.constEnd()) continue;
    trend.events_per_second = rate(trend.events, old->events);
    if (trend.events_per_second < 0) continue;
    total += trend.events_per_second;
    any = true;
  }
  if (any) sample.events_per_second = total;

  WorkerStatus& worker = sample.worker;
  worker.transactions_per_second = rate(worker.transactions, before.worker.transactions);
  const bool stalled = worker.lag_bytes > 0 && worker.applied_position >= 0 &&
                       worker.pid == before.worker.pid &&
                       worker.applied_position == before.worker.applied_position;
  worker.stalled_ms = stalled ? before.worker.stalled_ms + before.taken_at.msecsTo(sample.taken_at) : 0;
  const double bytes_per_second = rate(worker.applied_position, before.worker.applied_position);
  if (worker.lag_bytes == 0) {
    worker.lag_seconds = 0;
  } else if (worker.lag_bytes > 0 && bytes_per_second > 0) {
    worker.lag_seconds = static_cast<double>(worker.lag_bytes) / bytes_per_second;
  }
}

}  // namespace trending
