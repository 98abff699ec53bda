// SPDX-License-Identifier: PostgreSQL
#include "ui/main_window.h"

#include <QAbstractButton>
#include <QApplication>
#include <QButtonGroup>
#include <QCloseEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QSpinBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>

#include "data/text.h"
#include "models/workspace.h"
#include "source/conninfo.h"
#include "ui/connection_dialog.h"
#include "ui/definition_page.h"
#include "ui/health_page.h"
#include "ui/icons.h"
#include "ui/notice.h"
#include "ui/over_time_page.h"
#include "ui/partition_chooser.h"
#include "ui/ranking_page.h"
#include "ui/settings.h"
#include "ui/timeline_bar.h"
#include "ui/trend_header.h"
#include "ui/trend_panel.h"

namespace trending {

MainWindow::MainWindow(Workspace* workspace, Settings* settings, QWidget* parent)
    : QMainWindow(parent),
      workspace_(workspace),
      settings_(settings),
      splitter_(new QSplitter),
      panel_(new TrendPanel(workspace)),
      header_(new TrendHeader(workspace)),
      strip_(new Notice(Notice::Size::kStrip)),
      notice_page_(new Notice(Notice::Size::kPage)),
      pages_(new QStackedWidget),
      stack_(new QStackedWidget),
      tabs_(new QButtonGroup(this)),
      ranking_(new RankingPage(workspace, &colors_)),
      over_time_(new OverTimePage(workspace, &colors_)),
      timeline_(new TimelineBar(workspace)),
      limit_(new QSpinBox),
      menu_(new QToolButton) {
  setWindowIcon(QIcon(QStringLiteral(":/trending-viewer.svg")));
  pages_->addWidget(ranking_);
  pages_->addWidget(over_time_);
  pages_->addWidget(new DefinitionPage(workspace));
  pages_->addWidget(new HealthPage(workspace));
  splitter_->setHandleWidth(1);
  splitter_->addWidget(panel_);
  splitter_->addWidget(build_content());
  splitter_->setStretchFactor(1, 1);
  splitter_->setCollapsible(1, false);
  splitter_->setSizes({264, 1016});
  setCentralWidget(splitter_);
  build_actions();
  build_menu();
  resize(1280, 800);
  restore_layout();

  connect(panel_, &TrendPanel::connect_wanted, this, [this] { ask_connection(); });
  for (Notice* notice : {strip_, notice_page_}) {
    connect(notice, &Notice::connect_wanted, this, [this] { ask_connection(); });
    connect(notice, &Notice::retry_wanted, workspace_, &Workspace::retry_now);
  }
  connect(workspace_, &Workspace::problems_changed, this, &MainWindow::update_notice);
  connect(workspace_, &Workspace::live_ranking_changed, this, &MainWindow::update_notice);
  connect(workspace_, &Workspace::trend_changed, this, &MainWindow::update_notice);
  connect(workspace_, &Workspace::trend_changed, this, &MainWindow::update_title);
  connect(workspace_, &Workspace::connection_changed, this, &MainWindow::update_connection);
  connect(&countdown_, &QTimer::timeout, this, &MainWindow::update_notice);
  connect(&Themes::instance(), &Themes::changed, this,
          [this] { menu_->setIcon(icon(QStringLiteral("more"), theme().text)); });
  show_page(kRankingPage);
  panel_->focus_list();
  update_notice();
  update_title();
}

QWidget* MainWindow::build_content() {
  stack_->addWidget(pages_);
  stack_->addWidget(notice_page_);
  strip_->hide();
  auto* content = new QWidget;
  auto* layout = new QVBoxLayout(content);
  layout->setContentsMargins(20, 16, 20, 12);
  layout->setSpacing(10);
  layout->addWidget(header_);
  layout->addWidget(build_toolbar());
  layout->addWidget(strip_);
  layout->addWidget(stack_, 1);
  layout->addWidget(timeline_);
  return content;
}

QWidget* MainWindow::build_toolbar() {
  auto* bar = new QWidget;
  auto* layout = new QHBoxLayout(bar);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  const QStringList names{tr("Ranking"), tr("Over time"), tr("Definition"), tr("Health")};
  for (int page = 0; page < names.size(); ++page) {
    auto* tab = new QToolButton;
    tab->setObjectName(QStringLiteral("tab"));
    tab->setText(names[page]);
    tab->setCheckable(true);
    tab->setToolTip(tr("%1 (Ctrl+%2)").arg(names[page]).arg(page + 1));
    tabs_->addButton(tab, page);
    layout->addWidget(tab);
  }
  connect(tabs_, &QButtonGroup::idClicked, this, [this](int page) { show_page(static_cast<Page>(page)); });
  layout->addStretch();
  layout->addWidget(new PartitionChooser(workspace_));
  limit_->setObjectName(QStringLiteral("limit"));
  limit_->setRange(Workspace::kFewest, Workspace::kMost);
  limit_->setPrefix(tr("Top "));
  limit_->setValue(workspace_->limit());
  limit_->setKeyboardTracking(false);
  limit_->setAccessibleName(tr("Number of items"));
  limit_->setToolTip(tr("How many items are shown (+ and −)"));
  connect(limit_, &QSpinBox::valueChanged, workspace_, &Workspace::set_limit);
  connect(workspace_, &Workspace::limit_changed, limit_, &QSpinBox::setValue);
  layout->addWidget(limit_);
  menu_->setObjectName(QStringLiteral("flat"));
  menu_->setIcon(icon(QStringLiteral("more"), theme().text));
  menu_->setIconSize({20, 20});
  menu_->setPopupMode(QToolButton::InstantPopup);
  menu_->setToolTip(tr("Export, appearance, connection (F10)"));
  menu_->setAccessibleName(tr("Menu"));
  layout->addWidget(menu_);
  return bar;
}

void MainWindow::show_page(Page page) {
  tabs_->button(page)->setChecked(true);
  // Tab stops at the page shown, arrow keys go to the others.
  for (QAbstractButton* tab : tabs_->buttons())
    tab->setFocusPolicy(tab->isChecked() ? Qt::TabFocus : Qt::NoFocus);
  pages_->setCurrentIndex(page);
  timeline_->setVisible(page == kRankingPage || page == kOverTimePage);
  update_notice();
  update_interest();
}

void MainWindow::update_interest() {
  workspace_->set_status_in_view(true);
}

void MainWindow::update_connection() {
  update_title();
  const ConnectionState& state = workspace_->connection();
  if (state.phase == ConnectionState::Phase::kConnected) asked_for_password_ = false;
  if (state.phase == ConnectionState::Phase::kPasswordNeeded && !asked_for_password_) {
    asked_for_password_ = true;
    QMetaObject::invokeMethod(
        this, [this] { ask_connection(workspace_->connection().message); }, Qt::QueuedConnection);
  }
  if (state.phase == ConnectionState::Phase::kWaiting) {
    next_attempt_.setRemainingTime(state.wait_ms);
    countdown_.start(1000);
  } else {
    countdown_.stop();
  }
}

// Where there is nothing to show, the words take its place; else they stand above it.
void MainWindow::update_notice() {
  const QList<Problem>& problems = workspace_->problems();
  const bool something = workspace_->has_ranking();
  const bool needs_ranking =
      pages_->currentIndex() == kRankingPage || pages_->currentIndex() == kOverTimePage;
  const bool no_trend = workspace_->trend() == nullptr;
  const bool connected = workspace_->connection().phase == ConnectionState::Phase::kConnected;
  const bool waiting = workspace_->connection().phase == ConnectionState::Phase::kWaiting;
  Problem problem;
  if (!problems.empty()) {
    problem = problems.first();
  } else if (!something) {
    problem = {Problem::Severity::kNotice, tr("Loading…"), tr("Waiting for the first ranking."), {}, {}};
  } else if (workspace_->live_ranking().items.empty()) {
    problem = {Problem::Severity::kNotice,
               tr("Nothing to rank yet"),
               workspace_->trend()->shape.window_function.isEmpty()
                   ? tr("%1 has no row that counts.").arg(workspace_->trend()->source)
                   : tr("No row of %1 falls into the current window.").arg(workspace_->trend()->source),
               tr("The ranking appears with the first one."),
               {}};
  }
  if (waiting && !problem.title.isEmpty()) {
    const qint64 seconds = (next_attempt_.remainingTime() + 999) / 1000;
    const QString when =
        seconds <= 0 ? tr("Attempt %1 begins…").arg(workspace_->connection().attempt + 1)
                     : tr("Attempt %1 in %2 s.").arg(workspace_->connection().attempt + 1).arg(seconds);
    problem.remedy = when + u' ' + problem.remedy;
  }
  const bool empty = !something || workspace_->live_ranking().items.empty();
  const bool as_page = !problem.title.isEmpty() &&
                       ((needs_ranking && empty && workspace_->live()) || (no_trend && !something));
  const bool as_strip =
      !problem.title.isEmpty() && !as_page && !problems.empty() && pages_->currentIndex() != kHealthPage;
  for (Notice* notice : {strip_, notice_page_}) {
    if (problem.title.isEmpty()) break;
    notice->show_problem(problem);
    notice->set_buttons(!connected, waiting);
  }
  strip_->setVisible(as_strip);
  stack_->setCurrentIndex(as_page ? 1 : 0);
}

void MainWindow::update_title() {
  const TrendInfo* trend = workspace_->trend();
  const QString where = workspace_->connection().target;
  QStringList parts;
  if (trend != nullptr) parts.append(text::one_line(trend->name));
  if (!where.isEmpty()) parts.append(where);
  parts.append(QApplication::applicationDisplayName());
  setWindowTitle(parts.join(QStringLiteral(" — ")));
}

void MainWindow::ask_connection(const QString& message) {
  ConnectionDialog dialog(settings_->conninfo(), message, this);
  if (!message.isEmpty()) dialog.focus_password();
  if (dialog.exec() != QDialog::Accepted) return;
  const ConnectionSettings chosen = dialog.settings();
  settings_->set_conninfo(chosen.conninfo);
  asked_for_password_ = false;
  workspace_->open(chosen);
}

void MainWindow::restore_layout() {
  restoreGeometry(settings_->bytes(QStringLiteral("window")));
  const QByteArray splitter = settings_->bytes(QStringLiteral("splitter"));
  if (!splitter.isEmpty()) splitter_->restoreState(splitter);
  const QByteArray ranking = settings_->bytes(QStringLiteral("ranking"));
  if (!ranking.isEmpty()) ranking_->restore_layout(ranking);
}

void MainWindow::reset_layout() {
  settings_->forget_layout();
  showNormal();
  resize(1280, 800);
  splitter_->setSizes({264, 1016});
  ranking_->reset_layout();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  settings_->set_bytes(QStringLiteral("window"), saveGeometry());
  settings_->set_bytes(QStringLiteral("splitter"), splitter_->saveState());
  settings_->set_bytes(QStringLiteral("ranking"), ranking_->save_layout());
  settings_->set_limit(workspace_->limit());
  if (const TrendInfo* trend = workspace_->trend()) settings_->set_trend(trend->name);
  QMainWindow::closeEvent(event);
}

}  // namespace trending
