// SPDX-License-Identifier: PostgreSQL
#include "commands.h"
#include "connection.h"
#include "exit_codes.h"
#include "scenario.h"

namespace trending::loadgen {

// All in one transaction: an interrupted init leaves nothing behind, and two at a time wait for each other.
int init_command(const Options& options, Console& console) {
  const std::unique_ptr<Scenario> scenario = make_scenario(options);
  Connection connection(options.connection);
  connection.execute("BEGIN");
  connection.query_value("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext($1))",
                         {"trending-loadgen"});
  const std::vector<std::string> done = scenario->create(connection, options.drop);
  connection.execute("COMMIT");
  for (const std::string& line : done) console.note(line);
  return kExitOk;
}

}  // namespace trending::loadgen
