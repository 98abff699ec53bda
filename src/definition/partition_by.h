// SPDX-License-Identifier: PostgreSQL
// The option partition_by: the key columns within whose values groups are ranked.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// Resolves the names (NULL: none) to Definition::partition, in CurrentMemoryContext. Raises an error at the
// first that cannot be.
void partition_by_set(Definition* definition, ArrayType* names);

inline bool is_partitioned(const Definition& definition) {
  return definition.partition.count > 0;
}

// The part of a group's key that names its partition: the bytes that key_encode(Definition::partition) gives
// for its values. In `buffer`.
KeyBytes partition_key(const Definition& definition, KeyBytes key, StringInfo buffer);

// The order of partitions, as key_compare(); 0: the two groups are of the same one.
int partition_compare(const Definition& definition, KeyBytes left, KeyBytes right);

}  // namespace trending
