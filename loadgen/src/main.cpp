// SPDX-License-Identifier: PostgreSQL
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "commands.h"
#include "connection.h"
#include "exit_codes.h"

namespace {

using namespace trending::loadgen;

int run(const Options& options, Console& console) {
  try {
    return options.command == Command::kInit ? init_command(options, console) : run_command(options, console);
  } catch (const ConnectError& error) {
    console.error(error.what(), error.hint());
    return kExitConnection;
  } catch (const ConnectionLost& error) {
    console.error(error.what(), "");
    return kExitConnection;
  } catch (const SchemaError& error) {
    console.error(error.what(), error.hint());
    return kExitSchema;
  } catch (const StatementError& error) {
    console.error(fmt::format("the server refused a statement: {}", error.what()), error.hint());
    return kExitRefused;
  } catch (const std::exception& error) {
    console.error(error.what(), "");
    return kExitInternal;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const ParseResult parsed = parse_options({argv + 1, argv + argc});
  if (parsed.exit_code) {
    std::fputs(parsed.text.c_str(), *parsed.exit_code == kExitOk ? stdout : stderr);
    return *parsed.exit_code;
  }
  Console console(parsed.options.output.quiet);
  return run(parsed.options, console);
}
