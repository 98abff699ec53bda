// SPDX-License-Identifier: PostgreSQL
#include "ui/theme.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDBusVariant>
#include <QPalette>
#include <QStyleFactory>

namespace trending {

namespace {

constexpr char kPortal[] = "org.freedesktop.portal.Desktop";
constexpr char kPortalPath[] = "/org/freedesktop/portal/desktop";
constexpr char kPortalSettings[] = "org.freedesktop.portal.Settings";
constexpr char kAppearanceArea[] = "org.freedesktop.appearance";
constexpr char kColorScheme[] = "color-scheme";

Theme light_theme() {
  Theme t;
  t.dark = false;
  t.window = QColor(0xf4, 0xf5, 0xf7);
  t.surface = QColor(0xff, 0xff, 0xff);
  t.raised = QColor(0xec, 0xee, 0xf2);
  t.border = QColor(0xdd, 0xe1, 0xe8);
  t.text = QColor(0x16, 0x1c, 0x26);
  t.muted = QColor(0x5a, 0x66, 0x78);
  t.faint = QColor(0x8d, 0x97, 0xa6);
  t.grid = QColor(0xe9, 0xec, 0xf1);
  t.accent = QColor(0x2f, 0x6f, 0xde);
  t.good = QColor(0x15, 0x80, 0x4a);
  t.warning = QColor(0xb4, 0x6a, 0x05);
  t.bad = QColor(0xc7, 0x31, 0x31);
  t.selection = QColor(0xe1, 0xec, 0xfe);
  return t;
}

Theme dark_theme() {
  Theme t;
  t.dark = true;
  t.window = QColor(0x10, 0x14, 0x1b);
  t.surface = QColor(0x17, 0x1c, 0x25);
  t.raised = QColor(0x22, 0x29, 0x35);
  t.border = QColor(0x2a, 0x32, 0x40);
  t.text = QColor(0xe8, 0xec, 0xf3);
  t.muted = QColor(0x9a, 0xa6, 0xb8);
  t.faint = QColor(0x6e, 0x7b, 0x8f);
  t.grid = QColor(0x24, 0x2b, 0x37);
  t.accent = QColor(0x5b, 0x9d, 0xff);
  t.good = QColor(0x4c, 0xc3, 0x8a);
  t.warning = QColor(0xf0, 0xb2, 0x4b);
  t.bad = QColor(0xff, 0x7b, 0x72);
  t.selection = QColor(0x20, 0x35, 0x55);
  return t;
}

QPalette palette_of(const Theme& t) {
  QPalette p;
  p.setColor(QPalette::Window, t.window);
  p.setColor(QPalette::WindowText, t.text);
  p.setColor(QPalette::Base, t.surface);
  p.setColor(QPalette::AlternateBase, t.window);
  p.setColor(QPalette::Text, t.text);
  p.setColor(QPalette::Button, t.surface);
  p.setColor(QPalette::ButtonText, t.text);
  p.setColor(QPalette::BrightText, t.bad);
  p.setColor(QPalette::ToolTipBase, t.raised);
  p.setColor(QPalette::ToolTipText, t.text);
  p.setColor(QPalette::PlaceholderText, t.faint);
  p.setColor(QPalette::Highlight, t.accent);
  p.setColor(QPalette::HighlightedText, t.dark ? t.window : t.surface);
  p.setColor(QPalette::Link, t.accent);
  p.setColor(QPalette::Light, t.dark ? t.raised : t.surface);
  p.setColor(QPalette::Midlight, t.raised);
  p.setColor(QPalette::Mid, t.border);
  p.setColor(QPalette::Dark, t.dark ? t.window : t.faint);
  p.setColor(QPalette::Shadow, t.dark ? QColor(Qt::black) : t.faint);
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, t.faint);
  }
  return p;
}

QString style_sheet(const Theme& t) {
  static const char kSheet[] = R"(
QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 5px; }
QWidget#card { background: @surface; border: 1px solid @border; border-radius: 10px; }
QWidget#sidebar { background: @surface; border: none; border-right: 1px solid @border; }
QLineEdit, QSpinBox, QComboBox { background: @surface; border: 1px solid @border; border-radius: 6px; padding: 5px 8px;
  selection-background-color: @accent; }
QLineEdit:focus, QSpinBox:focus, QComboBox:focus { border-color: @accent; }
QToolButton#flat { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px 8px; color: @text; }
QToolButton#flat:hover { background: @raised; }
QToolButton#flat:checked { background: @selection; color: @accent; }
QToolButton#flat:focus { border-color: @accent; }
QToolButton#flat::menu-indicator { image: none; width: 0; }
QToolButton#tab { background: transparent; border: none; border-bottom: 2px solid transparent; padding: 7px 0;
  margin-right: 18px; color: @muted; font-weight: 600; }
