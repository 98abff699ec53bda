// SPDX-License-Identifier: PostgreSQL
// What the program's exit status means; the help lists them.
#pragma once

namespace trending::loadgen {

enum ExitCode : int {
  kExitOk = 0,
  kExitInternal = 1,
  kExitBadOptions = 2,
  kExitConnection = 3,
  kExitSchema = 4,
  kExitRefused = 5,
  kExitUnknownOutcome = 6,
};

}  // namespace trending::loadgen
