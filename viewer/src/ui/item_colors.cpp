// SPDX-License-Identifier: PostgreSQL
#include "ui/item_colors.h"

#include <QHashFunctions>
#include <algorithm>
#include <array>
#include <cmath>

namespace trending {

namespace {

constexpr qsizetype kRemembered = 4096;

// OKLCH to sRGB: equal lightness and chroma look equally strong in every hue.
QColor oklch(double lightness, double chroma, double hue_degrees) {
  const double hue = hue_degrees * M_PI / 180;
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  const auto channel = [](double linear) {
    linear = std::clamp(linear, 0.0, 1.0);
    return static_cast<float>(linear <= 0.0031308 ? 12.92 * linear
                                                  : 1.055 * std::pow(linear, 1 / 2.4) - 0.055);
  };
  return QColor::fromRgbF(channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                          channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                          channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
}

// Neighbouring slots are far apart in hue; the second half repeats the hues of the first a shade lighter.
QColor slot_color(int slot, bool dark) {
  constexpr int kHues = ItemColors::kSlots / 2;
  const double hue = 255 + (slot % kHues) * 5 * (360.0 / kHues);
  const bool second = slot >= kHues;
  if (dark) return oklch(second ? 0.79 : 0.68, second ? 0.11 : 0.15, hue);
  return oklch(second ? 0.74 : 0.62, second ? 0.12 : 0.165, hue);
}

int preferred_slot(const QString& key) {
  return static_cast<int>(qHash(key, size_t{0x5eed}) % static_cast<size_t>(ItemColors::kSlots));
}

}  // namespace

void ItemColors::assign(const QStringList& keys) {
  if (slots_.size() > kRemembered) {
    QHash<QString, int> kept;
    for (const QString& key : keys) {
      if (slots_.contains(key)) kept.insert(key, slots_[key]);
    }
    slots_ = kept;
  }
  std::array<int, kSlots> used{};
  for (const QString& key : keys) {
    if (const auto slot = slots_.constFind(key); slot != slots_.constEnd())
      ++used[static_cast<size_t>(*slot)];
  }
  for (const QString& key : keys) {
    if (slots_.contains(key)) continue;
    const int fewest = *std::min_element(used.begin(), used.end());
    int slot = preferred_slot(key);
    while (used[static_cast<size_t>(slot)] > fewest)
      slot = (slot + 7) % kSlots;  // 7 and 24: every slot is met
    ++used[static_cast<size_t>(slot)];
    slots_.insert(key, slot);
  }
}

QColor ItemColors::color(const QString& key, bool dark) const {
  return slot_color(slots_.value(key, preferred_slot(key)), dark);
}

}  // namespace trending
