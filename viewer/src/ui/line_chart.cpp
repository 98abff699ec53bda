// SPDX-License-Identifier: PostgreSQL
#include "ui/line_chart.h"

#include <QChart>
#include <QChartView>
#include <QDateTimeAxis>
#include <QGraphicsLayout>
#include <QLineSeries>
#include <QPainter>
#include <QToolTip>
#include <QVBoxLayout>
#include <QValueAxis>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "ui/theme.h"

namespace trending {

namespace {

constexpr qreal kLineWidth = 2.5;

QString time_format(qint64 span_ms) {
  if (span_ms < 10 * 60'000) return QStringLiteral("HH:mm:ss");
  if (span_ms < 36 * 3'600'000LL) return QStringLiteral("HH:mm");
  return span_ms < 20 * 86'400'000LL ? QStringLiteral("d MMM HH:mm") : QStringLiteral("d MMM");
}

QPointF place_of(const SeriesPoint& point) {
  return {static_cast<double>(point.at_ms), point.value};
}

}  // namespace

struct LineChart::Parts {
  // What is finished, and what leads from its end to the unfinished window.
  struct Line {
    QLineSeries* finished;
    QLineSeries* unfinished;
  };

  QChart* chart = new QChart;
  QChartView* view = new QChartView(chart);
  QDateTimeAxis* time = new QDateTimeAxis;
  QValueAxis* value = new QValueAxis;
  QHash<QString, Line> lines;

  QLineSeries* add_series() {
    auto* series = new QLineSeries;
    chart->addSeries(series);
    series->attachAxis(time);
    series->attachAxis(value);
    return series;
  }

  void remove(const QString& key) {
    const Line line = lines.take(key);
    for (QLineSeries* series : {line.finished, line.unfinished}) {
      chart->removeSeries(series);
      delete series;
    }
  }
};

LineChart::LineChart(QWidget* parent) : QWidget(parent), parts_(std::make_unique<Parts>()) {
  QChart* chart = parts_->chart;
  chart->setMargins({4, 4, 12, 4});
  chart->layout()->setContentsMargins(0, 0, 0, 0);
  chart->setBackgroundRoundness(0);
  chart->setLocalizeNumbers(true);
  chart->legend()->hide();
  chart->addAxis(parts_->time, Qt::AlignBottom);
  chart->addAxis(parts_->value, Qt::AlignLeft);
  parts_->view->setRenderHint(QPainter::Antialiasing);
  parts_->view->setFrameShape(QFrame::NoFrame);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(parts_->view);
  setFocusProxy(parts_->view);
}

LineChart::~LineChart() = default;

void LineChart::show_lines(const QList<ChartLine>& lines, bool are_numbers) {
  for (const QString& key : parts_->lines.keys()) {
    if (std::none_of(lines.begin(), lines.end(), [&key](const ChartLine& line) { return line.key == key; }))
      parts_->remove(key);
  }
  for (const ChartLine& line : lines) {
    if (!parts_->lines.contains(line.key)) {
      const Parts::Line made{parts_->add_series(), parts_->add_series()};
      for (QLineSeries* series : {made.finished, made.unfinished}) {
        connect(series, &QLineSeries::hovered, this,
                [this, key = line.key](const QPointF& point, bool inside) {
                  if (!inside || !words_) return QToolTip::hideText();
                  QToolTip::showText(QCursor::pos(), words_(key, static_cast<qint64>(point.x())), this);
                });
      }
      parts_->lines.insert(line.key, made);
    }
    const Parts::Line& series = parts_->lines[line.key];
    QPen pen(line.color, kLineWidth, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    series.finished->setPen(pen);
    pen.setStyle(Qt::DotLine);
    series.unfinished->setPen(pen);
    QList<QPointF> finished, unfinished;
    for (const SeriesPoint& point : line.points) {
      if (point.unfinished && unfinished.empty() && !finished.empty()) unfinished.append(finished.last());
      (point.unfinished ? unfinished : finished).append(place_of(point));
    }
    series.finished->setPointsVisible(finished.size() == 1);
    series.unfinished->setPointsVisible(unfinished.size() == 1);
    series.finished->replace(finished);
    series.unfinished->replace(unfinished);
  }
  fit_axes(lines, are_numbers);
}

void LineChart::fit_axes(const QList<ChartLine>& lines, bool are_numbers) {
  qint64 first = std::numeric_limits<qint64>::max(), last = 0;
  double highest = std::numeric_limits<double>::lowest(), lowest = std::numeric_limits<double>::max();
  for (const ChartLine& line : lines) {
    for (const SeriesPoint& point : line.points) {
      first = std::min(first, point.at_ms);
      last = std::max(last, point.at_ms);
      highest = std::max(highest, point.value);
      lowest = std::min(lowest, point.value);
    }
  }
  if (last <= 0) return;
  if (last - first < 60'000) first = last - 60'000;
  QDateTimeAxis* time = parts_->time;
  QValueAxis* value = parts_->value;
  time->setRange(QDateTime::fromMSecsSinceEpoch(first), QDateTime::fromMSecsSinceEpoch(last));
  time->setFormat(time_format(last - first));
  time->setTickCount(std::clamp(parts_->view->width() / 130, 3, 9));
  value->setTickType(QValueAxis::TicksFixed);
  // Lines may begin above zero: close ones would lie on each other.
  if (lowest > 0) lowest = std::max(0.0, lowest < highest / 2 ? 0 : lowest - (highest - lowest) / 4);
  value->setRange(lowest, std::max(highest, lowest + 1));
  value->setTickCount(6);
  value->applyNiceNumbers();
  const double step = (value->max() - value->min()) / (value->tickCount() - 1);
  const int decimals =
      step >= 1 ? 0 : std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  value->setLabelFormat(step > 1e15 ? QStringLiteral("%.2e") : QStringLiteral("%.%1f").arg(decimals));
  value->setLabelsVisible(are_numbers);
}

void LineChart::recolor() {
  const Theme& t = theme();
  parts_->chart->setBackgroundBrush(t.surface);
  parts_->view->setBackgroundBrush(t.surface);
  for (QAbstractAxis* axis :
       {static_cast<QAbstractAxis*>(parts_->time), static_cast<QAbstractAxis*>(parts_->value)}) {
    axis->setLabelsColor(t.muted);
    axis->setLinePenColor(t.border);
    axis->setGridLineColor(t.grid);
    axis->setLabelsFont(scaled_font(0.86));
  }
  parts_->time->setGridLineVisible(false);
}

void LineChart::paint_all(QPainter* painter) {
  painter->setRenderHint(QPainter::Antialiasing);
  parts_->view->render(painter);
}

}  // namespace trending
