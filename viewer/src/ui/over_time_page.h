// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QWidget>

#include "data/timeline.h"

class QLabel;
class QListWidget;

namespace trending {

class ItemColors;
class LineChart;
class Workspace;

// Lines of the selected items (else of the best five) over the closed windows and the current one.
class OverTimePage : public QWidget {
  Q_OBJECT

 public:
  OverTimePage(Workspace* workspace, ItemColors* colors, QWidget* parent = nullptr);

  LineChart* chart() { return chart_; }

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void draw();
  void draw_soon();
  void recolor();
  void show_legend(const QStringList& keys);
  QString words_at(const QString& key, qint64 at_ms) const;

  Workspace* workspace_;
  ItemColors* colors_;
  LineChart* chart_;
  QListWidget* legend_;
  QLabel *caption_, *note_;
  SeriesByKey series_;
  bool drawing_soon_ = false;
};

}  // namespace trending
