// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>

class QDBusVariant;

namespace trending {

enum class Appearance { kDesktop, kLight, kDark };

// The colours of the windows. All painting takes them from here, so that dark and light are complete.
struct Theme {
  bool dark = false;
  QColor window, surface, raised, border, text, muted, faint, grid;
  QColor accent, good, warning, bad;
  QColor selection;
};

// Applies light or dark to the whole application, and follows the desktop where it says which it wants
// (through the settings portal, else by the palette the application was given).
class Themes : public QObject {
  Q_OBJECT

 public:
  static Themes& instance();
  const Theme& current() const { return theme_; }
  Appearance appearance() const { return appearance_; }
  void set_appearance(Appearance appearance);

 signals:
  void changed();

 private slots:
  void on_portal_setting(const QString& area, const QString& key, const QDBusVariant& value);

 private:
  Themes();
  void ask_desktop();
  void apply();

  Appearance appearance_ = Appearance::kDesktop;
  bool desktop_dark_ = false;
  Theme theme_;
};

inline const Theme& theme() {
  return Themes::instance().current();
}

// The application's font, scaled; figures of equal width where the font has them.
QFont scaled_font(double factor, QFont::Weight weight = QFont::Normal);

}  // namespace trending
