// SPDX-License-Identifier: PostgreSQL
#include "ui/ranking_page.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QMenu>
#include <QPainter>
#include <QSplitter>
#include <QTableView>

#include "models/workspace.h"
#include "ui/bar_race.h"
#include "ui/theme.h"

namespace trending {

namespace {

QWidget* card(QWidget* content, int margin) {
  auto* frame = new QWidget;
  frame->setObjectName(QStringLiteral("card"));
  frame->setAttribute(Qt::WA_StyledBackground);
  auto* layout = new QHBoxLayout(frame);
  layout->setContentsMargins(margin, margin, margin, margin);
  layout->addWidget(content);
  return frame;
}

}  // namespace

void RankingDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const {
  QStyledItemDelegate::initStyleOption(option, index);
  option->state &= ~QStyle::State_HasFocus;
  const auto movement = static_cast<Movement>(index.data(RankingModel::kMovementRole).toInt());
  QColor color = theme().text;
  switch (index.column()) {
    case RankingModel::kRank:
      color = index.data().toLongLong() <= 3 ? theme().text : theme().muted;
      option->font.setWeight(QFont::DemiBold);
      break;
    case RankingModel::kChange:
      color = movement == Movement::kUp    ? theme().good
              : movement == Movement::kNew ? theme().accent
                                           : theme().faint;
      option->font.setWeight(QFont::DemiBold);
      break;
    case RankingModel::kValue:
      option->font.setWeight(QFont::DemiBold);
      break;
    case RankingModel::kLabel:
      break;
    default:
      color = theme().muted;
  }
  for (const QPalette::ColorRole role : {QPalette::Text, QPalette::HighlightedText}) {
    option->palette.setColor(role, color);
  }
  if (index.column() == RankingModel::kLabel) option->rect.adjust(16, 0, 0, 0);
}

void RankingDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const {
  if (index.column() == RankingModel::kLabel) {
    if (option.state.testFlag(QStyle::State_Selected)) {
      painter->fillRect(QRect(option.rect.left(), option.rect.top(), 16, option.rect.height()),
                        theme().selection);
    }
  }
  QStyledItemDelegate::paint(painter, option, index);
  painter->fillRect(QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), theme().grid);
  if (index.column() != RankingModel::kLabel) return;
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(Qt::NoPen);
  painter->setBrush(colors_->color(index.data(RankingModel::kKeyRole).toString(), theme().dark));
  const double middle = option.rect.top() + option.rect.height() / 2.0;
  painter->drawRoundedRect(QRectF(option.rect.left() + 8, middle - 5, 10, 10), 3, 3);
  painter->restore();
}

RankingPage::RankingPage(Workspace* workspace, ItemColors* colors, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      colors_(colors),
      bars_(new BarRace(colors)),
      table_(new QTableView),
      sorted_(new RankingSorter(this)),
      splitter_(new QSplitter) {
  sorted_->setSourceModel(workspace->ranking_model());
  sorted_->sort(RankingModel::kRank);
  table_->setObjectName(QStringLiteral("ranking"));
  table_->setAccessibleName(tr("Ranking as a table"));
  table_->setModel(sorted_);
  table_->setItemDelegate(new RankingDelegate(colors, table_));
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->setShowGrid(false);
  table_->setTabKeyNavigation(false);  // Tab leaves it, arrow keys move in it
  table_->setWordWrap(false);
  table_->setSortingEnabled(true);
  table_->sortByColumn(RankingModel::kRank, Qt::AscendingOrder);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(QFontMetrics(font()).height() + 14);
  table_->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  QHeaderView* header = table_->horizontalHeader();
  header->setHighlightSections(false);
  header->setSectionsMovable(true);
  header->setMinimumSectionSize(40);
  header->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(header, &QHeaderView::sectionResized, this, [this](int column) {
    if (column == RankingModel::kLabel && !choosing_widths_) label_is_elastic_ = false;
  });
  table_->viewport()->installEventFilter(this);
  connect(header, &QHeaderView::customContextMenuRequested, this, &RankingPage::column_menu);

  splitter_->setHandleWidth(12);
  splitter_->setChildrenCollapsible(true);
  splitter_->addWidget(card(bars_, 6));
  splitter_->addWidget(card(table_, 4));
  splitter_->setStretchFactor(0, 3);
  splitter_->setStretchFactor(1, 2);
  splitter_->setSizes({570, 430});
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(splitter_);

  connect(workspace, &Workspace::ranking_changed, this, &RankingPage::show_ranking);
  connect(workspace, &Workspace::limit_changed, this, &RankingPage::show_ranking);
  connect(workspace, &Workspace::selection_changed, this, &RankingPage::pull_selection);
  connect(workspace->ranking_model(), &QAbstractItemModel::modelReset, this, &RankingPage::show_columns);
  connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &RankingPage::push_selection);
  connect(bars_, &BarRace::item_clicked, this, [this](const QString& key, bool toggle) {
    QStringList keys = workspace_->selected();
    const bool was = keys.contains(key);
    if (!toggle) keys.clear();
    if (toggle && was) keys.removeAll(key);
    if (!was || (!toggle && workspace_->selected().size() > 1)) keys.append(key);
    workspace_->set_selected(keys);
  });
  connect(&Themes::instance(), &Themes::changed, table_->viewport(), qOverload<>(&QWidget::update));
}

