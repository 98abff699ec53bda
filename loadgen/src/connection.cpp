// SPDX-License-Identifier: PostgreSQL
#include "connection.h"

#include <algorithm>
#include <cstdlib>

#include <poll.h>

#include <fmt/format.h>

namespace trending::loadgen {

namespace {

constexpr const char* kReconnectHint = "With --reconnect the run waits for the server and goes on.";

// libpq's messages end in a line feed, and indent what follows the first line by a tab.
std::string tidy(const char* message) {
  std::string text;
  for (const char* c = message; *c != '\0'; ++c) {
    if (*c != '\t') text += *c;
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

struct SqlstateHint {
  std::string_view prefix;  // an SQLSTATE or its class
  const char* hint;
  bool ends_with_init = false;  // the command that makes the tables follows
};

constexpr SqlstateHint kHints[] = {
    {"42P01", "Make the tables: ", true},
    {"42703", "The tables are not this scenario's; in another database or schema: ", true},
    {"42501", "Connect as a user who may do this, or grant it."},
    {"25006",
     "Is this a standby? Connect to the primary, for instance with target_session_attrs=read-write."},
    {"2BP01", "Drop what depends on the tables first (trends: trending.drop_trend)."},
    {"53100", "The server's disk is full."},
    {"53300", "Use fewer --clients, or raise max_connections."},
    {"3F000", "Create the schema, or set another search_path."}};

// The server's own hint goes before ours.
std::string find_hint(const PGresult* result, std::string_view sqlstate, const std::string& init) {
  if (const char* hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT)) return hint;
  const auto* known = std::ranges::find_if(
      kHints, [&](const SqlstateHint& each) { return sqlstate.starts_with(each.prefix); });
  if (known == std::end(kHints)) return "";
  return known->hint + (known->ends_with_init ? init : "");
}

std::string insert_name(size_t table) {
  return fmt::format("loadgen_{}", table);
}

class Keywords {
 public:
  void add(const char* keyword, const std::string& value) {
    if (value.empty()) return;
    keywords_.push_back(keyword);
    values_.push_back(value.c_str());
  }
  void finish() {
    keywords_.push_back(nullptr);
    values_.push_back(nullptr);
  }
  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

}  // namespace

bool StatementError::transient() const {
  for (const std::string_view prefix : {"40", "53", "55P03", "57P", "58"}) {
    if (std::string_view(sqlstate_).starts_with(prefix)) return true;
  }
  return false;
}

Connection::Connection(const ConnectionOptions& options) : options_(options) {
  open();
}

void Connection::open() {
  // Later keywords override earlier ones, so what a connection string says wins over these two.
  static const std::string connect_timeout = "10";
  static const std::string tcp_user_timeout = "30000";
  Keywords keywords;
  if (std::getenv("PGCONNECT_TIMEOUT") == nullptr) keywords.add("connect_timeout", connect_timeout);
  keywords.add("tcp_user_timeout", tcp_user_timeout);
  keywords.add("fallback_application_name", options_.application_name);
  keywords.add("dbname", options_.dbname);
  keywords.add("host", options_.host);
  keywords.add("port", options_.port);
  keywords.add("user", options_.user);
  keywords.finish();
  inserts_prepared_ = false;
  for (bool again = false;; again = true) {
    connection_.reset(PQconnectdbParams(keywords.keywords(), keywords.values(), 1));
    if (PQstatus(connection_.get()) == CONNECTION_OK) break;
    const std::string message = tidy(PQerrorMessage(connection_.get()));
    switch (PQpingParams(keywords.keywords(), keywords.values(), 1)) {
      case PQPING_OK:
        if (!again) continue;  // it may have been about to start when it refused
        throw ConnectError(
            message, "The server answers: check database, user, password, and its limit of connections.",
            true);
      case PQPING_REJECT:
        throw ConnectError(message, "The server is starting or stopping; --reconnect waits for it.", false);
      case PQPING_NO_RESPONSE:
        throw ConnectError(message, "Say where the server is with -d, -H and -p, or PGHOST and PGPORT.",
                           false);
      case PQPING_NO_ATTEMPT:
        throw ConnectError(message, "Check the connection options.", true);
    }
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  {
    const std::lock_guard lock(cancel_mutex_);
    cancel_.reset(PQgetCancel(connection_.get()));
  }
  if (options_.async_commit) execute("SET synchronous_commit = off");
}

void Connection::reopen() {
  open();
}

std::string Connection::where() const {
  const PGconn* connection = connection_.get();
  return fmt::format("database {} at {}, port {}", PQdb(connection), PQhost(connection), PQport(connection));
}

void Connection::fail() {
  const std::string message = tidy(PQerrorMessage(connection_.get()));
  throw ConnectionLost(fmt::format("connection lost: {}", message.empty() ? "no message" : message),
                       kReconnectHint);
}

void Connection::fail(const PGresult* result) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) fail();
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string sqlstate = field != nullptr ? field : "";
  std::string message = primary != nullptr ? primary : tidy(PQresultErrorMessage(result));
  if (!sqlstate.empty()) message += fmt::format(" (SQLSTATE {})", sqlstate);
  if (detail != nullptr) message += fmt::format("\n{}", detail);
  throw StatementError(message, find_hint(result, sqlstate, options_.init_command), sqlstate);
}

Connection::Result Connection::run(const std::string& sql, const std::vector<std::string>& parameters) {
  PGconn* connection = connection_.get();
  Result result;
  if (parameters.empty()) {
    result.reset(PQexec(connection, sql.c_str()));  // may be several statements
  } else {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const std::string& each : parameters) values.push_back(each.c_str());
    result.reset(PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()), nullptr,
                              values.data(), nullptr, nullptr, 0));
  }
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result.get());
  return result;
}

