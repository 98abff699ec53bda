// SPDX-License-Identifier: PostgreSQL
#include "source/pg_connection.h"

#include <QThreadPool>
#include <vector>

namespace trending {

namespace {

constexpr int kConnectTimeoutMs = 15'000;

QString server_text(const char* text) {
  return text == nullptr ? QString() : QString::fromUtf8(text).trimmed();
}

}  // namespace

bool PgResult::ok() const {
  const ExecStatusType status = PQresultStatus(result_.get());
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

SqlError PgResult::error() const {
  const auto field = [this](int code) { return server_text(PQresultErrorField(result_.get(), code)); };
  SqlError error{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_MESSAGE_DETAIL),
                 field(PG_DIAG_MESSAGE_HINT)};
  if (error.message.isEmpty()) error.message = server_text(PQresultErrorMessage(result_.get()));
  return error;
}

QString PgResult::text(int row, int column) const {
  if (is_null(row, column)) return {};
  const char* value = PQgetvalue(result_.get(), row, column);
  return *value == '\0' ? QLatin1String("")
                        : QString::fromUtf8(value, PQgetlength(result_.get(), row, column));
}

PgConnection::PgConnection(QObject* parent) : QObject(parent), connect_timeout_(this) {
  connect_timeout_.setSingleShot(true);
  connect(&connect_timeout_, &QTimer::timeout, this,
          [this] { fail(tr("The server did not answer in time.")); });
}

PgConnection::~PgConnection() {
  close();
}

void PgConnection::open(const ConnectionSettings& settings) {
  close();
  const QByteArray conninfo = settings.conninfo.toUtf8();
  const QByteArray password = settings.password.toUtf8();
  // dbname is expanded first, so what the user wrote there wins over the defaults before it.
  std::vector<const char*> keywords{"fallback_application_name", "keepalives_idle", "keepalives_interval",
                                    "keepalives_count",          "client_encoding", "dbname"};
  std::vector<const char*> values{"trending-viewer", "15", "5", "3", "UTF8", conninfo.constData()};
  if (!password.isEmpty()) {
    keywords.push_back("password");
    values.push_back(password.constData());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);

  // Looking up a host's name blocks, which is why all of this is not done in the thread of the windows.
  connection_ = PQconnectStartParams(keywords.data(), values.data(), 1);
  if (connection_ == nullptr) return fail(tr("Out of memory."));
  if (PQstatus(connection_) == CONNECTION_BAD) return fail(server_text(PQerrorMessage(connection_)));
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  state_ = State::kConnecting;
  connect_timeout_.start(kConnectTimeoutMs);
  watch_socket(PGRES_POLLING_WRITING);
}

void PgConnection::close() {
  connect_timeout_.stop();
  drop_notifiers();
  reply_ = nullptr;
  result_.reset();
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
  state_ = State::kClosed;
}

// May be called from a notifier's own slot, so they die only after it has returned (at the latest with this,
// their parent); their socket is closed sooner, so they stop at once.
void PgConnection::drop_notifiers() {
  for (QSocketNotifier** notifier : {&readable_, &writable_}) {
    if (*notifier == nullptr) continue;
    (*notifier)->setEnabled(false);
    (*notifier)->deleteLater();
    *notifier = nullptr;
  }
  watched_socket_ = -1;
}

// libpq may use another socket after each step (several addresses, TLS tried and refused).
void PgConnection::watch_socket(PostgresPollingStatusType wanted) {
  const int socket = PQsocket(connection_);
  if (socket != watched_socket_) {
    drop_notifiers();
    readable_ = new QSocketNotifier(socket, QSocketNotifier::Read, this);
    writable_ = new QSocketNotifier(socket, QSocketNotifier::Write, this);
    watched_socket_ = socket;
    connect(readable_, &QSocketNotifier::activated, this,
            [this] { state_ == State::kConnecting ? advance_connecting() : on_readable(); });
    connect(writable_, &QSocketNotifier::activated, this,
            [this] { state_ == State::kConnecting ? advance_connecting() : flush(); });
  }
  readable_->setEnabled(wanted == PGRES_POLLING_READING);
  writable_->setEnabled(wanted == PGRES_POLLING_WRITING);
}

void PgConnection::advance_connecting() {
  // The socket may be closed inside: a notifier must not outlive it.
  readable_->setEnabled(false);
  writable_->setEnabled(false);
  const PostgresPollingStatusType wanted = PQconnectPoll(connection_);
  switch (wanted) {
    case PGRES_POLLING_READING:
    case PGRES_POLLING_WRITING:
      watch_socket(wanted);
      return;
    case PGRES_POLLING_OK:
      connect_timeout_.stop();
      PQsetnonblocking(connection_, 1);
      state_ = State::kReady;
      watch_socket(PGRES_POLLING_READING);
      emit opened();
      return;
    default:
      fail(server_text(PQerrorMessage(connection_)));
  }
}

void PgConnection::query(const QByteArray& sql, const QList<QByteArray>& parameters, Reply reply) {
  Q_ASSERT(ready());
  std::vector<const char*> values;
  values.reserve(static_cast<size_t>(parameters.size()));
  for (const QByteArray& parameter : parameters) {
    values.push_back(parameter.isNull() ? nullptr : parameter.constData());
  }
  reply_ = std::move(reply);
  state_ = State::kBusy;
  sent_.start();
  if (PQsendQueryParams(connection_, sql.constData(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0) {
    return fail(server_text(PQerrorMessage(connection_)));
  }
  flush();
}

void PgConnection::flush() {
  const int rest = PQflush(connection_);
  if (rest < 0) return fail(server_text(PQerrorMessage(connection_)));
  writable_->setEnabled(rest > 0);
}

void PgConnection::on_readable() {
  if (PQconsumeInput(connection_) == 0) return fail(server_text(PQerrorMessage(connection_)));
  if (state_ != State::kBusy) {
    // Nothing was asked: what comes is a notice, or the end of the connection, which the next read reports.
    return;
  }
  while (PQisBusy(connection_) == 0) {
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) {
      state_ = State::kReady;
      const Reply reply = std::move(reply_);
      reply_ = nullptr;
      if (!result_) return;
      const PgResult finished = *std::move(result_);
      result_.reset();
      if (PQstatus(connection_) == CONNECTION_BAD) return fail(finished.error().message);
      if (reply) reply(finished);
      return;
    }
    result_.emplace(result);
    if (PQstatus(connection_) == CONNECTION_BAD) return fail(result_->error().message);
  }
}

void PgConnection::cancel() {
  if (!busy()) return;
  // Cancelling makes a connection of its own and waits for it: done elsewhere.
  PGcancel* cancel = PQgetCancel(connection_);
  if (cancel == nullptr) return;
  QThreadPool::globalInstance()->start([cancel] {
    char message[256];
    PQcancel(cancel, message, sizeof message);
    PQfreeCancel(cancel);
  });
}

void PgConnection::fail(QString message) {
  const bool password_needed = connection_ != nullptr &&
                               (PQconnectionNeedsPassword(connection_) != 0 ||
                                (PQconnectionUsedPassword(connection_) != 0 && state_ == State::kConnecting));
  if (message.isEmpty()) message = tr("The connection broke.");
  close();
  emit lost(message, password_needed);
}

QString PgConnection::host() const {
  return connection_ == nullptr ? QString() : server_text(PQhost(connection_));
}
QString PgConnection::user() const {
  return connection_ == nullptr ? QString() : server_text(PQuser(connection_));
}
QString PgConnection::database() const {
  return connection_ == nullptr ? QString() : server_text(PQdb(connection_));
}
bool PgConnection::tls() const {
  return connection_ != nullptr && PQsslInUse(connection_) != 0;
}

}  // namespace trending
