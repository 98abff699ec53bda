// SPDX-License-Identifier: PostgreSQL
// For people who do not see the window or do not use a mouse: every widget says what it is, every control is
// reached with the keyboard, every shortcut is in the list.

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSettings>
#include <QShortcut>
#include <QTableView>
#include <QTimer>

#include "bench.h"
#include "ui/connection_dialog.h"
#include "ui/figure.h"
#include "ui/line_chart.h"
#include "ui/sparkline.h"

namespace trending {

namespace {

constexpr MainWindow::Page kPages[] = {MainWindow::kRankingPage, MainWindow::kOverTimePage,
                                       MainWindow::kDefinitionPage, MainWindow::kHealthPage};

template <typename... Kinds>
bool is_one_of(const QWidget* widget) {
  return ((qobject_cast<const Kinds*>(widget) != nullptr) || ...);
}

// Parts that Qt makes itself inside its widgets; those speak for them.
bool is_part_of_another(const QWidget* widget) {
  if (is_one_of<QScrollBar, QHeaderView>(widget) || widget->objectName().startsWith("qt_")) return true;
  const QWidget* parent = widget->parentWidget();
  return parent != nullptr &&
         is_one_of<QAbstractSpinBox, QComboBox, QLineEdit, QHeaderView, QAbstractScrollArea>(parent);
}

bool is_control(const QWidget* widget) {
  return is_one_of<QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox,
                   QLineEdit, QPlainTextEdit, BarRace>(widget);
}

bool says_something(const QWidget* widget) {
  return is_control(widget) || is_one_of<LineChart, Sparkline, Figure>(widget);
}

QString description(const QWidget* widget) {
  return QString("%1 %2").arg(widget->metaObject()->className(), widget->objectName());
}

QList<QWidget*> visible_widgets(QWidget* root, bool (*wanted)(const QWidget*)) {
  QList<QWidget*> found;
  for (QWidget* widget : root->findChildren<QWidget*>()) {
    if (widget->isVisible() && !is_part_of_another(widget) && wanted(widget)) found.append(widget);
  }
  return found;
}

void check_names(QWidget* root) {
  for (QWidget* widget : visible_widgets(root, says_something)) {
    QAccessibleInterface* face = QAccessible::queryAccessibleInterface(widget);
    QVERIFY2(face != nullptr && !face->text(QAccessible::Name).trimmed().isEmpty(),
             qPrintable(description(widget)));
  }
}

// Tab goes through all of them, and comes back.
void check_reachable(QWidget* window) {
  QList<QWidget*> controls =
      visible_widgets(window, [](const QWidget* w) { return is_control(w) && w->isEnabled(); });
  QVERIFY(controls.size() > 4);
  QSet<QWidget*> reached;
  for (int i = 0; i < 100; ++i) {
    QWidget* focused = QApplication::focusWidget();
    QVERIFY(focused != nullptr);
    for (; focused != nullptr; focused = focused->parentWidget()) reached.insert(focused);
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
  }
  for (QWidget* control : controls) {
    // Of buttons that exclude each other the checked one is reached; arrow keys go to the others.
    const auto* button = qobject_cast<QAbstractButton*>(control);
    if (button != nullptr && button->group() != nullptr && !button->isChecked()) continue;
    if (control->focusPolicy() == Qt::NoFocus && !is_one_of<QAbstractButton>(control)) continue;
    QVERIFY2(reached.contains(control), qPrintable(description(control)));
  }
}

}  // namespace

class AccessTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    QApplication::setOrganizationName("trending-test-access");
    QSettings().clear();
    QAccessible::setActive(true);
  }

  void every_widget_has_a_name() {
    Bench bench;
    check_names(&bench.window);  // with words and buttons in place of a ranking
    bench.trends[0].partition_by = QStringList{"region"};
    bench.source.connect_with(bench.trends);
    emit bench.source.partitions_available(1, {{QString("eu")}});
    Ranking ranking = FakeSource::ranking(1, 10);
    ranking.partition = {QString("eu")};
    emit bench.source.ranking_available(ranking);
    QVERIFY(bench.bars()->isVisible());
    for (const auto page : kPages) {
      bench.window.show_page(page);
      QTest::qWait(20);
      check_names(&bench.window);
    }
    ConnectionDialog dialog("", "a message");
    dialog.show();
    check_names(&dialog);
  }

  void the_ranking_can_be_heard() {
    Bench bench;
    bench.run();
    QAccessibleInterface* bars = QAccessible::queryAccessibleInterface(bench.bars());
    const QString first = bench.workspace.ranking().items[0].title();
    QVERIFY(bars->text(QAccessible::Description).startsWith("1: " + first));
    const QModelIndex label = bench.table()->model()->index(0, RankingModel::kLabel);
    QVERIFY(label.data(Qt::AccessibleTextRole).toString().startsWith("Rank 1: " + first));
  }

  void every_control_is_reached() {
    Bench bench;
    bench.run();
    QTest::qWait(1100);
    emit bench.source.ranking_available(FakeSource::ranking(1, 10, 1));  // now the slider has somewhere to go
    for (const auto page : kPages) {
      bench.window.show_page(page);
      QTest::qWait(20);
      check_reachable(&bench.window);
    }
    ConnectionDialog dialog("", "a message");
    dialog.show();
    QVERIFY(QTest::qWaitForWindowActive(&dialog));
    dialog.focus_password();
    check_reachable(&dialog);
  }

  void arrow_keys_turn_pages() {
    Bench bench;
    bench.run();
    for (QAbstractButton* tab : bench.window.findChildren<QAbstractButton*>("tab")) {
      if (tab->isChecked()) tab->setFocus();
    }
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Right);
    QCOMPARE(qobject_cast<QAbstractButton*>(QApplication::focusWidget())->text(), QString("Over time"));
    QVERIFY(!bench.bars()->isVisible());
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Left);
    QVERIFY(bench.bars()->isVisible());
  }

  void every_shortcut_is_listed() {
    Bench bench;
    bench.run();
    QString list;
    QTimer::singleShot(100, &bench.window, [&list] {
      if (auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget())) {
        list = box->text();
        box->close();
      }
    });
    QTest::keyClick(&bench.window, Qt::Key_F1);
    QVERIFY(list.contains("Ctrl+1"));
    for (const QShortcut* shortcut : bench.window.findChildren<QShortcut*>()) {
      QString keys = shortcut->key().toString(QKeySequence::PortableText);
      if (keys.startsWith("Ctrl+") && keys.back().isDigit()) continue;  // Ctrl+1 … Ctrl+4
      keys.replace("Esc", "Escape");
      QVERIFY2(list.contains(keys.toHtmlEscaped()), qPrintable(keys));
    }
  }
};

}  // namespace trending

QTEST_MAIN(trending::AccessTest)
#include "access_test.moc"