void Connection::execute(const std::string& sql) {
  run(sql, {});
}

std::vector<std::vector<std::string>> Connection::query(const std::string& sql,
                                                        const std::vector<std::string>& parameters) {
  const Result result = run(sql, parameters);
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(PQntuples(result.get())));
  for (size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      rows[row].emplace_back(PQgetvalue(result.get(), static_cast<int>(row), column));
    }
  }
  return rows;
}

std::string Connection::query_value(const std::string& sql, const std::vector<std::string>& parameters) {
  return query(sql, parameters).at(0).at(0);
}

bool Connection::table_exists(const std::string& name) {
  return query_value("SELECT to_regclass($1) IS NOT NULL", {name}) == "t";
}

// A server that went away while the connection was idle has closed it; seeing that before anything is sent
// keeps the batch out of doubt.
void Connection::check_alive() {
  pollfd input{PQsocket(connection_.get()), POLLIN, 0};
  if (poll(&input, 1, 0) > 0) require(PQconsumeInput(connection_.get()) == 1);
}

void Connection::send_copy_data(const Rows& rows) {
  for (const std::string_view part : {copy_header(), rows.bytes(), copy_trailer()}) {
    // libpq takes an int; pieces keep its buffer small.
    constexpr size_t kPiece = 1 << 20;
    for (size_t sent = 0; sent < part.size(); sent += kPiece) {
      const std::string_view piece = part.substr(sent, kPiece);
      require(PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) == 1);
    }
  }
}

void Connection::copy(const Table& table, const Rows& rows) {
  PGconn* connection = connection_.get();
  Result result(PQexec(connection, copy_statement(table).c_str()));
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) fail(result.get());
  send_copy_data(rows);
  require(PQputCopyEnd(connection, nullptr) == 1);
  result.reset(PQgetResult(connection));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) fail(result.get());
  require(PQgetResult(connection) == nullptr);
}

void Connection::write(Method method, const std::vector<Table>& tables, const Batch& batch,
                       Progress& progress) {
  progress = Progress::kNotCommitted;
  check_alive();
  if (method == Method::kCopy) {
    write_by_copy(tables, batch, progress);
  } else {
    write_by_insert(tables, batch, progress);
  }
}

