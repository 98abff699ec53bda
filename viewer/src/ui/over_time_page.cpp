// SPDX-License-Identifier: PostgreSQL
#include "ui/over_time_page.h"

#include <QChart>
#include <QChartView>
#include <QDateTimeAxis>
#include <QGraphicsLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineSeries>
#include <QListWidget>
#include <QPainter>
#include <QTimer>
#include <QToolTip>
#include <QValueAxis>
#include <cmath>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/item_colors.h"
#include "ui/theme.h"

namespace trending {

namespace {

QString time_format(qint64 span_ms) {
  if (span_ms < 10 * 60'000) return QStringLiteral("HH:mm:ss");
  if (span_ms < 36 * 3'600'000LL) return QStringLiteral("HH:mm");
  return span_ms < 20 * 86'400'000LL ? QStringLiteral("d MMM HH:mm") : QStringLiteral("d MMM");
}

void paint_label(QLabel* label, const QColor& color) {
  QPalette palette = label->palette();
  palette.setColor(QPalette::WindowText, color);
  label->setPalette(palette);
}

}  // namespace

OverTimePage::OverTimePage(Workspace* workspace, ItemColors* colors, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      colors_(colors),
      chart_(new QChart),
      view_(new QChartView(chart_)),
      time_(new QDateTimeAxis),
      value_(new QValueAxis),
      legend_(new QListWidget),
      caption_(new QLabel),
      note_(new QLabel) {
  setObjectName(QStringLiteral("card"));
  setAttribute(Qt::WA_StyledBackground);
  chart_->setMargins({4, 4, 12, 4});
  chart_->layout()->setContentsMargins(0, 0, 0, 0);
  chart_->setBackgroundRoundness(0);
  chart_->setLocalizeNumbers(true);
  chart_->legend()->hide();
  chart_->addAxis(time_, Qt::AlignBottom);
  chart_->addAxis(value_, Qt::AlignLeft);
  view_->setRenderHint(QPainter::Antialiasing);
  view_->setFrameShape(QFrame::NoFrame);
  view_->setAccessibleName(tr("Values over time"));
  legend_->setAccessibleName(tr("Items of the chart"));
  legend_->setFixedWidth(230);
  legend_->setSelectionMode(QAbstractItemView::NoSelection);
  legend_->setFocusPolicy(Qt::NoFocus);
  legend_->setTextElideMode(Qt::ElideRight);
  legend_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  legend_->setIconSize({12, 12});
  legend_->setSpacing(3);
  legend_->setFrameShape(QFrame::NoFrame);
  caption_->setFont(scaled_font(1.0, QFont::DemiBold));
  note_->setFont(scaled_font(0.9));
  note_->setWordWrap(true);
  note_->setObjectName(QStringLiteral("historyNote"));

  auto* words = new QVBoxLayout;
  words->setContentsMargins(12, 8, 12, 0);
  words->setSpacing(3);
  words->addWidget(caption_);
  words->addWidget(note_);
  auto* row = new QHBoxLayout;
  row->setSpacing(4);
  row->addWidget(view_, 1);
  row->addWidget(legend_);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(6, 6, 6, 6);
  layout->addLayout(words);
  layout->addLayout(row, 1);

  connect(workspace, &Workspace::series_changed, this, &OverTimePage::draw_soon);
  connect(workspace, &Workspace::selection_changed, this, &OverTimePage::draw_soon);
  connect(workspace, &Workspace::live_ranking_changed, this, &OverTimePage::draw_soon);
  connect(workspace, &Workspace::trend_changed, this, &OverTimePage::draw_soon);
  connect(&Themes::instance(), &Themes::changed, this, &OverTimePage::recolor);
  recolor();
}

void OverTimePage::showEvent(QShowEvent*) {
  workspace_->load_series();
  draw();
}

// Several changes of one turn of the event loop are drawn once; a page nobody sees is not drawn at all.
void OverTimePage::draw_soon() {
  if (!isVisible() || drawing_soon_) return;
  drawing_soon_ = true;
  QTimer::singleShot(0, this, &OverTimePage::draw);
}

void OverTimePage::draw() {
  drawing_soon_ = false;
  const QStringList keys = workspace_->charted();
  series_ = workspace_->series();
  colors_->assign(keys);
  for (const QString& key : lines_.keys()) {
    if (keys.contains(key)) continue;
    QLineSeries* line = lines_.take(key);
    chart_->removeSeries(line);
    delete line;
  }
  qint64 first = std::numeric_limits<qint64>::max(), last = 0;
  double highest = std::numeric_limits<double>::lowest(), lowest = std::numeric_limits<double>::max();
  for (const QString& key : keys) {
    QLineSeries*& line = lines_[key];
    if (line == nullptr) {
      line = new QLineSeries;
      chart_->addSeries(line);
      line->attachAxis(time_);
      line->attachAxis(value_);
      connect(line, &QLineSeries::hovered, this, [this, key](const QPointF& point, bool inside) {
        if (!inside) return QToolTip::hideText();
        QToolTip::showText(
            QCursor::pos(),
            QStringLiteral("<b>%1</b><br>%2<br>%3")
                .arg(workspace_->title_of(key).toHtmlEscaped(), value_near(key, point.x()).toHtmlEscaped(),
                     text::moment(QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(point.x())))),
            view_);
      });
    }
    line->setPen(QPen(colors_->color(key, theme().dark), 2.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    QList<QPointF> points;
    for (const SeriesPoint& point : series_.value(key)) {
      points.append({static_cast<double>(point.at_ms), point.value});
      first = std::min(first, point.at_ms);
      last = std::max(last, point.at_ms);
      highest = std::max(highest, point.value);
      lowest = std::min(lowest, point.value);
    }
    line->setPointsVisible(points.size() == 1);
    line->replace(points);
  }
  if (last > 0) {
    if (last - first < 60'000) first = last - 60'000;
    time_->setRange(QDateTime::fromMSecsSinceEpoch(first), QDateTime::fromMSecsSinceEpoch(last));
    time_->setFormat(time_format(last - first));
    time_->setTickCount(std::clamp(view_->width() / 130, 3, 9));
    value_->setTickType(QValueAxis::TicksFixed);
    // Lines may begin above zero: close ones would lie on each other.
    if (lowest > 0) lowest = std::max(0.0, lowest < highest / 2 ? 0 : lowest - (highest - lowest) / 4);
    value_->setRange(lowest, std::max(highest, lowest + 1));
    value_->setTickCount(6);
    value_->applyNiceNumbers();
    const double step = (value_->max() - value_->min()) / (value_->tickCount() - 1);
    const int decimals =
        step >= 1 ? 0 : std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
    value_->setLabelFormat(step > 1e15 ? QStringLiteral("%.2e") : QStringLiteral("%.%1f").arg(decimals));
    value_->setLabelsVisible(workspace_->live_ranking().value_kind == ValueKind::kNumber);
  }
  const bool selected = !workspace_->selected().empty();
  caption_->setText(selected ? tr("%1 selected").arg(keys.size()) : tr("The best %1").arg(keys.size()));
  const HistoryState& history = workspace_->history();
  switch (history.kind) {
    case HistoryState::Kind::kAbsent:
      note_->setText(tr("No history: %1 The lines begin when this window connected.").arg(history.reason));
      break;
    case HistoryState::Kind::kPresent:
      note_->setText(
          tr("%1 closed windows, then the current one. Select rows of the ranking to choose items.")
              .arg(text::count(history.windows.size())));
      break;
    case HistoryState::Kind::kUnknown:
      note_->setText(tr("Looking for history…"));
  }
  show_legend(keys);
}

// What the server wrote for the point of a line next to a place.
QString OverTimePage::value_near(const QString& key, double at) const {
  const QList<SeriesPoint> points = series_.value(key);
  const auto near =
      std::min_element(points.cbegin(), points.cend(), [at](const SeriesPoint& a, const SeriesPoint& b) {
        return std::fabs(static_cast<double>(a.at_ms) - at) < std::fabs(static_cast<double>(b.at_ms) - at);
      });
  return near == points.cend() ? QString() : text::value(near->text);
}

void OverTimePage::show_legend(const QStringList& keys) {
  legend_->clear();
  QHash<QString, QString> values;
  for (const RankedItem& item : workspace_->live_ranking().items) values.insert(item.key, item.value);
  for (const QString& key : keys) {
    QPixmap chip(12, 12);
    chip.fill(colors_->color(key, theme().dark));
    const QString title = text::one_line(workspace_->title_of(key));
    const QString value = values.contains(key) ? text::value(values[key]) : tr("not ranked now");
    auto* entry = new QListWidgetItem(QIcon(chip), title + u'\n' + value);
    entry->setToolTip(title);
    legend_->addItem(entry);
  }
}

void OverTimePage::recolor() {
  const Theme& t = theme();
  chart_->setBackgroundBrush(t.surface);
  view_->setBackgroundBrush(t.surface);
  for (QAbstractAxis* axis : {static_cast<QAbstractAxis*>(time_), static_cast<QAbstractAxis*>(value_)}) {
    axis->setLabelsColor(t.muted);
    axis->setLinePenColor(t.border);
    axis->setGridLineColor(t.grid);
    axis->setLabelsFont(scaled_font(0.86));
  }
  time_->setGridLineVisible(false);
  paint_label(note_, t.muted);
  if (isVisible()) draw();
}

}  // namespace trending
