// SPDX-License-Identifier: PostgreSQL
// Who may read messages that can quote rows of a source: errors of expressions and of writes do.
#pragma once

#include "postgres/server.h"

namespace trending {

// The owner of what the message is about, members of his role, and whoever watches the server. InvalidOid: it
// is about the server.
inline bool may_see_messages(Oid owner) {
  Oid user = GetUserId();
  return (OidIsValid(owner) && has_privs_of_role(user, owner)) || has_privs_of_role(user, ROLE_PG_MONITOR);
}

inline constexpr const char* kHiddenReason =
    "The reason is shown to the trend's owner and to members of pg_monitor.";

}  // namespace trending
