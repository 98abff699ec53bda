// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QWidget>

class QLabel;
class QTableView;
class QVBoxLayout;

namespace trending {

class Figure;
class Sparkline;
class StatusSorter;
class Workspace;

// How the worker and the trends are: what is wrong in words, figures, and every trend in a table.
class HealthPage : public QWidget {
  Q_OBJECT

 public:
  explicit HealthPage(Workspace* workspace, QWidget* parent = nullptr);

 private:
  void show_status();
  void show_verdict();

  Workspace* workspace_;
  QLabel *verdict_, *words_;
  Figure *state_, *rate_, *lag_bytes_, *lag_time_, *checkpoint_, *slot_, *transactions_;
  Sparkline *rates_, *lags_;
  QTableView* table_;
  StatusSorter* sorted_;
};

}  // namespace trending
