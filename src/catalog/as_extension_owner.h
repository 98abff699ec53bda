// SPDX-License-Identifier: PostgreSQL
// Writing trending.trend and similar tables, which only the extension's owner may.
#pragma once

#include "catalog/definition_catalog.h"
#include "postgres/pinned_path.h"
#include "postgres/relation_owner.h"
#include "postgres/server.h"

namespace trending {

// Runs statements of ours with the identity of the owner of trending.trend: restricted, so that nothing can
// leave that identity, and with a pinned path, so that no name can lead out of the system's. An error
// restores the caller's identity by itself.
template <typename Body>
void as_extension_owner(Body body) {
  Oid owner = relation_owner(trend_table());
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  SetUserIdAndSecContext(
      owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
  with_pinned_path(body);
  SetUserIdAndSecContext(user, context);
}

}  // namespace trending