QToolButton#tab:hover { color: @text; }
QToolButton#tab:checked { color: @text; border-bottom-color: @accent; }
QToolButton#tab:focus { color: @accent; }
QPushButton { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 6px 14px; color: @text; }
QPushButton:hover { border-color: @faint; }
QPushButton:focus { border-color: @accent; }
QPushButton:default { background: @accent; border-color: @accent; color: @on_accent; font-weight: 600; }
QPushButton:disabled { color: @faint; }
QTableView, QListView { background: transparent; border: none; outline: none; gridline-color: transparent; }
QTableView::item { padding: 0 8px; border: none; }
QTableView::item:selected { background: @selection; color: @text; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: @muted; border: none; border-bottom: 1px solid @border;
  padding: 6px 8px; font-weight: normal; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-origin: padding; subcontrol-position: top center; width: 9px;
  height: 5px; }
QHeaderView::up-arrow { image: url(:/icons/up.svg); }
QHeaderView::down-arrow { image: url(:/icons/down.svg); }
QSpinBox { padding-right: 20px; }
QSpinBox::up-button, QSpinBox::down-button { subcontrol-origin: border; width: 20px; border: none; background: transparent; }
QSpinBox::up-button { subcontrol-position: top right; }
QSpinBox::down-button { subcontrol-position: bottom right; }
QSpinBox::up-arrow { image: url(:/icons/up.svg); width: 9px; height: 6px; }
QSpinBox::down-arrow, QComboBox::down-arrow { image: url(:/icons/down.svg); width: 9px; height: 6px; }
QComboBox::drop-down { border: none; width: 24px; }
QHeaderView::section:hover { color: @text; }
QSplitter::handle { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; margin: 1px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: @faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSlider::groove:horizontal { height: 4px; background: @border; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: @accent; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: @border; }
QMenu { background: @surface; border: 1px solid @border; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: @selection; color: @text; }
QMenu::separator { height: 1px; background: @border; margin: 4px 8px; }
QPlainTextEdit { background: @surface; border: 1px solid @border; border-radius: 10px; padding: 10px; }
)";
  const QPair<const char*, QColor> kColors[] = {
      {"@raised", t.raised},       {"@text", t.text},
      {"@border", t.border},       {"@surface", t.surface},
      {"@accent", t.accent},       {"@muted", t.muted},
      {"@selection", t.selection}, {"@faint", t.faint},
      {"@grid", t.grid},           {"@on_accent", t.dark ? t.window : t.surface}};
  QString sheet = QString::fromLatin1(kSheet);
  sheet.replace(QLatin1String("@on_accent"), kColors[9].second.name());
  for (const auto& [name, color] : kColors) sheet.replace(QLatin1String(name), color.name());
  return sheet;
}

}  // namespace

Themes& Themes::instance() {
  static Themes themes;
  return themes;
}

Themes::Themes() {
  desktop_dark_ = QGuiApplication::palette().color(QPalette::Window).lightnessF() < 0.5;
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  ask_desktop();
  apply();
}

void Themes::ask_desktop() {
  QDBusConnection bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) return;
  bus.connect(QLatin1String(kPortal), QLatin1String(kPortalPath), QLatin1String(kPortalSettings),
              QStringLiteral("SettingChanged"), this,
              SLOT(on_portal_setting(QString, QString, QDBusVariant)));
  QDBusMessage call = QDBusMessage::createMethodCall(QLatin1String(kPortal), QLatin1String(kPortalPath),
                                                     QLatin1String(kPortalSettings), QStringLiteral("Read"));
  call.setArguments({QLatin1String(kAppearanceArea), QLatin1String(kColorScheme)});
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call, 2000), this);
  connect(watcher, &QDBusPendingCallWatcher::finished, this, [this](QDBusPendingCallWatcher* finished) {
    const QDBusPendingReply<QDBusVariant> reply = *finished;
    if (reply.isValid()) {
      on_portal_setting(QLatin1String(kAppearanceArea), QLatin1String(kColorScheme), reply.value());
    }
    finished->deleteLater();
  });
}

void Themes::on_portal_setting(const QString& area, const QString& key, const QDBusVariant& value) {
  if (area != QLatin1String(kAppearanceArea) || key != QLatin1String(kColorScheme)) return;
  QVariant scheme = value.variant();  // 0 no wish, 1 dark, 2 light; "Read" wraps it twice
  if (scheme.canConvert<QDBusVariant>()) scheme = scheme.value<QDBusVariant>().variant();
  if (scheme.toUInt() == 0) return;
  desktop_dark_ = scheme.toUInt() == 1;
  apply();
}

void Themes::set_appearance(Appearance appearance) {
  appearance_ = appearance;
  apply();
}

void Themes::apply() {
  const bool dark = appearance_ == Appearance::kDesktop ? desktop_dark_ : appearance_ == Appearance::kDark;
  if (theme_.text.isValid() && theme_.dark == dark) return;
  theme_ = dark ? dark_theme() : light_theme();
  QApplication::setPalette(palette_of(theme_));
  qApp->setStyleSheet(style_sheet(theme_));
  emit changed();
}

QFont scaled_font(double factor, QFont::Weight weight) {
  QFont font = QApplication::font();
  if (font.pointSizeF() > 0) {
    font.setPointSizeF(font.pointSizeF() * factor);
  } else {
    font.setPixelSize(static_cast<int>(font.pixelSize() * factor));
  }
  font.setWeight(weight);
  return font;
}

}  // namespace trending
