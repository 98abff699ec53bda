// SPDX-License-Identifier: PostgreSQL
#include "data/ranking.h"

#include <algorithm>
#include <cmath>

#include "data/text.h"

namespace trending {

double magnitude_of(const QString& value, ValueKind kind) {
  // An infinite value has a bar all the same, longer than any other's; motion can still be calculated with
  // it.
  constexpr double kInfinite = 1e300;
  if (value == QLatin1String("Infinity") || value == QLatin1String("infinity"))
    return kind == ValueKind::kNumber ? kInfinite : 0;
  if (value == QLatin1String("-Infinity") || value == QLatin1String("-infinity"))
    return kind == ValueKind::kNumber ? -kInfinite : 0;
  switch (kind) {
    case ValueKind::kNumber: {
      const double number = value.toDouble();
      return std::isfinite(number) ? std::clamp(number, -kInfinite, kInfinite) : 0;
    }
    case ValueKind::kTime: {
      const QDateTime time = text::parse_timestamp(value);
      return time.isValid() ? static_cast<double>(time.toMSecsSinceEpoch()) : 0;
    }
    case ValueKind::kOther:
      return 0;
  }
  return 0;
}

}  // namespace trending
