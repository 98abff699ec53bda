// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QMetaType>
#include <QString>

namespace trending {

// How to reach a server: a libpq connection string or URI, and a password that is never written anywhere.
// What the string leaves out comes from the environment, a service file and .pgpass, as for psql.
struct ConnectionSettings {
  QString conninfo;
  QString password;

  bool operator==(const ConnectionSettings&) const = default;
};

// What the server is, as far as the viewer must know.
struct ServerInfo {
  QString version, database, user, host;
  bool tls = false;
  bool in_recovery = false;
  bool extension_installed = false;  // in this database
  bool extension_available = false;  // its files are on the server
  QString extension_version;
  QString wal_level;
  QString preloaded;  // shared_preload_libraries; null when the user may not read it
};

struct ConnectionState {
  enum class Phase { kIdle, kConnecting, kConnected, kUnresponsive, kWaiting, kPasswordNeeded };
  Phase phase = Phase::kIdle;
  ServerInfo server;  // while connected
  QString message;    // why there is no connection
  int attempt = 0;
  qint64 wait_ms = 0;  // kWaiting: until the next attempt; kUnresponsive: how long there was no answer
  QString target;      // "database on host", for people
};

// A query that failed while the connection stayed.
struct Failure {
  enum class Subject { kTrends, kRanking, kStatus, kHistory };
  Subject subject = Subject::kRanking;
  quint32 trend = 0;
  QString sqlstate, message, detail, hint;
};

}  // namespace trending
