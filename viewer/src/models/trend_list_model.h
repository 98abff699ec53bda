// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QAbstractListModel>
#include <QSortFilterProxyModel>

#include "data/status.h"
#include "data/trend.h"

namespace trending {

class TrendListModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role {
    kIdRole = Qt::UserRole,
    kSourceRole,
    kWindowRole,
    kStateRole,
    kRateRole,    // events a second, negative while unknown
    kSearchRole,  // what the filter box looks in
  };

  using QAbstractListModel::QAbstractListModel;

  void set_trends(const TrendList& trends);
  void set_status(const StatusSample& status);

  const TrendInfo* find(TrendId id) const;
  QModelIndex index_of(TrendId id) const;
  QModelIndex index_named(const QString& name) const;
  const TrendList& trends() const { return trends_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;

 private:
  TrendList trends_;
  QHash<TrendId, int> rows_;
  QHash<TrendId, TrendStatus> status_;
};

// Every word typed must occur in the name, the source or the state.
class TrendFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void set_text(const QString& text);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  QStringList words_;
};

}  // namespace trending
