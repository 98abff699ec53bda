// SPDX-License-Identifier: PostgreSQL
// The real source against a real server with a stand-in for the extension. The environment (with_server.sh)
// says where the server is, and how it is stopped and started.

#include <QProcess>
#include <QSignalSpy>
#include <QTest>

#include "source/pg_source.h"

namespace trending {

using Phase = ConnectionState::Phase;

// What a source has said so far.
class Listener : public QObject {
 public:
  explicit Listener(Source* source) {
    connect(source, &Source::connection_changed, this, [this](const ConnectionState& s) { state = s; });
    connect(source, &Source::trends_available, this, [this](const TrendList& t) { trends = t; });
    connect(source, &Source::status_available, this, [this](const StatusSample& s) { status = s; });
    connect(source, &Source::partitions_available, this,
            [this](TrendId, const QList<Partition>& p) { partitions = p; });
    connect(source, &Source::ranking_available, this, [this](const Ranking& r) {
      (r.live ? ranking : past) = r;
      ++rankings;
    });
    connect(source, &Source::history_available, this, [this](const HistoryState& h) { history = h; });
    connect(source, &Source::series_available, this, [this](TrendId, const SeriesByKey& s) { series = s; });
    connect(source, &Source::explanation_available, this,
            [this](TrendId, const Explanation& e) { explanation = e; });
    connect(source, &Source::failed, this, [this](const Failure& f) { failure = f; });
  }
  ConnectionState state;
  TrendList trends;
  StatusSample status;
  QList<Partition> partitions;
  Ranking ranking, past;
  HistoryState history;
  SeriesByKey series;
  Explanation explanation;
  Failure failure;
  int rankings = 0;
};

class SourceTest : public QObject {
  Q_OBJECT

