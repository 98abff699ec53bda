// SPDX-License-Identifier: PostgreSQL
#include "models/status_model.h"

#include "data/text.h"

namespace trending {

void StatusModel::set_trends(const TrendList& trends) {
  if (trends == trends_) return;
  beginResetModel();
  trends_ = trends;
  endResetModel();
}

void StatusModel::set_status(const StatusSample& sample) {
  sample_ = sample;
  if (!trends_.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, kColumnCount - 1));
}

int StatusModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(trends_.size());
}

int StatusModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

// The number behind a cell; invalid while it is unknown.
QVariant StatusModel::figure(const TrendStatus& status, int column) const {
  const auto known = [](qint64 number) { return number < 0 ? QVariant() : QVariant(number); };
  const auto behind = [this](const QDateTime& time) {
    return time.isValid() && sample_.taken_at.isValid() ? QVariant(time.msecsTo(sample_.taken_at))
                                                        : QVariant();
  };
  switch (column) {
    case kRate:
      return status.events_per_second < 0 ? QVariant() : QVariant(status.events_per_second);
    case kEvents:
      return known(status.events);
    case kFreshness:
      return behind(status.event_clock);
    case kWatermark:
      return behind(status.watermark);
    case kGroups:
      return known(status.live_groups);
    case kLate:
      return known(status.late);
    case kLeftOut:
      return status.ahead < 0
                 ? QVariant()
                 : QVariant(status.ahead + std::max<qint64>(status.null_time, 0) +
                            std::max<qint64>(status.failed, 0) + std::max<qint64>(status.out_of_range, 0) +
                            std::max<qint64>(status.refused, 0));
    case kMemory:
      return known(status.memory_bytes);
    default:
      return {};
  }
}

// Which events are not in the figures, and why.
QString StatusModel::left_out_in_words(const TrendStatus& status) const {
  QStringList lines;
  const auto line = [&lines](qint64 number, const QString& words) {
    if (number > 0) lines.append(words.arg(text::count(number)));
  };
  line(status.ahead, tr("%1 too far ahead of the clock"));
  line(status.null_time, tr("%1 without a time"));
  line(status.failed, tr("%1 failed in an expression"));
  line(status.out_of_range, tr("%1 with a time out of range"));
  line(status.refused, tr("%1 refused for want of room"));
  line(status.unmatched, tr("%1 retracted that were never counted"));
  line(status.unretracted, tr("%1 retracted too late"));
  return lines.join(u'\n');
}

QVariant StatusModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= trends_.size()) return {};
  const TrendInfo& trend = trends_[index.row()];
  const TrendStatus status = sample_.trends.value(trend.id);
  const int column = index.column();
  if (role == Qt::TextAlignmentRole) {
    return QVariant((column <= kState ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  }
  if (role == Qt::ToolTipRole && column == kState) return status.reason;
  if (role == Qt::ToolTipRole && column == kLeftOut) return left_out_in_words(status);
  if (role == kSortRole && column > kState) {
    const QVariant number = figure(status, column);
    return number.isValid() ? number : QVariant(-1);
  }
  if (role != Qt::DisplayRole && role != kSortRole) return {};
  if (column == kTrend) return trend.name;
  if (column == kState) return status.state.isEmpty() ? QStringLiteral("–") : state_in_words(status.state);
  const QVariant number = figure(status, column);
  if (!number.isValid()) return QStringLiteral("–");
  switch (column) {
    case kRate:
      return text::rate(number.toDouble());
    case kFreshness:
    case kWatermark:
      return text::duration(number.toLongLong());
    case kMemory:
      return text::bytes(number.toLongLong());
    default:
      return text::count(number.toLongLong());
  }
}

QVariant StatusModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    return QVariant((section <= kState ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  }
  static const char* const kNames[] = {QT_TR_NOOP("Trend"),  QT_TR_NOOP("State"),  QT_TR_NOOP("Rate"),
                                       QT_TR_NOOP("Events"), QT_TR_NOOP("Behind"), QT_TR_NOOP("Watermark"),
                                       QT_TR_NOOP("Groups"), QT_TR_NOOP("Late"),   QT_TR_NOOP("Left out"),
                                       QT_TR_NOOP("Memory")};
  static const char* const kHelp[] = {
      "",
      QT_TR_NOOP("What the worker says of the trend"),
      QT_TR_NOOP("Events counted a second"),
      QT_TR_NOOP("Events counted since the trend was created"),
      QT_TR_NOOP("How far the newest event lies behind the server's clock"),
      QT_TR_NOOP(
          "How far the watermark lies behind the server's clock: windows that end before it are closed"),
      QT_TR_NOOP("Groups in the current window"),
      QT_TR_NOOP("Events that came after their windows had closed for good"),
      QT_TR_NOOP("Events too far ahead, without a time or with one out of range, failed or refused"),
      QT_TR_NOOP("Shared memory in use")};
  if (section < 0 || section >= kColumnCount) return {};
  if (role == Qt::DisplayRole) return tr(kNames[section]);
  if (role == Qt::ToolTipRole && *kHelp[section] != '\0') return tr(kHelp[section]);
  return {};
}

StatusSorter::StatusSorter(QObject* parent) : QSortFilterProxyModel(parent) {
  // The locale C knows no numbers in names.
  if (names_.locale().language() == QLocale::C) names_.setLocale(QLocale(QLocale::English));
  names_.setNumericMode(true);
  names_.setCaseSensitivity(Qt::CaseInsensitive);
  setSortRole(StatusModel::kSortRole);
}

bool StatusSorter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  if (left.column() > StatusModel::kState) return QSortFilterProxyModel::lessThan(left, right);
  return names_.compare(left.data(StatusModel::kSortRole).toString(),
                        right.data(StatusModel::kSortRole).toString()) < 0;
}

}  // namespace trending
