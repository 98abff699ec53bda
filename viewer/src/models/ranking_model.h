// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include "data/ranking.h"

namespace trending {

// The ranking as a table: rank, change, label, value, then every further column of the trend.
class RankingModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kRank, kChange, kLabel, kValue, kFirstCell };
  enum Role { kSortRole = Qt::UserRole, kKeyRole, kMovementRole };

  using QAbstractTableModel::QAbstractTableModel;

  // Rows of items that stay keep their persistent indexes (so selections follow the items).
  void set_ranking(const Ranking& ranking, const TrendInfo* trend);
  void clear();
  const Ranking& ranking() const { return ranking_; }
  const RankedItem* item(const QModelIndex& index) const;
  QModelIndex index_of(const QString& key) const;
  // Whether a column says what others say already (the window, the value, the rank).
  bool redundant(int column) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  void move_persistent_indexes(const Ranking& next);
  QVariant display(const RankedItem& item, int column) const;
  QVariant sort_value(const RankedItem& item, int column) const;

  Ranking ranking_;
  QString value_name_;
  QList<int> redundant_cells_;
  bool has_previous_ = false;
};

// Sorts decimal text of any length by its value.
class RankingSorter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit RankingSorter(QObject* parent = nullptr) : QSortFilterProxyModel(parent) {
    setSortRole(RankingModel::kSortRole);
    setDynamicSortFilter(true);
  }

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
};

// Compares two decimal numbers written as text: exact, however long they are.
int compare_decimals(const QString& left, const QString& right);

}  // namespace trending
