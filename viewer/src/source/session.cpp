// SPDX-License-Identifier: PostgreSQL
#include "source/session.h"

#include <QTimeZone>
#include <algorithm>
#include <utility>

#include "source/conninfo.h"

namespace trending {

namespace {

constexpr qint64 kProbeEveryMs = 3000;  // while the extension is missing
constexpr qint64 kListEveryMs = 3000;
constexpr qint64 kStatusEveryMs = 5000;  // when nobody looks at it
constexpr qint64 kPartitionsEveryMs = 5000;
constexpr int kDecayEveryMs = 5000;
constexpr qint64 kRetryMs = 2000;         // after a query that failed
constexpr qint64 kUnresponsiveMs = 4000;  // then the user is told
constexpr qint64 kCancelMs = 20'000;
constexpr qint64 kGiveUpMs = 30'000;
constexpr qint64 kWatchGiveUpMs = 45'000;
// A statement that took t is not run again before 20 t: reading never takes more than a twentieth of the
// time.
constexpr qint64 kCostFactor = 20;

bool extension_gone(const SqlError& error) {
  return error.sqlstate == QLatin1String("42P01") || error.sqlstate == QLatin1String("3F000");
}

}  // namespace

Session::Session(QObject* parent)
    : Source(parent),
      reader_(this),
      watcher_(this),
      retry_(this),
      wake_(this),
      watchdog_(this),
      watch_again_(this),
      decay_(this) {
  clock_.start();
  for (QTimer* timer : {&retry_, &wake_, &watch_again_, &decay_}) timer->setSingleShot(true);
  connect(&retry_, &QTimer::timeout, this, &Session::connect_now);
  connect(&wake_, &QTimer::timeout, this, &Session::pump);
  connect(&watch_again_, &QTimer::timeout, this, [this] {
    if (!watcher_.ready() && !watcher_.busy()) {
      watcher_.open(settings_);
    } else {
      watch();
    }
  });
  connect(&decay_, &QTimer::timeout, this, [this] {
    ranking_wanted_ = true;
    pump();
  });
  connect(&watchdog_, &QTimer::timeout, this, &Session::check_answers);
  connect(&reader_, &PgConnection::opened, this, [this] {
    backoff_.reset();
    pump();
  });
  connect(&reader_, &PgConnection::lost, this, &Session::on_lost);
  connect(&watcher_, &PgConnection::opened, this, &Session::watch);
  // Without the watcher the ranking is polled.
  connect(&watcher_, &PgConnection::lost, this, [this] {
    ranking_wanted_ = true;
    watch_again_.start(kRetryMs);
    pump();
  });
}

void Session::open(const ConnectionSettings& settings) {
  close();
  settings_ = settings;
  wanted_open_ = true;
  backoff_.reset();
  state_ = {};
  state_.target = conninfo::in_words(settings.conninfo);
  connect_now();
}

void Session::close() {
  wanted_open_ = false;
  for (QTimer* timer : {&retry_, &wake_, &watchdog_, &watch_again_, &decay_}) timer->stop();
  reader_.close();
  watcher_.close();
  tasks_ = {};
  trends_.clear();
  report(Phase::kIdle);
}

void Session::retry_now() {
  if (wanted_open_ && !reader_.ready() && !reader_.busy()) connect_now();
}

void Session::connect_now() {
  retry_.stop();
  watcher_.close();
  tasks_ = {};
  probed_ = false;
  cancelled_ = false;
  list_signature_.clear();
  history_columns_.clear();
  labels_.clear();
  last_status_ = {};
  version_ = 0;
  ranking_wanted_ = watch_works_ = true;
  next_probe_ = next_list_ = next_status_ = next_ranking_ = next_partitions_ = 0;
  ++state_.attempt;
  report(Phase::kConnecting, state_.message);
  watchdog_.start(1000);
  reader_.open(settings_);
}

void Session::on_lost(const QString& message, bool password_needed) {
  watcher_.close();
  watchdog_.stop();
  watch_again_.stop();
  tasks_ = {};
  if (!wanted_open_) return;
  if (password_needed) return report(Phase::kPasswordNeeded, message);
  const qint64 wait = backoff_.next_ms();
  retry_.start(static_cast<int>(wait));
  report(Phase::kWaiting, message, wait);
}

void Session::report(Phase phase, const QString& message, qint64 wait_ms) {
  state_.phase = phase;
  state_.message = message;
  state_.wait_ms = wait_ms;
  if (phase == Phase::kConnected) {
    state_.attempt = 0;
    state_.server = server_;
    state_.target = tr("%1 on %2").arg(server_.database, server_.host);
  }
  emit connection_changed(state_);
}

// Once a second: a server that keeps silent is said to, then asked to stop, then given up.
void Session::check_answers() {
  const qint64 waiting = reader_.waiting_ms();
  if (waiting > kGiveUpMs) {
    reader_.close();
    return on_lost(tr("The server has not answered for %1 seconds.").arg(waiting / 1000), false);
  }
  if (waiting > kCancelMs && !cancelled_) {
    cancelled_ = true;
    reader_.cancel();
  }
  if (waiting > kUnresponsiveMs) {
    report(Phase::kUnresponsive, {}, waiting);
  } else if (state_.phase == Phase::kUnresponsive) {
    cancelled_ = false;
    report(Phase::kConnected);
  }
  if (watcher_.waiting_ms() > kWatchGiveUpMs) watcher_.open(settings_);
}

void Session::set_interest(const Interest& interest) {
  if (interest == interest_) return;
  const bool other_ranking = interest.trend != interest_.trend || interest.partition != interest_.partition ||
                             interest.limit != interest_.limit || interest.paused != interest_.paused;
  const bool other_trend = interest.trend != interest_.trend;
  interest_ = interest;
  if (interest.status_in_view) next_status_ = std::min(next_status_, now() + interest.interval_ms);
  if (other_ranking) {
    ranking_wanted_ = true;
    next_ranking_ = 0;
  }
  if (other_trend) {
    next_partitions_ = 0;
    version_ = 0;
    labels_.clear();
    if (watcher_.busy()) {
      watcher_.cancel();  // its reply starts the next watch
    } else {
      watch();
    }
  }
  pump();
}

const TrendInfo* Session::find_trend(TrendId id) const {
  const auto found = trends_.constFind(id);
  return found == trends_.constEnd() ? nullptr : &*found;
}

void Session::pump() {
  wake_.stop();
  if (!reader_.ready()) return;
  if (!probed_) {
    if (now() >= next_probe_) return probe();
    return wake_.start(static_cast<int>(next_probe_ - now()));
  }
  if (now() >= next_list_) return check_trend_list();
  const TrendInfo* shown = find_trend(interest_.trend);
  const bool partitioned = shown != nullptr && shown->shape.valid() && !shown->partition_by.empty();
  if (partitioned && now() >= next_partitions_) return fetch_partitions();
  const bool follow = !interest_.paused && shown != nullptr && ranking_wanted_ &&
                      (!partitioned || !interest_.partition.empty());
  if (follow && now() >= next_ranking_) return fetch_labels();
  for (Task& task : tasks_) {
    if (!task) continue;
    std::exchange(task, nullptr)();
    if (reader_.ready()) wake_.start(0);  // the task found nothing to do
    return;
  }
  if (now() >= next_status_) return fetch_status();
  const qint64 next = std::min({next_list_, next_status_, follow ? next_ranking_ : next_list_,
                                partitioned ? next_partitions_ : next_list_});
  wake_.start(static_cast<int>(std::max<qint64>(next - now(), 1)));
}

void Session::probe() {
  reader_.query(queries::kProbe, {}, [this](const PgResult& result) {
    if (!result.ok() || result.rows() == 0) {
      next_probe_ = now() + kProbeEveryMs;
      report(Phase::kWaiting, result.error().message, kProbeEveryMs);
      return pump();
    }
    server_ = queries::parse_probe(result);
    server_.host =
        reader_.host().startsWith(u'/') || reader_.host().isEmpty() ? tr("this machine") : reader_.host();
    server_.tls = reader_.tls();
    report(Phase::kConnected);
    probed_ = server_.extension_installed;
    next_probe_ = now() + kProbeEveryMs;
    if (probed_ && !watcher_.ready()) watcher_.open(settings_);
    set_time_zone();
  });
}

// Times are told as on the clock here; a zone that the server does not know leaves it to the server's.
void Session::set_time_zone() {
  reader_.query(queries::kTimeZone, {QTimeZone::systemTimeZoneId()}, [this](const PgResult&) { pump(); });
}

void Session::check_trend_list() {
  const qint64 begun = now();
  reader_.query(queries::kTrendListSignature, {}, [this, begun](const PgResult& result) {
    next_list_ = now() + std::max(kListEveryMs, kCostFactor * (now() - begun));
    if (!result.ok() || result.rows() == 0) return list_failed(Failure::Subject::kTrends, result.error());
    const QString signature = result.text(0, 0) + u'/' + result.text(0, 1);
    if (signature == list_signature_) return pump();
    list_signature_ = signature;
    load_trend_list();
  });
}

void Session::load_trend_list() {
  reader_.query(queries::kTrendList, {}, [this](const PgResult& result) {
    if (!result.ok()) {
      list_signature_.clear();
      return list_failed(Failure::Subject::kTrends, result.error());
    }
    const TrendList list = queries::parse_trends(result);
    trends_.clear();
    for (const TrendInfo& trend : list) trends_.insert(trend.id, trend);
    emit trends_available(list);
    watch();
    pump();
  });
}

void Session::fetch_partitions() {
  const qint64 begun = now();
  const TrendId trend = interest_.trend;
  reader_.query(queries::partitions(*find_trend(trend), kMostPartitions), {},
                [this, trend, begun](const PgResult& result) {
                  next_partitions_ = now() + std::max(kPartitionsEveryMs, kCostFactor * (now() - begun));
                  if (trend != interest_.trend) return pump();
                  if (!result.ok()) return ranking_failed(result.error());
                  emit partitions_available(trend, queries::parse_partitions(result));
                  pump();
                });
}

// The ranking: first what only trending.top knows (labels, the ranks before), then the rows themselves.
void Session::fetch_labels() {
  const TrendId trend = interest_.trend;
  const Partition partition = interest_.partition;
  QList<QByteArray> parameters{QByteArray::number(trend), QByteArray::number(interest_.limit)};
  if (!partition.empty()) parameters.append(queries::text_array(partition));
  ranking_wanted_ = false;
  reader_.query(partition.empty() ? queries::kTop : queries::kTopOfPartition, parameters,
                [this, trend, partition](const PgResult& result) {
                  const TrendInfo* info = find_trend(trend);
                  if (info == nullptr || trend != interest_.trend || partition != interest_.partition)
                    return pump();
                  labels_ = result.ok() ? queries::parse_top_labels(result) : queries::TopRows();
                  if (info->shape.valid()) return fetch_rows();
                  if (!result.ok()) return ranking_failed(result.error());
                  publish(queries::parse_top(result, *info));
                });
}

void Session::fetch_rows() {
  const TrendId trend = interest_.trend;
  const Partition partition = interest_.partition;
  reader_.query(queries::live_rows(*find_trend(trend), partition, interest_.limit),
                queries::partition_parameters(partition), [this, trend, partition](const PgResult& result) {
                  const TrendInfo* info = find_trend(trend);
                  if (info == nullptr || trend != interest_.trend || partition != interest_.partition)
                    return pump();
                  if (!result.ok()) return ranking_failed(result.error());
                  Ranking ranking = queries::parse_rows(result, *info);
                  ranking.partition = partition;
                  queries::add_top_rows(labels_, *info, ranking);
                  publish(ranking);
                });
}

void Session::publish(const Ranking& ranking) {
  next_ranking_ = now() + interest_.interval_ms;
  next_status_ = std::min(next_status_, now() + interest_.interval_ms / 2);
  emit ranking_available(ranking);
  const TrendInfo* info = find_trend(ranking.trend);
  if (info != nullptr && info->shape.decays()) decay_.start(std::max(kDecayEveryMs, interest_.interval_ms));
  if (watch_works_ && watcher_.ready()) {
    // Not before the interval is over, however busy the trend is.
    watch_again_.start(interest_.interval_ms);
  } else if (!watcher_.busy()) {
    ranking_wanted_ = true;
  }
  pump();
}

void Session::ranking_failed(const SqlError& error) {
  ranking_wanted_ = true;
  next_ranking_ = now() + std::max<qint64>(kRetryMs, interest_.interval_ms);
  next_status_ = 0;
  emit failed(
      {Failure::Subject::kRanking, interest_.trend, error.sqlstate, error.message, error.detail, error.hint});
  pump();
}

void Session::list_failed(Failure::Subject subject, const SqlError& error) {
  if (extension_gone(error)) {
    probed_ = false;
    next_probe_ = 0;
    list_signature_.clear();
    trends_.clear();
    emit trends_available({});
  } else {
    emit failed({subject, 0, error.sqlstate, error.message, error.detail, error.hint});
  }
  pump();
}

void Session::watch() {
  if (!watcher_.ready() || !watch_works_ || interest_.trend == 0 || find_trend(interest_.trend) == nullptr)
    return;
  const TrendId trend = interest_.trend;
  watcher_.query(queries::kWatch, {QByteArray::number(trend), QByteArray::number(version_)},
                 [this, trend](const PgResult& result) {
                   if (trend != interest_.trend) return watch();
                   if (result.ok() && result.rows() == 1) {
                     const qint64 version = result.text(0, 0).toLongLong();
                     if (version == version_) return watch();
                     version_ = version;
                     ranking_wanted_ = true;
                     if (interest_.paused) watch_again_.start(interest_.interval_ms);
                     return pump();
                   }
                   if (result.error().sqlstate == QLatin1String("42883")) watch_works_ = false;
                   // The reason is told by reading the ranking itself.
                   ranking_wanted_ = true;
                   watch_again_.start(kRetryMs);
                   pump();
                 });
}

void Session::fetch_status() {
  const qint64 begun = now();
  reader_.query(queries::kWorkerStatus, {}, [this, begun](const PgResult& result) {
    next_status_ = now() + kStatusEveryMs;
    next_sample_ = {};
    if (!result.ok()) return list_failed(Failure::Subject::kStatus, result.error());
    queries::parse_worker(result, next_sample_);
    reader_.query(queries::kStatus, {}, [this, begun](const PgResult& rows) {
      const qint64 wanted = interest_.status_in_view ? interest_.interval_ms : kStatusEveryMs;
      next_status_ = now() + std::max(wanted, kCostFactor * (now() - begun));
      if (!rows.ok()) return list_failed(Failure::Subject::kStatus, rows.error());
      queries::parse_status(rows, next_sample_);
      derive_rates(next_sample_, last_status_);
      last_status_ = next_sample_;
      const auto shown = last_status_.trends.constFind(interest_.trend);
      // A worker that started again counts versions from the start.
      if (shown != last_status_.trends.constEnd() && shown->version >= 0 && shown->version < version_) {
        version_ = 0;
        ranking_wanted_ = true;
        watcher_.cancel();
      }
      emit status_available(last_status_);
      pump();
    });
  });
}

}  // namespace trending
