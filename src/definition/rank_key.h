// SPDX-License-Identifier: PostgreSQL
// The rank keys of a trend whose ORDER BY has terms that the engine does not know: expressions, keys before
// others, aggregates whose values are bytes. The worker makes one whenever a group has changed; readers only
// compare.
//
// A term's value is a word, which never decreases in the order of rank, and where the word does not say it
// all, bytes that are compared by the type. The first word is the engine's score. The bytes of a rank key:
// for every term its class (kNullFirst, kValue, kNullLast); of a value the word, if the term is not the
// first, and with RankForm::kBytes and kNumeric the size of the value and the value itself.
#pragma once

#include "definition/definition.h"
#include "definition/group_row.h"
#include "engine/aggregates/key.h"
#include "postgres/server.h"

namespace trending {

// Sets the form of a term whose expression is there. False if its type has no order that is built in.
bool order_term_set_form(OrderTerm* term, Oid collation);

// Whether the score alone says how a group is ranked: a rank key has no bytes.
bool rank_score_decides(const Definition& definition);

// What makes the rank keys of a trend.
struct RankKeys;

// Compiled into CurrentMemoryContext; needs a transaction. Null where the engine ranks by itself.
RankKeys* rank_keys_create(const Definition* definition);

// Called under the trend's lock, or, harvesting, without. A term that fails (evaluation.h) is NULL; *failed
// counts them. The bytes are valid until the next call.
RankKey rank_key_make(RankKeys* keys, LWLock* lock, const StateLayout& layout, KeyView key,
                      const int64_t* result, const Window& window, int* failed);

// The order of the bytes of two rank keys of equal score: negative when a ranks before b. Raises no error but
// what would end the worker anywhere.
int rank_key_compare(const Definition& definition, KeyView a, KeyView b);

}  // namespace trending
