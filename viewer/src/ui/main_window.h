// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QDeadlineTimer>
#include <QMainWindow>
#include <QTimer>

#include "data/connection.h"
#include "ui/item_colors.h"

class QButtonGroup;
class QSpinBox;
class QSplitter;
class QStackedWidget;
class QToolButton;

namespace trending {

class HealthPage;
class Notice;
class OverTimePage;
class RankingPage;
class Settings;
class TimelineBar;
class TrendHeader;
class TrendPanel;
class Workspace;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  enum Page { kRankingPage, kOverTimePage, kDefinitionPage, kHealthPage };

  MainWindow(Workspace* workspace, Settings* settings, QWidget* parent = nullptr);

  void show_page(Page page);
  RankingPage* ranking_page() { return ranking_; }
  // Asks where to connect, with a reason if there is one.
  void ask_connection(const QString& message = {});

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  QWidget* build_content();
  QWidget* build_toolbar();
  void build_actions();
  void build_menu();
  void add_shortcut(const QString& keys, const QString& what, const std::function<void()>& action);
  void restore_layout();
  void reset_layout();
  void update_notice();
  void update_title();
  void update_connection();
  void update_interest();
  void toggle_full_screen();
  void copy_table();
  void export_to(const QString& suggestion, const QString& filter,
                 const std::function<QString(const QString&)>& write);
  void export_chart();
  void export_table();
  void show_shortcuts();

  Workspace* workspace_;
  Settings* settings_;
  ItemColors colors_;
  QSplitter* splitter_;
  TrendPanel* panel_;
  TrendHeader* header_;
  Notice *strip_, *notice_page_;
  QStackedWidget *pages_, *stack_;
  QButtonGroup* tabs_;
  RankingPage* ranking_;
  OverTimePage* over_time_;
  TimelineBar* timeline_;
  QSpinBox* limit_;
  QToolButton* menu_;
  QList<QPair<QString, QString>> shortcuts_;
  bool asked_for_password_ = false;
  QDeadlineTimer next_attempt_;
  QTimer countdown_;
};

}  // namespace trending
