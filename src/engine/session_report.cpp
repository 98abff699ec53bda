// Sessions: what goes to history, and to checkpoints.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "engine/aggregate_state.h"
#include "engine/session_writer.h"
#include "engine/trend_writer.h"

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
  const uint32_t waiting = header_->sessions.final_waiting;
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
  if (!has_pending()) return false;
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
    sink(groups_.key(groups_.group(session->group)), session->state());
  }
  return Status::kOk;
}

void SessionWriter::mark_reported() {
  header_->reported_end = std::max(header_->reported_end, header_->watermark);
  report_is_made_ = false;
  std::vector<Closed>().swap(report_);
  sessions_.forget_withdrawn();
  if (header_->sessions.unreported == 0 && header_->sessions.final_waiting == 0) return;
  sessions_.for_each([this](uint32_t number, Session* session) {
    if ((session->flags & Session::kClosed) == 0) return;
    if ((session->flags & Session::kReported) == 0) header_->sessions.unreported--;
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
  sink({{0, 0}, groups_.count(), header_->sessions.dirty_groups});
}

// A cell: for each session of a group, the newest first, the size of what follows, its first event, the time
// from there to its last, its state.
Status SessionWriter::for_each_cell(bool only_dirty, FunctionRef<void(const CellView&)> sink) const {
  const StateLayout& layout = header_->layout;
  std::vector<std::byte> cell;
  groups_.for_each([&](uint32_t, const Group* group) {
    if (only_dirty && group->newest_pane == 0) return;
    cell.clear();
    for (uint32_t number = group->newest_cell; number != kNone;) {
      const Session* session = sessions_.session(number);
      int64_t words[2 + kMaxStateWords] = {session->first, session->last - session->first};
      std::copy(session->state(), session->state() + layout.words, words + 2);
      std::byte bytes[(2 + kMaxStateWords) * 10];
      const auto size = static_cast<uint32_t>(encode_words(words, 2u + layout.words, bytes));
      const auto* size_bytes = reinterpret_cast<const std::byte*>(&size);
      cell.insert(cell.end(), size_bytes, size_bytes + sizeof(size));
      cell.insert(cell.end(), bytes, bytes + size);
      number = session->older;
    }
    sink({groups_.key(group), 0, cell.data(), static_cast<uint32_t>(cell.size())});
  });
  return Status::kOk;
}

void SessionWriter::mark_clean() {
  if (header_->sessions.dirty_groups == 0) return;
  groups_.for_each([](uint32_t, Group* group) { group->newest_pane = 0; });
  header_->sessions.dirty_groups = 0;
}

// At the end of filling, closed sessions are news to history; in a checkpoint it has them already.
Status SessionWriter::restore_clock(Time clock, Time reported_end) {
  header_->reported_end = reported_end;
  const bool reported = !filling_;
  filling_ = false;
  if (clock == kNoTime) return Status::kOk;
  move_clock_to(clock, reported);
  writer_->ranking_.settle();
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
  if (store != 0) return Status::kCorrupt;
  const StateLayout& layout = header_->layout;
  const uint32_t hash = hash_key(key, header_->options.hash_seed);
  report_is_made_ = false;
  uint32_t id = groups_.find(key, hash);
  if (id == kNone) {
    const Status status = writer_->add_group(key, hash, &id);
    if (status != Status::kOk) return status;
    groups_.group(id)->newest_pane = 0;
  }
  Group* group = groups_.group(id);
  clear_sessions(group);  // a later segment of a checkpoint replaces what an earlier one said
  Status status = Status::kOk;
  uint32_t newer = kNone;
  for (const std::byte* end = bytes + size; bytes != end && status == Status::kOk;) {
    uint32_t length = 0;
    int64_t words[2 + kMaxStateWords];
    const auto left = static_cast<size_t>(end - bytes);
    if (left >= sizeof(length)) std::memcpy(&length, bytes, sizeof(length));
    if (left < sizeof(length) + length ||
        !decode_words(bytes + sizeof(length), length, 2u + layout.words, words)) {
      status = Status::kCorrupt;
      break;
    }
    bytes += sizeof(length) + length;
    status = restore_session(id, &newer, words);
  }
  show(id, group);
  remove_if_empty(id, group);
  writer_->ranking_.settle();
  header_->version++;
  return status;
}

// Adds a session at the old end of its group's chain. What is already final by the clock is not needed.
Status SessionWriter::restore_session(uint32_t id, uint32_t* newer, const int64_t* words) {
  const Time end = words[0] + words[1] + gap();
  const bool has_clock = header_->watermark != kNoTime;
  if (has_clock && final_at(end) <= header_->watermark) return Status::kOk;
  if (!sessions_.reserve(1)) return Status::kOutOfMemory;
  const uint32_t number = sessions_.take();
  if (number == kNone) return Status::kOutOfMemory;
  Session* session = sessions_.session(number);
  session->first = words[0];
  session->last = words[0] + words[1];
  session->group = id;
  std::copy(words + 2, words + 2 + header_->layout.words, session->state());
  sessions_.link(number, *newer, kNone, &groups_.group(id)->newest_cell);
  const bool is_closed = *newer != kNone || has_ended(session);
  if (is_closed) close(number, session, true);
  sessions_.enter(number, is_closed ? final_at(end) : end);
  *newer = number;
  return Status::kOk;
}

}  // namespace trending
