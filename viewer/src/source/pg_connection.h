// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <libpq-fe.h>

#include <QByteArray>
#include <QElapsedTimer>
#include <QList>
#include <QObject>
#include <QSocketNotifier>
#include <QString>
#include <QTimer>
#include <functional>
#include <memory>
#include <optional>

#include "data/connection.h"

namespace trending {

struct SqlError {
  QString sqlstate, message, detail, hint;
};

// The rows of one finished query, or its error.
class PgResult {
 public:
  explicit PgResult(PGresult* result) : result_(result, &PQclear) {}

  bool ok() const;
  SqlError error() const;
  int rows() const { return PQntuples(result_.get()); }
  int columns() const { return PQnfields(result_.get()); }
  QString column_name(int column) const { return QString::fromUtf8(PQfname(result_.get(), column)); }
  Oid column_type(int column) const { return PQftype(result_.get(), column); }
  // -1 when there is no such column; the accessors then give nulls.
  int column(const char* name) const { return PQfnumber(result_.get(), name); }
  bool is_null(int row, int column) const { return column < 0 || PQgetisnull(result_.get(), row, column); }
  QString text(int row, int column) const;

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

// One connection, driven by the event loop of its thread; nothing here waits for the server. One query is
// in flight at most.
class PgConnection : public QObject {
  Q_OBJECT

 public:
  using Reply = std::function<void(const PgResult&)>;

  explicit PgConnection(QObject* parent = nullptr);
  ~PgConnection() override;

  void open(const ConnectionSettings& settings);
  void close();
  bool ready() const { return state_ == State::kReady; }
  bool busy() const { return state_ == State::kBusy; }
  // Since when the query in flight has had no answer.
  qint64 waiting_ms() const { return busy() ? sent_.elapsed() : 0; }

  void query(const QByteArray& sql, const QList<QByteArray>& parameters, Reply reply);
  // Asks the server to give up the query in flight; its reply comes as an error.
  void cancel();

  QString host() const;
  QString user() const;
  QString database() const;
  bool tls() const;

 signals:
  void opened();
  void lost(const QString& message, bool password_needed);

 private:
  enum class State { kClosed, kConnecting, kReady, kBusy };

  void advance_connecting();
  void watch_socket(PostgresPollingStatusType wanted);
  void drop_notifiers();
  void on_readable();
  void flush();
  void fail(QString message);

  PGconn* connection_ = nullptr;
  State state_ = State::kClosed;
  QSocketNotifier *readable_ = nullptr, *writable_ = nullptr;
  int watched_socket_ = -1;
  QTimer connect_timeout_;
  QElapsedTimer sent_;
  Reply reply_;
  std::optional<PgResult> result_;  // of the query in flight, until the server says it is done
};

}  // namespace trending
