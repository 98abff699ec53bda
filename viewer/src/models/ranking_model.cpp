// SPDX-License-Identifier: PostgreSQL
#include "models/ranking_model.h"

#include <QHash>
#include <cmath>
#include <limits>
#include <optional>

#include "data/text.h"

namespace trending {

namespace {

bool same_columns(const Ranking& a, const Ranking& b) {
  return a.trend == b.trend && a.partition == b.partition && a.columns == b.columns;
}

bool is_decimal(const QString& text) {
  if (text.isEmpty()) return false;
  for (const QChar c : text) {
    if (!c.isDigit() && c != u'-' && c != u'.') return false;
  }
  return true;
}

// A number that is not written plainly: 1.5e+300, NaN, -Infinity.
std::optional<double> as_float(const QString& text) {
  static const QHash<QString, double> kWords{
      {QStringLiteral("NaN"), std::numeric_limits<double>::quiet_NaN()},
      {QStringLiteral("Infinity"), std::numeric_limits<double>::infinity()},
      {QStringLiteral("-Infinity"), -std::numeric_limits<double>::infinity()}};
  if (const auto word = kWords.constFind(text); word != kWords.constEnd()) return *word;
  bool number = false;
  const double value = text.toDouble(&number);
  return number ? std::optional(value) : std::nullopt;
}

// As the server orders them: NaN is the greatest.
int compare_floats(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_cells(const QString& a, const QString& b) {
  if (is_decimal(a) && is_decimal(b)) return compare_decimals(a, b);
  const auto left = as_float(a), right = as_float(b);
  return left && right ? compare_floats(*left, *right) : a.localeAwareCompare(b);
}

}  // namespace

void RankingModel::clear() {
  set_ranking({}, nullptr);
}

void RankingModel::set_ranking(const Ranking& ranking, const TrendInfo* trend) {
  if (!same_columns(ranking, ranking_)) {
    beginResetModel();
    ranking_ = ranking;
    has_previous_ = ranking_.has_previous();
    redundant_cells_.clear();
    value_name_ = tr("Value");
    if (trend != nullptr && trend->shape.valid()) {
      value_name_ = ranking_.columns.value(trend->shape.value);
      redundant_cells_ = {trend->shape.value,
                          static_cast<int>(ranking_.columns.indexOf(QLatin1String("rank")))};
      if (!trend->shape.sessions())
        redundant_cells_.append({trend->shape.window_start, trend->shape.window_end});
      QList<int> keys = trend->shape.keys;
      for (const QString& column : trend->partition_by) {
        const auto place = static_cast<int>(ranking_.columns.indexOf(column));
        redundant_cells_.append(place);
        keys.removeAll(place);
      }
      if (trend->label.isEmpty() && keys.size() == 1) redundant_cells_.append(keys.first());
    } else if (ranking_.columns.size() == 2) {
      redundant_cells_ = {1};
    }
    endResetModel();
    return;
  }
  const int before = rowCount(), after = static_cast<int>(ranking.items.size());
  if (after < before) {
    beginRemoveRows({}, after, before - 1);
    ranking_.items.resize(after);
    endRemoveRows();
  } else if (after > before) {
    beginInsertRows({}, before, after - 1);
    ranking_.items.append(ranking.items.mid(before));
    endInsertRows();
  }
  emit layoutAboutToBeChanged({}, QAbstractItemModel::VerticalSortHint);
  move_persistent_indexes(ranking);
  ranking_ = ranking;
  has_previous_ = ranking_.has_previous();
  emit layoutChanged({}, QAbstractItemModel::VerticalSortHint);
  if (after > 0) emit dataChanged(index(0, 0), index(after - 1, columnCount() - 1));
}

void RankingModel::move_persistent_indexes(const Ranking& next) {
  QHash<QString, int> rows;
  for (int row = 0; row < next.items.size(); ++row) rows.insert(next.items[row].key, row);
  const QModelIndexList old = persistentIndexList();
  QModelIndexList moved;
  moved.reserve(old.size());
  for (const QModelIndex& place : old) {
    const auto row = rows.constFind(ranking_.items.value(place.row()).key);
    moved.append(row == rows.constEnd() ? QModelIndex() : index(*row, place.column()));
  }
  changePersistentIndexList(old, moved);
}

const RankedItem* RankingModel::item(const QModelIndex& index) const {
  if (!index.isValid() || index.row() >= ranking_.items.size()) return nullptr;
  return &ranking_.items[index.row()];
}

QModelIndex RankingModel::index_of(const QString& key) const {
  for (int row = 0; row < ranking_.items.size(); ++row) {
    if (ranking_.items[row].key == key) return index(row, kLabel);
  }
  return {};
}

bool RankingModel::redundant(int column) const {
  return column >= kFirstCell && redundant_cells_.contains(column - kFirstCell);
}

int RankingModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(ranking_.items.size());
}

int RankingModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kFirstCell + static_cast<int>(ranking_.columns.size());
}

