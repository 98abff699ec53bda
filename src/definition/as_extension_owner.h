// Writing trending.trend, which only the extension's owner may.
#pragma once

#include "definition/definition_catalog.h"
#include "postgres/server.h"

namespace trending {

// Runs with the identity of the owner of trending.trend. An error restores the caller's identity by itself.
template <typename Body>
void as_extension_owner(Body body) {
  Relation table = table_open(trend_table(), RowExclusiveLock);
  Oid owner = table->rd_rel->relowner;
  table_close(table, NoLock);
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
  body();
  SetUserIdAndSecContext(user, context);
}

}  // namespace trending
