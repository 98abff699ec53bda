// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QWidget>

class QLabel;

namespace trending {

// One key figure: a small caption over a large value.
class Figure : public QWidget {
  Q_OBJECT

 public:
  explicit Figure(const QString& caption, const QString& help, QWidget* parent = nullptr, double size = 1.35);

  enum class Tone { kPlain, kGood, kWarning, kBad };
  void set_value(const QString& value, Tone tone = Tone::kPlain);
  QString value() const;

 private:
  void recolor();

  QLabel *caption_, *value_;
  Tone tone_ = Tone::kPlain;
};

}  // namespace trending
