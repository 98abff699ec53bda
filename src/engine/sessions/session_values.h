// SPDX-License-Identifier: PostgreSQL
// The different values of a session, for count(DISTINCT): a set of byte strings that can be united with
// another without needing memory, as rows that make two sessions one must not fail half-way.
//
// A treap (Seidel and Aragon, 1996) in the order of bytes, whose heap priorities are seeded hashes. The root
// stands in the session's state. A value costs 24 bytes and its own.
#pragma once

#include "engine/aggregates/key.h"
#include "engine/memory/arena.h"
#include "engine/sessions/session_store.h"

namespace trending {

class SessionValues {
 public:
  SessionValues() = default;
  SessionValues(Arena* arena, SessionStoreState* state, uint64_t hash_seed)
      : arena_(arena), state_(state), hash_seed_(hash_seed) {}

  bool contains(Offset tree, KeyView value) const;

  // A value that is in no set yet; 0 when memory is short.
  Offset make(KeyView value);
  void release(Offset value);
  // Adds it to a set that lacks it.
  void insert(Offset* tree, Offset value) { *tree = insert(*tree, value); }

  // Adds all of `other`, which is used up, and returns how many of them were new.
  int64_t unite(Offset* tree, Offset other);
  void clear(Offset* tree);

  // visit(KeyView) in the order of bytes.
  template <typename Visit>
  void for_each(Offset tree, Visit&& visit) const {
    if (tree == 0) return;
    const Node* node = at(tree);
    for_each(node->left, visit);
    visit(node->value());
    for_each(node->right, visit);
  }

 private:
  struct Node {
    Offset left;
    Offset right;
    uint32_t priority;
    uint32_t size;

    KeyView value() const { return {reinterpret_cast<const std::byte*>(this + 1), size}; }
  };

  Node* at(Offset node) const { return arena_->at<Node>(node); }
  static size_t bytes(uint32_t size) { return sizeof(Node) + size; }
  int compare(Offset node, KeyView value) const {
    return compare_key_bytes(nullptr, at(node)->value(), value);
  }
  Offset insert(Offset tree, Offset added);
  void split(Offset tree, KeyView value, Offset* low, Offset* high);

  Arena* arena_ = nullptr;
  SessionStoreState* state_ = nullptr;
  uint64_t hash_seed_ = 0;
};

}  // namespace trending
