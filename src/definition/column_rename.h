// A renamed column of a source: the stored definitions follow.
//
// A definition is kept as text, with names. When a column is renamed the definitions over its table are
// analysed just before and written out again just after, as the server does with views, which it keeps as
// trees.
#pragma once

#include "postgres/server.h"

namespace trending {

// The definitions that a command is about to change: a list to be handed to column_rename_end when it has
// been carried out; NIL for all commands but a renaming by the table's owner.
List* column_rename_begin(Node* command);
void column_rename_end(List* definitions);

}  // namespace trending
