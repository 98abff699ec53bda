// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/source_map.h"

#include <algorithm>

#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "definition/aggregate_functions.h"
#include "definition/replica_identity.h"

namespace trending {

SourceEntry* last_source = nullptr;

namespace {

// Which table a file belongs to, as transactions replayed by the server have shown.
struct FileEntry {
  RelFileLocator file;  // hash key, must be first
  SourceEntry* source;
};

HTAB* sources = nullptr;
HTAB* files = nullptr;
// Those whose `latest` is to be noted. Never destroyed.
std::vector<Followers*>& with_latest = *new std::vector<Followers*>();

// What a decoded transaction did says which: all of them (0) is what the worker itself forgets.
void invalidate_functions(Datum, compat::SystemCache, uint32 hash) {
  if (hash != 0) source_functions_changed();
}

void invalidate(Datum, Oid relation) {
  source_invalidated(relation);
  // Re-parenting a partition may not invalidate the leaf, so ancestors count too: any change to a table that
  // is a source or unknown forgets everything. That is rare, and finding it again is cheap.
  if (OidIsValid(relation)) {
    bool found = false;
    hash_search(sources, &relation, HASH_FIND, &found);
    if (relation == worker->catalog.table) worker->catalog.changed = true;
    bool is_source = false;
    for (FollowedTrend* trend : worker->trends) {
      if (trend == nullptr || trend->definition == nullptr) continue;
      is_source |= trend->definition->source == relation ||
                   (trend->joined != nullptr && is_dimension(*trend->joined, relation, NIL));
    }
    if (!found && !is_source) return;
  }
  source_map_forget();
}

bool follows(const SharedReader& shared, Oid relation, List* ancestors) {
  Oid source = shared.trends.front()->definition->source;
  return source == relation || list_member_oid(ancestors, source);
}

bool is_direct(const Followers& followers) {
  if (!followers.reader->is_plain || followers.keep_late) return false;
  return std::all_of(followers.trends, followers.trends + followers.count,
                     [](const Follower& follower) { return follower.trend->definition->having == nullptr; });
}

// Whether changes of the entry's table can be replayed without a transaction: what is done with a row looks
// into no catalog.
bool is_direct(const SourceEntry* entry) {
  return entry->relation != worker->catalog.table &&
         std::all_of(entry->followers, entry->followers + entry->count,
                     [](const Followers& followers) { return is_direct(followers); }) &&
         std::all_of(entry->dimensions, entry->dimensions + entry->dimension_count,
                     [](const DimensionFollower& follower) {
                       return follower.trend->reader->is_plain &&
                              follower.trend->definition->having == nullptr;
                     });
}

void remember_file(SourceEntry* entry, const RelFileLocator& file) {
  // A rewritten table has left its old file.
  hash_search(files, &entry->file, HASH_REMOVE, nullptr);
  entry->file = file;
  static_cast<FileEntry*>(hash_search(files, &file, HASH_ENTER, nullptr))->source = entry;
}

// Where a replica identity was extended the engine lacks what retracting rows needs: the trend begins again,
// with it. Unless it has done so already and still lacks it, for the identity is extended only here in the
// WAL, and reduced again since: then these changes are in what it was filled with.
void check_identity(FollowedTrend* trend, RowMapping* mapping) {
  if (!mapping->retractable || trend->keeps_values || !needs_values(*trend->definition)) return;
  if (trend->tables->asked_to_retract) {
    mapping->retractable = false;
  } else {
    trend->tables->asked_to_retract = true;
    trend_ask_to_fill(trend, "With the replica identity that its source has now, rows can be retracted.");
  }
}

// Those trends of a shared reader that can follow the table. None can if it lacks what they read.
void add_followers(SourceEntry* entry, uint32_t number, Relation relation) {
  const SharedReader& shared = shared_readers()[number];
  Followers* followers = &entry->followers[entry->count];
  *followers = Followers{number, shared.trends.front()->reader, nullptr, false, kNoTime, 0, nullptr};
  followers->trends = static_cast<Follower*>(palloc0(sizeof(Follower) * shared.trends.size()));
  char reason[kMessageSize];
  followers->mapping =
      row_mapping_create(shared.trends.front()->definition, relation, reason, sizeof(reason));
  for (FollowedTrend* trend : shared.trends) {
    if (trend->state == FillState::kStopped) continue;
    if (followers->mapping == nullptr) {
      trend_stop(trend, reason);
      continue;
    }
    check_identity(trend, followers->mapping);
    if (keeps_late_rows(*trend->definition)) followers->keep_late = true;
    followers->trends[followers->count++] = Follower{trend, source_table(trend, relation)};
  }
  if (followers->count > 0) entry->count++;
}

// The attribute of a column, by its number in the joined table itself, by its name as it is now in a partition.
AttrNumber attribute_of(const Dimension& dimension, const SourceColumn& column, Relation relation) {
  if (RelationGetRelid(relation) == dimension.relation) return column.attnum;
  const char* name = get_attname(dimension.relation, column.attnum, true);
  return name == nullptr ? InvalidAttrNumber : get_attnum(RelationGetRelid(relation), name);
}

// False, and the trend is stopped, where the table lacks what the trend needs.
bool map_dimension(DimensionFollower* follower, Relation relation) {
  const Dimension& dimension = follower->trend->definition->dimensions[follower->dimension];
  follower->key =
      static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * static_cast<Size>(dimension.key.count)));
  follower->columns =
      static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * static_cast<Size>(dimension.column_count + 1)));
  bool fits = true;
  auto map = [&](const SourceColumn& column) {
    const AttrNumber attribute = attribute_of(dimension, column, relation);
    fits = fits && attribute > 0 && attribute <= RelationGetDescr(relation)->natts &&
           TupleDescAttr(RelationGetDescr(relation), attribute - 1)->atttypid == column.type;
    return attribute;
  };
  for (int i = 0; i < dimension.key.count; i++) follower->key[i] = map(dimension.key_columns[i]);
  for (int i = 0; i < dimension.column_count; i++) follower->columns[i] = map(dimension.columns[i].column);
  const bool has_key = fits && identity_has_key(relation, dimension);
  if (has_key) return true;
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason),
           fits ? "the replica identity of \"%s\" lacks a column that it is joined by"
                : "a column of the joined table \"%s\" is gone or has another type now",
           RelationGetRelationName(relation));
  trend_stop(follower->trend, reason);
  return false;
}

