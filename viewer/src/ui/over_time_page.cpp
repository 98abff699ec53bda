// SPDX-License-Identifier: PostgreSQL
#include "ui/over_time_page.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QTimer>
#include <cmath>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/item_colors.h"
#include "ui/line_chart.h"
#include "ui/theme.h"

namespace trending {

namespace {

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
      chart_(new LineChart),
      legend_(new QListWidget),
      caption_(new QLabel),
      note_(new QLabel) {
  setObjectName(QStringLiteral("card"));
  setAttribute(Qt::WA_StyledBackground);
  chart_->setAccessibleName(tr("Values over time"));
  chart_->set_words([this](const QString& key, qint64 at_ms) { return words_at(key, at_ms); });
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
  row->addWidget(chart_, 1);
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
  QList<ChartLine> lines;
  for (const QString& key : keys) lines.append({key, colors_->color(key, theme().dark), series_.value(key)});
  chart_->show_lines(lines, workspace_->live_ranking().value_kind == ValueKind::kNumber);
  const bool selected = !workspace_->selected().empty();
  caption_->setText(selected ? tr("%1 selected").arg(keys.size()) : tr("The best %1").arg(keys.size()));
  const HistoryState& history = workspace_->history();
  switch (history.kind) {
    case HistoryState::Kind::kAbsent:
      note_->setText(tr("No history: %1 The lines begin when this window connected.").arg(history.reason));
      break;
    case HistoryState::Kind::kPresent:
      note_->setText(
          tr("%1 closed windows; dotted: the current one, which is not over. Select rows of the ranking to "
             "choose items.")
              .arg(text::count(history.windows.size())));
      break;
    case HistoryState::Kind::kUnknown:
      note_->setText(tr("Looking for history…"));
  }
  show_legend(keys);
}

// What the server wrote for the point of a line next to a place.
QString OverTimePage::words_at(const QString& key, qint64 at_ms) const {
  const QList<SeriesPoint> points = series_.value(key);
  const auto near =
      std::min_element(points.cbegin(), points.cend(), [at_ms](const SeriesPoint& a, const SeriesPoint& b) {
        return std::abs(a.at_ms - at_ms) < std::abs(b.at_ms - at_ms);
      });
  if (near == points.cend()) return {};
  const QString value = text::value(near->text);
  return QStringLiteral("<b>%1</b><br>%2<br>%3")
      .arg(workspace_->title_of(key).toHtmlEscaped(),
           (near->unfinished ? tr("%1 so far").arg(value) : value).toHtmlEscaped(),
           text::moment(QDateTime::fromMSecsSinceEpoch(near->at_ms)));
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
  chart_->recolor();
  paint_label(note_, t.muted);
  if (isVisible()) draw();
}

}  // namespace trending
