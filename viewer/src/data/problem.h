// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QList>
#include <QString>
#include <optional>

#include "data/connection.h"
#include "data/status.h"

namespace trending {

// Something that keeps the window from showing what it should, in words: what is wrong and what to do.
struct Problem {
  enum class Severity { kNotice, kWarning, kError };
  Severity severity = Severity::kError;
  QString title, explanation, remedy;
  QString sql;  // a statement that may be copied and run

  bool operator==(const Problem&) const = default;
};

// All that a diagnosis looks at.
struct Situation {
  ConnectionState connection;
  bool trends_known = false;
  qsizetype trend_count = 0;
  const TrendInfo* trend = nullptr;  // the one shown
  StatusSample status;
  std::optional<Failure> failure;  // of the trend shown
};

// The worst problem first; empty when all is well.
QList<Problem> diagnose(const Situation& situation);

}  // namespace trending
