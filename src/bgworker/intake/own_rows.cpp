// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/own_rows.h"

#include <algorithm>
#include <set>
#include <vector>

#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"

namespace trending {

namespace {

std::set<Oid>& written = *new std::set<Oid>();  // tables that the worker has written to
std::vector<RelFileLocator>& ignored = *new std::vector<RelFileLocator>();  // files of our own tables
bool known = false;     // whether `followed` is up to date
bool followed = false;  // some trend has a table of `written` as its source, or joins one

bool reads_written(const FollowedTrend* trend) {
  if (trend == nullptr) return false;
  if (written.count(trend->source) > 0) return true;
  return trend->joined != nullptr &&
         std::any_of(trend->joined->relations.begin(), trend->joined->relations.end(),
                     [](Oid table) { return written.count(table) > 0; });
}

bool some_source_is_written() {
  return std::any_of(worker->trends.begin(), worker->trends.end(), reads_written);
}

void ignore_file(const RelFileLocator& file) {
  ignored.push_back(file);
}

bool is_ignored(XLogReaderState* reader) {
  if (!XLogRecHasBlockRef(reader, 0)) return false;
  const RelFileLocator file = compat::record_file(reader);
  return std::any_of(ignored.begin(), ignored.end(),
                     [&file](const RelFileLocator& other) { return compat::is_same_file(file, other); });
}

}  // namespace

void own_rows_learn(const FollowedTrend* trend) {
  if (trend->definition == nullptr) return;
  for (Oid table : {trend->definition->history, trend->definition->late, trend->definition->alerts}) {
    if (OidIsValid(table)) written.insert(table);
  }
  known = false;
}

void own_rows_forget() {
  known = false;
  ignored.clear();
}

void own_rows_meet(Relation relation) {
  if (RelationGetNamespace(relation) != get_rel_namespace(worker->catalog.table)) return;
  ignore_file(compat::relation_file(relation));
  // Large states are mostly there.
  if (!OidIsValid(relation->rd_rel->reltoastrelid)) return;
  Relation toast = RelationIdGetRelation(relation->rd_rel->reltoastrelid);
  if (!RelationIsValid(toast)) return;
  ignore_file(compat::relation_file(toast));
  RelationClose(toast);
}

bool own_rows_wanted(XLogReaderState* reader) {
  if (!known) {
    followed = some_source_is_written();
    known = true;
  }
  return followed && !is_ignored(reader);
}

}  // namespace trending
