// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QList>
#include <QWidget>

namespace trending {

// The last two minutes of one figure.
class Sparkline : public QWidget {
  Q_OBJECT

 public:
  explicit Sparkline(QWidget* parent = nullptr);
  void add(double value);
  void clear();

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  static constexpr qsizetype kPoints = 120;
  QList<double> values_;
};

}  // namespace trending
