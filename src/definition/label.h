// The option label while a trend is created; readers use label_resolve (definition.h).
#pragma once

#include "definition/definition.h"

namespace trending {

// Raises an error unless the current user may read label and key.
void label_check_rights(const LabelSource& source);

// 'schema.table.column', quoted where needed: the same table under any search_path.
const char* label_text(const LabelSource& source);

}  // namespace trending