QVariant RankingModel::display(const RankedItem& item, int column) const {
  switch (column) {
    case kRank:
      return item.rank;
    case kChange:
      switch (movement_of(item, has_previous_)) {
        case Movement::kNew:
          return tr("new");
        case Movement::kUp:
          return QStringLiteral("▲ %1").arg(*item.previous_rank - item.rank);
        case Movement::kDown:
          return QStringLiteral("▼ %1").arg(item.rank - *item.previous_rank);
        case Movement::kNone:
          return has_previous_ ? QStringLiteral("–") : QString();
      }
      return {};
    case kLabel:
      return text::one_line(item.title());
    case kValue:
      return text::value(item.value);
    default: {
      const QString cell = item.cells.value(column - kFirstCell);
      return cell.isNull() ? text::value(cell) : text::one_line(cell);
    }
  }
}

QVariant RankingModel::sort_value(const RankedItem& item, int column) const {
  switch (column) {
    case kRank:
      return QString::number(item.rank);
    case kChange:  // risers first, new ones before them
      if (!has_previous_) return QStringLiteral("0");
      return QString::number(item.previous_rank ? item.rank - *item.previous_rank : -1'000'000'000);
    case kLabel:
      return item.title();
    case kValue:
      return item.value;
    default:
      return item.cells.value(column - kFirstCell);
  }
}

QVariant RankingModel::data(const QModelIndex& index, int role) const {
  const RankedItem* item = this->item(index);
  if (item == nullptr) return {};
  const int column = index.column();
  switch (role) {
    case Qt::DisplayRole:
      return display(*item, column);
    case Qt::ToolTipRole: {
      const QString whole = column == kLabel      ? item->title()
                            : column < kFirstCell ? display(*item, column).toString()
                                                  : item->cells.value(column - kFirstCell);
      return QLatin1String("<p>") + whole.left(4000).toHtmlEscaped() + QLatin1String("</p>");
    }
    case Qt::AccessibleTextRole:
      return column == kLabel
                 ? tr("Rank %1: %2, %3").arg(item->rank).arg(item->title(), text::value(item->value))
                 : display(*item, column);
    case Qt::TextAlignmentRole: {
      const bool right = column == kRank || column == kValue ||
                         (column >= kFirstCell && ranking_.numeric.value(column - kFirstCell));
      const Qt::Alignment side = column == kChange ? Qt::AlignHCenter
                                 : right           ? Qt::AlignRight
                                                   : Qt::AlignLeft;
      return QVariant(side | Qt::AlignVCenter);
    }
    case kSortRole:
      return sort_value(*item, column);
    case kKeyRole:
      return item->key;
    case kMovementRole:
      return static_cast<int>(movement_of(*item, has_previous_));
    default:
      return {};
  }
}

QVariant RankingModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::TextAlignmentRole) {
    const bool right = section == kRank || section == kValue ||
                       (section >= kFirstCell && ranking_.numeric.value(section - kFirstCell));
    const Qt::Alignment side = section == kChange ? Qt::AlignHCenter : right ? Qt::AlignRight : Qt::AlignLeft;
    return QVariant(side | Qt::AlignVCenter);
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case kRank:
      return QStringLiteral("#");
    case kChange:
      return tr("Change");
    case kLabel:
      return tr("Label");
    case kValue:
      return value_name_.isEmpty() ? tr("Value") : value_name_;
    default:
      return ranking_.columns.value(section - kFirstCell);
  }
}

int compare_decimals(const QString& left, const QString& right) {
  const bool left_negative = left.startsWith(u'-'), right_negative = right.startsWith(u'-');
  if (left_negative != right_negative) return left_negative ? -1 : 1;
  const auto digits = [](const QString& text, bool negative) {
    QStringView rest = QStringView(text).mid(negative ? 1 : 0);
    while (rest.size() > 1 && rest[0] == u'0' && rest[1] != u'.') rest = rest.mid(1);
    return rest;
  };
  const QStringView a = digits(left, left_negative), b = digits(right, right_negative);
  const auto whole = [](QStringView text) {
    const qsizetype point = text.indexOf(u'.');
    return point < 0 ? text.size() : point;
  };
  int order = whole(a) != whole(b) ? (whole(a) < whole(b) ? -1 : 1) : a.compare(b);
  if (order != 0) order = order < 0 ? -1 : 1;
  return left_negative ? -order : order;
}

bool RankingSorter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const QString a = left.data(RankingModel::kSortRole).toString(),
                b = right.data(RankingModel::kSortRole).toString();
  int order = compare_cells(a, b);
  if (order == 0) order = left.row() < right.row() ? -1 : 1;
  return order < 0;
}

}  // namespace trending
