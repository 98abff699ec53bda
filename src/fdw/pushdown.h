// SPDX-License-Identifier: PostgreSQL
// Which conditions of a query a scan of a trend can take over: bounds on rank, equality on keys.
//
// Everything here only looks at expressions; paths.cpp decides what to do with what was found.
#pragma once

#include <cstdint>

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

enum class ConditionKind : uint8_t {
  kNone,       // nothing for us: the executor checks it
  kKeyEquals,  // key = value
  kKeyAnyOf,   // key = ANY (array)
  kKeyNull,    // key IS NULL
  kRank,       // rank <, <=, =, >= or > value
};

// A clause as seen by a scan.
struct Condition {
  ConditionKind kind;
  int key;                  // kKey...: index into Definition::keys.columns
  StrategyNumber strategy;  // kRank: B-tree strategy number, rank being on the left
  Expr* value;              // the other side; NULL for kKeyNull
  Oid value_type;           // its type; the element type for kKeyAnyOf
};

// The clauses (Expr or RestrictInfo, as found) that give every key column a value, or every one that names
// the partition.
struct KeyBinding {
  Node* clauses[kMaxKeyColumns];
  Condition conditions[kMaxKeyColumns];
};

// What `clause` means to a scan of the relation with index `relid`. The value never reads that relation, is
// not volatile, and holds no subplan; it may read other relations (join clauses).
Condition condition_of(PlannerInfo* root, const Definition& definition, Index relid, Expr* clause);

// The same for a clause of the planner's, which may be hidden behind a security barrier.
Condition condition_of(PlannerInfo* root, const Definition& definition, RelOptInfo* rel,
                       RestrictInfo* clause);

// Looks for a value for each key column in a list of RestrictInfos; false if some column has none, or if the
// trend has no key. At most one column may have several values (= ANY).
bool bind_keys(PlannerInfo* root, const Definition& definition, RelOptInfo* rel, List* clauses,
               KeyBinding* binding);

// The same for the columns of partition_by alone; false if the trend has no partitions.
bool bind_partition(PlannerInfo* root, const Definition& definition, RelOptInfo* rel, List* clauses,
                    KeyBinding* binding);

// How many keys a binding looks up, as far as planning can tell.
double binding_key_count(PlannerInfo* root, const Definition& definition, const KeyBinding& binding);

// Whether `expr` is a column of the relation with index `relid` (binary coercions ignored), and which one:
// an index into Definition::columns, or -1.
int column_of(const Definition& definition, Index relid, Expr* expr);

}  // namespace trending
