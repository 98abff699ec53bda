// SPDX-License-Identifier: PostgreSQL
#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include "fake_source.h"
#include "models/workspace.h"

namespace trending {

using Tester = QAbstractItemModelTester;
constexpr auto kStrict = Tester::FailureReportingMode::QtTest;

class ModelsTest : public QObject {
  Q_OBJECT

 private slots:
  void ranking_model_under_churn() {
    RankingModel model;
    RankingSorter sorter;
    sorter.setSourceModel(&model);
    sorter.sort(RankingModel::kLabel);
    const Tester tester(&model, kStrict), sorted_tester(&sorter, kStrict);
    const TrendInfo trend = FakeSource::trend(1, "t");
    for (int round = 0; round < 60; ++round) {
      const int count = round % 7 == 3 ? 0 : (round * 13) % 50;
      Ranking ranking = FakeSource::ranking(round < 40 ? 1 : 2, count, round);
      if (round % 11 == 5) ranking.columns.append("further");
      model.set_ranking(ranking, &trend);
      QCOMPARE(model.rowCount(), count);
      QCOMPARE(sorter.rowCount(), count);
    }
    model.clear();
    QCOMPARE(model.rowCount(), 0);
  }

  void selections_follow_items() {
    RankingModel model;
    const TrendInfo trend = FakeSource::trend(1, "t");
    Ranking ranking = FakeSource::ranking(1, 10);
    model.set_ranking(ranking, &trend);
    const QPersistentModelIndex followed = model.index(7, RankingModel::kLabel);
    const QString key = followed.data(RankingModel::kKeyRole).toString();
    std::rotate(ranking.items.begin(), ranking.items.begin() + 5, ranking.items.end());
    for (int row = 0; row < 10; ++row) ranking.items[row].rank = row + 1;
    model.set_ranking(ranking, &trend);
    QCOMPARE(followed.row(), 2);
    QCOMPARE(followed.data(RankingModel::kKeyRole).toString(), key);
    ranking.items.removeAt(2);
    model.set_ranking(ranking, &trend);
    QVERIFY(!followed.isValid());
  }

  void values_are_exact_and_sorted_so() {
    RankingModel model;
    RankingSorter sorter;
    sorter.setSourceModel(&model);
    Ranking ranking = FakeSource::ranking(1, 0);
    ranking.items = {FakeSource::item(1, "a", "A", "9007199254740993"),
                     FakeSource::item(2, "b", "B", "9007199254740992"), FakeSource::item(3, "c", "C", "800")};
    const TrendInfo trend = FakeSource::trend(1, "t");
    model.set_ranking(ranking, &trend);
    sorter.sort(RankingModel::kValue);
    QCOMPARE(sorter.index(0, RankingModel::kLabel).data().toString(), QString("C"));
    QCOMPARE(sorter.index(2, RankingModel::kValue).data(RankingModel::kSortRole).toString(),
             QString("9007199254740993"));
    QVERIFY(model.redundant(RankingModel::kFirstCell));
    QVERIFY(!model.redundant(RankingModel::kFirstCell + 2));
  }

  void movements() {
    RankingModel model;
    Ranking ranking = FakeSource::ranking(1, 4);
    ranking.items[0].previous_rank = 3;
    ranking.items[1].previous_rank = 1;
    ranking.items[2].previous_rank = 3;
    const TrendInfo trend = FakeSource::trend(1, "t");
    model.set_ranking(ranking, &trend);
    const auto change = [&](int row) { return model.index(row, RankingModel::kChange).data().toString(); };
    QCOMPARE(change(0), QString("▲ 2"));
    QCOMPARE(change(1), QString("▼ 1"));
    QCOMPARE(change(2), QString("–"));
    QCOMPARE(change(3), QString("new"));
  }

  void floats_are_sorted_as_the_server_does() {
    RankingModel model;
    RankingSorter sorter;
    sorter.setSourceModel(&model);
    Ranking ranking = FakeSource::ranking(1, 0);
    const QStringList values{"-Infinity", "-2.5", "1e-07", "0.5", "9", "10", "1.5e+300", "Infinity", "NaN"};
    for (int i = 0; i < values.size(); ++i) {
      const int mixed = static_cast<int>((i * 4 + 2) % values.size());
      ranking.items.append(FakeSource::item(i + 1, QString::number(i), {}, values[mixed]));
    }
    const TrendInfo trend = FakeSource::trend(1, "t");
    model.set_ranking(ranking, &trend);
    sorter.sort(RankingModel::kValue);
    QStringList sorted;
    for (int row = 0; row < sorter.rowCount(); ++row)
      sorted.append(sorter.index(row, RankingModel::kValue).data(RankingModel::kSortRole).toString());
    QCOMPARE(sorted, values);
  }