// All statements go in one query string, which the server runs as one transaction: it commits when the last
// has ended, and the start of each COPY is an answer that shows that the server is still there.
void Connection::write_by_copy(const std::vector<Table>& tables, const Batch& batch, Progress& progress) {
  PGconn* connection = connection_.get();
  std::string statements;
  std::vector<const Rows*> filled;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (batch.rows[i].count() == 0) continue;
    statements += copy_statement(tables[i]) + ";";
    filled.push_back(&batch.rows[i]);
  }
  for (const std::string& each : batch.statements) statements += each + ";";
  if (filled.empty()) progress = Progress::kInDoubt;
  require(PQsendQuery(connection, statements.c_str()) == 1);
  size_t sent = 0;
  Result error;
  while (Result result{PQgetResult(connection)}) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN) {
      const Rows& rows = *filled.at(sent++);
      send_copy_data(rows);
      if (sent == filled.size()) progress = Progress::kInDoubt;
      require(PQputCopyEnd(connection, nullptr) == 1);
    } else if (status != PGRES_COMMAND_OK) {
      error = std::move(result);
      if (PQstatus(connection) != CONNECTION_OK) break;
    }
  }
  if (error != nullptr) fail(error.get());
  if (PQstatus(connection) != CONNECTION_OK) fail();
}

void Connection::prepare_inserts(const std::vector<Table>& tables) {
  for (size_t i = 0; i < tables.size(); ++i) {
    const Result result(PQprepare(connection_.get(), insert_name(i).c_str(),
                                  insert_statement(tables[i]).c_str(), 0, nullptr));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) fail(result.get());
  }
  inserts_prepared_ = true;
}

void Connection::send_inserts(const Rows& rows, const std::string& statement) {
  size_t offset = 0;
  while (offset < rows.bytes().size()) {
    rows.read_row(offset, parameters_);
    binary_formats_.assign(parameters_.values.size(), 1);
    require(PQsendQueryPrepared(connection_.get(), statement.c_str(),
                                static_cast<int>(parameters_.values.size()), parameters_.values.data(),
                                parameters_.lengths.data(), binary_formats_.data(), 0) == 1);
  }
}

// What lies between two synchronisation points of a pipeline is one transaction, which commits at the second.
void Connection::write_by_insert(const std::vector<Table>& tables, const Batch& batch, Progress& progress) {
  PGconn* connection = connection_.get();
  if (!inserts_prepared_) prepare_inserts(tables);
  require(PQenterPipelineMode(connection) == 1);
  for (size_t i = 0; i < tables.size(); ++i) send_inserts(batch.rows[i], insert_name(i));
  for (const std::string& each : batch.statements) {
    require(PQsendQueryParams(connection, each.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  }
  progress = Progress::kInDoubt;
  require(PQpipelineSync(connection) == 1);
  Result error;
  for (bool synced = false; !synced;) {
    Result result(PQgetResult(connection));
    if (result == nullptr) {  // the end of one statement's results
      if (PQstatus(connection) != CONNECTION_OK) fail();
      continue;
    }
    const ExecStatusType status = PQresultStatus(result.get());
    synced = status == PGRES_PIPELINE_SYNC;
    if (status == PGRES_FATAL_ERROR && error == nullptr) error = std::move(result);
    if (PQstatus(connection) != CONNECTION_OK) fail();
  }
  require(PQexitPipelineMode(connection) == 1);
  if (error != nullptr) fail(error.get());
}

void Connection::cancel() {
  const std::lock_guard lock(cancel_mutex_);
  char message[256];
  if (cancel_ != nullptr) PQcancel(cancel_.get(), message, sizeof(message));
}

void check_table(Connection& connection, const Table& table) {
  const auto columns = connection.query(
      "SELECT attname, pg_catalog.format_type(atttypid, NULL) FROM pg_catalog.pg_attribute"
      " WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped",
      {table.name});
  if (columns.empty()) {
    throw SchemaError(
        fmt::format("there is no table {} in {}", table.name, connection.where()),
        fmt::format("Make the tables: {} (with the same connection options)", connection.init_command()));
  }
  for (const Column& wanted : table.columns) {
    const auto found = std::ranges::find_if(columns, [&](const auto& row) { return row[0] == wanted.name; });
    const std::string need = fmt::format("the scenario needs {} {}", wanted.name, type_name(wanted.type));
    const std::string hint =
        fmt::format("Use another database, or make the tables again: {} --drop", connection.init_command());
    if (found == columns.end()) {
      throw SchemaError(fmt::format("table {} has no column {}: {}", table.name, wanted.name, need), hint);
    }
    if ((*found)[1] != type_name(wanted.type)) {
      throw SchemaError(
          fmt::format("column {}.{} is of type {}: {}", table.name, wanted.name, (*found)[1], need), hint);
    }
  }
}

}  // namespace trending::loadgen
