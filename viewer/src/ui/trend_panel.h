// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QStyledItemDelegate>
#include <QWidget>

class QLabel;
class QLineEdit;
class QListView;
class QToolButton;

namespace trending {

class TrendFilter;
class Workspace;

// The list of trends with its filter box, and the connection at its foot.
class TrendPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TrendPanel(Workspace* workspace, QWidget* parent = nullptr);
  void focus_filter();
  void focus_list();

 signals:
  void connect_wanted();

 private:
  void follow_current();
  void show_connection();
  void show_count();

  Workspace* workspace_;
  TrendFilter* filtered_;
  QLineEdit* filter_;
  QListView* list_;
  QLabel* count_;
  QToolButton* connection_;
  bool following_ = false;
};

// Two lines: name and rate, source and window; a dot for the state.
class TrendDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace trending