  void a_null_value_is_shown_as_null() {
    RankingModel model;
    Ranking ranking = FakeSource::ranking(1, 1);
    ranking.items[0].value = QString();
    const TrendInfo trend = FakeSource::trend(1, "t");
    model.set_ranking(ranking, &trend);
    QCOMPARE(model.index(0, RankingModel::kValue).data().toString(), QString("NULL"));
  }

  void windows_of_sessions_are_shown() {
    RankingModel model;
    TrendInfo trend = FakeSource::trend(1, "t");
    model.set_ranking(FakeSource::ranking(1, 1), &trend);
    QVERIFY(model.redundant(RankingModel::kFirstCell));
    trend.shape.window_function = "session";
    model.clear();
    model.set_ranking(FakeSource::ranking(1, 1), &trend);
    QVERIFY(!model.redundant(RankingModel::kFirstCell));
  }

  void partitions() {
    FakeSource source;
    Workspace workspace(&source);
    TrendInfo trend = FakeSource::trend(1, "t");
    trend.partition_by = QStringList{"post_id"};
    source.connect_with({trend, FakeSource::trend(2, "u")});
    QVERIFY(source.interest.partition.empty());
    const Partition none{std::nullopt}, empty{QString("")};
    emit source.partitions_available(2, {empty});  // of another trend
    QVERIFY(workspace.partitions().empty());
    emit source.partitions_available(1, {none, empty});
    QVERIFY(source.interest.partition == none);
    Ranking ranking = FakeSource::ranking(1, 5);
    emit source.ranking_available(ranking);  // of no partition
    QVERIFY(!workspace.has_ranking());
    ranking.partition = none;
    emit source.ranking_available(ranking);
    QVERIFY(workspace.has_ranking());
    workspace.select_partition(empty);
    QVERIFY(source.interest.partition == empty && !workspace.has_ranking());
    emit source.partitions_available(1, {none});  // the one shown has nothing now, and stays
    QVERIFY(workspace.partition() == empty);
    workspace.select_trend(2);
    QVERIFY(source.interest.partition.empty() && workspace.partitions().empty());
  }

  void what_was_left_out_is_told() {
    StatusModel model;
    const TrendList trends{FakeSource::trend(1, "a")};
    model.set_trends(trends);
    StatusSample sample = FakeSource::status(trends, 1);
    sample.trends[1].ahead = 3;
    sample.trends[1].out_of_range = 1;
    sample.trends[1].unmatched = 2;
    model.set_status(sample);
    const QModelIndex cell = model.index(0, StatusModel::kLeftOut);
    QCOMPARE(cell.data().toString(), QString("4"));
    QCOMPARE(cell.data(Qt::ToolTipRole).toString().count('\n'), 2);
  }

