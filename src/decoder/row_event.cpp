// SPDX-License-Identifier: PostgreSQL
#include "decoder/row_event.h"

namespace trending {

namespace {

constexpr uint32_t padded(uint32_t size) {
  return (size + 7) & ~uint32_t{7};
}

// At a multiple of 8 bytes.
void append_padded(StringInfo bytes, const void* data, uint32_t size) {
  const auto room = static_cast<int>(padded(size));
  enlargeStringInfo(bytes, room);
  memset(bytes->data + bytes->len, 0, static_cast<size_t>(room));
  if (size > 0) memcpy(bytes->data + bytes->len, data, size);
  bytes->len += room;
}

}  // namespace

static_assert(sizeof(PackedEvent) % 8 == 0);

void pack_event(const RowEvent& event, RowOutcome outcome, StringInfo bytes) {
  const ArgumentView& arguments = event.arguments;
  const auto word_bytes = static_cast<uint32_t>(arguments.word_count * sizeof(int64_t));
  PackedEvent head = {};
  head.time = event.time;
  head.size = static_cast<uint32_t>(sizeof(PackedEvent)) + word_bytes + padded(event.key.size) +
              padded(arguments.tail_size);
  head.valid = event.valid;
  head.key_size = event.key.size;
  head.tail_size = arguments.tail_size;
  head.word_count = arguments.word_count;
  head.outcome = outcome;
  head.is_first = event.is_first;
  append_padded(bytes, &head, sizeof(head));
  append_padded(bytes, arguments.words, word_bytes);
  append_padded(bytes, event.key.data, event.key.size);
  append_padded(bytes, arguments.tail, arguments.tail_size);
}

RowOutcome unpack_event(const char* bytes, const char* end, RowEvent* event) {
  const auto* head = reinterpret_cast<const PackedEvent*>(bytes);
  const char* words = bytes + sizeof(PackedEvent);
  const char* key = words + head->word_count * sizeof(int64_t);
  const char* tail = key + padded(head->key_size);
  event->time = head->time;
  event->valid = head->valid;
  event->key = {reinterpret_cast<const std::byte*>(key), head->key_size};
  event->arguments = {reinterpret_cast<const int64_t*>(words), head->word_count,
                      reinterpret_cast<const std::byte*>(tail), head->tail_size};
  event->is_first = head->is_first;
  event->next = bytes + head->size;
  event->end = end;
  return head->outcome;
}

}  // namespace trending
