// SPDX-License-Identifier: PostgreSQL
// The option label: where the label of a key is found, and who may see it.
//
// Reading a label runs nobody's code with the reader's rights. So the table is not queried (to plan a query
// over a table evaluates its indexes' expressions, its statistics and its policies); a label is fetched by
// the index of the table's key, and made text by functions that are built in or written in C
// (functions/labels.cpp).
#pragma once

#include "definition/definition.h"

namespace trending {

// The rows of `relation` whose `key` column equals the trend's key.
struct LabelSource {
  Oid relation;
  AttrNumber column;  // the label
  Oid type;           // its type, below any domain
  AttrNumber key;     // unique and NOT NULL
  Oid index;          // on it
  Oid key_type;       // as which a key of the trend is looked up in the index
  Oid equal;          // the function that compares them
};

// Resolves a label ('table.column', 'schema.table.column') for a definition. Errors say what is missing.
// Checks no rights.
LabelSource label_resolve(const char* label, const Definition* definition);

// Raises an error unless the current user may read label and key.
void label_check_rights(const LabelSource& source);

// 'schema.table.column', quoted where needed: the same table under any search_path.
const char* label_text(const LabelSource& source);

// For readers: the source of a trend's labels, locked ACCESS SHARE. False where it has none now, or none that
// the current user may see: without rights, or with row security that applies to him.
bool label_find(const Definition& definition, LabelSource* source);

}  // namespace trending
