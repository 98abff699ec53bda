// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QWidget>

class QLabel;
class QSlider;
class QToolButton;

namespace trending {

class Workspace;

// Pause, a slider over the past windows, and the way back to live.
class TimelineBar : public QWidget {
  Q_OBJECT

 public:
  explicit TimelineBar(Workspace* workspace, QWidget* parent = nullptr);

 private:
  void show_stops();
  void show_moment();

  Workspace* workspace_;
  QToolButton* pause_;
  QSlider* slider_;
  QLabel *first_, *moment_;
  QToolButton* live_;
};

}  // namespace trending