void find_dimension_followers(SourceEntry* entry, Relation relation, List* ancestors) {
  entry->dimension_count = 0;
  entry->dimensions = nullptr;
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->joined == nullptr || trend->definition == nullptr) continue;
    for (int d = 0; d < trend->definition->dimension_count && trend->state != FillState::kStopped; d++) {
      const Oid joined = trend->definition->dimensions[d].relation;
      if (joined != RelationGetRelid(relation) && !list_member_oid(ancestors, joined)) continue;
      const auto size = sizeof(DimensionFollower) * static_cast<Size>(entry->dimension_count + 1);
      entry->dimensions = static_cast<DimensionFollower*>(
          entry->dimensions == nullptr ? palloc(size) : repalloc(entry->dimensions, size));
      entry->dimensions[entry->dimension_count] = {trend, d, nullptr, nullptr};
      if (map_dimension(&entry->dimensions[entry->dimension_count], relation)) entry->dimension_count++;
    }
  }
}

void find_followers(SourceEntry* entry, Relation relation) {
  source_map_note_latest();
  MemoryContextReset(entry->memory);
  MemoryContext caller = MemoryContextSwitchTo(entry->memory);
  entry->count = 0;
  entry->valid = true;  // an invalidation from here on clears it again
  entry->followers = static_cast<Followers*>(palloc0(sizeof(Followers) * (shared_readers().size() + 1)));
  List* ancestors =
      relation->rd_rel->relispartition ? get_partition_ancestors(RelationGetRelid(relation)) : NIL;
  for (uint32_t i = 0; i < shared_readers().size(); i++) {
    if (follows(shared_readers()[i], RelationGetRelid(relation), ancestors))
      add_followers(entry, i, relation);
  }
  find_dimension_followers(entry, relation, ancestors);
  entry->descriptor = CreateTupleDescCopyConstr(RelationGetDescr(relation));
  entry->direct = is_direct(entry);
  MemoryContextSwitchTo(caller);
  if (entry->count == 0 && entry->dimension_count == 0) own_rows_meet(relation);
  remember_file(entry, compat::relation_file(relation));
}

}  // namespace

SourceEntry* find_source(Relation relation) {
  Oid oid = RelationGetRelid(relation);
  bool found = false;
  auto* entry = static_cast<SourceEntry*>(hash_search(sources, &oid, HASH_ENTER, &found));
  if (!found) {
    entry->valid = false;
    entry->dimension_count = 0;
    entry->file = {};
    entry->left_out = InvalidTransactionId;
    entry->memory = AllocSetContextCreate(TopMemoryContext, "trending source", ALLOCSET_SMALL_SIZES);
  }
  if (!entry->valid) find_followers(entry, relation);
  last_source = entry->valid ? entry : nullptr;
  return entry;
}

SourceEntry* source_of_file(const ReorderBufferChange* change) {
  const RelFileLocator& file = compat::changed_file(change);
  if (last_source != nullptr && compat::is_same_file(last_source->file, file)) return last_source;
  auto* found = static_cast<FileEntry*>(hash_search(files, &file, HASH_FIND, nullptr));
  return found != nullptr ? found->source : nullptr;
}

bool source_map_left_out(Oid relation, TransactionId xid) {
  auto* entry = static_cast<SourceEntry*>(hash_search(sources, &relation, HASH_FIND, nullptr));
  return entry != nullptr && entry->left_out == xid;
}

void source_map_forget() {
  last_source = nullptr;
  own_rows_forget();
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, sources);
  while (auto* entry = static_cast<SourceEntry*>(hash_seq_search(&scan))) entry->valid = false;
}

void remember_latest(Followers* followers) {
  with_latest.push_back(followers);
}

void source_map_note_latest() {
  for (Followers* followers : with_latest) {
    for (int i = 0; i < followers->count; i++) {
      SourceTable* table = followers->trends[i].table;
      table->latest = std::max(table->latest, followers->latest);
    }
    followers->latest = kNoTime;
  }
  with_latest.clear();
}

void source_map_create() {
  HASHCTL control = {};
  control.keysize = sizeof(Oid);
  control.entrysize = sizeof(SourceEntry);
  control.hcxt = TopMemoryContext;
  sources = hash_create("trending sources", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  CacheRegisterRelcacheCallback(invalidate, 0);
  CacheRegisterSyscacheCallback(PROCOID, invalidate_functions, 0);
  CacheRegisterSyscacheCallback(AGGFNOID, invalidate_functions, 0);
  control.keysize = sizeof(RelFileLocator);
  control.entrysize = sizeof(FileEntry);
  files = hash_create("trending files", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

}  // namespace trending
