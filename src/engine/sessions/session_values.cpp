// SPDX-License-Identifier: PostgreSQL
#include "engine/sessions/session_values.h"

#include <cstring>

namespace trending {

bool SessionValues::contains(Offset tree, KeyView value) const {
  while (tree != 0) {
    const int order = compare(tree, value);
    if (order == 0) return true;
    tree = order > 0 ? at(tree)->left : at(tree)->right;
  }
  return false;
}

Offset SessionValues::make(KeyView value) {
  const Offset made = arena_->allocate(bytes(value.size));
  if (made == 0) return 0;
  Node* node = at(made);
  *node = {0, 0, hash_key(value, hash_seed_), value.size};
  if (value.size > 0) std::memcpy(static_cast<void*>(node + 1), value.data, value.size);
  state_->values++;
  return made;
}

void SessionValues::release(Offset value) {
  if (value == 0) return;
  arena_->release(value, bytes(at(value)->size));
  state_->values--;
}

// Cuts a set that lacks `value` into what comes before it and after it.
void SessionValues::split(Offset tree, KeyView value, Offset* low, Offset* high) {
  if (tree == 0) {
    *low = *high = 0;
    return;
  }
  Node* node = at(tree);
  if (compare(tree, value) < 0) {
    split(node->right, value, &node->right, high);
    *low = tree;
  } else {
    split(node->left, value, low, &node->left);
    *high = tree;
  }
}

Offset SessionValues::insert(Offset tree, Offset added) {
  Node* node = at(added);
  if (tree == 0 || node->priority > at(tree)->priority) {
    split(tree, node->value(), &node->left, &node->right);
    return added;
  }
  Node* above = at(tree);
  Offset* below = compare(tree, node->value()) > 0 ? &above->left : &above->right;
  *below = insert(*below, added);
  return tree;
}

int64_t SessionValues::unite(Offset* tree, Offset other) {
  if (other == 0) return 0;
  const Offset left = at(other)->left;
  const Offset right = at(other)->right;
  int64_t added = 0;
  if (contains(*tree, at(other)->value())) {
    release(other);
  } else {
    insert(tree, other);
    added = 1;
  }
  added += unite(tree, left);
  return added + unite(tree, right);
}

void SessionValues::clear(Offset* tree) {
  if (*tree == 0) return;
  clear(&at(*tree)->left);
  clear(&at(*tree)->right);
  release(*tree);
  *tree = 0;
}

}  // namespace trending
