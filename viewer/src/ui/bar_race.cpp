// SPDX-License-Identifier: PostgreSQL
#include "ui/bar_race.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "data/text.h"
#include "ui/theme.h"

namespace trending {

namespace {

constexpr int kFrameMs = 16;
constexpr double kPlaceSeconds = 0.16, kLengthSeconds = 0.20, kOpacitySeconds = 0.12;
constexpr double kFarthest = 1000;    // beyond so many times the axis nothing glides
constexpr double kWidestValue = 0.6;  // of the width; labels have the rest
constexpr double kHeadroom = 1.04, kLowestFill = 0.88;
constexpr double kAxisHeight = 26;
constexpr double kLowestStackedRow = 28;
constexpr int kPadding = 14;

// Steps of 1, 2 or 5 times a power of ten, at most `most` of them up to `end`.
double axis_step(double end, int most) {
  if (end <= 0) return 1;
  const double rough = end / most, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

// Where bars begin. Times have no zero: theirs begin a little before the earliest.
double zero_of(const Ranking& ranking) {
  if (ranking.value_kind != ValueKind::kTime || ranking.items.empty()) return 0;
  const auto [least, greatest] =
      std::minmax_element(ranking.items.cbegin(), ranking.items.cend(),
                          [](const RankedItem& a, const RankedItem& b) { return a.magnitude < b.magnitude; });
  return least->magnitude - std::max(1.0, (greatest->magnitude - least->magnitude) / 10);
}

QStaticText static_text(const QString& text, const QFont& font) {
  QStaticText result(text);
  result.setTextFormat(Qt::PlainText);
  result.setPerformanceHint(QStaticText::AggressiveCaching);
  result.prepare(QTransform(), font);
  return result;
}

}  // namespace

void BarRace::Glide::advance(double seconds, double smooth_time) {
  const double omega = 2 / smooth_time, x = omega * seconds;
  const double decay = 1 / (1 + x + 0.48 * x * x + 0.235 * x * x * x);
  const double change = value - target;
  const double pull = (velocity + omega * change) * seconds;
  velocity = (velocity - omega * pull) * decay;
  value = target + (change + pull) * decay;
}

bool BarRace::Glide::resting(double tolerance) const {
  return std::fabs(value - target) < tolerance && std::fabs(velocity) < tolerance * 20;
}

BarRace::BarRace(ItemColors* colors, QWidget* parent) : QWidget(parent), colors_(colors) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Ranking as bars"));
  setAttribute(Qt::WA_OpaquePaintEvent);
  frames_.setTimerType(Qt::PreciseTimer);
  frames_.setInterval(kFrameMs);
  connect(&frames_, &QTimer::timeout, this, &BarRace::advance);
  connect(&Themes::instance(), &Themes::changed, this, [this] { update(); });
}

void BarRace::set_ranking(const Ranking& ranking, int places) {
  const bool other =
      ranking.trend != trend_ || ranking.partition != partition_ || ranking.value_kind != kind_;
  const bool relayout = other || places != places_ || ranking.items.size() != bars_.size() || bars_.empty();
  if (other) bars_.clear();
  trend_ = ranking.trend;
  partition_ = ranking.partition;
  kind_ = ranking.value_kind;
  const double zero = zero_of(ranking);
  places_ = places;
  has_previous_ = ranking.has_previous();

  QStringList keys;
  QHash<QString, qsizetype> known;
  for (qsizetype i = 0; i < bars_.size(); ++i) known.insert(bars_[i].item.key, i);
  for (Bar& bar : bars_) bar.leaving = true;
  double longest = 0;
  QString widest_before, widest_now;
  const auto shorter = [](const QString& a, const QString& b) { return a.size() < b.size(); };
  for (const Bar& bar : bars_) widest_before = std::max(widest_before, bar.item.value, shorter);
  for (qsizetype row = 0; row < ranking.items.size(); ++row) {
    const RankedItem& item = ranking.items[row];
    keys.append(item.key);
    longest = std::max(longest, std::fabs(item.magnitude - zero));
    widest_now = std::max(widest_now, item.value, shorter);
    const auto old = known.constFind(item.key);
    if (old == known.constEnd()) {
      Bar bar;
      bar.item = item;
      bar.place.jump(std::max<double>(static_cast<double>(places), static_cast<double>(row)));
      bar.opacity.jump(0);
      bars_.append(bar);
    }
    Bar& bar = old == known.constEnd() ? bars_.last() : bars_[*old];
    bar.item = item;
    bar.leaving = false;
    bar.movement = movement_of(item, has_previous_);
    bar.place.target = static_cast<double>(row);
    bar.length.target = std::fabs(item.magnitude - zero);
    bar.opacity.target = 1;
    if (other || !animated_) {
      bar.place.jump(static_cast<double>(row));
      bar.opacity.jump(1);
    }
  }
  for (Bar& bar : bars_) {
    if (!bar.leaving) continue;
    bar.place.target = places;
    bar.opacity.target = 0;
  }
  // The axis has some room, so that it need not move, and everything be painted, at every refresh.
  if (longest > scale_.target || longest < scale_.target * kLowestFill) scale_.target = longest * kHeadroom;
  const bool far = scale_.value > kFarthest * scale_.target;
  if (other || scale_.value <= 0 || !animated_ || far) scale_.jump(longest * kHeadroom);
  // From what was infinite a moment ago a glide would take for ever.
  for (Bar& bar : bars_) {
    if (bar.length.value > kFarthest * scale_.target) bar.length.jump(bar.length.target);
  }
  colors_->assign(keys);
  if (relayout || widest_before.size() != widest_now.size()) {
    lay_out();
    update();
  } else {
    for (Bar& bar : bars_) prepare_texts(bar, false);
  }
  if (!animated_) {
    settle();
  } else {
    start_moving();
  }
  update_accessible_text();
}

void BarRace::set_selected(const QStringList& keys) {
  if (keys == selected_) return;
  selected_ = keys;
  update();
}

void BarRace::settle() {
  frames_.stop();
  bars_.removeIf([](const Bar& bar) { return bar.leaving; });
  for (Bar& bar : bars_) {
    bar.place.jump(bar.place.target);
    bar.length.jump(bar.length.target);
    bar.opacity.jump(bar.opacity.target);
  }
  scale_.jump(scale_.target);
  painted_scale_ = scale_.value;
  update();
}

void BarRace::start_moving() {
  if (!isVisible()) return settle();
  if (!frames_.isActive()) {
    since_frame_.start();
    frames_.start();
  }
  invalidate_changed();
}

void BarRace::advance() {
  const double seconds = std::min(static_cast<double>(since_frame_.nsecsElapsed()) / 1e9, 0.1);
  since_frame_.start();
  const double pixels_per_unit = scale_.value > 0 ? layout_.bar_width / scale_.value : 1;
  bool moving = false;
  const auto glide = [&](Glide& glide, double smooth_time, double pixels) {
    const double tolerance = 0.35 / std::max(pixels, 1e-300);
    if (glide.resting(tolerance)) return glide.jump(glide.target);
    glide.advance(seconds, smooth_time);
    moving = true;
  };
  glide(scale_, kLengthSeconds, pixels_per_unit);
  for (Bar& bar : bars_) {
    glide(bar.place, kPlaceSeconds, layout_.row_height);
    glide(bar.length, kLengthSeconds, pixels_per_unit);
    glide(bar.opacity, kOpacitySeconds, 40);
  }
  const bool left = std::any_of(bars_.cbegin(), bars_.cend(),
                                [](const Bar& bar) { return bar.leaving && bar.opacity.value < 0.02; });
  invalidate_changed();
  if (left) bars_.removeIf([](const Bar& bar) { return bar.leaving && bar.opacity.value < 0.02; });
  if (!moving) frames_.stop();
}

QRect BarRace::row_rect(const Bar& bar) const {
  const double y = layout_.top + bar.place.value * layout_.row_height;
  return {0, static_cast<int>(std::lround(y)), width(), static_cast<int>(std::ceil(layout_.row_height))};
}

double BarRace::bar_pixels(const Bar& bar) const {
  return scale_.value > 0 ? std::clamp(bar.length.value / scale_.value, 0.0, 1.1) * layout_.bar_width : 0;
}

// Asks for painting where pixels differ from those on the screen.
void BarRace::invalidate_changed() {
  if (std::fabs(scale_.value - painted_scale_) * layout_.bar_width > 0.5 * std::max(scale_.value, 1e-300)) {
    painted_scale_ = scale_.value;
    return update();
  }
  for (const Bar& bar : bars_) {
    const QRect row = row_rect(bar);
    if (row != bar.painted || bar.opacity.value < 0.999) {
      update(row | bar.painted);
    } else if (const int pixels = static_cast<int>(std::lround(bar_pixels(bar)));
               pixels != bar.painted_length) {
      const int from = static_cast<int>(layout_.bar_x) + std::min(pixels, bar.painted_length) - 8;
      update(QRect(from, row.y(), width() - from, row.height()));
    }
  }
}

void BarRace::lay_out() {
  Layout& l = layout_;
  l.top = kAxisHeight + 2;
  const double available = std::max(60.0, height() - l.top - 10);
  l.row_height = std::clamp(available / places_, 11.0, 100.0);
  l.stacked = l.row_height >= kLowestStackedRow;
  const double pixels = l.stacked ? std::clamp(l.row_height * 0.30, 12.0, width() < 900 ? 15.0 : 22.0)
                                  : std::clamp(l.row_height * 0.56, 8.0, 14.0);
  l.font = font();
  l.font.setPixelSize(static_cast<int>(pixels));
  l.value_font = l.font;
  l.value_font.setWeight(QFont::DemiBold);
  l.mark_font = l.font;
  l.mark_font.setPixelSize(static_cast<int>(std::max(7.0, pixels * 0.8)));
  l.mark_font.setWeight(QFont::DemiBold);

  const QFontMetricsF metrics(l.font), value_metrics(l.value_font), mark_metrics(l.mark_font);
  double widest_label = 0, widest_value = 0;
  for (const Bar& bar : bars_) {
    widest_label =
        std::max(widest_label, metrics.horizontalAdvance(text::one_line(bar.item.title()).left(200)));
    widest_value = std::max(widest_value, value_metrics.horizontalAdvance(text::value(bar.item.value)));
  }
  widest_value = std::min(widest_value, width() * kWidestValue);
  l.rank_x = kPadding;
  l.rank_width = value_metrics.horizontalAdvance(QStringLiteral("00"));
  l.mark_x = l.rank_x + l.rank_width + 6;
  l.mark_width = mark_metrics.horizontalAdvance(QStringLiteral("▲ 00")) + 12;
  l.label_x = l.mark_x + l.mark_width + 6;
  if (l.stacked) {
    l.bar_height = std::clamp(l.row_height * 0.24, 6.0, 22.0);
    const double gap = std::clamp(l.row_height * 0.07, 2.0, 6.0);
    const double content = metrics.height() + gap + l.bar_height;
    l.text_middle = (l.row_height - content) / 2 + metrics.height() / 2;
    l.bar_middle = (l.row_height + content) / 2 - l.bar_height / 2;
    l.bar_x = l.label_x;
    l.bar_width = std::max(30.0, width() - l.bar_x - kPadding);
    l.label_width = std::max(30.0, l.bar_width - widest_value - 16);
  } else {
    l.bar_height = l.row_height * 0.74;
    l.text_middle = l.bar_middle = l.row_height / 2;
    l.label_width = std::clamp(std::ceil(widest_label) + 2, 30.0, width() * 0.40);
    l.bar_x = l.label_x + l.label_width + 12;
    l.bar_width = std::max(30.0, width() - l.bar_x - widest_value - 10 - kPadding);
  }
  for (Bar& bar : bars_) prepare_texts(bar, true);
}

// Lays out the texts of a bar again where they differ, and has the row painted if any does: that it does not move
// does not mean that it looks the same.
void BarRace::prepare_texts(Bar& bar, bool other_font) {
  const Layout& l = layout_;
  bool changed = false;
  const auto prepare = [&](QStaticText& prepared, const QString& text, const QFont& font) {
    if (!other_font && prepared.text() == text) return;
    prepared = static_text(text, font);
    changed = true;
  };
  prepare(bar.rank_text, QString::number(bar.item.rank), l.value_font);
  prepare(bar.label_text,
          QFontMetricsF(l.font).elidedText(text::one_line(bar.item.title()), Qt::ElideRight, l.label_width),
          l.font);
  prepare(bar.value_text,
          QFontMetricsF(l.value_font)
              .elidedText(text::value(bar.item.value), Qt::ElideRight, width() * kWidestValue),
          l.value_font);
  QString mark;
  if (bar.movement == Movement::kNew) mark = tr("NEW");
  if (bar.movement == Movement::kUp)
    mark = QStringLiteral("▲ %1").arg(*bar.item.previous_rank - bar.item.rank);
  if (bar.movement == Movement::kDown)
    mark = QStringLiteral("▼ %1").arg(bar.item.rank - *bar.item.previous_rank);
  prepare(bar.mark_text, mark, l.mark_font);
  if (changed) update(row_rect(bar));
}

void BarRace::paintEvent(QPaintEvent* event) {
  QPainter painter(this);
  painter.setClipRegion(event->region());
  paint_all(painter);
  ++frames_painted_;
}

void BarRace::paint_all(QPainter& painter) {
  const QRect clip = painter.hasClipping() ? painter.clipBoundingRect().toAlignedRect() : rect();
  painter.fillRect(clip, theme().surface);
  paint_axis(painter);
  // Those that fall first, so that risers pass in front of them.
  QList<Bar*> order;
  for (Bar& bar : bars_) order.append(&bar);
  std::stable_sort(order.begin(), order.end(), [](const Bar* a, const Bar* b) {
    return a->place.target - a->place.value > b->place.target - b->place.value;
  });
  for (Bar* bar : order) {
    const QRect row = row_rect(*bar);
    bar->painted = row;
    bar->painted_length = static_cast<int>(std::lround(bar_pixels(*bar)));
    if (row.intersects(clip)) paint_bar(painter, *bar);
  }
}

void BarRace::paint_axis(QPainter& painter) {
  const Layout& l = layout_;
  constexpr double kLargest = 1e100;  // beyond, only infinity is meant
  if (scale_.value <= 0 || scale_.value > kLargest || bars_.empty() || kind_ != ValueKind::kNumber) return;
  const double step = axis_step(scale_.value, std::clamp(static_cast<int>(l.bar_width / 90), 2, 8));
  QFont font = l.font;
  font.setPixelSize(11);
  painter.setFont(font);
  const double bottom = l.stacked ? l.top : std::min<double>(height(), l.top + places_ * l.row_height);
  for (double at = 0; at <= scale_.value * 1.0001; at += step) {
    const double x = std::round(l.bar_x + at / scale_.value * l.bar_width) + 0.5;
    painter.setPen(theme().grid);
    painter.drawLine(QPointF(x, l.top - 4), QPointF(x, bottom));
    painter.setPen(theme().faint);
    const bool first = at == 0 && l.stacked, last = x + 30 > width();
    const QRectF place(first ? x - 1 : last ? x - 100 : x - 50, 3, 100, kAxisHeight - 6);
    const Qt::Alignment side = first ? Qt::AlignLeft : last ? Qt::AlignRight : Qt::AlignHCenter;
    painter.drawText(place, static_cast<int>(side | Qt::AlignVCenter), text::axis_mark(at, step));
  }
}

void BarRace::paint_bar(QPainter& painter, Bar& bar) {
  const Layout& l = layout_;
  const QRect row = row_rect(bar);
  const double middle = row.y() + l.bar_middle, text_middle = row.y() + l.text_middle;
  painter.setOpacity(std::clamp(bar.opacity.value, 0.0, 1.0));
  painter.setRenderHint(QPainter::Antialiasing);
  // A row in motion covers those it passes.
  if (!bar.place.resting(0.02)) painter.fillRect(row.adjusted(0, 1, 0, -1), theme().surface);
  painter.setPen(Qt::NoPen);
  if (selected_.contains(bar.item.key)) {
    painter.setBrush(theme().selection);
    painter.drawRoundedRect(QRectF(6, row.y() + 1, width() - 12, l.row_height - 2), 6, 6);
  }

  const double length = std::max(bar_pixels(bar), 2.0);
  const QColor color = colors_->color(bar.item.key, theme().dark);
  const QRectF shape(l.bar_x, middle - l.bar_height / 2, length, l.bar_height);
  const double radius = std::min({l.stacked ? l.bar_height / 2 : 4.0, l.bar_height / 2, 9.0});
  if (l.stacked) {
    painter.setBrush(theme().grid);
    painter.drawRoundedRect(QRectF(shape.topLeft(), QSizeF(l.bar_width, l.bar_height)), radius, radius);
  }
  painter.setBrush(bar.item.magnitude < 0 ? QBrush(color, Qt::Dense4Pattern) : QBrush(color));
  painter.drawRoundedRect(shape, std::min(radius, length / 2), radius);

  const auto draw = [&](const QStaticText& text, double x, double y, const QFont& font, const QColor& pen) {
    painter.setFont(font);
    painter.setPen(pen);
    painter.drawStaticText(QPointF(std::round(x), std::round(y - text.size().height() / 2)), text);
  };
  const double row_middle = row.y() + l.row_height / 2;
  draw(bar.rank_text, l.rank_x + l.rank_width - bar.rank_text.size().width(), row_middle, l.value_font,
       bar.item.rank <= 3 ? theme().text : theme().faint);
  paint_mark(painter, bar, row_middle);
  draw(bar.label_text, l.label_x, text_middle, l.font, theme().text);
  const double value_x =
      l.stacked ? l.bar_x + l.bar_width - bar.value_text.size().width() : l.bar_x + length + 8;
  draw(bar.value_text, value_x, text_middle, l.value_font, theme().text);
  painter.setOpacity(1);
}

void BarRace::paint_mark(QPainter& painter, const Bar& bar, double middle) {
  const Layout& l = layout_;
  if (bar.movement == Movement::kNone) return;
  const QSizeF size = bar.mark_text.size();
  const double x = l.mark_x + (l.mark_width - size.width()) / 2;
  QColor color = bar.movement == Movement::kDown ? theme().faint : theme().good;
  if (bar.movement == Movement::kNew) {
    color = theme().accent;
    QColor fill = color;
    fill.setAlphaF(theme().dark ? 0.20f : 0.12f);
    painter.setPen(Qt::NoPen);
    painter.setBrush(fill);
    const double height = std::min(size.height() + 2, l.row_height - 2);
    painter.drawRoundedRect(QRectF(x - 5, middle - height / 2, size.width() + 10, height), height / 2,
                            height / 2);
  }
  painter.setFont(l.mark_font);
  painter.setPen(color);
  painter.drawStaticText(QPointF(std::round(x), std::round(middle - size.height() / 2)), bar.mark_text);
}

void BarRace::resizeEvent(QResizeEvent*) {
  lay_out();
  update();
}

void BarRace::changeEvent(QEvent* event) {
  if (event->type() == QEvent::FontChange) lay_out();
  QWidget::changeEvent(event);
}

const BarRace::Bar* BarRace::bar_at(const QPoint& position) const {
  for (const Bar& bar : bars_) {
    if (!bar.leaving && row_rect(bar).contains(position)) return &bar;
  }
  return nullptr;
}

QString BarRace::tool_tip(const Bar& bar) const {
  QStringList lines{
      QLatin1String("<b>") + bar.item.title().left(1000).toHtmlEscaped() + QLatin1String("</b>"),
      tr("Rank %1, value %2").arg(bar.item.rank).arg(text::value(bar.item.value))};
  if (!bar.item.label.isEmpty()) lines.append(tr("Key %1").arg(bar.item.key.left(200).toHtmlEscaped()));
  if (bar.movement == Movement::kNew) lines.append(tr("Not in the list in the window before"));
  if (bar.item.previous_rank) lines.append(tr("Rank %1 in the window before").arg(*bar.item.previous_rank));
  return lines.join(QLatin1String("<br>"));
}

bool BarRace::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    if (const Bar* bar = bar_at(help->pos())) {
      QToolTip::showText(help->globalPos(), tool_tip(*bar), this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  return QWidget::event(event);
}

void BarRace::mousePressEvent(QMouseEvent* event) {
  const Bar* bar = event->button() == Qt::LeftButton ? bar_at(event->position().toPoint()) : nullptr;
  if (bar != nullptr) emit item_clicked(bar->item.key, event->modifiers().testFlag(Qt::ControlModifier));
}

void BarRace::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Down ? 1 : event->key() == Qt::Key_Up ? -1 : 0;
  if (step == 0 || bars_.empty()) return QWidget::keyPressEvent(event);
  QList<const Bar*> order;
  for (const Bar& bar : bars_) {
    if (!bar.leaving) order.append(&bar);
  }
  std::sort(order.begin(), order.end(),
            [](const Bar* a, const Bar* b) { return a->item.rank < b->item.rank; });
  qsizetype at = -1;
  for (qsizetype i = 0; i < order.size(); ++i) {
    if (selected_.contains(order[i]->item.key)) at = i;
  }
  if (order.empty()) return;
  at = std::clamp<qsizetype>(at + step, 0, order.size() - 1);
  emit item_clicked(order[at]->item.key, false);
}

void BarRace::update_accessible_text() {
  QStringList lines;
  for (const Bar& bar : bars_) {
    if (!bar.leaving)
      lines.append(tr("%1: %2, %3").arg(bar.item.rank).arg(bar.item.title(), text::value(bar.item.value)));
  }
  setAccessibleDescription(lines.join(u'\n'));
}

}  // namespace trending