  void sql(const QString& statement) {
    QCOMPARE(QProcess::execute("psql", {"-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement}), 0);
  }
  void control(const QString& what) {
    QProcess process;
    process.setStandardOutputFile(QProcess::nullDevice());
    process.start(qEnvironmentVariable("SERVER_CONTROL"), {what});
    QVERIFY(process.waitForFinished(30'000) && process.exitCode() == 0);
  }

  // Tries to connect; gives the state that comes of it.
  ConnectionState outcome(const QString& conninfo, const QString& password = {}) {
    PgSource source;
    Listener heard(&source);
    source.open({conninfo, password});
    const auto decided = [&] {
      return heard.state.phase == Phase::kConnected || heard.state.phase == Phase::kWaiting ||
             heard.state.phase == Phase::kPasswordNeeded;
    };
    if (!QTest::qWaitFor(decided, 10'000)) qWarning("undecided");
    return heard.state;
  }

 private slots:
  void reads_everything() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_COMPARE_WITH_TIMEOUT(heard.trends.size(), 6, 10'000);
    QCOMPARE(heard.state.phase, Phase::kConnected);
    QVERIFY(heard.state.server.extension_installed);
    const TrendInfo trend = heard.trends[0];
    QCOMPARE(trend.name, QString("top_posts"));
    source.set_interest({trend.id, {}, 10, 200, false, true});
    QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.items.size(), 10, 5000);
    const RankedItem first = heard.ranking.items[0];
    QCOMPARE(first.value, QString("9007199254740992"));
    QCOMPARE(first.label, QString("Post 1"));
    QCOMPARE(first.previous_rank.value_or(0), 2);
    QCOMPARE(heard.ranking.window.end, QDateTime(QDate(2026, 1, 1), QTime(12, 5), Qt::UTC));
    QTRY_COMPARE_WITH_TIMEOUT(heard.status.trends.value(trend.id).events, 1000, 5000);

    source.request_history(trend.id);
    QTRY_COMPARE_WITH_TIMEOUT(heard.history.windows.size(), 30, 5000);
    source.request_window(trend.id, heard.history.windows[4], 5);
    QTRY_COMPARE_WITH_TIMEOUT(heard.past.items.size(), 5, 5000);
    QCOMPARE(heard.past.items[0].value, QString("5060"));
    QCOMPARE(heard.past.items[0].label, QString("Post 60"));
    QCOMPARE(heard.past.items[0].previous_rank.value_or(0), 3);
    source.request_series(trend.id, {"60", "1"});
    QTRY_COMPARE_WITH_TIMEOUT(heard.series.value("60").size(), 30, 5000);
    source.request_explanation(trend.id);
    QTRY_COMPARE_WITH_TIMEOUT(heard.explanation.size(), 2, 5000);
    QCOMPARE(heard.explanation[1].second, QString("40 kB"));

    // Another trend with a name that needs quoting, without rows and without history.
    const TrendId odd = heard.trends[1].id;
    source.set_interest({odd, {}, 10, 200, false, false});
    QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.trend, odd, 5000);
    QVERIFY(heard.ranking.items.empty());
    source.request_history(odd);
    QTRY_COMPARE_WITH_TIMEOUT(heard.history.kind, HistoryState::Kind::kAbsent, 5000);
    QVERIFY(heard.history.reason.contains("history_limit"));
  }

  void ranks_within_partitions() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(heard.trends.size() > 2, 10'000);
    const TrendInfo trend = heard.trends[2];
    QCOMPARE(trend.partition_by, QStringList({"Re\"gion"}));
    source.set_interest({trend.id, {}, 10, 100, false, false});
    const QList<Partition> all{{QString("")}, {QString("eu")}, {QString("us")}, {std::nullopt}};
    QTRY_VERIFY_WITH_TIMEOUT(heard.partitions == all, 5000);
    QCOMPARE(heard.rankings, 0);  // not before one is chosen
    for (const Partition& partition : all) {
      source.set_interest({trend.id, partition, 10, 100, false, false});
      QTRY_VERIFY_WITH_TIMEOUT(heard.ranking.partition == partition, 5000);
      QCOMPARE(heard.ranking.items.size(), 3);
      QCOMPARE(heard.ranking.items[0].rank, 1);
      QCOMPARE(heard.ranking.items[0].title(), QString("1"));
      QCOMPARE(heard.ranking.items[0].previous_rank.value_or(0), 4);
      QCOMPARE(heard.ranking.items[0].key, partition[0].value_or("NULL") + ", 1");
    }
    source.request_history(trend.id);
    QTRY_COMPARE_WITH_TIMEOUT(heard.history.windows.size(), 1, 5000);
    source.request_window(trend.id, heard.history.windows[0], 5);
    QTRY_COMPARE_WITH_TIMEOUT(heard.past.items.size(), 3, 5000);
    QVERIFY(heard.past.partition == all.last());
    QCOMPARE(heard.past.items[0].key, QString("NULL, 1"));
  }

  void trends_of_every_kind() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(heard.trends.size() == 6, 10'000);
    const auto look_at = [&](int trend) {
      source.set_interest({heard.trends[trend].id, {}, 10, 100, false, false});
      QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.trend, heard.trends[trend].id, 5000);
      source.request_history(heard.trends[trend].id);
      QTRY_COMPARE_WITH_TIMEOUT(heard.history.trend, heard.trends[trend].id, 5000);
    };
    look_at(3);  // no window, decimals of any size, floats, NULL
    QVERIFY(!heard.ranking.window.valid());
    QVERIFY(heard.ranking.items[0].value.isNull());
    QCOMPARE(heard.ranking.items[1].value,
             QString("99999999999999999999999999.00000000000000000000000000000000000001"));
    QCOMPARE(heard.ranking.items[2].cells[2], QString("Infinity"));
    QVERIFY(heard.history.reason.contains("window"));
    look_at(4);  // ranked by a time
    QCOMPARE(heard.ranking.value_kind, ValueKind::kTime);
    QCOMPARE(heard.ranking.items[0].magnitude, 1'767'268'803'250.0);
    look_at(5);  // sessions: a window for every row, and several rows of one key
    QVERIFY(!heard.ranking.window.valid());
    QCOMPARE(heard.ranking.items.size(), 3);
    QCOMPARE(heard.ranking.items[0].title(), QString("ann"));
    QCOMPARE(heard.ranking.items[1].title(), QString("ann"));
    QVERIFY(heard.ranking.items[0].key != heard.ranking.items[1].key);
    QVERIFY(heard.history.reason.contains("Sessions"));
  }

  void idle_costs_nothing_and_changes_show_at_once() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(!heard.trends.empty(), 10'000);
    source.set_interest({heard.trends[0].id, {}, 10, 100, false, false});
    QTRY_VERIFY_WITH_TIMEOUT(heard.rankings > 0, 5000);
    QTest::qWait(700);
    const int before = heard.rankings;
    QTest::qWait(1500);
    QCOMPARE(heard.rankings, before);
    sql("UPDATE top_posts SET views = 7 WHERE rank = 1; UPDATE trending.version SET version = version + 1");
    QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.items.value(0).value, QString("7"), 1000);
    sql("UPDATE top_posts SET views = 9007199254740992 WHERE rank = 1; UPDATE trending.version SET version = "
        "version + 1");
  }

  void failures_are_told_and_pass() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(!heard.trends.empty(), 10'000);
    sql("ALTER TABLE top_posts RENAME TO away");
    source.set_interest({heard.trends[0].id, {}, 10, 100, false, false});
    QTRY_VERIFY_WITH_TIMEOUT(!heard.failure.message.isEmpty(), 8000);
    QCOMPARE(heard.state.phase, Phase::kConnected);
    sql("ALTER TABLE away RENAME TO top_posts");
    QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.items.size(), 10, 10'000);
  }

  void a_server_that_hangs_is_reported() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(!heard.trends.empty(), 10'000);
    QProcess lock;
    lock.start("psql", {"-X", "-q", "-c", "BEGIN; LOCK top_posts; SELECT pg_sleep(9); COMMIT"});
    QVERIFY(lock.waitForStarted());
    QTest::qWait(500);
    source.set_interest({heard.trends[0].id, {}, 10, 100, false, false});
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kUnresponsive, 8000);
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kConnected, 12'000);
    QTRY_COMPARE_WITH_TIMEOUT(heard.ranking.items.size(), 10, 5000);
    QVERIFY(lock.state() == QProcess::NotRunning || lock.waitForFinished());
  }

  void stopped_and_started_server() {
    PgSource source;
    Listener heard(&source);
    source.open({});
    QTRY_VERIFY_WITH_TIMEOUT(!heard.trends.empty(), 10'000);
    source.set_interest({heard.trends[0].id, {}, 10, 100, false, false});
    QTRY_VERIFY_WITH_TIMEOUT(heard.rankings > 0, 5000);
    control("stop");
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kWaiting, 5000);
    QVERIFY(!heard.state.message.isEmpty());
    QTRY_VERIFY_WITH_TIMEOUT(heard.state.attempt >= 2, 10'000);
    const int before = heard.rankings;
    control("start");
    source.retry_now();
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kConnected, 35'000);
    QTRY_VERIFY_WITH_TIMEOUT(heard.rankings > before, 5000);
  }

  void tls() {
    const QString folder = qEnvironmentVariable("SERVER_CERTIFICATES");
    const QString verified = QString("host=localhost sslmode=verify-full sslrootcert=%1/%2.crt").arg(folder);
    ConnectionState state = outcome(verified.arg("server"));
    QCOMPARE(state.phase, Phase::kConnected);
    QVERIFY(state.server.tls);
    QCOMPARE(state.server.host, QString("localhost"));
    state = outcome(verified.arg("other"));
    QCOMPARE(state.phase, Phase::kWaiting);
    QVERIFY2(state.message.contains("certificate verify failed"), qPrintable(state.message));
    state = outcome(verified.arg("missing"));
    QVERIFY2(state.message.contains("root certificate file"), qPrintable(state.message));
    state = outcome(verified.arg("server").replace("host=localhost", "host=127.0.0.1"));
    QVERIFY2(state.message.contains("does not match host name"), qPrintable(state.message));
    state = outcome("host=localhost sslmode=disable");
    QCOMPARE(state.phase, Phase::kConnected);
    QVERIFY(!state.server.tls);
  }

  void services_passwords_environment() {
    ConnectionState state = outcome("service=viewer-test");
    QCOMPARE(state.phase, Phase::kConnected);
    QVERIFY(state.server.tls);
    state = outcome("service=nowhere");
    QVERIFY2(state.message.contains("nowhere"), qPrintable(state.message));

    sql("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'");
    const QString guarded = "host=localhost user=guarded";
    state = outcome(guarded);  // from the password file
    QVERIFY2(state.phase == Phase::kConnected, qPrintable(state.message));
    QCOMPARE(state.server.user, QString("guarded"));
    QCOMPARE(outcome(guarded, "wrong").phase, Phase::kPasswordNeeded);
    qputenv("PGPASSFILE", "/nonexistent");
    QCOMPARE(outcome(guarded).phase, Phase::kPasswordNeeded);
    QCOMPARE(outcome(guarded, "open sesame").phase, Phase::kConnected);
    qputenv("PGUSER", "guarded");
    qputenv("PGPASSWORD", "open sesame");
    state = outcome("host=localhost");
    QCOMPARE(state.phase, Phase::kConnected);
    QCOMPARE(state.server.user, QString("guarded"));
    qputenv("PGUSER", "postgres");
    qunsetenv("PGPASSWORD");
  }

  void nobody_there() {
    PgSource source;
    Listener heard(&source);
    source.open({"host=127.0.0.1 port=1 dbname=x", {}});
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kWaiting, 5000);
    QVERIFY(heard.state.wait_ms > 0);
  }

  void missing_extension_is_noticed_and_its_coming_too() {
    sql("CREATE DATABASE bare");
    PgSource source;
    Listener heard(&source);
    source.open({"dbname=bare", {}});
    QTRY_COMPARE_WITH_TIMEOUT(heard.state.phase, Phase::kConnected, 10'000);
    QVERIFY(!heard.state.server.extension_installed);
    QCOMPARE(QProcess::execute("psql", {"-X", "-q", "-d", "bare", "-f", qEnvironmentVariable("STAND_IN")}),
             0);
    QTRY_COMPARE_WITH_TIMEOUT(heard.trends.size(), 6, 10'000);
    QCOMPARE(QProcess::execute("psql", {"-X", "-q", "-d", "bare", "-c",
                                        "SET client_min_messages = error; DROP SCHEMA trending CASCADE"}),
             0);
    QTRY_VERIFY_WITH_TIMEOUT(!heard.state.server.extension_installed, 10'000);
  }

  void quits_at_once_in_every_state() {
    for (const char* conninfo : {"", "host=127.0.0.1 port=1", "host=192.0.2.1 dbname=x"}) {
      QElapsedTimer timer;
      timer.start();
      {
        PgSource source;
        source.open({QString::fromLatin1(conninfo), {}});
        QTest::qWait(300);
      }
      QVERIFY2(timer.elapsed() < 2000, conninfo);
    }
  }
};

}  // namespace trending

QTEST_GUILESS_MAIN(trending::SourceTest)
#include "source_test.moc"
