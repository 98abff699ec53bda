// SPDX-License-Identifier: PostgreSQL
#include "ui/sparkline.h"

#include <QPainter>
#include <QPainterPath>
#include <algorithm>

#include "ui/theme.h"

namespace trending {

Sparkline::Sparkline(QWidget* parent) : QWidget(parent) {
  setMinimumHeight(44);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  connect(&Themes::instance(), &Themes::changed, this, [this] { update(); });
}

void Sparkline::add(double value) {
  values_.append(value);
  if (values_.size() > kPoints) values_.removeFirst();
  update();
}

void Sparkline::clear() {
  values_.clear();
  update();
}

void Sparkline::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF area = QRectF(rect()).adjusted(1, 3, -1, -3);
  painter.setPen(theme().grid);
  painter.drawLine(area.bottomLeft(), area.bottomRight());
  if (values_.size() < 2) return;
  const double highest = std::max(*std::max_element(values_.cbegin(), values_.cend()), 1e-9);
  QPainterPath line;
  for (qsizetype i = 0; i < values_.size(); ++i) {
    const double x =
        area.right() - static_cast<double>(values_.size() - 1 - i) / (kPoints - 1) * area.width();
    const QPointF point(x, area.bottom() - values_[i] / highest * area.height());
    i == 0 ? line.moveTo(point) : line.lineTo(point);
  }
  QPainterPath fill = line;
  fill.lineTo(area.right(), area.bottom());
  fill.lineTo(area.right() - static_cast<double>(values_.size() - 1) / (kPoints - 1) * area.width(),
              area.bottom());
  QColor tint = theme().accent;
  tint.setAlphaF(0.14f);
  painter.fillPath(fill, tint);
  painter.setPen(QPen(theme().accent, 1.6));
  painter.drawPath(line);
}

}  // namespace trending