void RankingPage::show_ranking() {
  bars_->set_ranking(workspace_->ranking(), workspace_->limit());
  if (table_->isVisible() && shown_columns_.empty() && workspace_->ranking_model()->rowCount() > 0)
    show_columns();
}

// Columns and widths are chosen once for a set of columns, then they are the user's.
void RankingPage::show_columns() {
  const RankingModel* model = workspace_->ranking_model();
  const QStringList columns = model->ranking().columns;
  if (columns == shown_columns_ && !columns.empty()) return;
  for (int column = 0; column < model->columnCount(); ++column)
    table_->setColumnHidden(column, model->redundant(column));
  shown_columns_ = model->rowCount() == 0 ? QStringList() : columns;
  if (shown_columns_.empty()) return;
  choosing_widths_ = true;
  table_->resizeColumnsToContents();
  table_->setColumnWidth(RankingModel::kRank, 44);
  // Room for the word, not for the arrow of the sorting beside it: that stands above.
  const QHeaderView* header = table_->horizontalHeader();
  const int change = header->fontMetrics().horizontalAdvance(
                         workspace_->ranking_model()
                             ->headerData(RankingModel::kChange, Qt::Horizontal, Qt::DisplayRole)
                             .toString()) +
                     24;
  table_->setColumnWidth(RankingModel::kChange, std::max(60, change));
  for (int column = RankingModel::kValue; column < model->columnCount(); ++column) {
    if (!table_->isColumnHidden(column))
      table_->setColumnWidth(column, std::clamp(table_->columnWidth(column) + 8, 64, 180));
  }
  choosing_widths_ = false;
  label_is_elastic_ = true;
  fit_label();
}

// The label takes the room that the other columns leave, until the user gives it a width.
void RankingPage::fit_label() {
  if (!label_is_elastic_) return;
  choosing_widths_ = true;
  int others = 0;
  for (int column = 0; column <= RankingModel::kValue; ++column) {
    if (column != RankingModel::kLabel && !table_->isColumnHidden(column))
      others += table_->columnWidth(column);
  }
  int further = 0;
  for (int column = RankingModel::kFirstCell; column < workspace_->ranking_model()->columnCount(); ++column) {
    if (!table_->isColumnHidden(column)) further += table_->columnWidth(column);
  }
  const int room = table_->viewport()->width() - others;
  table_->setColumnWidth(RankingModel::kLabel, std::max(130, room - further >= 220 ? room - further : room));
  choosing_widths_ = false;
}

bool RankingPage::eventFilter(QObject* watched, QEvent* event) {
  if (watched == table_->viewport() && event->type() == QEvent::Resize) fit_label();
  return QWidget::eventFilter(watched, event);
}

void RankingPage::pull_selection() {
  if (selecting_) return;
  selecting_ = true;
  QItemSelection rows;
  for (const QString& key : workspace_->selected()) {
    const QModelIndex index = sorted_->mapFromSource(workspace_->ranking_model()->index_of(key));
    if (index.isValid()) rows.select(index, index);
  }
  table_->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  bars_->set_selected(workspace_->selected());
  selecting_ = false;
}

void RankingPage::push_selection() {
  if (selecting_) return;
  selecting_ = true;
  QStringList keys;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) {
    keys.append(index.data(RankingModel::kKeyRole).toString());
  }
  workspace_->set_selected(keys);
  bars_->set_selected(keys);
  selecting_ = false;
}

void RankingPage::column_menu(const QPoint& position) {
  QMenu menu;
  const RankingModel* model = workspace_->ranking_model();
  for (int column = 0; column < model->columnCount(); ++column) {
    QAction* action = menu.addAction(model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
    action->setCheckable(true);
    action->setChecked(!table_->isColumnHidden(column));
    connect(action, &QAction::toggled, table_,
            [this, column](bool shown) { table_->setColumnHidden(column, !shown); });
  }
  menu.exec(table_->horizontalHeader()->mapToGlobal(position));
}

void RankingPage::read_table(bool selected_only, QStringList* header, QList<QStringList>* rows) const {
  const RankingModel* model = workspace_->ranking_model();
  QList<int> columns;
  for (int place = 0; place < table_->horizontalHeader()->count(); ++place) {
    const int column = table_->horizontalHeader()->logicalIndex(place);
    if (!table_->isColumnHidden(column)) columns.append(column);
  }
  for (const int column : columns)
    header->append(model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
  const bool some = selected_only && table_->selectionModel()->hasSelection();
  for (int row = 0; row < sorted_->rowCount(); ++row) {
    const QModelIndex first = sorted_->index(row, 0);
    if (some && !table_->selectionModel()->isRowSelected(row, {})) continue;
    QStringList cells;
    for (const int column : columns) {
      // Values as the server wrote them, not grouped or shortened for the eye.
      const QModelIndex index = first.siblingAtColumn(column);
      cells.append(column == RankingModel::kChange ? index.data().toString()
                                                   : index.data(RankingModel::kSortRole).toString());
    }
    rows->append(cells);
  }
}

QByteArray RankingPage::save_layout() const {
  return splitter_->saveState();
}

void RankingPage::restore_layout(const QByteArray& layout) {
  splitter_->restoreState(layout);
}

void RankingPage::reset_layout() {
  splitter_->setSizes({570, 430});
  shown_columns_.clear();
  show_columns();
}

}  // namespace trending
