// SPDX-License-Identifier: PostgreSQL
// Menu, shortcuts and export of the main window.

#include <QAbstractButton>
#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QMenu>
#include <QMessageBox>
#include <QShortcut>
#include <QSplitter>
#include <QStackedWidget>
#include <QStandardPaths>
#include <QToolButton>

#include "data/csv.h"
#include "models/workspace.h"
#include "ui/exporter.h"
#include "ui/main_window.h"
#include "ui/over_time_page.h"
#include "ui/ranking_page.h"
#include "ui/settings.h"
#include "ui/trend_panel.h"

namespace trending {

void MainWindow::add_shortcut(const QString& keys, const QString& what, const std::function<void()>& action) {
  for (const QString& key : keys.split(u' ')) {
    auto* shortcut = new QShortcut(QKeySequence(key), this);
    connect(shortcut, &QShortcut::activated, this, action);
  }
  shortcuts_.append({keys, what});
}

void MainWindow::build_actions() {
  add_shortcut(QStringLiteral("Space"), tr("Pause and go on"), [this] {
    // On a button the space bar presses it, as everywhere.
    if (auto* button = qobject_cast<QAbstractButton*>(QApplication::focusWidget())) return button->click();
    workspace_->set_paused(!workspace_->paused());
  });
  add_shortcut(QStringLiteral("L"), tr("Back to live"), [this] {
    workspace_->set_paused(false);
    workspace_->show_live();
  });
  add_shortcut(QStringLiteral("+ ="), tr("More items"),
               [this] { workspace_->set_limit(workspace_->limit() + 5); });
  add_shortcut(QStringLiteral("-"), tr("Fewer items"),
               [this] { workspace_->set_limit(workspace_->limit() - 5); });
  add_shortcut(QStringLiteral("F11"), tr("Full screen"), [this] { toggle_full_screen(); });
  add_shortcut(QStringLiteral("Escape"), tr("Leave full screen, clear the selection"), [this] {
    if (isFullScreen()) return toggle_full_screen();
    workspace_->set_selected({});
  });
  add_shortcut(QStringLiteral("Ctrl+F"), tr("Filter the trends"), [this] { panel_->focus_filter(); });
  add_shortcut(QStringLiteral("Ctrl+B"), tr("Show or hide the list of trends"),
               [this] { panel_->setVisible(panel_->isHidden()); });
  add_shortcut(QStringLiteral("Ctrl+C"), tr("Copy the table, or its selected rows"),
               [this] { copy_table(); });
  add_shortcut(QStringLiteral("Ctrl+E"), tr("Export the chart"), [this] { export_chart(); });
  add_shortcut(QStringLiteral("Ctrl+S"), tr("Export the table"), [this] { export_table(); });
  add_shortcut(QStringLiteral("Ctrl+O"), tr("Connect"), [this] { ask_connection(); });
  add_shortcut(QStringLiteral("F5 Ctrl+R"), tr("Try to connect now"), [this] { workspace_->retry_now(); });
  for (int page = kRankingPage; page <= kHealthPage; ++page) {
    auto* shortcut = new QShortcut(QKeySequence(QStringLiteral("Ctrl+%1").arg(page + 1)), this);
    connect(shortcut, &QShortcut::activated, this, [this, page] { show_page(static_cast<Page>(page)); });
  }
  shortcuts_.append({QStringLiteral("Ctrl+1 … Ctrl+4"), tr("Ranking, over time, definition, health")});
  add_shortcut(QStringLiteral("F10"), tr("Menu"), [this] { menu_->showMenu(); });
  add_shortcut(QStringLiteral("F1"), tr("This list"), [this] { show_shortcuts(); });
  add_shortcut(QStringLiteral("Ctrl+Q"), tr("Quit"), [this] { close(); });
}

void MainWindow::build_menu() {
  auto* menu = new QMenu(this);
  const auto add = [menu, this](const QString& text, const char* keys, const std::function<void()>& action) {
    // The keys are shown only: they belong to shortcuts of the window.
    QAction* item = menu->addAction(*keys == '\0' ? text : text + u'\t' + QLatin1String(keys));
    connect(item, &QAction::triggered, this, action);
    return item;
  };
  add(tr("Export chart…"), "Ctrl+E", [this] { export_chart(); });
  add(tr("Export table…"), "Ctrl+S", [this] { export_table(); });
  add(tr("Copy table"), "Ctrl+C", [this] { copy_table(); });
  menu->addSeparator();
  QMenu* looks = menu->addMenu(tr("Appearance"));
  auto* group = new QActionGroup(looks);
  const QStringList names{tr("As the desktop"), tr("Light"), tr("Dark")};
  for (int i = 0; i < names.size(); ++i) {
    QAction* item = looks->addAction(names[i]);
    item->setCheckable(true);
    item->setChecked(static_cast<int>(Themes::instance().appearance()) == i);
    group->addAction(item);
    connect(item, &QAction::triggered, this, [this, i] {
      Themes::instance().set_appearance(static_cast<Appearance>(i));
      settings_->set_appearance(static_cast<Appearance>(i));
    });
  }
  add(tr("Full screen"), "F11", [this] { toggle_full_screen(); });
  add(tr("Reset layout"), "", [this] { reset_layout(); });
  menu->addSeparator();
  add(tr("Connect…"), "Ctrl+O", [this] { ask_connection(); });
  add(tr("Keyboard shortcuts"), "F1", [this] { show_shortcuts(); });
  add(tr("Quit"), "Ctrl+Q", [this] { close(); });
  menu_->setMenu(menu);
}

void MainWindow::toggle_full_screen() {
  if (isFullScreen()) {
    showNormal();
    panel_->show();
  } else {
    panel_->hide();
    showFullScreen();
  }
}

void MainWindow::copy_table() {
  QStringList header;
  QList<QStringList> rows;
  ranking_->read_table(true, &header, &rows);
  QApplication::clipboard()->setText(to_tab_separated(header, rows));
}

void MainWindow::export_to(const QString& suggestion, const QString& filter,
                           const std::function<QString(const QString&)>& write) {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
  const QString path = QFileDialog::getSaveFileName(this, tr("Export"), folder + u'/' + suggestion, filter);
  if (path.isEmpty()) return;
  const QString error = write(path);
  if (!error.isEmpty()) QMessageBox::warning(this, tr("Export"), error);
}

void MainWindow::export_chart() {
  const TrendInfo* trend = workspace_->trend();
  if (trend == nullptr) return;
  const bool lines = pages_->currentIndex() == kOverTimePage;
  export_to(trend->table + QLatin1String(".png"), tr("Pictures (*.png *.svg)"),
            [this, lines](const QString& path) {
              return lines ? exporter::chart_to_file(over_time_, path)
                           : exporter::bars_to_file(ranking_->bars(), path);
            });
}

void MainWindow::export_table() {
  const TrendInfo* trend = workspace_->trend();
  if (trend == nullptr) return;
  export_to(trend->table + QLatin1String(".csv"), tr("Tables (*.csv)"),
            [this](const QString& path) { return exporter::table_to_file(ranking_, path); });
}

void MainWindow::show_shortcuts() {
  QString rows;
  for (const auto& [keys, what] : shortcuts_) {
    rows += QStringLiteral("<tr><td style='padding:3px 24px 3px 0'><b>%1</b></td><td>%2</td></tr>")
                .arg(QString(keys)
                         .replace(u' ', QLatin1String(" &nbsp;"))
                         .toHtmlEscaped()
                         .replace(QLatin1String("&amp;nbsp;"), QLatin1String("&nbsp;")),
                     what.toHtmlEscaped());
  }
  QMessageBox box(QMessageBox::NoIcon, tr("Keyboard shortcuts"),
                  QLatin1String("<table>") + rows + QLatin1String("</table>"), QMessageBox::Close, this);
  box.exec();
}

}  // namespace trending
