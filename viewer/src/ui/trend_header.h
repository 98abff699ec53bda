// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QWidget>

class QHBoxLayout;
class QLabel;

namespace trending {

class Figure;
class Workspace;

// The name of the trend, its window, and its key figures.
class TrendHeader : public QWidget {
  Q_OBJECT

 public:
  explicit TrendHeader(Workspace* workspace, QWidget* parent = nullptr);

 private:
  void show_trend();
  void show_status();
  void recolor();

  Workspace* workspace_;
  QLabel *name_, *about_;
  Figure *rate_, *behind_, *groups_, *late_;
};

}  // namespace trending
