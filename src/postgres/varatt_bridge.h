// SPDX-License-Identifier: PostgreSQL
// varatt.h became a header of its own in PostgreSQL 16 (upstream commit d952373a987b).
#pragma once
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
