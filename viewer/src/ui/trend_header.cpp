// SPDX-License-Identifier: PostgreSQL
#include "ui/trend_header.h"

#include <QHBoxLayout>
#include <QLabel>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/figure.h"
#include "ui/theme.h"

namespace trending {

namespace {

// Takes the room there is and is cut off, so that a long name never widens the window.
class Headline : public QLabel {
 public:
  using QLabel::QLabel;
  QSize minimumSizeHint() const override { return {120, QLabel::minimumSizeHint().height()}; }
};

}  // namespace

TrendHeader::TrendHeader(Workspace* workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      name_(new Headline),
      about_(new Headline),
      rate_(new Figure(tr("Events"), tr("Events counted a second"))),
      behind_(new Figure(tr("Behind"), tr("How far the newest event lies behind the server's clock"))),
      groups_(new Figure(tr("Groups"), tr("Groups in the current window"))),
      late_(new Figure(tr("Late"), tr("Events that came after their windows had closed for good"))) {
  name_->setFont(scaled_font(1.9, QFont::Bold));
  name_->setObjectName(QStringLiteral("trendName"));
  for (QLabel* label : {name_, about_}) label->setTextFormat(Qt::PlainText);
  auto* words = new QVBoxLayout;
  words->setSpacing(2);
  words->addWidget(name_);
  words->addWidget(about_);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(30);
  layout->addLayout(words, 1);
  for (Figure* figure : {rate_, behind_, groups_, late_}) layout->addWidget(figure);
  connect(workspace, &Workspace::trend_changed, this, &TrendHeader::show_trend);
  connect(workspace->trends(), &QAbstractItemModel::modelReset, this, &TrendHeader::show_trend);
  connect(workspace, &Workspace::status_changed, this, &TrendHeader::show_status);
  connect(&Themes::instance(), &Themes::changed, this, &TrendHeader::recolor);
  recolor();
  show_trend();
}

void TrendHeader::show_trend() {
  const TrendInfo* trend = workspace_->trend();
  name_->setText(trend == nullptr ? QString() : text::one_line(trend->name));
  name_->setToolTip(trend == nullptr ? QString() : trend->name);
  QString about;
  if (trend != nullptr) {
    const QString window = trend->shape.window_in_words();
    about = window.isEmpty() ? trend->source
                             : tr("%1  ·  %2, %3").arg(trend->source, trend->shape.window_kind(), window);
  }
  about_->setText(about);
  show_status();
}

void TrendHeader::show_status() {
  const TrendStatus status = workspace_->trend_status();
  const QString dash = QStringLiteral("–");
  rate_->set_value(status.events_per_second < 0 ? dash : text::rate(status.events_per_second));
  const QDateTime now = workspace_->status().taken_at;
  const bool known = status.event_clock.isValid() && now.isValid();
  const qint64 behind = known ? std::max<qint64>(0, status.event_clock.msecsTo(now)) : 0;
  behind_->set_value(known ? text::duration(behind < 1000 ? behind : behind / 100 * 100) : dash,
                     behind > 60'000 ? Figure::Tone::kWarning : Figure::Tone::kPlain);
  groups_->set_value(status.live_groups < 0 ? dash : text::count(status.live_groups));
  late_->set_value(status.late < 0 ? dash : text::count(status.late),
                   status.late > 0 ? Figure::Tone::kWarning : Figure::Tone::kPlain);
}

void TrendHeader::recolor() {
  QPalette palette = about_->palette();
  palette.setColor(QPalette::WindowText, theme().muted);
  about_->setPalette(palette);
}

}  // namespace trending
