// SPDX-License-Identifier: PostgreSQL
#include "ui/trend_panel.h"

#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/icons.h"
#include "ui/theme.h"

namespace trending {

namespace {

QColor state_color(const QString& state) {
  if (state == QLatin1String("running")) return theme().good;
  if (state == QLatin1String("stopped") || state == QLatin1String("worker down")) return theme().bad;
  return state.isEmpty() ? theme().faint : theme().warning;
}

}  // namespace

void TrendDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                          const QModelIndex& index) const {
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  const QRectF row = QRectF(option.rect).adjusted(8, 2, -8, -2);
  const bool selected = option.state.testFlag(QStyle::State_Selected);
  if (selected || option.state.testFlag(QStyle::State_MouseOver)) {
    painter->setPen(Qt::NoPen);
    painter->setBrush(selected ? theme().selection : theme().raised);
    painter->drawRoundedRect(row, 8, 8);
  }
  painter->setPen(Qt::NoPen);
  painter->setBrush(state_color(index.data(TrendListModel::kStateRole).toString()));
  const QRectF inner = row.adjusted(28, 7, -10, -7);
  painter->drawEllipse(QPointF(row.left() + 15, inner.top() + inner.height() / 4 + 1), 4, 4);

  const auto line = [&](const QRectF& place, const QString& text, const QFont& font, const QColor& color,
                        Qt::Alignment side) {
    painter->setFont(font);
    painter->setPen(color);
    const QString shown = QFontMetricsF(font).elidedText(text::one_line(text), Qt::ElideRight, place.width());
    painter->drawText(place, static_cast<int>(side | Qt::AlignVCenter) | Qt::TextSingleLine, shown);
  };
  const QRectF upper(inner.left(), inner.top(), inner.width(), inner.height() / 2);
  const QRectF lower = upper.translated(0, inner.height() / 2);
  QString rate;
  const double per_second = index.data(TrendListModel::kRateRole).toDouble();
  if (per_second >= 0 && index.data(TrendListModel::kRateRole).isValid()) rate = text::rate(per_second);
  const QFont small = scaled_font(0.86);
  const double rate_width = rate.isEmpty() ? 0 : QFontMetricsF(small).horizontalAdvance(rate) + 8;
  line(upper.adjusted(0, 0, -rate_width, 0), index.data().toString(), scaled_font(1.0, QFont::DemiBold),
       theme().text, Qt::AlignLeft);
  line(upper, rate, small, theme().muted, Qt::AlignRight);
  const QString window = index.data(TrendListModel::kWindowRole).toString();
  QString below = index.data(TrendListModel::kSourceRole).toString();
  if (!window.isEmpty()) below += QStringLiteral("  ·  ") + window;
  line(lower, below, small, theme().muted, Qt::AlignLeft);
  painter->restore();
}

QSize TrendDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const {
  const int text = QFontMetrics(scaled_font(1.0)).height() + QFontMetrics(scaled_font(0.86)).height();
  return {200, text + 26};
}

