// SPDX-License-Identifier: PostgreSQL
// A trend's definition as a query over the source, and pieces of it.
#pragma once

#include "definition/definition.h"
#include "definition/text/batch_text.h"
#include "postgres/server.h"

namespace trending {

// The definition with a column rank; see trending.batch_query.
char* batch_query(const Definition& definition, const BatchText& how = {});

// The select list's name of a column, quoted; an error when the definition does not select it. `what` names
// it there.
const char* selected_column(const Definition& definition, ColumnRole role, int index, const char* what);
const char* ranking_column(const Definition& definition, int term);

// schema.name, quoted.
char* qualified_relation(Oid relation);

// All columns of the trend but rank ("h.window_end, h.views").
const char* column_list(const Definition& definition, const char* alias);

// What ranks are counted within: the columns of the window and of the partition (const char*, quoted).
// `live`: among the rows of the trend itself, where sessions are ranked together though each has its own
// window.
List* rank_partition_columns(const Definition& definition, bool live = false);

// The order of rank within these ("views DESC NULLS FIRST, post_id ASC NULLS LAST"): what ranks, the
// tie-breaks, then the keys that remain; and, with a space after it, what it is partitioned by.
void append_rank_order(StringInfo out, const Definition& definition);
void append_rank_partition(StringInfo out, const Definition& definition, bool live = false);

}  // namespace trending
