// SPDX-License-Identifier: PostgreSQL
#include "ui/timeline_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSlider>
#include <QToolButton>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/icons.h"
#include "ui/theme.h"

namespace trending {

TimelineBar::TimelineBar(Workspace* workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      pause_(new QToolButton),
      slider_(new QSlider(Qt::Horizontal)),
      first_(new QLabel),
      moment_(new QLabel),
      live_(new QToolButton) {
  pause_->setObjectName(QStringLiteral("flat"));
  pause_->setCheckable(true);
  pause_->setIconSize({18, 18});
  slider_->setObjectName(QStringLiteral("timeline"));
  slider_->setAccessibleName(tr("Window shown"));
  slider_->setToolTip(tr("Drag to look at past windows; the right end is live"));
  first_->setFont(scaled_font(0.86));
  moment_->setFont(scaled_font(0.86, QFont::DemiBold));
  moment_->setObjectName(QStringLiteral("moment"));
  live_->setObjectName(QStringLiteral("flat"));
  live_->setText(tr("Live"));
  live_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  live_->setCheckable(true);
  live_->setToolTip(tr("Back to the current window (L)"));

  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(2, 0, 2, 0);
  layout->setSpacing(10);
  layout->addWidget(pause_);
  layout->addWidget(first_);
  layout->addWidget(slider_, 1);
  layout->addWidget(moment_);
  layout->addWidget(live_);

  connect(pause_, &QToolButton::toggled, workspace_, &Workspace::set_paused);
  connect(live_, &QToolButton::clicked, this, [this] {
    workspace_->set_paused(false);
    workspace_->show_live();
    show_moment();
  });
  connect(slider_, &QSlider::valueChanged, this, [this](int value) { workspace_->show_stop(value); });
  connect(workspace_, &Workspace::stops_changed, this, &TimelineBar::show_stops);
  connect(workspace_, &Workspace::moment_changed, this, &TimelineBar::show_moment);
  connect(workspace_, &Workspace::connection_changed, this, &TimelineBar::show_moment);
  connect(workspace_, &Workspace::ranking_changed, this, &TimelineBar::show_moment);
  connect(workspace_, &Workspace::problems_changed, this, &TimelineBar::show_moment);
  connect(&Themes::instance(), &Themes::changed, this, &TimelineBar::show_moment);
  show_stops();
}

void TimelineBar::show_stops() {
  const QList<Workspace::Stop>& stops = workspace_->stops();
  const QSignalBlocker no_echo(slider_);
  slider_->setRange(0, static_cast<int>(stops.size()));
  slider_->setPageStep(std::max(1, static_cast<int>(stops.size() / 10)));
  slider_->setEnabled(!stops.empty());
  first_->setText(stops.empty() ? QString() : text::moment(stops.first().at));
  show_moment();
}

void TimelineBar::show_moment() {
  const QSignalBlocker no_echo(slider_);
  const bool live = workspace_->live(), paused = workspace_->paused();
  const auto stops = static_cast<int>(workspace_->stops().size());
  slider_->setValue(live ? stops : static_cast<int>(workspace_->shown_stop()));
  {
    const QSignalBlocker no_pause_echo(pause_);
    pause_->setChecked(paused);
  }
  pause_->setIcon(icon(paused ? QStringLiteral("play") : QStringLiteral("pause"), theme().text));
  pause_->setToolTip(paused ? tr("Go on (Space)") : tr("Pause (Space)"));
  pause_->setAccessibleName(paused ? tr("Go on") : tr("Pause"));
  // Live is what moves: not what is left of a server, a worker or a trend that has stopped.
  const QList<Problem>& problems = workspace_->problems();
  const bool moving = live && !paused && workspace_->connected() &&
                      (problems.empty() || problems.first().severity != Problem::Severity::kError);
  live_->setChecked(moving);
  live_->setIcon(icon(QStringLiteral("live"), moving ? theme().good : theme().muted));

  const WindowSpan window = workspace_->ranking().window;
  QString words = window.valid() ? text::window(window.start, window.end) : QString();
  if (!live && !workspace_->stops().value(workspace_->shown_stop()).window.valid()) {
    words = tr("seen at %1").arg(text::moment(workspace_->stops().value(workspace_->shown_stop()).at));
  }
  const TrendInfo* trend = workspace_->trend();
  if (live && words.isEmpty() && trend != nullptr &&
      (trend->shape.window_function.isEmpty() || trend->shape.sessions()))
    words = trend->shape.window_in_words();
  if (live && paused) words = tr("paused  ·  %1").arg(words);
  moment_->setText(words);
  const auto paint = [](QLabel* label, const QColor& color) {
    QPalette palette = label->palette();
    palette.setColor(QPalette::WindowText, color);
    label->setPalette(palette);
  };
  paint(first_, theme().faint);
  paint(moment_, live && !paused ? theme().muted : theme().warning);
}

}  // namespace trending
