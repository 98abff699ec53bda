// SPDX-License-Identifier: PostgreSQL
// Sessions: what goes to history, and to checkpoints.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/state_check.h"
#include "engine/sessions/session_writer.h"

namespace trending {

namespace {

// Final sessions that may wait for the next checkpoint.
constexpr uint32_t kManyFinal = 1u << 16;

bool closes_before(const Window& a, const Window& b) {
  return a.end != b.end ? a.end < b.end : a.start < b.start;
}

}  // namespace

// -- closed sessions

bool SessionWriter::has_final_pending_window() const {
  const uint32_t waiting = state_->final_waiting;
  return waiting >= std::min(kManyFinal, header_->options.max_groups / 4 + 1);
}

// A pending window is one whose sessions have changed; sessions of other groups that have the same one belong
// to it as well, since it is reported as a whole.
void SessionWriter::build_report() const {
  std::vector<Window> pending(sessions_.withdrawn_windows(),
                              sessions_.withdrawn_windows() + sessions_.withdrawn_count());
  sessions_.for_each([&](uint32_t, const Session* session) {
    const bool is_pending = (session->flags & (Session::kClosed | Session::kReported)) == Session::kClosed;
    if (is_pending) pending.push_back(window_of(session));
  });
  std::sort(pending.begin(), pending.end(), closes_before);
  pending.erase(std::unique(pending.begin(), pending.end()), pending.end());

  report_.clear();
  for (const Window& window : pending) report_.push_back({window, kNone});
  sessions_.for_each([&](uint32_t number, const Session* session) {
    if ((session->flags & Session::kClosed) == 0) return;
    const Window window = window_of(session);
    if (std::binary_search(pending.begin(), pending.end(), window, closes_before)) {
      report_.push_back({window, number});
    }
  });
  std::sort(report_.begin(), report_.end(),
            [](const Closed& a, const Closed& b) { return closes_before(a.window, b.window); });
  report_is_made_ = true;
}

bool SessionWriter::next_pending_window(const Window& after, PendingWindow* pending) const {
  if (!has_pending_window()) return false;
  if (!report_is_made_) build_report();
  const auto next =
      std::upper_bound(report_.begin(), report_.end(), after,
                       [](const Window& a, const Closed& b) { return closes_before(a, b.window); });
  if (next == report_.end()) return false;
  pending->window = next->window;
  pending->is_final = final_at(next->window.end) <= header_->watermark;
  return true;
}

Status SessionWriter::for_each_group_in_window(const Window& window,
                                               FunctionRef<void(KeyView, const int64_t*)> sink) const {
  if (!report_is_made_) build_report();
  auto next = std::lower_bound(report_.begin(), report_.end(), window,
                               [](const Closed& a, const Window& b) { return closes_before(a.window, b); });
  for (; next != report_.end() && next->window == window; ++next) {
    if (next->session == kNone) continue;
    const Session* session = sessions_.session(next->session);
    const KeyView key = groups_.key(groups_.group(session->group));
    if (holds(key, session->state())) sink(key, session->state());
  }
  return Status::kOk;
}

bool SessionWriter::alter(const TrendTuning& tuning) {
  TrendOptions& options = header_->options;
  const bool same = tuning.watermark_delay == options.watermark_delay &&
                    tuning.allowed_lateness == options.allowed_lateness &&
                    tuning.report_windows == options.report_windows;
  if (same) options.max_groups = tuning.max_groups;
  return same;
}

void SessionWriter::mark_reported() {
  header_->reported_end = std::max(header_->reported_end, header_->watermark);
  report_is_made_ = false;
  std::vector<Closed>().swap(report_);
  sessions_.forget_withdrawn();
  if (state_->unreported == 0 && state_->final_waiting == 0) return;
  sessions_.for_each([this](uint32_t number, Session* session) {
    if ((session->flags & Session::kClosed) == 0) return;
    if ((session->flags & Session::kReported) == 0) state_->unreported--;
    session->flags |= Session::kReported;
    if ((session->flags & Session::kFinal) == 0) return;
    const uint32_t id = session->group;
    drop(number, session);
    remove_if_empty(id, groups_.group(id));
  });
}

// -- checkpoints

void SessionWriter::for_each_pane(FunctionRef<void(const PaneView&)> sink) const {
  if (groups_.count() == 0) return;
  sink({{0, 0}, groups_.count(), state_->dirty_groups});
}

// A cell: for each session of a group, the newest first, the size of what follows, its first event, the time
// from there to its last, its state; then, where states own something outside of them, the size of that and
// it.
Status SessionWriter::for_each_cell(bool only_dirty, FunctionRef<void(const CellView&)> sink) const {
  HeapBuffer& cell = cell_;
  bool good = true;
  groups_.for_each([&](uint32_t, const Group* group) {
    if (!good || (only_dirty && group->newest_pane == 0)) return;
    size_t size = 0;
    for (uint32_t number = group->newest_cell; number != kNone && good;) {
      const Session* session = sessions_.session(number);
      good = encode_session(session, &cell, &size);
      number = session->older;
    }
    if (good) sink({groups_.key(group), 0, cell.data(), static_cast<uint32_t>(size)});
  });
  return good ? Status::kOk : Status::kOutOfMemory;
}

bool SessionWriter::encode_session(const Session* session, HeapBuffer* cell, size_t* size) const {
  int64_t words[2 + kMaxStateWords] = {session->first, session->last - session->first};
  const uint32_t count = header_->layout.words;
  std::copy(session->state(), session->state() + count, words + 2);
  if (has_parts()) disown_parts(words + 2);
  uint32_t piece = 0;
  if (!cell->reserve(*size + 2 * sizeof(piece) + (2 + count) * 10)) return false;
  piece = static_cast<uint32_t>(encode_words(words, 2 + count, cell->data() + *size + sizeof(piece)));
  std::memcpy(cell->data() + *size, &piece, sizeof(piece));
  *size += sizeof(piece) + piece;
  if (!has_parts()) return true;
  const size_t begin = *size;
  *size += sizeof(piece);
  if (!encode_parts(session->state(), cell, size)) return false;
  piece = static_cast<uint32_t>(*size - begin - sizeof(piece));
  std::memcpy(cell->data() + begin, &piece, sizeof(piece));
  return true;
}

void SessionWriter::mark_clean() {
  if (state_->dirty_groups == 0) return;
  groups_.for_each([](uint32_t, Group* group) { group->newest_pane = 0; });
  state_->dirty_groups = 0;
}

// At the end of filling, closed sessions are news to history; in a checkpoint it has them already.
Status SessionWriter::restore_clock(Time clock, Time reported_end) {
  if (clock != kNoTime && !windows_.in_range(clock)) return Status::kOutOfRange;
  header_->reported_end = reported_end;
  const bool reported = !filling_;
  filling_ = false;
  if (clock == kNoTime) return Status::kOk;
  move_clock(clock, reported);
  ranking_.settle();
  header_->version++;
  return Status::kOk;
}

void SessionWriter::clear_sessions(Group* group) {
  while (group->newest_cell != kNone) {
    const uint32_t number = group->newest_cell;
    drop(number, sessions_.session(number));
  }
}

Status SessionWriter::restore_cell(uint8_t store, KeyView key, const std::byte* bytes, uint32_t size) {
  if (store != 0 || !is_key(key)) return Status::kCorrupt;
  const StateLayout& layout = header_->layout;
  const uint32_t hash = hash_key(key, header_->options.hash_seed);
  report_is_made_ = false;
  uint32_t id = groups_.find(key, hash);
  if (id == kNone) {
    const Status status = add_group(key, hash, &id);
    if (status != Status::kOk) return status;
    groups_.group(id)->newest_pane = 0;
  }
  Group* group = groups_.group(id);
  clear_sessions(group);  // a later segment of a checkpoint replaces what an earlier one said
  Status status = Status::kOk;
  uint32_t newer = kNone;
  const std::byte* end = bytes + size;
  // Takes a piece, whose size stands before it.
  const auto take = [&](KeyView* piece) {
    const auto left = static_cast<size_t>(end - bytes);
    if (left >= sizeof(piece->size)) std::memcpy(&piece->size, bytes, sizeof(piece->size));
    if (left < sizeof(piece->size) || left - sizeof(piece->size) < piece->size) return false;
    piece->data = bytes + sizeof(piece->size);
    bytes = piece->data + piece->size;
    return true;
  };
  while (bytes != end && status == Status::kOk) {
    KeyView state;
    KeyView parts;
    int64_t words[2 + kMaxStateWords];
    const bool good = take(&state) && decode_words(state.data, state.size, 2u + layout.words, words) != 0 &&
                      (!has_parts() || take(&parts));
    status = good ? restore_session(id, &newer, words, parts) : Status::kCorrupt;
  }
  show(id, group);
  remove_if_empty(id, group);
  ranking_.settle();
  header_->version++;
  return status;
}

// Adds a session at the old end of its group's chain. What is already final by the clock is not needed.
Status SessionWriter::restore_session(uint32_t id, uint32_t* newer, int64_t* words, KeyView parts) {
  Time last = 0;
  if (words[1] < 0 || __builtin_add_overflow(words[0], words[1], &last)) return Status::kCorrupt;
  const bool has_clock = header_->clock != kNoTime;
  if (!windows_.in_range(words[0]) || !windows_.in_range(last) || (has_clock && last > header_->clock)) {
    return Status::kCorrupt;
  }
  if (*newer != kNone && last + gap() >= sessions_.session(*newer)->first) return Status::kCorrupt;
  if (!take_state(header_->layout, words + 2)) return Status::kCorrupt;
  const Time end = last + gap();
  if (has_clock && final_at(end) <= header_->watermark) return Status::kOk;
  if (!sessions_.reserve(1)) return Status::kOutOfMemory;
  const uint32_t number = sessions_.allocate();
  if (number == kNone) return Status::kOutOfMemory;
  Session* session = sessions_.session(number);
  session->first = words[0];
  session->last = last;
  session->group = id;
  std::copy(words + 2, words + 2 + header_->layout.words, session->state());
  if (has_parts()) {
    const Status status = decode_parts(parts.data, parts.size, session->state());
    if (status != Status::kOk) {
      release_parts(session->state());
      sessions_.release(number);
      return status;
    }
  }
  if (header_->options.has_condition) judge(session);
  sessions_.link(number, *newer, kNone, &groups_.group(id)->newest_cell);
  const bool is_closed = *newer != kNone || has_ended(session);
  if (is_closed) close(number, session, true);
  sessions_.enter(number, is_closed ? final_at(end) : end);
  *newer = number;
  return Status::kOk;
}

}  // namespace trending
