// SPDX-License-Identifier: PostgreSQL
// Every difference between the server versions we build on (15 to 19), and nothing else.
// Included by postgres/server.h only. Each entry names the upstream change.
#pragma once

#if PG_VERSION_NUM >= 190000
extern "C" {
#include "replication/logicalctl.h"
}
#endif

// LSN_FORMAT_ARGS does not compile as C++ on 15 (AssertVariableIsOfType); this one does everywhere.
#define TRENDING_LSN_ARGS(lsn) static_cast<uint32>((lsn) >> 32), static_cast<uint32>(lsn)

#if PG_VERSION_NUM < 160000
// 16 renamed RelFileNode to RelFileLocator (b0a55e43299c) and renamed its relation member.
using RelFileLocator = RelFileNode;
#endif

#include "postgres/compat/wal.h"
#include "postgres/compat/slots.h"
#include "postgres/compat/process.h"
#include "postgres/compat/catalog.h"
#include "postgres/compat/queries.h"
#include "postgres/compat/tables.h"

// 19 tells signal handlers who sent the signal. What a handler passes on to one of the server's.
#if PG_VERSION_NUM >= 190000
#define TRENDING_SIGNAL postgres_signal_arg, pg_siginfo
#else
#define TRENDING_SIGNAL postgres_signal_arg
#endif
