// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "postgres/server.h"

namespace trending {

// The owner of a relation; InvalidOid if it does not exist.
inline Oid relation_owner(Oid relation) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

}  // namespace trending
