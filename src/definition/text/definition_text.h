// SPDX-License-Identifier: PostgreSQL
// A definition in words, as things are called now: every name qualified, independent of settings. All of it
// locks the source ACCESS SHARE.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

const char* definition_text(const Query* query);
inline const char* definition_text(const Definition& definition) {
  return definition_text(definition.query);
}

// The definition of a decayed trend, over only the rows that the trend has not forgotten: those whose time is
// not before the value of the SQL expression `since`.
const char* definition_text_since(const Definition& definition, const char* since);

}  // namespace trending
