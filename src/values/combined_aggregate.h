// SPDX-License-Identifier: PostgreSQL
// Aggregates that a trend knows nothing of but that PostgreSQL can combine two of their states: stddev,
// bool_and, those of extensions. A row becomes a state of its own by the transition function, states are
// combined by the combine function, and the final function makes the value when somebody reads it. Between
// these calls a state is bytes: a value of its type, or what the serialization function makes of an internal
// one.
//
// The functions run in the worker and in readers, so all of them must be built in or of language C, which
// only a superuser can create, and immutable; and what they are given must be of types that bring along no
// code of a user's, such as the checks of a domain. Their errors are caught. CREATE OR REPLACE gives an
// aggregate other functions under the same OID: `functions` tells, and a state made by others is never handed
// to these.
#pragma once

#include "postgres/fingerprint.h"
#include "postgres/server.h"
#include "values/bytes_value.h"
#include "values/evaluation.h"

namespace trending {

inline constexpr int kMaxCombinedArguments = 4;

struct CombinedAggregate {
  Oid function;
  const char* name;  // for messages
  int argument_count;
  Expr* arguments[kMaxCombinedArguments];  // planned, Vars as in KeyColumn
  Oid collation;
  bool is_internal;  // the state: kept as what `serialize` makes of it
  BytesType state;   // of its type, or bytea
  bool has_initial;
  Datum initial;
  FmgrInfo transition;
  FmgrInfo combine;
  FmgrInfo serialize;
  FmgrInfo deserialize;
  FmgrInfo final;  // fn_oid invalid: the state is the value
  int final_arguments;
  BytesType result;
  Fingerprint functions;  // of the aggregate: its functions, its type of state, its initial state
};

// Whether an aggregate call can be kept so; `problem` says why not. Allocates in CurrentMemoryContext; the
// arguments are for the caller to set.
CombinedAggregate* combined_aggregate(const Aggref* aggregate, const char** problem);

enum class CombinedOutcome : uint8_t { kState, kNone, kFailed };

// Appends the state of one row. kNone: the aggregate ignores the row. kFailed: the state is too long. Part of
// the row's evaluation, which catches errors.
CombinedOutcome combined_append(const CombinedAggregate& aggregate, const Datum* values, const bool* isnull,
                                StringInfo buffer);

// Puts the state that two states make into `buffer` (reset first). False and a message of the functions, or
// that the state is too long. `account` and `held` as for evaluate().
bool combined_combine(const CombinedAggregate& aggregate, EvaluationAccount* account, LWLock* held,
                      KeyBytes left, KeyBytes right, StringInfo buffer, char* message, size_t message_size);

// The value of a state, or of no rows at all (null data); palloc'd if it is passed by reference. Errors are
// raised.
Datum combined_value(const CombinedAggregate& aggregate, KeyBytes state, bool* isnull);

}  // namespace trending
