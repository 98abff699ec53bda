// SPDX-License-Identifier: PostgreSQL
#include "models/trend_list_model.h"

#include <algorithm>

namespace trending {

void TrendListModel::set_trends(const TrendList& trends) {
  if (trends == trends_) return;
  beginResetModel();
  trends_ = trends;
  rows_.clear();
  for (int row = 0; row < trends_.size(); ++row) rows_.insert(trends_[row].id, row);
  endResetModel();
}

void TrendListModel::set_status(const StatusSample& status) {
  QHash<TrendId, TrendStatus> old = status.trends;
  old.swap(status_);
  // One signal a run of changed rows, none for what stayed.
  int first = -1;
  const auto flush = [this, &first](int end) {
    if (first >= 0) emit dataChanged(index(first), index(end - 1), {kStateRole, kRateRole, Qt::ToolTipRole});
    first = -1;
  };
  for (int row = 0; row < trends_.size(); ++row) {
    const TrendStatus before = old.value(trends_[row].id), after = status_.value(trends_[row].id);
    const bool changed = before.state != after.state || before.reason != after.reason ||
                         before.events_per_second != after.events_per_second;
    if (changed && first < 0) first = row;
    if (!changed) flush(row);
  }
  flush(static_cast<int>(trends_.size()));
}

const TrendInfo* TrendListModel::find(TrendId id) const {
  const auto row = rows_.constFind(id);
  return row == rows_.constEnd() ? nullptr : &trends_[*row];
}

QModelIndex TrendListModel::index_of(TrendId id) const {
  const auto row = rows_.constFind(id);
  return row == rows_.constEnd() ? QModelIndex() : index(*row);
}

QModelIndex TrendListModel::index_named(const QString& name) const {
  for (int row = 0; row < trends_.size(); ++row) {
    const TrendInfo& trend = trends_[row];
    if (trend.name == name || trend.schema + u'.' + trend.table == name || trend.table == name)
      return index(row);
  }
  return {};
}

int TrendListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(trends_.size());
}

QVariant TrendListModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= trends_.size()) return {};
  const TrendInfo& trend = trends_[index.row()];
  switch (role) {
    case Qt::DisplayRole:
      return trend.name;
    case Qt::AccessibleTextRole:
      return tr("%1, of %2, %3").arg(trend.name, trend.source, state_in_words(status_.value(trend.id).state));
    case Qt::ToolTipRole: {
      const TrendStatus status = status_.value(trend.id);
      QStringList lines{trend.name, tr("Source: %1").arg(trend.source), tr("Owner: %1").arg(trend.owner)};
      if (!status.state.isEmpty()) {
        const QString state = state_in_words(status.state);
        lines.append(status.reason.isEmpty() ? state : state + QLatin1String(": ") + status.reason);
      }
      return lines.join(u'\n').toHtmlEscaped().prepend(QLatin1String("<p style='white-space:pre-wrap'>"));
    }
    case kIdRole:
      return trend.id;
    case kSourceRole:
      return trend.source;
    case kWindowRole:
      return trend.shape.window_in_words();
    case kStateRole:
      return status_.value(trend.id).state;
    case kRateRole:
      return status_.value(trend.id).events_per_second;
    case kSearchRole:
      return QString(trend.name + u' ' + trend.source + u' ' + state_in_words(status_.value(trend.id).state));
    default:
      return {};
  }
}

void TrendFilter::set_text(const QString& text) {
  words_ = text.split(u' ', Qt::SkipEmptyParts);
  invalidateFilter();
}

bool TrendFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  const QString searched = sourceModel()->index(row, 0, parent).data(TrendListModel::kSearchRole).toString();
  return std::all_of(words_.cbegin(), words_.cend(),
                     [&](const QString& word) { return searched.contains(word, Qt::CaseInsensitive); });
}

}  // namespace trending