TrendPanel::TrendPanel(Workspace* workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      filtered_(new TrendFilter(this)),
      filter_(new QLineEdit),
      list_(new QListView),
      count_(new QLabel),
      connection_(new QToolButton) {
  setObjectName(QStringLiteral("sidebar"));
  setAttribute(Qt::WA_StyledBackground);
  filtered_->setSourceModel(workspace->trends());
  filtered_->setDynamicSortFilter(false);

  auto* title = new QLabel(tr("Trends"));
  title->setFont(scaled_font(1.15, QFont::DemiBold));
  count_->setFont(scaled_font(0.86));
  filter_->setObjectName(QStringLiteral("filter"));
  filter_->setPlaceholderText(tr("Filter trends"));
  filter_->setAccessibleName(tr("Filter trends"));
  filter_->setClearButtonEnabled(true);
  filter_->setToolTip(tr("Words that must occur in name, source or state (Ctrl+F)"));
  list_->setObjectName(QStringLiteral("trends"));
  list_->setAccessibleName(tr("Trends"));
  list_->setModel(filtered_);
  list_->setItemDelegate(new TrendDelegate(list_));
  list_->setUniformItemSizes(true);
  list_->setMouseTracking(true);
  list_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  connection_->setObjectName(QStringLiteral("flat"));
  connection_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  connection_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  connection_->setAccessibleName(tr("Connection"));
  connection_->setIconSize({18, 18});

  auto* head = new QHBoxLayout;
  head->setContentsMargins(16, 16, 16, 4);
  head->addWidget(title);
  head->addStretch();
  head->addWidget(count_);
  auto* box = new QHBoxLayout;
  box->setContentsMargins(14, 2, 14, 8);
  box->addWidget(filter_);
  auto* foot = new QHBoxLayout;
  foot->setContentsMargins(10, 6, 10, 10);
  foot->addWidget(connection_, 1);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addLayout(head);
  layout->addLayout(box);
  layout->addWidget(list_, 1);
  layout->addLayout(foot);

  connect(filter_, &QLineEdit::textChanged, this, [this](const QString& text) {
    following_ = true;  // rows that go must not make another trend the current one
    filtered_->set_text(text);
    following_ = false;
    follow_current();
    show_count();
  });
  connect(filter_, &QLineEdit::returnPressed, this, [this] {
    if (filtered_->rowCount() > 0) list_->setCurrentIndex(filtered_->index(0, 0));
    list_->setFocus();
  });
  connect(list_->selectionModel(), &QItemSelectionModel::currentChanged, this,
          [this](const QModelIndex& current) {
            if (current.isValid() && !following_)
              workspace_->select_trend(current.data(TrendListModel::kIdRole).toUInt());
          });
  connect(connection_, &QToolButton::clicked, this, &TrendPanel::connect_wanted);
  connect(workspace_, &Workspace::trend_changed, this, &TrendPanel::follow_current);
  connect(workspace_, &Workspace::connection_changed, this, &TrendPanel::show_connection);
  connect(workspace_->trends(), &QAbstractItemModel::modelReset, this, &TrendPanel::show_count);
  connect(workspace_->trends(), &QAbstractItemModel::modelReset, this, &TrendPanel::follow_current);
  connect(&Themes::instance(), &Themes::changed, this, &TrendPanel::show_connection);
  show_connection();
  show_count();
}

void TrendPanel::focus_filter() {
  filter_->setFocus();
  filter_->selectAll();
}

void TrendPanel::focus_list() {
  list_->setFocus();
}

void TrendPanel::follow_current() {
  const QModelIndex current =
      filtered_->mapFromSource(workspace_->trends()->index_of(workspace_->trend_id()));
  following_ = true;
  if (current.isValid()) {
    list_->setCurrentIndex(current);
    list_->scrollTo(current);
  } else {
    list_->clearSelection();
  }
  following_ = false;
}

void TrendPanel::show_count() {
  const int all = workspace_->trends()->rowCount(), shown = filtered_->rowCount();
  count_->setText(shown == all ? text::count(all) : tr("%1 of %2").arg(text::count(shown), text::count(all)));
  QPalette palette = count_->palette();
  palette.setColor(QPalette::WindowText, theme().muted);
  count_->setPalette(palette);
}

void TrendPanel::show_connection() {
  const ConnectionState& state = workspace_->connection();
  const bool connected = state.phase == ConnectionState::Phase::kConnected;
  const bool broken = state.phase == ConnectionState::Phase::kWaiting ||
                      state.phase == ConnectionState::Phase::kPasswordNeeded;
  const QColor color = connected ? theme().good : broken ? theme().bad : theme().warning;
  connection_->setIcon(
      icon(QStringLiteral("connect"), state.phase == ConnectionState::Phase::kIdle ? theme().muted : color));
  QString words = state.target.isEmpty() ? tr("Connect…") : state.target;
  connection_->setText(QFontMetrics(connection_->font()).elidedText(words, Qt::ElideMiddle, 190));
  QStringList lines{words};
  if (connected) {
    lines.append(tr("PostgreSQL %1, as %2, %3")
                     .arg(state.server.version, state.server.user,
                          state.server.tls ? tr("with TLS") : tr("without TLS")));
    if (!state.server.extension_version.isEmpty())
      lines.append(tr("trending %1").arg(state.server.extension_version));
  } else if (!state.message.isEmpty()) {
    lines.append(state.message);
  }
  lines.append(tr("Click to connect elsewhere (Ctrl+O)"));
  connection_->setToolTip(lines.join(u'\n'));
  show_count();
}

}  // namespace trending