  void trend_list_of_ten_thousand() {
    TrendListModel model;
    TrendFilter filter;
    filter.setSourceModel(&model);
    const Tester tester(&model, kStrict);
    TrendList trends;
    for (TrendId id = 1; id <= 10'000; ++id)
      trends.append(FakeSource::trend(id, QString("trend_%1").arg(id)));
    model.set_trends(trends);
    QElapsedTimer timer;
    timer.start();
    model.set_status(FakeSource::status(trends, 1));
    filter.set_text("TREND_99 view");
    QCOMPARE(filter.rowCount(), 111);
    QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
    QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);
    model.set_status(FakeSource::status(trends, 1));
    QCOMPARE(changes.size(), 0);
    StatusSample one = FakeSource::status(trends, 1);
    one.trends[5000].state = "stopped";
    model.set_status(one);
    QCOMPARE(changes.size(), 1);
    QCOMPARE(model.index_named("trend_42").row(), 41);
    QCOMPARE(model.find(10'000)->name, QString("trend_10000"));
    QVERIFY(model.find(10'001) == nullptr);
  }

  void status_model() {
    StatusModel model;
    const Tester tester(&model, kStrict);
    const TrendList trends{FakeSource::trend(1, "a"), FakeSource::trend(2, "b")};
    model.set_trends(trends);
    QCOMPARE(model.index(0, StatusModel::kEvents).data().toString(), QString("–"));
    model.set_status(FakeSource::status(trends, 12345));
    QCOMPARE(model.index(1, StatusModel::kEvents).data().toString(), QString("12,345"));
    model.set_trends({});
    QCOMPARE(model.rowCount(), 0);
  }

  void names_with_numbers_are_sorted_by_them() {
    StatusModel model;
    StatusSorter sorter;
    sorter.setSourceModel(&model);
    const TrendList trends{FakeSource::trend(1, "t_10"), FakeSource::trend(2, "T_9"),
                           FakeSource::trend(3, "t_1")};
    model.set_trends(trends);
    StatusSample sample = FakeSource::status(trends, 5);
    sample.trends[1].events = 40;
    sample.trends[2].events = 7;
    model.set_status(sample);
    sorter.sort(StatusModel::kTrend);
    QCOMPARE(sorter.index(1, 0).data().toString(), QString("T_9"));
    QCOMPARE(sorter.index(2, 0).data().toString(), QString("t_10"));
    sorter.sort(StatusModel::kEvents, Qt::DescendingOrder);
    QCOMPARE(sorter.index(0, 0).data().toString(), QString("t_10"));
    QCOMPARE(sorter.index(2, 0).data().toString(), QString("t_1"));
  }

  void workspace_follows_the_source() {
    FakeSource source;
    Workspace workspace(&source);
    workspace.prefer_trend("second");
    workspace.open({"host=x", {}});
    const TrendList trends{FakeSource::trend(1, "first"), FakeSource::trend(2, "second")};
    source.connect_with(trends);
    QCOMPARE(workspace.trend_id(), TrendId{2});
    QCOMPARE(source.interest.trend, TrendId{2});
    emit source.ranking_available(FakeSource::ranking(1, 5));  // of another trend: not for us
    QVERIFY(!workspace.has_ranking());
    emit source.ranking_available(FakeSource::ranking(2, 5));
    QVERIFY(workspace.has_ranking());
    QCOMPARE(workspace.ranking().items.size(), 5);
    QVERIFY(workspace.problems().empty());
    workspace.set_limit(500);
    QCOMPARE(source.interest.limit, Workspace::kMost);
    emit source.trends_available({trends[0]});  // the one shown was dropped
    QCOMPARE(workspace.trend_id(), TrendId{1});
    emit source.trends_available({});
    QCOMPARE(workspace.trend_id(), TrendId{0});
    QCOMPARE(workspace.problems().first().title, QString("No trends yet"));
  }

  void going_back_without_history() {
    FakeSource source;
    Workspace workspace(&source);
    source.connect_with({FakeSource::trend(1, "t")});
    emit source.history_available({1, HistoryState::Kind::kAbsent, "no table", {}});
    emit source.ranking_available(FakeSource::ranking(1, 3, 0));
    QTest::qWait(1100);
    emit source.ranking_available(FakeSource::ranking(1, 6, 1));
    QCOMPARE(workspace.stops().size(), 1);
    workspace.show_stop(0);
    QVERIFY(!workspace.live());
    QCOMPARE(workspace.ranking().items.size(), 3);
    emit source.ranking_available(FakeSource::ranking(1, 8, 2));
    QCOMPARE(workspace.ranking().items.size(), 3);  // what happens live does not disturb
    workspace.show_live();
    QCOMPARE(workspace.ranking().items.size(), 8);
    QCOMPARE(workspace.series().value("0").size(), 2);
  }

  void going_back_with_history() {
    FakeSource source;
    Workspace workspace(&source);
    source.connect_with({FakeSource::trend(1, "t")});
    const WindowSpan first = FakeSource::ranking(1, 1, 1).window,
                     second = FakeSource::ranking(1, 1, 2).window;
    emit source.history_available({1, HistoryState::Kind::kPresent, {}, {first, second}});
    emit source.ranking_available(FakeSource::ranking(1, 6, 3));
    workspace.show_stop(1);
    QCOMPARE(source.windows, QList<WindowSpan>({second}));
    Ranking past = FakeSource::ranking(1, 4, 2);
    past.live = false;
    emit source.ranking_available(past);
    QCOMPARE(workspace.ranking().items.size(), 4);
    QCOMPARE(workspace.ranking().items[0].title(), past.items[0].title());
    past.items[0].label.clear();  // a label that was seen is remembered
    emit source.ranking_available(past);
    QVERIFY(workspace.ranking().items[0].label.startsWith("Post"));
    const qsizetype asked = source.histories.size();
    emit source.ranking_available(FakeSource::ranking(1, 6, 4));  // a window closed: history is read again
    QCOMPARE(source.histories.size(), asked + 1);
    workspace.show_live();
    QCOMPARE(workspace.ranking().items.size(), 6);
    // The current window is marked: its value may still grow.
    emit source.series_available(1, {{"0", {{second.end.toMSecsSinceEpoch(), 5, "5"}}}});
    const QList<SeriesPoint> points = workspace.series().value("0");
    QCOMPARE(points.size(), 2);
    QVERIFY(!points[0].unfinished && points[1].unfinished);
  }

  void paused_stays() {
    FakeSource source;
    Workspace workspace(&source);
    source.connect_with({FakeSource::trend(1, "t")});
    emit source.ranking_available(FakeSource::ranking(1, 10, 0));
    workspace.set_paused(true);
    QVERIFY(source.interest.paused);
    const QString before = workspace.ranking().items[0].value;
    emit source.ranking_available(FakeSource::ranking(1, 10, 1));  // was on its way
    QCOMPARE(workspace.ranking().items[0].value, before);
  }
};

}  // namespace trending

QTEST_GUILESS_MAIN(trending::ModelsTest)
#include "models_test.moc"
