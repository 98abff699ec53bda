// SPDX-License-Identifier: PostgreSQL
#include "bgworker/checkpoint/source_rows.h"

#include "bgworker/checkpoint/stored_trend.h"
#include "bgworker/intake/ahead_times.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/checksum.h"
#include "postgres/spi.h"

namespace trending {

namespace {

// -- the tables of a source

Checksum begin_checksum(const FollowedTrend* trend) {
  Checksum checksum("trend_source_table");
  checksum.add(int64{trend->id});
  return checksum;
}

void add_to(Checksum* checksum, Oid relation, const StoredTable& table) {
  checksum->add(int64{relation}).add(int64{table.listed ? 1 : 0}).add(table.latest);
  checksum->add(static_cast<int64>(table.surveyed)).add(int64{table.filenode});
}

StoredTable stored_form(const SourceTable& table) {
  return {table.listed, table.latest, table.surveyed, table.filenode};
}

void write_source_table(int32 trend_id, Oid relation, const StoredTable& table) {
  static SpiStatement upsert = {
      "INSERT INTO trending.trend_source_table (trend_id, relation, listed, latest, surveyed, filenode) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (trend_id, relation) DO UPDATE SET "
      "listed = excluded.listed, latest = excluded.latest, surveyed = excluded.surveyed, filenode = "
      "excluded.filenode"};
  spi_run(&upsert, {spi_int4(trend_id), spi_oid(relation), spi_bool(table.listed), spi_int8(table.latest),
                    spi_lsn(table.surveyed), spi_oid(table.filenode)});
}

void delete_source_table(int32 trend_id, Oid relation) {
  static SpiStatement deletion = {
      "DELETE FROM trending.trend_source_table WHERE trend_id = $1 AND relation = $2"};
  spi_run(&deletion, {spi_int4(trend_id), spi_oid(relation)});
}

// Writes what changed of them.
void write_source_tables(FollowedTrend* trend, Checksum* checksum) {
  const bool known = trend->tables->known && trend->tables->latest_known;
  auto& stored = trend->stored->tables;
  for (auto old = stored.begin(); old != stored.end();) {
    if (known && trend->tables->all.count(old->first) > 0) {
      ++old;
      continue;
    }
    delete_source_table(trend->id, old->first);
    old = stored.erase(old);
  }
  if (!known) return;
  for (const auto& [relation, table] : trend->tables->all) {
    const StoredTable present = stored_form(table);
    add_to(checksum, relation, present);
    auto old = stored.find(relation);
    if (old != stored.end() && old->second == present) continue;
    write_source_table(trend->id, relation, present);
    stored[relation] = present;
  }
}

// Into trend->stored->tables.
const char* read_source_tables(FollowedTrend* trend, Checksum* checksum) {
  static SpiStatement select = {
      "SELECT relation, listed, latest, surveyed, filenode FROM trending.trend_source_table "
      "WHERE trend_id = $1 ORDER BY relation"};
  const uint64 rows = spi_run(&select, {spi_int4(trend->id)});
  for (uint64 i = 0; i < rows; i++) {
    const SpiRow row(i);
    Oid relation = InvalidOid;
    StoredTable table = {};
    if (!row.read("relation", &relation) || !row.read("listed", &table.listed) ||
        !row.read("latest", &table.latest) || !row.read("surveyed", &table.surveyed) ||
        !row.read("filenode", &table.filenode)) {
      return "a row of it in trend_source_table has values that are missing or of another type";
    }
    add_to(checksum, relation, table);
    trend->stored->tables[relation] = table;
  }
  return nullptr;
}

// -- times of rows that were refused as too far ahead

void write_ahead_range(int32 trend_id, Time first, Time last) {
  static SpiStatement upsert = {
      "INSERT INTO trending.trend_ahead_range (trend_id, first_time, last_time) VALUES ($1, $2, $3) "
      "ON CONFLICT (trend_id, first_time) DO UPDATE SET last_time = excluded.last_time"};
  spi_run(&upsert, {spi_int4(trend_id), spi_int8(first), spi_int8(last)});
}

void delete_ahead_range(int32 trend_id, Time first) {
  static SpiStatement deletion = {
      "DELETE FROM trending.trend_ahead_range WHERE trend_id = $1 AND first_time = $2"};
  spi_run(&deletion, {spi_int4(trend_id), spi_int8(first)});
}

void write_ahead_ranges(FollowedTrend* trend, Checksum* checksum) {
  // What windows that are final have been is forgotten on the way.
  trend->ahead->forget_before(trend->writer.concerned_from());
  const auto& present = trend->ahead->ranges();
  auto& stored = trend->stored->ahead;
  for (auto old = stored.begin(); old != stored.end();) {
    if (present.count(old->first) > 0) {
      ++old;
      continue;
    }
    delete_ahead_range(trend->id, old->first);
    old = stored.erase(old);
  }
  for (const auto& [first, last] : present) {
    checksum->add(first).add(last);
    const auto [old, is_missing] = stored.try_emplace(first, last);
    if (!is_missing && old->second == last) continue;
    write_ahead_range(trend->id, first, last);
    old->second = last;
  }
}

// Into trend->stored->ahead.
const char* read_ahead_ranges(FollowedTrend* trend, Checksum* checksum) {
  static SpiStatement select = {
      "SELECT first_time, last_time FROM trending.trend_ahead_range WHERE trend_id = $1 ORDER BY first_time"};
  const uint64 rows = spi_run(&select, {spi_int4(trend->id)});
  for (uint64 i = 0; i < rows; i++) {
    Time first = 0;
    Time last = 0;
    if (!SpiRow(i).read("first_time", &first, "last_time", &last)) {
      return "a row of it in trend_ahead_range has values that are missing or of another type";
    }
    checksum->add(first).add(last);
    trend->stored->ahead[first] = last;
  }
  return nullptr;
}

}  // namespace

int64 write_source_rows(FollowedTrend* trend) {
  Checksum checksum = begin_checksum(trend);
  write_source_tables(trend, &checksum);
  write_ahead_ranges(trend, &checksum);
  return checksum.value();
}

const char* read_source_rows(FollowedTrend* trend, int64* checksum) {
  Checksum all = begin_checksum(trend);
  const char* wrong = read_source_tables(trend, &all);
  if (wrong == nullptr) wrong = read_ahead_ranges(trend, &all);
  *checksum = all.value();
  return wrong;
}

bool ahead_ranges_are_valid(const FollowedTrend* trend) {
  const auto& ranges = trend->stored->ahead;
  if (ranges.size() > AheadTimes::kMost) return false;
  Time before = kNoTime;
  for (const auto& [first, last] : ranges) {
    if (last < first || (before != kNoTime && first <= before)) return false;
    before = last;
  }
  return true;
}

}  // namespace trending
