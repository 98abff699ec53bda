// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QColor>
#include <QWidget>
#include <functional>
#include <memory>

#include "data/timeline.h"

class QPainter;

namespace trending {

struct ChartLine {
  QString key;
  QColor color;
  QList<SeriesPoint> points;  // what leads to an unfinished one is dashed
};

// Lines over time. The only class that knows of Qt Charts, which Qt has deprecated.
class LineChart : public QWidget {
  Q_OBJECT

 public:
  // The words for the point of a line at a time, as HTML.
  using Words = std::function<QString(const QString& key, qint64 at_ms)>;

  explicit LineChart(QWidget* parent = nullptr);
  ~LineChart() override;

  void set_words(Words words) { words_ = std::move(words); }
  // Without numbers the axis of values says nothing.
  void show_lines(const QList<ChartLine>& lines, bool are_numbers);
  void recolor();
  void paint_all(QPainter* painter);

 private:
  struct Parts;  // of Qt Charts

  void fit_axes(const QList<ChartLine>& lines, bool are_numbers);

  std::unique_ptr<Parts> parts_;
  Words words_;
};

}  // namespace trending
