// SPDX-License-Identifier: PostgreSQL
// One connection to the server, over libpq.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "options.h"
#include "rows.h"

namespace trending::loadgen {

// Something went wrong that the user can do something about.
class UserError : public std::runtime_error {
 public:
  UserError(const std::string& message, std::string hint)
      : std::runtime_error(message), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

// The tables are missing or not as the scenario needs them.
class SchemaError : public UserError {
 public:
  using UserError::UserError;
};

// No connection could be made.
class ConnectError : public UserError {
 public:
  ConnectError(const std::string& message, std::string hint, bool answers)
      : UserError(message, std::move(hint)), answers_(answers) {}

  // The server is up and takes connections, but not this one.
  bool answers() const { return answers_; }

 private:
  bool answers_;
};

// The connection broke while something was under way.
class ConnectionLost : public UserError {
 public:
  using UserError::UserError;
};

// The server refused a statement; its transaction is rolled back and the connection is usable.
class StatementError : public UserError {
 public:
  StatementError(const std::string& message, std::string hint, std::string sqlstate)
      : UserError(message, std::move(hint)), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const { return sqlstate_; }

  // Likely to succeed when simply tried again.
  bool transient() const;

 private:
  std::string sqlstate_;
};

// How far a transaction came; says what a ConnectionLost means for it.
enum class Progress { kNotCommitted, kInDoubt };

class Connection {
 public:
  // Throws ConnectError.
  explicit Connection(const ConnectionOptions& options);

  // Replaces a broken connection by a new one, prepared like a new object. Throws ConnectError.
  void reopen();

  // "database app at db1, port 5432"
  std::string where() const;
  const std::string& init_command() const { return options_.init_command; }

  void execute(const std::string& sql);
  std::string query_value(const std::string& sql, const std::vector<std::string>& parameters = {});
  std::vector<std::vector<std::string>> query(const std::string& sql,
                                              const std::vector<std::string>& parameters);
  bool table_exists(const std::string& name);

  // Copies rows, as part of an open transaction if there is one.
  void copy(const Table& table, const Rows& rows);

  // Writes a batch as one transaction of its own. `progress` is kept up to date meanwhile, so that a caller
  // who catches ConnectionLost knows whether the transaction may have been committed.
  void write(Method method, const std::vector<Table>& tables, const Batch& batch, Progress& progress);

  // Asks the server to cancel what the connection is doing. The only function for other threads.
  void cancel();

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  struct FreeCancel {
    void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  void open();
  void check_alive();
  Result run(const std::string& sql, const std::vector<std::string>& parameters);
  void write_by_copy(const std::vector<Table>& tables, const Batch& batch, Progress& progress);
  void write_by_insert(const std::vector<Table>& tables, const Batch& batch, Progress& progress);
  void send_copy_data(const Rows& rows);
  void send_inserts(const Rows& rows, const std::string& statement);
  void prepare_inserts(const std::vector<Table>& tables);
  [[noreturn]] void fail();
  [[noreturn]] void fail(const PGresult* result);
  void require(bool sent) {
    if (!sent) fail();
  }

  ConnectionOptions options_;
  std::unique_ptr<PGconn, Close> connection_;
  bool inserts_prepared_ = false;
  RowParameters parameters_;
  std::vector<int> binary_formats_;
  std::mutex cancel_mutex_;  // guards cancel_ against reopen()
  std::unique_ptr<PGcancel, FreeCancel> cancel_;
};

// Throws SchemaError unless the table is there with columns of these names and types.
void check_table(Connection& connection, const Table& table);

}  // namespace trending::loadgen
