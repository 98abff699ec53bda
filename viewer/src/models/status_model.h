// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QAbstractTableModel>
#include <QCollator>
#include <QSortFilterProxyModel>

#include "data/status.h"

namespace trending {

// Every trend's figures in a table, for the health page.
class StatusModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    kTrend,
    kState,
    kRate,
    kEvents,
    kFreshness,
    kWatermark,
    kGroups,
    kLate,
    kLeftOut,
    kMemory,
    kColumnCount
  };
  enum Role { kSortRole = Qt::UserRole };

  using QAbstractTableModel::QAbstractTableModel;

  void set_trends(const TrendList& trends);
  void set_status(const StatusSample& sample);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QVariant figure(const TrendStatus& status, int column) const;
  QString left_out_in_words(const TrendStatus& status) const;

  TrendList trends_;
  StatusSample sample_;
};

// By the numbers behind the cells; names with numbers in them by these.
class StatusSorter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit StatusSorter(QObject* parent = nullptr);

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

 private:
  QCollator names_;
};

}  // namespace trending
