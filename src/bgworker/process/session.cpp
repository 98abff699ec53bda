// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/session.h"

#include <cstdio>

#include "postgres/server.h"
#include "postgres/settings.h"

namespace trending {

namespace {

struct NotedSetting {
  const char* name;
  const char* value;
};
NotedSetting* noted = nullptr;
int noted_count = 0;

// What is fixed for the worker, wherever else it may have been set.
constexpr NotedSetting kFixed[] = {
    {"search_path", "pg_catalog"},
    // Flushed locally before the slot is confirmed; a missing standby must not hold up decoding.
    {"synchronous_commit", "local"},
    {"statement_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"transaction_timeout", "0"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_deferrable", "off"},
    // What is kept of late rows is their values, all digits of them.
    {"datestyle", "ISO, MDY"},
    {"intervalstyle", "postgres"},
    {"bytea_output", "hex"},
    {"extra_float_digits", "1"},
    {"row_security", "off"},
    // Later minor releases refuse output plugins that are not listed (CVE-2026-6471); ours decodes in
    // process.
    {"output_plugin_libraries", "trending"},
};

void fix_setting(const char* name, const char* value) {
  if (GetConfigOption(name, true, false) == nullptr) return;  // not in this version
  SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

bool is_for_users(const config_generic* setting) {
  switch (setting->source) {
    case PGC_S_GLOBAL:
    case PGC_S_DATABASE:
    case PGC_S_USER:
    case PGC_S_DATABASE_USER:
      return true;
    default:
      return false;
  }
}

// Those two are no settings of the configuration: the user that the session began as is the one to return to.
void become_bootstrap_user() {
  StartTransactionCommand();
  SetConfigOption("session_authorization", GetUserNameFromId(BOOTSTRAP_SUPERUSERID, false), PGC_SUSET,
                  PGC_S_OVERRIDE);
  SetConfigOption("role", "none", PGC_SUSET, PGC_S_OVERRIDE);
  CommitTransactionCommand();
}

}  // namespace

void session_begin() {
  MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
  int count = 0;
  config_generic** all = compat::settings_of_server(&count);
  noted = static_cast<NotedSetting*>(palloc(sizeof(NotedSetting) * static_cast<size_t>(count)));
  for (int i = 0; i < count; i++) {
    if (all[i]->context != PGC_USERSET && all[i]->context != PGC_SUSET) continue;
    const char* value = GetConfigOption(all[i]->name, true, false);
    if (value != nullptr) noted[noted_count++] = {all[i]->name, pstrdup(value)};
  }
  MemoryContextSwitchTo(caller);
}

void session_configure() {
  become_bootstrap_user();
  int count = 0;
  config_generic** all = compat::settings_of_server(&count);
  for (int i = 0; i < count; i++) {
    if (!is_for_users(all[i])) continue;
    for (int j = 0; j < noted_count; j++) {
      if (strcmp(noted[j].name, all[i]->name) != 0) continue;
      SetConfigOption(noted[j].name, noted[j].value, PGC_SUSET, PGC_S_OVERRIDE);
    }
  }
  for (const NotedSetting& setting : kFixed) fix_setting(setting.name, setting.value);
  // That of the database is set as the session begins, not by the configuration.
  fix_setting("client_encoding", GetDatabaseEncodingName());
  char memory[32];
  snprintf(memory, sizeof(memory), "%d", settings.decoding_work_mem_kb);
  fix_setting("logical_decoding_work_mem", memory);
  session_limit_locks(true);
}

void session_limit_locks(bool limited) {
  fix_setting("lock_timeout", limited ? "1s" : "0");
}

}  // namespace trending
