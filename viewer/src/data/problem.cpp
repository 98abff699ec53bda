// SPDX-License-Identifier: PostgreSQL
#include "data/problem.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include "data/text.h"

namespace trending {

namespace {

// The context of this file's words for translators.
class ProblemWords {
  Q_DECLARE_TR_FUNCTIONS(ProblemWords)
};

using Severity = Problem::Severity;

constexpr qint64 kStalledMs = 10'000;

// What libpq says of each address that it tried stands on a line of its own.
QString lines_of(const QString& message) {
  QStringList lines;
  for (const QString& line : message.split(u'\n', Qt::SkipEmptyParts)) {
    if (!line.trimmed().isEmpty()) lines.append(line.simplified());
  }
  return lines.join(u'\n');
}

Problem no_connection(const ConnectionState& connection) {
  const QString where = connection.target.isEmpty() ? ProblemWords::tr("the server") : connection.target;
  switch (connection.phase) {
    case ConnectionState::Phase::kPasswordNeeded:
      return {
          Severity::kError,
          ProblemWords::tr("A password is needed"),
          ProblemWords::tr("%1 asks for a password.").arg(where),
          ProblemWords::tr(
              "Open “Connect…” and type it, or put it into ~/.pgpass so that it need not be typed again."),
          {}};
    case ConnectionState::Phase::kUnresponsive:
      return {
          Severity::kWarning,
          ProblemWords::tr("The server does not answer"),
          ProblemWords::tr("There has been no answer from %1 for %2. What is shown may be old.")
              .arg(where, text::duration(connection.wait_ms)),
          ProblemWords::tr("If this lasts, the viewer connects again. Look at the server's load and at the "
                           "network between."),
          {}};
    case ConnectionState::Phase::kConnecting:
      if (connection.message.isEmpty()) {
        return {Severity::kNotice,
                ProblemWords::tr("Connecting…"),
                ProblemWords::tr("Waiting for %1.").arg(where),
                {},
                {}};
      }
      break;
    case ConnectionState::Phase::kIdle:
      return {Severity::kNotice,
              ProblemWords::tr("Not connected"),
              ProblemWords::tr("No server has been chosen yet."),
              ProblemWords::tr("Open “Connect…” and name one."),
              {}};
    default:
      break;
  }
  return {Severity::kError,
          ProblemWords::tr("No connection to %1").arg(where),
          text::sentence(lines_of(connection.message)),
          ProblemWords::tr("Check that the server runs, that host, port and database are "
                           "right and "
                           "that pg_hba.conf lets you in."),
          {}};
}

Problem no_extension(const ServerInfo& server) {
  if (server.in_recovery) {
    return {Severity::kError, ProblemWords::tr("The extension is not in database “%1”").arg(server.database),
            ProblemWords::tr("This server is a standby: what its primary does not have, it cannot have."),
            ProblemWords::tr("Create the extension on the primary."),
            QStringLiteral("CREATE EXTENSION trending;")};
  }
  if (!server.extension_available) {
    return {Severity::kError, ProblemWords::tr("The extension is not on this server"),
            ProblemWords::tr("The files of trending are not installed at %1.").arg(server.host),
            ProblemWords::tr(
                "Install them there, add trending to shared_preload_libraries, restart the server, then "
                "create the "
                "extension in the database."),
            QStringLiteral("CREATE EXTENSION trending;")};
  }
  return {Severity::kError, ProblemWords::tr("The extension is not in database “%1”").arg(server.database),
          ProblemWords::tr("The server has it, this database does not."),
          ProblemWords::tr("Create it, as a superuser. This window notices by itself."),
          QStringLiteral("CREATE EXTENSION trending;")};
}

// From 19 on the server writes more as soon as there is a logical slot.
bool can_decode(const ServerInfo& server) {
  if (server.wal_level.isEmpty() || server.wal_level == QLatin1String("logical")) return true;
  static const QRegularExpression kMajor(QStringLiteral("^\\d+"));
  return server.wal_level == QLatin1String("replica") &&
         kMajor.match(server.version).captured().toInt() >= 19;
}

// The server's settings without which no worker can run.
std::optional<Problem> wrong_settings(const ServerInfo& server) {
  if (!can_decode(server)) {
    return Problem{Severity::kError, ProblemWords::tr("wal_level is “%1”").arg(server.wal_level),
                   ProblemWords::tr("Changes can only be followed with wal_level = logical."),
                   ProblemWords::tr("Set it and restart the server."),
                   QStringLiteral("ALTER SYSTEM SET wal_level = 'logical';")};
  }
  if (!server.preloaded.isNull() && !server.preloaded.contains(QLatin1String("trending"))) {
    const QString others = server.preloaded.isEmpty() ? QString() : server.preloaded + QStringLiteral(", ");
    return Problem{Severity::kError, ProblemWords::tr("trending is not preloaded"),
                   ProblemWords::tr("No worker runs unless shared_preload_libraries names trending."),
                   ProblemWords::tr("Add it and restart the server."),
                   QStringLiteral("ALTER SYSTEM SET shared_preload_libraries = %1trending;").arg(others)};
  }
  return std::nullopt;
}

std::optional<Problem> worker_problem(const Situation& situation) {
  const WorkerStatus& worker = situation.status.worker;
  if (!worker.known) return std::nullopt;
  if (worker.slot_wal_status == QLatin1String("lost")) {
    return Problem{
        Severity::kError,
        ProblemWords::tr("The replication slot is lost"),
        ProblemWords::tr("The server removed WAL that slot “%1” still needed, so changes are missing.")
            .arg(worker.slot),
        ProblemWords::tr("The worker makes a new slot and counts the sources again by itself. Raise "
                         "max_slot_wal_keep_size if this comes back."),
        {}};
  }
  if (worker.state == QLatin1String("running") && worker.stalled_ms > kStalledMs) {
    return Problem{
        Severity::kWarning,
        ProblemWords::tr("The worker does not get on"),
        ProblemWords::tr("%1 of WAL wait, and nothing has been counted for %2. What is shown is as old.")
            .arg(text::bytes(worker.lag_bytes), text::duration(worker.stalled_ms / 1000 * 1000)),
        ProblemWords::tr("A large transaction is counted when it is committed. If there is none, look at "
                         "process %1: it may be stopped or waiting.")
            .arg(worker.pid),
        {}};
  }
  if (worker.state == QLatin1String("running")) return std::nullopt;
  if (worker.state == QLatin1String("starting") || worker.state == QLatin1String("recovering")) {
    return Problem{
        Severity::kNotice,
        ProblemWords::tr("The worker is %1").arg(state_in_words(worker.state)),
        worker.message.isEmpty() ? ProblemWords::tr("It loads its checkpoint and catches up with the WAL.")
                                 : text::sentence(worker.message),
        worker.hint.isEmpty() ? ProblemWords::tr("Nothing to do: the list comes back when it is done.")
                              : text::sentence(worker.hint),
        {}};
  }
  if (auto settings = wrong_settings(situation.connection.server)) return settings;
  return Problem{
      Severity::kError,
      ProblemWords::tr("The worker is not running"),
      worker.message.isEmpty()
          ? ProblemWords::tr("Nothing follows the changes of this database: what is shown is old.")
          : text::sentence(worker.message),
      worker.hint.isEmpty()
          ? ProblemWords::tr("It starts again by itself within seconds. If it does not, the server's "
                             "log says why.")
          : text::sentence(worker.hint),
      {}};
}

std::optional<Problem> trend_problem(const Situation& situation) {
  const TrendInfo& trend = *situation.trend;
  const auto found = situation.status.trends.constFind(trend.id);
  if (found != situation.status.trends.constEnd()) {
    if (found->state == QLatin1String("stopped")) {
      return Problem{
          Severity::kError, ProblemWords::tr("%1 has stopped").arg(trend.name), text::sentence(found->reason),
          ProblemWords::tr("Other trends go on. Mend the cause, or drop the trend and create it again."),
          QStringLiteral("SELECT trending.drop_trend('%1');").arg(QString(trend.name).replace(u'\'', "''"))};
    }
    if (found->state == QLatin1String("filling")) {
      return Problem{
          Severity::kNotice,
          ProblemWords::tr("%1 is being filled").arg(trend.name),
          ProblemWords::tr("Rows that were in %1 before the trend are being counted.").arg(trend.source),
          ProblemWords::tr("Nothing to do: the ranking appears when it is done."),
          {}};
    }
  }
  if (found != situation.status.trends.constEnd() && found->state == QLatin1String("running") &&
      !found->reason.isEmpty()) {
    return Problem{Severity::kWarning,
                   ProblemWords::tr("%1 needs attention").arg(trend.name),
                   text::sentence(found->reason),
                   ProblemWords::tr("The ranking itself goes on."),
                   {}};
  }
  if (situation.failure && situation.failure->trend == trend.id) {
    const Failure& failure = *situation.failure;
    QString what = text::sentence(failure.message);
    if (!failure.detail.isEmpty()) what += u' ' + text::sentence(failure.detail);
    if (failure.sqlstate == QLatin1String("42501")) {
      return Problem{
          Severity::kError, ProblemWords::tr("%1 may not be read").arg(trend.name), what,
          ProblemWords::tr("Ask its owner (%1) for the right.").arg(trend.owner),
          QStringLiteral("GRANT SELECT ON %1 TO %2;").arg(trend.name, situation.connection.server.user)};
    }
    return Problem{
        Severity::kError, ProblemWords::tr("%1 cannot be read").arg(trend.name), what, failure.hint, {}};
  }
  return std::nullopt;
}

std::optional<Problem> refusals(const Situation& situation) {
  const auto found = situation.status.trends.constFind(situation.trend->id);
  if (found == situation.status.trends.constEnd() || found->refused <= 0) return std::nullopt;
  return Problem{
      Severity::kWarning,
      ProblemWords::tr("%1 is at its bound").arg(situation.trend->name),
      ProblemWords::tr(
          "%1 events were refused because max_groups (%2) or the memory limit is reached. The groups it "
          "has stay exact.")
          .arg(text::count(found->refused), situation.trend->max_groups),
      ProblemWords::tr("Narrow the definition, or create it with a larger max_groups."),
      {}};
}

}  // namespace

QList<Problem> diagnose(const Situation& situation) {
  QList<Problem> problems;
  const auto add = [&problems](std::optional<Problem> problem) {
    if (problem) problems.append(*std::move(problem));
  };
  const ConnectionState& connection = situation.connection;
  if (connection.phase != ConnectionState::Phase::kConnected) return {no_connection(connection)};
  if (!connection.server.extension_installed) return {no_extension(connection.server)};
  add(worker_problem(situation));
  if (situation.trends_known && situation.trend_count == 0) {
    problems.append(
        {Severity::kNotice, ProblemWords::tr("No trends yet"),
         ProblemWords::tr("Database “%1” has no trend that %2 may read.")
             .arg(connection.server.database, connection.server.user),
         ProblemWords::tr("Create one, or ask the owner of one for SELECT on it. The shortest way is:"),
         QStringLiteral("SELECT trending.track('view_events', 'post_id', 'viewed_at');")});
  }
  if (situation.trend != nullptr) {
    add(trend_problem(situation));
    add(refusals(situation));
  }
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.severity > b.severity; });
  return problems;
}

}  // namespace trending
