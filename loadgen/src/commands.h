// SPDX-License-Identifier: PostgreSQL
// The two commands. Both throw UserError for what the user can mend; the result is the exit status.
#pragma once

#include "console.h"
#include "options.h"

namespace trending::loadgen {

int init_command(const Options& options, Console& console);
int run_command(const Options& options, Console& console);

}  // namespace trending::loadgen
