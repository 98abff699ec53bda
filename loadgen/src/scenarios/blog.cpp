// SPDX-License-Identifier: PostgreSQL
#include "blog.h"

#include <fmt/format.h>

#include "connection.h"
#include "format.h"
#include "scenarios/schemas.h"
#include "scenarios/titles.h"

namespace trending::loadgen {

namespace {

enum Tally { kLate, kViral, kEdits };

constexpr uint64_t kDefaultUsers = 100000;

Table posts_table() {
  return {"posts",
          {{"id", ColumnType::kBigint},
           {"title", ColumnType::kText},
           {"category", ColumnType::kText},
           {"region", ColumnType::kText},
           {"author", ColumnType::kText},
           {"created_at", ColumnType::kTimestamptz}}};
}

Table views_table() {
  return {"view_events",
          {{"post_id", ColumnType::kBigint},
           {"user_id", ColumnType::kBigint},
           {"category", ColumnType::kText},
           {"hashtags", ColumnType::kText},
           {"region", ColumnType::kText},
           {"referrer", ColumnType::kText},
           {"viewed_at", ColumnType::kTimestamptz}}};
}

std::string statement(const Edit& edit) {
  if (!edit.title) return fmt::format("DELETE FROM posts WHERE id = {}", edit.post);
  return fmt::format("UPDATE posts SET title = {} WHERE id = {}", quote(*edit.title), edit.post);
}

}  // namespace

Blog::Blog(const Options& options)
    : TableScenario("blog", schemas::kBlog, {posts_table()}, {views_table()}),
      shape_{.seed = options.shape.seed,
             .posts = 0,
             .users = options.shape.users.value_or(kDefaultUsers),
             .skew = options.shape.skew,
             .viral_every = options.blog.viral_every,
             .viral_life = options.blog.viral_life,
             .late_share = options.shape.late_share,
             .late_max = options.shape.late_max,
             .change_share = options.shape.change_share.value_or(0)},
      schedule_(options.run.rate, options.run.speed),
      wanted_posts_(options.blog.posts) {}

std::vector<std::string> Blog::fill(Connection& connection) {
  const Timestamp now = wall_clock();
  const auto add_values = [&](Rows& rows, uint64_t id) {
    const Post post = make_post(shape_.seed, id);
    rows.add_text(post.title);
    rows.add_text(post.category);
    rows.add_text(post.region);
    rows.add_text(post.author);
    rows.add_timestamptz(now - post.age);
  };
  return {add_missing_rows(connection, fixed_tables().front(), wanted_posts_, "post", add_values)};
}

void Blog::prepare(Connection& connection) {
  TableScenario::prepare(connection);
  const uint64_t there = greatest_id(connection, fixed_tables().front());
  if (there == 0) throw SchemaError("table posts is empty", "Fill it: trending-loadgen init");
  if (wanted_posts_ > there) {
    throw SchemaError(fmt::format("--posts {} asks for more than the {} in the table", wanted_posts_,
                                  counted(there, "post")),
                      fmt::format("Add the others: trending-loadgen init --posts {}", wanted_posts_));
  }
  shape_.posts = wanted_posts_ > 0 ? wanted_posts_ : there;
  model_.emplace(shape_, schedule_);
}

std::string Blog::describe() const {
  return counted(shape_.posts, "post");
}

void Blog::generate(EventSpan span, const EventTimes& times, Batch& batch) const {
  Rows& rows = batch.rows.front();
  for (uint64_t event = span.first; event < span.first + span.count; ++event) {
    const View view = model_->view(event);
    rows.begin_row(event_tables().front().columns.size());
    rows.add_bigint(static_cast<int64_t>(view.post));
    rows.add_bigint(static_cast<int64_t>(view.user));
    rows.add_text(title_category(shape_.seed, view.post - 1));
    rows.add_text(post_hashtags(shape_.seed, view.post));
    rows.add_text(view.region);
    rows.add_text(view.referrer);
    rows.add_timestamptz(times.of(event) - view.lateness);
    batch.tallies[kLate] += view.lateness > 0 ? 1 : 0;
    batch.tallies[kViral] += view.viral ? 1 : 0;
    if (const std::optional<Edit> edit = model_->edit(event)) {
      batch.statements.push_back(statement(*edit));
      ++batch.tallies[kEdits];
    }
  }
}

std::vector<SummaryLine> Blog::summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                       uint64_t events) const {
  return {share_line("viral", tallies[kViral], "view", events),
          share_line("late", tallies[kLate], "view", events),
          share_line("edits", tallies[kEdits], "post", events)};
}

}  // namespace trending::loadgen
