// SPDX-License-Identifier: PostgreSQL
#include "ui/figure.h"

#include <QLabel>
#include <QVBoxLayout>

#include "ui/theme.h"

namespace trending {

Figure::Figure(const QString& caption, const QString& help, QWidget* parent, double size)
    : QWidget(parent), caption_(new QLabel(caption)), value_(new QLabel(QStringLiteral("–"))) {
  caption_->setFont(scaled_font(0.86));
  value_->setFont(scaled_font(size, QFont::DemiBold));
  for (QLabel* label : {caption_, value_}) label->setTextFormat(Qt::PlainText);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(1);
  layout->addWidget(caption_);
  layout->addWidget(value_);
  setToolTip(help);
  setAccessibleName(caption);
  connect(&Themes::instance(), &Themes::changed, this, &Figure::recolor);
  recolor();
}

QString Figure::value() const {
  return value_->text();
}

void Figure::set_value(const QString& value, Tone tone) {
  if (value != value_->text()) {
    value_->setText(value);
    setAccessibleDescription(value);
  }
  if (tone == tone_) return;
  tone_ = tone;
  recolor();
}

void Figure::recolor() {
  const Theme& t = theme();
  const QColor colors[] = {t.text, t.good, t.warning, t.bad};
  const auto paint = [](QLabel* label, const QColor& color) {
    QPalette palette = label->palette();
    palette.setColor(QPalette::WindowText, color);
    label->setPalette(palette);
  };
  paint(caption_, t.muted);
  paint(value_, colors[static_cast<int>(tone_)]);
}

}  // namespace trending
