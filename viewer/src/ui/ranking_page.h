// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QStyledItemDelegate>
#include <QWidget>

class QSplitter;
class QTableView;

namespace trending {

class BarRace;
class ItemColors;
class RankingSorter;
class Workspace;

// The bars, and beside them the table.
class RankingPage : public QWidget {
  Q_OBJECT

 public:
  RankingPage(Workspace* workspace, ItemColors* colors, QWidget* parent = nullptr);

  BarRace* bars() { return bars_; }
  QTableView* table() { return table_; }
  // The table as it is sorted, visible columns only; of the selected rows when there are any and it is
  // wished.
  void read_table(bool selected_only, QStringList* header, QList<QStringList>* rows) const;
  QByteArray save_layout() const;
  void restore_layout(const QByteArray& layout);
  void reset_layout();

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void show_ranking();
  void show_columns();
  void fit_label();
  void pull_selection();
  void push_selection();
  void column_menu(const QPoint& position);

  Workspace* workspace_;
  ItemColors* colors_;
  BarRace* bars_;
  QTableView* table_;
  RankingSorter* sorted_;
  QSplitter* splitter_;
  QStringList shown_columns_;  // for which widths were chosen
  bool selecting_ = false;
  bool label_is_elastic_ = true, choosing_widths_ = false;
};

// Colours the change, and puts the item's colour before its label.
class RankingDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  RankingDelegate(ItemColors* colors, QObject* parent) : QStyledItemDelegate(parent), colors_(colors) {}
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  ItemColors* colors_;
};

}  // namespace trending
