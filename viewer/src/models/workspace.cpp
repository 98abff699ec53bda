// SPDX-License-Identifier: PostgreSQL
#include "models/workspace.h"

#include <algorithm>

namespace trending {

namespace {

constexpr qsizetype kChartedItems = 5;
constexpr qsizetype kRememberedTitles = 5000;

}  // namespace

Workspace::Workspace(Source* source, QObject* parent) : QObject(parent), source_(source) {
  connect(source_, &Source::connection_changed, this, &Workspace::on_connection);
  connect(source_, &Source::trends_available, this, &Workspace::on_trends);
  connect(source_, &Source::status_available, this, &Workspace::on_status);
  connect(source_, &Source::partitions_available, this, &Workspace::on_partitions);
  connect(source_, &Source::ranking_available, this, &Workspace::on_ranking);
  connect(source_, &Source::history_available, this, &Workspace::on_history);
  connect(source_, &Source::failed, this, &Workspace::on_failed);
  connect(source_, &Source::series_available, this, [this](TrendId trend, const SeriesByKey& series) {
    if (trend != interest_.trend) return;
    history_series_ = series;
    emit series_changed();
  });
  connect(source_, &Source::explanation_available, this,
          [this](TrendId trend, const Explanation& explanation) {
            if (trend != interest_.trend) return;
            explanation_ = explanation;
            emit explanation_changed();
          });
  diagnose_again();
}

void Workspace::open(const ConnectionSettings& settings) {
  select_trend(0);
  trends_known_ = false;
  trends_.set_trends({});
  statuses_.set_trends({});
  source_->open(settings);
  push_interest();
}

void Workspace::select_trend(TrendId id) {
  if (id == interest_.trend) return;
  interest_.trend = id;
  interest_.partition.clear();
  partitions_.clear();
  history_ = {};
  explanation_.clear();
  emit trend_changed();
  emit partitions_changed();
  show_other();
  if (id != 0) source_->request_history(id);
}

void Workspace::select_partition(const Partition& partition) {
  if (partition == interest_.partition) return;
  interest_.partition = partition;
  show_other();
  load_history();
}

// Another trend, or another part of it: nothing that was shown is of use.
void Workspace::show_other() {
  failure_.reset();
  live_ranking_ = {};
  seen_.clear();
  titles_.clear();
  history_series_.clear();
  stops_.clear();
  shown_stop_ = -1;
  awaited_window_ = {};
  selected_.clear();
  ranking_.clear();
  push_interest();
  emit selection_changed();
  emit stops_changed();
  emit moment_changed();
  emit ranking_changed();
  emit series_changed();
  diagnose_again();
}

void Workspace::prefer_trend(const QString& name) {
  preferred_ = name;
  const QModelIndex index = trends_.index_named(name);
  if (index.isValid()) select_trend(index.data(TrendListModel::kIdRole).toUInt());
}

void Workspace::set_limit(int limit) {
  limit = std::clamp(limit, kFewest, kMost);
  if (limit == interest_.limit) return;
  interest_.limit = limit;
  push_interest();
  emit limit_changed(limit);
  if (!live()) show_stop(shown_stop_);
}

void Workspace::set_interval(int milliseconds) {
  interest_.interval_ms = std::clamp(milliseconds, 100, 3'600'000);
  push_interest();
}

void Workspace::set_paused(bool paused) {
  if (paused == interest_.paused) return;
  interest_.paused = paused;
  push_interest();
  emit moment_changed();
}

void Workspace::set_status_in_view(bool in_view) {
  if (in_view == interest_.status_in_view) return;
  interest_.status_in_view = in_view;
  push_interest();
}

void Workspace::set_selected(const QStringList& keys) {
  if (keys == selected_) return;
  selected_ = keys;
  emit selection_changed();
  load_series();
}

QStringList Workspace::charted() const {
  if (!selected_.empty()) return selected_;
  QStringList keys;
  const Ranking& shown = ranking_.ranking();
  for (const RankedItem& item : shown.items) {
    if (keys.size() == kChartedItems) break;
    keys.append(item.key);
  }
  return keys;
}

void Workspace::on_connection(const ConnectionState& state) {
  const bool other_server = state.phase == ConnectionState::Phase::kConnected &&
                            connection_.phase != ConnectionState::Phase::kUnresponsive;
  connection_ = state;
  if (other_server) {
    failure_.reset();
    push_interest();
    load_history();
  }
  if (state.phase == ConnectionState::Phase::kWaiting && status_.taken_at.isValid())
    on_status({});  // not known now
  emit connection_changed();
  diagnose_again();
}

void Workspace::on_trends(const TrendList& trends) {
  trends_known_ = true;
  trends_.set_trends(trends);
  trends_.set_status(status_);
  statuses_.set_trends(trends);
  if (trend() == nullptr) {
    const QModelIndex preferred = trends_.index_named(preferred_);
    const TrendId first = trends.empty() ? 0 : trends.first().id;
    select_trend(preferred.isValid() ? preferred.data(TrendListModel::kIdRole).toUInt() : first);
  } else {
    load_history();
  }
  diagnose_again();
}

void Workspace::on_partitions(TrendId trend, const QList<Partition>& partitions) {
  if (trend != interest_.trend || partitions == partitions_) return;
  partitions_ = partitions;
  emit partitions_changed();
  if (interest_.partition.empty() && !partitions.empty()) select_partition(partitions.first());
}

void Workspace::on_status(const StatusSample& sample) {
  status_ = sample;
  trends_.set_status(sample);
  statuses_.set_status(sample);
  emit status_changed();
  diagnose_again();
}

void Workspace::on_failed(const Failure& failure) {
  if (failure.subject != Failure::Subject::kRanking || failure.trend != interest_.trend) return;
  failure_ = failure;
  diagnose_again();
}

void Workspace::remember_titles(const Ranking& ranking) {
  if (titles_.size() > kRememberedTitles) titles_.clear();
  for (const RankedItem& item : ranking.items) titles_.insert(item.key, item.title());
}

void Workspace::on_ranking(Ranking ranking) {
  if (!is_shown(ranking)) return;
  if (!ranking.live) {
    // Without a worker nothing but history tells of the past, and that knows no labels.
    for (RankedItem& item : ranking.items) {
      if (item.label.isEmpty()) item.label = titles_.value(item.key);
    }
    remember_titles(ranking);
    if (!live() && ranking.window == awaited_window_) show(ranking);
    return;
  }
  remember_titles(ranking);
  failure_.reset();
  if (interest_.paused && has_ranking()) return;
  const bool window_closed = has_ranking() && live_ranking_.window.end < ranking.window.end;
  live_ranking_ = ranking;
  seen_.add(ranking, QDateTime::currentDateTimeUtc());
  if (live()) show(ranking);
  if (history_.kind != HistoryState::Kind::kPresent) {
    rebuild_stops();
  } else if (window_closed) {
    load_history();
  }
  emit live_ranking_changed();
  diagnose_again();
}

void Workspace::show(const Ranking& ranking) {
  ranking_.set_ranking(ranking, trend());
  emit ranking_changed();
}

void Workspace::load_history() {
  if (interest_.trend != 0) source_->request_history(interest_.trend);
}

void Workspace::load_explanation() {
  if (interest_.trend != 0) source_->request_explanation(interest_.trend);
}

void Workspace::load_series() {
  if (interest_.trend == 0 || history_.kind != HistoryState::Kind::kPresent) return;
  const QStringList keys = charted();
  if (!keys.empty()) source_->request_series(interest_.trend, keys);
}

void Workspace::on_history(const HistoryState& history) {
  if (history.trend != interest_.trend) return;
  history_ = history;
  rebuild_stops();
  load_series();
  emit series_changed();
}

void Workspace::rebuild_stops() {
  const QDateTime shown_at = live() ? QDateTime() : stops_.value(shown_stop_).at;
  stops_.clear();
  if (history_.kind == HistoryState::Kind::kPresent) {
    for (const WindowSpan& window : history_.windows) stops_.append({window.end, window});
  } else {
    for (const QDateTime& moment : seen_.moments()) stops_.append({moment, {}});
    if (!stops_.empty()) stops_.removeLast();  // that one is what live shows
  }
  if (shown_at.isValid()) {
    const auto place = std::lower_bound(stops_.cbegin(), stops_.cend(), shown_at,
                                        [](const Stop& stop, const QDateTime& at) { return stop.at < at; });
    shown_stop_ = place == stops_.cend() ? -1 : place - stops_.cbegin();
    if (shown_stop_ < 0) show_live();
  }
  emit stops_changed();
}

void Workspace::show_stop(qsizetype index) {
  if (index < 0 || index >= stops_.size()) return show_live();
  shown_stop_ = index;
  const Stop& stop = stops_[index];
  if (stop.window.valid()) {
    awaited_window_ = stop.window;
    source_->request_window(interest_.trend, stop.window, interest_.limit);
  } else if (const Ranking* seen = seen_.at(stop.at)) {
    show(*seen);
  }
  emit moment_changed();
}

void Workspace::show_live() {
  shown_stop_ = -1;
  if (has_ranking()) show(live_ranking_);
  emit moment_changed();
}

SeriesByKey Workspace::series() const {
  const QStringList keys = charted();
  if (history_.kind != HistoryState::Kind::kPresent || history_.windows.empty())
    return seen_.series(keys, {});
  SeriesByKey result;
  for (const QString& key : keys) {
    if (history_series_.contains(key)) result.insert(key, history_series_.value(key));
  }
  // The current window is not over: it stands where time is now, not at its end.
  const QList<QDateTime> moments = seen_.moments();
  if (moments.empty() || moments.last() <= history_.windows.last().end) return result;
  for (const RankedItem& item : live_ranking_.items) {
    if (keys.contains(item.key)) {
      result[item.key].append({moments.last().toMSecsSinceEpoch(), item.magnitude, item.value, true});
    }
  }
  return result;
}

void Workspace::diagnose_again() {
  const QList<Problem> problems =
      diagnose({connection_, trends_known_, trends_.trends().size(), trend(), status_, failure_});
  if (problems == problems_) return;
  problems_ = problems;
  emit problems_changed();
}

}  // namespace trending
