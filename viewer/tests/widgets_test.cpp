// SPDX-License-Identifier: PostgreSQL
#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPaintEvent>
#include <QSignalSpy>
#include <QSlider>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

#include "bench.h"
#include "models/workspace.h"
#include "ui/bar_race.h"
#include "ui/connection_dialog.h"
#include "ui/exporter.h"
#include "ui/main_window.h"
#include "ui/ranking_page.h"
#include "ui/settings.h"
#include "ui/theme.h"

namespace trending {

// What is painted of a widget.
class PaintedRegion : public QObject {
 public:
  explicit PaintedRegion(QWidget* widget) : QObject(widget) { widget->installEventFilter(this); }
  bool eventFilter(QObject*, QEvent* event) override {
    if (event->type() == QEvent::Paint) region += static_cast<QPaintEvent*>(event)->region();
    return false;
  }
  QRegion region;
};

class WidgetsTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    QApplication::setOrganizationName("trending-test");
    QSettings().clear();
  }

  void words_before_data() {
    Bench bench;
    QCOMPARE(bench.text("noticeTitle"), QString("Not connected"));
    ConnectionState state;
    state.phase = ConnectionState::Phase::kWaiting;
    state.message = "connection refused";
    state.target = "app on db1";
    emit bench.source.connection_changed(state);
    QCOMPARE(bench.text("noticeTitle"), QString("No connection to app on db1"));
    QVERIFY(bench.text("noticeText").contains("connection refused"));
    bench.source.connect_with(bench.trends);
    QCOMPARE(bench.text("noticeTitle"), QString("Loading…"));
    emit bench.source.ranking_available(FakeSource::ranking(1, 0));
    QCOMPARE(bench.text("noticeTitle"), QString("Nothing in this window yet"));
    emit bench.source.ranking_available(FakeSource::ranking(1, 1));
    QVERIFY(bench.bars()->isVisible());
    QCOMPARE(bench.text("trendName"), QString("top_posts"));
    emit bench.source.connection_changed(state);  // what is there stays, with the words above it
    QVERIFY(bench.bars()->isVisible());
    QCOMPARE(bench.text("noticeTitle"), QString("No connection to app on db1"));
  }

  void every_state_is_painted() {
    Bench bench;
    bench.run();
    Ranking odd = FakeSource::ranking(1, 0);
    odd.items = {FakeSource::item(1, "1", QString("A very long label ").repeated(20), "9007199254740993"),
                 FakeSource::item(2, "2", QString::fromUtf8("مقالة عن قواعد البيانات"), "9007199254740993"),
                 FakeSource::item(2, "3", QString::fromUtf8("רשימת המילים\nשורה שנייה"), "12.75"),
                 FakeSource::item(4, "", "", "0"),
                 FakeSource::item(5, "(null)", "", "-5"),
                 FakeSource::item(6, "<b>bold</b>", "<script>&amp;", QString(40, '9'))};
    for (const Appearance appearance : {Appearance::kDark, Appearance::kLight}) {
      Themes::instance().set_appearance(appearance);
      for (const int limit : {5, 10, 20, 50}) {
        bench.workspace.set_limit(limit);
        for (const Ranking& ranking : {odd, FakeSource::ranking(1, 1), FakeSource::ranking(1, 0),
                                       FakeSource::ranking(1, limit, 1), odd}) {
          emit bench.source.ranking_available(ranking);
          QVERIFY(!bench.window.grab().isNull());
        }
      }
    }
    bench.window.resize(640, 420);
    QVERIFY(!bench.window.grab().isNull());
  }

  void values_of_every_kind_are_painted() {
    Bench bench;
    bench.run();
    Ranking odd = FakeSource::ranking(1, 0);
    for (const char* value : {"Infinity", "1.5e+300", "0.25", "0", "-3", "-Infinity", "NaN", "", "1E-300"}) {
      RankedItem item = FakeSource::item(odd.items.size() + 1, value, value, value);
      item.magnitude = magnitude_of(item.value, ValueKind::kNumber);
      odd.items.append(item);
    }
    odd.items[7].value = QString();
    emit bench.source.ranking_available(odd);
    QTRY_VERIFY_WITH_TIMEOUT(!bench.bars()->moving(), 5000);
    for (const ValueKind kind : {ValueKind::kTime, ValueKind::kOther, ValueKind::kNumber}) {
      odd.value_kind = kind;
      for (RankedItem& item : odd.items)
        item.magnitude = kind == ValueKind::kTime ? 1.767e12 + 1000.0 * static_cast<double>(item.rank) : 0;
      emit bench.source.ranking_available(odd);
      for (const auto page : {MainWindow::kRankingPage, MainWindow::kOverTimePage}) {
        bench.window.show_page(page);
        QTest::qWait(20);
        QVERIFY(!bench.window.grab().isNull());
      }
      QTRY_VERIFY_WITH_TIMEOUT(!bench.bars()->moving(), 5000);
    }
  }

  void partitions_are_chosen() {
    Bench bench;
    bench.trends[0].partition_by = QStringList{"region"};
    bench.source.connect_with(bench.trends);
    auto* chooser = bench.window.findChild<QComboBox*>("partition");
    const Partition eu{QString("eu")}, us{QString("us")}, none{std::nullopt};
    emit bench.source.partitions_available(1, {eu, us, none});
    QVERIFY(chooser->isVisible());
    QCOMPARE(chooser->currentText(), QString("eu"));
    chooser->setFocus();
    QTest::keyClick(chooser, Qt::Key_Down);
    QVERIFY(bench.source.interest.partition == us);
    QTest::keyClick(chooser, Qt::Key_Down);
    QCOMPARE(chooser->currentText(), QString("NULL"));
    QVERIFY(bench.source.interest.partition == none);
    emit bench.source.partitions_available(1, {eu});
    QCOMPARE(chooser->currentText(), QString("NULL"));  // not torn away
    bench.workspace.select_trend(2);
    QVERIFY(!chooser->isVisible());
  }

  void bars_glide_and_come_to_rest() {
    Bench bench;
    bench.run();
    QTRY_VERIFY(!bench.bars()->moving());
    const QImage before = bench.bars()->grab().toImage();
    const int frames = bench.bars()->frames_painted();
    emit bench.source.ranking_available(FakeSource::ranking(1, 10, 3));
    QVERIFY(bench.bars()->moving());
    QTRY_VERIFY_WITH_TIMEOUT(!bench.bars()->moving(), 5000);
    QVERIFY(bench.bars()->frames_painted() > frames + 5);
    QVERIFY(bench.bars()->grab().toImage() != before);
    // At rest it looks as if it had never moved.
    const QImage rested = bench.bars()->grab().toImage();
    bench.bars()->settle();
    QVERIFY(bench.bars()->grab().toImage() == rested);
  }

  // Rows are painted again when their words change, also when nothing moves.
  void what_is_painted_is_what_is_known() {
    Bench bench;
    bench.run();
    Ranking ranking = bench.workspace.ranking();
    bench.bars()->settle();
    QTest::qWait(50);
    auto& painted = *new PaintedRegion(bench.bars());
    ranking.items[4].value = QString::number(ranking.items[4].value.toInt() + 1);
    for (RankedItem& item : ranking.items) item.previous_rank = item.rank;
    ranking.items[7].previous_rank = 9;
    bench.bars()->set_ranking(ranking, 10);
    QTRY_VERIFY(!bench.bars()->moving());
    QTest::qWait(50);
    const double row = (bench.bars()->height() - 38) / 10.0;
    const int right = bench.bars()->width() - 40;
    QVERIFY(painted.region.contains(QPoint(right, static_cast<int>(28 + 4.5 * row))));
    QVERIFY(painted.region.contains(QPoint(60, static_cast<int>(28 + 7.5 * row))));
    QVERIFY(!painted.region.contains(QPoint(right, static_cast<int>(28 + 1.5 * row))));
  }

  void clicks_select_in_bars_and_table() {
    Bench bench;
    bench.run();
    bench.bars()->settle();
    const int row_height = (bench.bars()->height() - 40) / 10;
    QTest::mouseClick(bench.bars(), Qt::LeftButton, {}, QPoint(200, 28 + row_height / 2));
    QCOMPARE(bench.workspace.selected(), QStringList({bench.workspace.ranking().items[0].key}));
    QCOMPARE(bench.table()->selectionModel()->selectedRows().size(), 1);
    bench.table()->selectRow(3);
    QCOMPARE(bench.workspace.selected(), QStringList({bench.workspace.ranking().items[3].key}));
    QTest::keyClick(bench.bars(), Qt::Key_Down);
    QCOMPARE(bench.workspace.selected(), QStringList({bench.workspace.ranking().items[4].key}));
    QTest::keyClick(&bench.window, Qt::Key_Escape);
    QVERIFY(bench.workspace.selected().empty());
  }

  void keys() {
    Bench bench;
    bench.run();
    QTest::keyClick(&bench.window, Qt::Key_Space);
    QVERIFY(bench.workspace.paused());
    QTest::keyClick(&bench.window, Qt::Key_L);
    QVERIFY(!bench.workspace.paused());
    const int limit = bench.workspace.limit();
    QTest::keyClick(&bench.window, Qt::Key_Plus);
    QCOMPARE(bench.workspace.limit(), limit + 5);
    QTest::keyClick(&bench.window, Qt::Key_C, Qt::ControlModifier);
    QVERIFY(QApplication::clipboard()->text().startsWith("#\tChange\tLabel\tviews\tpost_id\n1\t"));
    QCOMPARE(QApplication::clipboard()->text().count('\n'), 11);
    QTest::keyClick(&bench.window, Qt::Key_F, Qt::ControlModifier);
    auto* filter = bench.window.findChild<QLineEdit*>("filter");
    QVERIFY(filter->hasFocus());
    QTest::keyClicks(filter, "tag l");  // letters are text here, not shortcuts
    QCOMPARE(filter->text(), QString("tag l"));
    QCOMPARE(bench.window.findChild<QListView*>("trends")->model()->rowCount(), 0);
    QCOMPARE(bench.workspace.trend_id(), TrendId{1});  // filtering does not change what is shown
    filter->setText("tag");
    QTest::keyClick(filter, Qt::Key_Return);
    QCOMPARE(bench.workspace.trend_id(), TrendId{2});
  }

  void pages() {
    Bench bench;
    bench.run();
    for (const auto page :
         {MainWindow::kOverTimePage, MainWindow::kDefinitionPage, MainWindow::kHealthPage}) {
      bench.window.show_page(page);
      QTest::qWait(20);
      QVERIFY(!bench.window.grab().isNull());
    }
    QCOMPARE(bench.text("verdict"), QString("All is well"));
    bench.window.show_page(MainWindow::kOverTimePage);
    emit bench.source.history_available({1, HistoryState::Kind::kAbsent, "There is no table.", {}});
    QTRY_VERIFY(bench.text("historyNote").contains("There is no table."));
  }

  void slider_goes_back_and_returns() {
    Bench bench;
    bench.run();
    QTest::qWait(1100);
    emit bench.source.ranking_available(FakeSource::ranking(1, 10, 1));
    auto* slider = bench.window.findChild<QSlider*>("timeline");
    QCOMPARE(slider->maximum(), 1);
    slider->setValue(0);
    QVERIFY(!bench.workspace.live());
    QVERIFY(bench.text("moment").startsWith("seen at"));
    QTest::keyClick(&bench.window, Qt::Key_L);
    QVERIFY(bench.workspace.live());
    QCOMPARE(slider->value(), 1);
  }

  void exports() {
    Bench bench;
    bench.run();
    QTemporaryDir folder;
    for (const char* name : {"bars.png", "bars.svg"}) {
      QCOMPARE(exporter::bars_to_file(bench.bars(), folder.filePath(name)), QString());
      QVERIFY(QFileInfo(folder.filePath(name)).size() > 2000);
    }
    QFile svg(folder.filePath("bars.svg"));
    QVERIFY(svg.open(QIODevice::ReadOnly) && svg.readAll().contains("</svg>"));
    QCOMPARE(exporter::table_to_file(bench.window.ranking_page(), folder.filePath("t.csv")), QString());
    QFile csv(folder.filePath("t.csv"));
    QVERIFY(csv.open(QIODevice::ReadOnly));
    QCOMPARE(csv.readAll().count("\r\n"), 11);
    QVERIFY(!exporter::table_to_file(bench.window.ranking_page(), "/nonexistent/t.csv").isEmpty());
  }

  void ten_thousand_trends() {
    Bench bench;
    bench.trends.clear();
    for (TrendId id = 1; id <= 10'000; ++id)
      bench.trends.append(FakeSource::trend(id, QString("trend_%1").arg(id)));
    QElapsedTimer timer;
    timer.start();
    bench.run();
    bench.window.show_page(MainWindow::kHealthPage);
    bench.window.grab();
    QVERIFY2(timer.elapsed() < 3000, qPrintable(QString::number(timer.elapsed())));
    timer.start();
    emit bench.source.status_available(FakeSource::status(bench.trends, 2000));
    bench.window.grab();
    QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
  }

  void passwords_are_not_kept() {
    Settings settings;
    settings.set_conninfo("postgresql://me:secret@db1/app");
    QVERIFY(!settings.conninfo().contains("secret"));
    ConnectionDialog dialog("host=db1 password=secret", {});
    QCOMPARE(dialog.settings().password, QString("secret"));
    QVERIFY(!dialog.settings().conninfo.contains("secret"));
  }

  void dialog_line_and_fields_follow_each_other() {
    ConnectionDialog dialog("host=db1 port=5433 dbname=app application_name=x", {});
    auto* line = dialog.findChild<QLineEdit*>("conninfo");
    QList<QLineEdit*> edits = dialog.findChildren<QLineEdit*>();
    for (QLineEdit* edit : edits) {
      if (edit->accessibleName() == "Database") {
        edit->clear();
        QTest::keyClicks(edit, "o'hara");
      }
    }
    const QString text = dialog.settings().conninfo;
    QVERIFY2(text.contains("dbname='o\\'hara'") && text.contains("application_name='x'"), qPrintable(text));
    line->clear();
    QTest::keyClicks(line, "host=db2");
    for (QLineEdit* edit : edits) {
      if (edit->accessibleName() == "Host") QCOMPARE(edit->text(), QString("db2"));
    }
  }

  void layout_is_remembered() {
    {
      Bench bench;
      bench.window.resize(1000, 700);
      bench.run();
      bench.window.close();
    }
    Bench again;
    QCOMPARE(again.settings.trend(), QString("top_posts"));
    QVERIFY(!again.settings.bytes("window").isEmpty());
  }
};

}  // namespace trending

QTEST_MAIN(trending::WidgetsTest)
#include "widgets_test.moc"
