// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/title.h"

#include "bgworker/process/worker.h"

namespace trending {

namespace {

constexpr int kMaxText = 256;

bool follows = false;

void show(BackendState state, const char* text) {
  char title[NAMEDATALEN + 2 + kMaxText];
  snprintf(title, sizeof(title), "%s: %s", worker->database_name, text);
  set_ps_display(title);
  pgstat_report_activity(state, text);
}

}  // namespace

void title_show(const char* what, Oid relation) {
  follows = false;
  const char* name = OidIsValid(relation) ? get_rel_name(relation) : nullptr;
  if (name == nullptr) return show(STATE_RUNNING, what);
  char text[kMaxText];
  snprintf(text, sizeof(text), "%s %s", what, name);
  show(STATE_RUNNING, text);
}

void title_follow() {
  if (follows) return;
  follows = true;
  show(STATE_IDLE, "following changes");
}

}  // namespace trending
