// SPDX-License-Identifier: PostgreSQL
#include "definition/partition_by.h"

namespace trending {

namespace {

// The key column that the select list calls so; an error when there is none. One that is not selected would
// be missing from the trend's history, whose ranks it tells apart.
int find_partition_column(const Definition& definition, const char* name) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kKey && strcmp(column.name, name) == 0) return column.index;
  }
  for (int i = 0; i < definition.keys.count; i++) {
    if (strcmp(definition.keys.columns[i].name, name) != 0) continue;
    ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
                    errmsg("\"%s\" in partition_by is not in the select list of the trend", name),
                    errhint("Add it to the select list.")));
  }
  ereport(ERROR,
          (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("\"%s\" in partition_by is no key of the trend", name),
           errhint("Name columns of GROUP BY as the select list calls them.")));
  pg_unreachable();
}

void check_count(const Definition& definition, int count) {
  if (count == 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("partition_by must not be empty"),
                    errhint("Leave it out to rank all groups together.")));
  }
  if (count == definition.keys.count) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("partition_by must leave a key of the trend to be ranked"),
                    errdetail("Every group would be a partition of its own.")));
  }
}

}  // namespace

void partition_by_set(Definition* definition, ArrayType* names) {
  if (names == nullptr) return;
  Datum* elements = nullptr;
  bool* isnull = nullptr;
  int count = 0;
  deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &isnull, &count);
  KeyCodec* partition = &definition->partition;
  partition->columns = static_cast<KeyColumn*>(palloc0(sizeof(KeyColumn) * (count + 1)));
  partition->order = static_cast<int*>(palloc0(sizeof(int) * (count + 1)));
  definition->partition_keys = static_cast<int*>(palloc0(sizeof(int) * (count + 1)));
  for (int i = 0; i < count; i++) {
    if (isnull[i]) {
      ereport(ERROR,
              (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("partition_by must not contain nulls")));
    }
    const char* name = NameStr(*DatumGetName(elements[i]));
    int key = find_partition_column(*definition, name);
    for (int other = 0; other < i; other++) {
      if (definition->partition_keys[other] != key) continue;
      ereport(ERROR,
              (errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("\"%s\" is named twice in partition_by", name)));
    }
    definition->partition_keys[i] = key;
    partition->columns[i] = definition->keys.columns[key];
    partition->order[i] = i;
  }
  check_count(*definition, count);
  partition->count = count;
}

KeyBytes partition_key(const Definition& definition, KeyBytes key, StringInfo buffer) {
  key_extract(definition.keys, key, definition.partition_keys, definition.partition.count, buffer);
  return {reinterpret_cast<const std::byte*>(buffer->data), static_cast<uint32_t>(buffer->len)};
}

int partition_compare(const Definition& definition, KeyBytes left, KeyBytes right) {
  return key_compare_columns(definition.keys, definition.partition_keys, definition.partition.count, left,
                             right);
}

}  // namespace trending
