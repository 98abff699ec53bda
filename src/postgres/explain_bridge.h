// SPDX-License-Identifier: PostgreSQL
// The printing half of commands/explain.h became headers of their own in PostgreSQL 18 (upstream commits
// 9173e8b60466 and c65bc2e1d14a).
#pragma once
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
