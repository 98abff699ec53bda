// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QHash>
#include <QWidget>

#include "data/timeline.h"

class QChart;
class QChartView;
class QDateTimeAxis;
class QLabel;
class QLineSeries;
class QListWidget;
class QValueAxis;

namespace trending {

class ItemColors;
class Workspace;

// Lines of the selected items (else of the best five) over the closed windows and the current one.
class OverTimePage : public QWidget {
  Q_OBJECT

 public:
  OverTimePage(Workspace* workspace, ItemColors* colors, QWidget* parent = nullptr);

  QChart* chart() { return chart_; }
  QChartView* view() { return view_; }

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void draw();
  void draw_soon();
  void recolor();
  void show_legend(const QStringList& keys);
  QString value_near(const QString& key, double at) const;

  Workspace* workspace_;
  ItemColors* colors_;
  QChart* chart_;
  QChartView* view_;
  QDateTimeAxis* time_;
  QValueAxis* value_;
  QListWidget* legend_;
  QLabel *caption_, *note_;
  SeriesByKey series_;
  QHash<QString, QLineSeries*> lines_;
  bool drawing_soon_ = false;
};

}  // namespace trending
