// SPDX-License-Identifier: PostgreSQL
#include "engine/ranking/partitions.h"

#include <new>

namespace trending {

Status Partitions::add_group(KeyView key, uint32_t* number) {
  const uint32_t hash = hash_key(key, header_->options.hash_seed);
  *number = table_.find(key, hash);
  if (*number == kNone) {
    const Status status = table_.insert(key, hash, number);
    if (status != Status::kOk) return status;
    new (state(*number)) PartitionState{};
  }
  state(*number)->groups++;
  return Status::kOk;
}

void Partitions::remove_group(uint32_t number, Ranking ranking) {
  if (--state(number)->groups > 0) return;
  ranking.select(number, &state(number)->ranking);
  ranking.release();
  table_.remove(number);
  table_.shrink();  // does nothing before the last is gone
}

}  // namespace trending
