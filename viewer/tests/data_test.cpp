// SPDX-License-Identifier: PostgreSQL
#include <QFile>
#include <QRegularExpression>
#include <QTest>
#include <QXmlStreamReader>
#include <cmath>

#include "data/csv.h"
#include "data/definition_shape.h"
#include "data/problem.h"
#include "data/text.h"
#include "data/timeline.h"
#include "fake_source.h"
#include "models/ranking_model.h"
#include "source/backoff.h"
#include "source/conninfo.h"
#include "source/queries.h"

namespace trending {

class DataTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    for (const char* name : {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"}) qunsetenv(name);
  }
  void init() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }

  void grouping_keeps_every_digit() {
    QCOMPARE(text::grouped("0"), QString("0"));
    QCOMPARE(text::grouped("999"), QString("999"));
    QCOMPARE(text::grouped("-1000"), QString("-1,000"));
    QCOMPARE(text::grouped("9007199254740993"), QString("9,007,199,254,740,993"));
    QCOMPARE(text::grouped("123456789012345678901234567890.50"),
             QString("123,456,789,012,345,678,901,234,567,890.50"));
    QCOMPARE(text::grouped("NaN"), QString("NaN"));
    QCOMPARE(text::grouped(""), QString());
  }

  void durations() {
    QCOMPARE(text::duration(0), QString("0 ms"));
    QCOMPARE(text::duration(1500), QString("1.5 s"));
    QCOMPARE(text::duration(61'000), QString("1 min 1 s"));
    QCOMPARE(text::duration(3'600'000), QString("1 h"));
    QCOMPARE(text::duration(90'000'000), QString("1 d 1 h"));
    QCOMPARE(text::interval("00:05:00"), QString("5 min"));
    QCOMPARE(text::interval("00:00:00.25"), QString("250 ms"));
    QCOMPARE(text::interval("1 day"), QString("1 day"));
    QCOMPARE(text::interval("1 day 02:00:00"), QString("1 day 2 h"));
    QCOMPARE(text::interval("1 year 2 mons 3 days"), QString("1 year 2 months 3 days"));
    QCOMPARE(text::interval("whatever"), QString("whatever"));
  }

  void decimals_are_compared_exactly() {
    QCOMPARE(compare_decimals("9007199254740992", "9007199254740993"), -1);
    QCOMPARE(compare_decimals("10", "9"), 1);
    QCOMPARE(compare_decimals("-10", "-9"), -1);
    QCOMPARE(compare_decimals("-1", "1"), -1);
    QCOMPARE(compare_decimals("1.5", "1.25"), 1);
    QCOMPARE(compare_decimals("007", "7"), 0);
  }

  void shape_of_a_definition() {
    const DefinitionShape shape = FakeSource::trend(1, "t").shape;
    QVERIFY(shape.valid());
    QCOMPARE(shape.window_start, 0);
    QCOMPARE(shape.window_end, 1);
    QCOMPARE(shape.keys, QList<int>({2}));
    QCOMPARE(shape.value, 3);
    QVERIFY(shape.descending);
    QCOMPARE(shape.window_function, QString("hop"));
    QCOMPARE(shape.window_in_words(), QString("5 min, every 10 s"));
  }

  void shape_of_a_harder_definition() {
    const DefinitionShape shape = read_shape(
        "SELECT lower(e.\"City, of\") AS city,\n    e.tag,\n    sum(e.amount) FILTER (WHERE e.kind <> ', "
        "FROM x'::text) "
        "AS total,\n    tumble.window_start,\n    tumble.window_end\n   FROM app.events e,\n    LATERAL "
        "trending.tumble(e.at, '01:00:00'::interval) tumble(window_start, window_end)\n  WHERE e.ok\n  GROUP "
        "BY "
        "(lower(e.\"City, of\")), e.tag, tumble.window_start, tumble.window_end\n HAVING (count(*) > 3)\n  "
        "ORDER BY "
        "(sum(e.amount) FILTER (WHERE e.kind <> ', FROM x'::text)) DESC, e.tag");
    QVERIFY(shape.valid());
    QCOMPARE(shape.keys, QList<int>({0, 1}));
    QCOMPARE(shape.value, 2);
    QCOMPARE(shape.window_start, 3);
    QCOMPARE(shape.window_end, 4);
    QCOMPARE(shape.window_in_words(), QString("every 1 h"));
  }

  void shape_without_a_window() {
    const DefinitionShape shape = read_shape(
        "SELECT post_id, sum(amount) AS total FROM public.e GROUP BY post_id ORDER BY (sum(amount)) DESC "
        "NULLS LAST");
    QVERIFY(shape.valid() && shape.descending && !shape.sessions() && !shape.decays());
    QCOMPARE(shape.window_start, -1);
    QCOMPARE(shape.keys, QList<int>({0}));
    QCOMPARE(shape.value, 1);
    QCOMPARE(shape.window_in_words(), QString("all rows"));
  }

  void shape_of_a_decayed_count() {
    const DefinitionShape shape = read_shape(
        "SELECT e.tag, trending.decayed_count(e.at, '01:00:00'::interval) AS heat FROM e GROUP BY e.tag "
        "ORDER BY "
        "(trending.decayed_count(e.at, '01:00:00'::interval)) DESC");
    QVERIFY(shape.valid() && shape.decays());
    QCOMPARE(shape.value, 1);
    QCOMPARE(shape.window_in_words(), QString("half-life 1 h"));
    QVERIFY(!read_shape("SELECT trending.decayed_count( AS x").decays());
  }

  void shape_of_sessions() {
    const DefinitionShape shape = read_shape(
        "SELECT s.window_start, s.window_end, e.who, max(e.at) AS last FROM e, LATERAL "
        "trending.session(e.at, "
        "'00:10:00'::interval) s(window_start, window_end) GROUP BY s.window_start, s.window_end, e.who "
        "ORDER BY (max(e.at)) DESC");
    QVERIFY(shape.valid() && shape.sessions());
    QCOMPARE(shape.keys, QList<int>({2}));
    QCOMPARE(shape.window_in_words(), QString("sessions with a gap of 10 min"));
  }

  void magnitudes_are_finite() {
    QCOMPARE(magnitude_of("12.5", ValueKind::kNumber), 12.5);
    QCOMPARE(magnitude_of("NaN", ValueKind::kNumber), 0.0);
    QCOMPARE(magnitude_of({}, ValueKind::kNumber), 0.0);
    QVERIFY(magnitude_of("Infinity", ValueKind::kNumber) > 1e299);
    QVERIFY(magnitude_of("-Infinity", ValueKind::kNumber) < -1e299);
    QVERIFY(std::isfinite(magnitude_of(QString(400, '9'), ValueKind::kNumber)));
    QCOMPARE(magnitude_of("2026-01-01 12:00:00.5+00", ValueKind::kTime), 1'767'268'800'500.0);
    QCOMPARE(magnitude_of("infinity", ValueKind::kTime), 0.0);
    QCOMPARE(magnitude_of("text", ValueKind::kOther), 0.0);
  }

  void messages_become_sentences() {
    QCOMPARE(text::sentence("the worker ended with an error"), QString("The worker ended with an error."));
    QCOMPARE(text::sentence("Drop it."), QString("Drop it."));
    QCOMPARE(text::sentence("post_id is gone"), QString("post_id is gone."));
    QCOMPARE(text::sentence(""), QString());
  }

  void axis_marks() {
    QCOMPARE(text::axis_mark(0, 0.25), QString("0"));
    QCOMPARE(text::axis_mark(0.25, 0.05), QString("0.25"));
    QCOMPARE(text::axis_mark(0.2, 0.2), QString("0.2"));
    QCOMPARE(text::axis_mark(3e-9, 1e-9), QString("3E-09"));
    QCOMPARE(text::axis_mark(2000, 500), text::abbreviated(2000));
    QCOMPARE(text::abbreviated(2e30), QString("2E+30"));
    QCOMPARE(text::value({}), QString("NULL"));
    QCOMPARE(text::value("1234.5"), QString("1,234.5"));
  }

  void no_shape_of_nonsense() {
    for (const char* sql :
         {"", "SELECT", "SELECT (((", "'unterminated", "ORDER BY x", "SELECT a FROM b ORDER BY c"}) {
      QVERIFY(!read_shape(QString::fromLatin1(sql)).valid());
    }
  }

  void timestamps() {
    QCOMPARE(text::parse_timestamp("2026-01-01 12:00:00.5+00").toMSecsSinceEpoch(), 1'767'268'800'500);
    QCOMPARE(text::parse_timestamp("2026-01-01 13:30:00+01:30").toMSecsSinceEpoch(), 1'767'268'800'000);
    QCOMPARE(text::parse_timestamp("2026-01-01 04:00:00-08").toMSecsSinceEpoch(), 1'767'268'800'000);
    QCOMPARE(text::parse_timestamp("2026-01-01 12:00:00.123456").toMSecsSinceEpoch(), 1'767'268'800'123);
    QVERIFY(!text::parse_timestamp("infinity").isValid());
    QVERIFY(!text::parse_timestamp({}).isValid());
  }

  void csv() {
    QCOMPARE(to_csv({"a", "b"}, {{"x,y", "say \"hi\""}, {QString(), ""}, {"two\nlines", "ü"}}),
             QString("a,b\r\n\"x,y\",\"say \"\"hi\"\"\"\r\n,\"\"\r\n\"two\nlines\",ü\r\n"));
    QCOMPARE(to_tab_separated({"a"}, {{"x\ty"}}), QString("a\nx y\n"));
  }

  void sql_quoting() {
    QCOMPARE(queries::quote_identifier("a\"b"), QByteArray("\"a\"\"b\""));
    QCOMPARE(queries::text_array(QStringList{"a\"b", "c\\d", "", "e,f"}),
             QByteArray("{\"a\\\"b\",\"c\\\\d\",\"\",\"e,f\"}"));
    QCOMPARE(queries::text_array(Partition{std::nullopt, QString("NULL")}), QByteArray("{NULL,\"NULL\"}"));
  }

  void history_of_a_definition_without_bounds() {
    TrendInfo trend = FakeSource::trend(1, "Odd \"one\"");
    trend.history = "public.\"Odd \"\"one\"\"_history\"";
    trend.shape = read_shape(
        "SELECT e.tag, count(*) AS n FROM e, trending.tumble(e.at, '1 day'::interval) tumble GROUP BY "
        "tumble.window_start, tumble.window_end, e.tag ORDER BY (count(*)) DESC");
    QVERIFY(trend.shape.valid());
    const queries::HistoryColumns columns{
        {"window_start", "window_end", "tag", "n", "rank", "final"},
        {"timestamptz", "timestamptz", "text", "bigint", "bigint", "boolean"}};
    QCOMPARE(columns.shift(trend), 2);
    const QByteArray sql = queries::history_series(trend, columns);
    QVERIFY2(sql.contains("\"tag\" = ANY") && sql.contains("::text[]") && sql.contains("\"n\" FROM"), sql);
    QVERIFY(sql.contains("\"Odd \"\"one\"\"_history\""));
    QVERIFY(
        queries::history_windows(trend, columns).contains("(\"window_end\", \"window_start\") < (w.e, w.s)"));
  }

  void connection_strings() {
    const QString stored = conninfo::without_password("postgresql://me:secret@db1:5433/app?sslmode=require");
    QVERIFY(!stored.contains("secret"));
    QCOMPARE(conninfo::value(stored, "host"), QString("db1"));
    QCOMPARE(conninfo::value(stored, "sslmode"), QString("require"));
    QCOMPARE(conninfo::value(conninfo::without_password("dbname='it''s' password=x"), "password"), QString());
    QCOMPARE(conninfo::in_words("host=db1 dbname=app"), QString("app on db1"));
    QCOMPARE(conninfo::value("blog", "dbname"), QString("blog"));
    QVERIFY(!conninfo::error_in("nonsense=1").isEmpty());
    QVERIFY(conninfo::error_in("").isEmpty());
    QCOMPARE(conninfo::value(conninfo::parameter("user", "o'brien \\ co"), "user"), QString("o'brien \\ co"));
  }

  // What is put into a text must have the same places in its translation.
  void translations_keep_their_places() {
    QFile file(QStringLiteral(TRANSLATIONS "/trending-viewer_de.ts"));
    QVERIFY(file.open(QIODevice::ReadOnly));
    QXmlStreamReader xml(&file);
    static const QRegularExpression kPlace("%[0-9n]");
    const auto places = [](const QString& text) {
      QStringList found;
      for (auto match = kPlace.globalMatch(text); match.hasNext();) found.append(match.next().captured());
      found.sort();
      return found;
    };
    QString source;
    int count = 0;
    while (!xml.atEnd()) {
      if (xml.readNext() != QXmlStreamReader::StartElement) continue;
      if (xml.name() == QLatin1String("source")) source = xml.readElementText();
      if (xml.name() != QLatin1String("translation")) continue;
      const QString translation = xml.readElementText();
      QVERIFY2(!translation.isEmpty(), qPrintable(source));
      QVERIFY2(places(source) == places(translation), qPrintable(source));
      QVERIFY2(source.endsWith(u' ') == translation.endsWith(u' '), qPrintable(source));
      ++count;
    }
    QVERIFY2(!xml.hasError(), qPrintable(xml.errorString()));
    QVERIFY(count > 300);
  }

  void backoff_doubles_up_to_a_bound() {
    Backoff backoff;
    QCOMPARE(backoff.next_ms(), 500);
    QCOMPARE(backoff.next_ms(), 1000);
    for (int i = 0; i < 50; ++i) QVERIFY(backoff.next_ms() <= Backoff::kLongestMs);
    backoff.reset();
    QCOMPARE(backoff.next_ms(), 500);
  }

  void rates() {
    const TrendList trends{FakeSource::trend(1, "a"), FakeSource::trend(2, "b")};
    StatusSample first = FakeSource::status(trends, 1000), second = FakeSource::status(trends, 3000);
    second.taken_at = first.taken_at.addMSecs(2000);
    derive_rates(second, first);
    QCOMPARE(second.trends[1].events_per_second, 1000.0);
    QCOMPARE(second.events_per_second, 2000.0);
    StatusSample restarted = FakeSource::status(trends, 10);
    restarted.taken_at = second.taken_at.addMSecs(1000);
    derive_rates(restarted, second);
    QCOMPARE(restarted.trends[1].events_per_second, -1.0);
  }

  void a_worker_that_does_not_get_on() {
    const TrendInfo trend = FakeSource::trend(1, "a");
    StatusSample sample = FakeSource::status({trend}, 1000);
    sample.worker.applied_position = 7;
    sample.worker.lag_bytes = 4096;
    Situation situation;
    situation.connection.phase = ConnectionState::Phase::kConnected;
    situation.connection.server.extension_installed = true;
    situation.trend = &trend;
    for (int seconds = 0; seconds <= 12; seconds += 4) {
      StatusSample next = sample;
      next.taken_at = sample.taken_at.addSecs(4);
      derive_rates(next, sample);
      sample = next;
      situation.status = sample;
      QCOMPARE(diagnose(situation).empty(), seconds < 8);
    }
    QVERIFY(diagnose(situation).first().explanation.contains("4.0"));
    StatusSample next = sample;
    next.taken_at = sample.taken_at.addSecs(4);
    next.worker.applied_position = 8;
    derive_rates(next, sample);
    QCOMPARE(next.worker.stalled_ms, 0);
  }

  void what_was_seen_is_bounded() {
    SeenRankings seen;
    for (int second = 0; second < 2000; ++second) {
      seen.add(FakeSource::ranking(1, 3, second), QDateTime::fromSecsSinceEpoch(second));
      seen.add(FakeSource::ranking(1, 3, second), QDateTime::fromMSecsSinceEpoch(second * 1000 + 400));
    }
    QCOMPARE(seen.moments().size(), SeenRankings::kCapacity);
    QCOMPARE(seen.moments().last().toSecsSinceEpoch(), 1999);
    QCOMPARE(seen.series({"0"}, QDateTime::fromSecsSinceEpoch(1989)).value("0").size(), 10);
    seen.add(FakeSource::ranking(2, 3), QDateTime::fromSecsSinceEpoch(3000));
    QCOMPARE(seen.moments().size(), 1);
  }

  void problems_say_what_to_do() {
    Situation situation;
    QCOMPARE(diagnose(situation).first().title, QString("Not connected"));
    situation.connection.phase = ConnectionState::Phase::kWaiting;
    situation.connection.message = "connection refused";
    QVERIFY(diagnose(situation).first().explanation.contains("refused"));
    situation.connection.message =
        "connection to \"::1\" failed\n\tIs it running?\nconnection to \"127.0.0.1\" failed\n";
    QCOMPARE(diagnose(situation).first().explanation,
             QString("Connection to \"::1\" failed\nIs it running?\nconnection to \"127.0.0.1\" failed."));
    situation.connection.phase = ConnectionState::Phase::kConnected;
    QVERIFY(diagnose(situation).first().title.contains("not on this server"));
    situation.connection.server.extension_available = true;
    QCOMPARE(diagnose(situation).first().sql, QString("CREATE EXTENSION trending;"));
    situation.connection.server.extension_installed = true;
    situation.trends_known = true;
    QCOMPARE(diagnose(situation).first().title, QString("No trends yet"));

    const TrendInfo trend = FakeSource::trend(7, "top");
    situation.trend = &trend;
    situation.trend_count = 1;
    situation.status = FakeSource::status({trend}, 5);
    QVERIFY(diagnose(situation).empty());
    situation.status.trends[7].refused = 3;
    QCOMPARE(diagnose(situation).first().severity, Problem::Severity::kWarning);
    situation.status.trends[7].state = "stopped";
    situation.status.trends[7].reason = "column post_id is gone";
    QCOMPARE(diagnose(situation).first().explanation, QString("Column post_id is gone."));
    situation.status.worker.state = "down";
    situation.connection.server.wal_level = "replica";
    QVERIFY(diagnose(situation).first().title.contains("wal_level"));
    situation.connection.server.version = "19rc1";  // replica is enough
    QVERIFY(!diagnose(situation).first().title.contains("wal_level"));
    situation.connection.server.wal_level = "logical";
    situation.connection.server.preloaded = "auto_explain";
    QVERIFY(diagnose(situation).first().sql.contains("auto_explain, trending"));
    situation.status.worker.slot_wal_status = "lost";
    QVERIFY(diagnose(situation).first().title.contains("slot"));
    situation.status = FakeSource::status({trend}, 5);
    situation.failure = Failure{Failure::Subject::kRanking, 7, "42501", "permission denied", {}, {}};
    QVERIFY(diagnose(situation).first().sql.startsWith("GRANT SELECT"));
  }
};

}  // namespace trending

QTEST_GUILESS_MAIN(trending::DataTest)
#include "data_test.moc"
