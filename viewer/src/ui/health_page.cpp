// SPDX-License-Identifier: PostgreSQL
#include "ui/health_page.h"

#include <QGridLayout>
#include <QHeaderView>
#include <QLabel>
#include <QTableView>
#include <QVBoxLayout>
#include <cmath>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/figure.h"
#include "ui/sparkline.h"
#include "ui/theme.h"

namespace trending {

namespace {

QWidget* card(QLayout* content) {
  auto* frame = new QWidget;
  frame->setObjectName(QStringLiteral("card"));
  frame->setAttribute(Qt::WA_StyledBackground);
  frame->setLayout(content);
  content->setContentsMargins(18, 14, 18, 14);
  return frame;
}

QString or_dash(bool known, const QString& text) {
  return known ? text : QStringLiteral("–");
}

}  // namespace

HealthPage::HealthPage(Workspace* workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      verdict_(new QLabel),
      words_(new QLabel),
      state_(new Figure(tr("Worker"), tr("The background worker that follows this database"))),
      rate_(new Figure(tr("Events"), tr("Events counted a second, all trends together"))),
      lag_bytes_(new Figure(tr("Lag"), tr("WAL written and not yet applied"))),
      lag_time_(
          new Figure(tr("Lag in time"), tr("Estimated: the bytes behind, over the bytes applied a second"))),
      checkpoint_(new Figure(tr("Checkpoint"), tr("Since state and position were last made durable"))),
      slot_(new Figure(tr("WAL held"), tr("WAL that the replication slot keeps from being removed"))),
      transactions_(new Figure(tr("Transactions"), tr("Transactions applied a second"))),
      rates_(new Sparkline),
      lags_(new Sparkline),
      table_(new QTableView),
      sorted_(new StatusSorter(this)) {
  verdict_->setFont(scaled_font(1.35, QFont::DemiBold));
  verdict_->setObjectName(QStringLiteral("verdict"));
  words_->setWordWrap(true);
  for (QLabel* label : {verdict_, words_}) label->setTextFormat(Qt::PlainText);
  rates_->setAccessibleName(tr("Events a second in the last minutes"));
  lags_->setAccessibleName(tr("Lag in the last minutes"));

  auto* head = new QVBoxLayout;
  head->setSpacing(4);
  head->addWidget(verdict_);
  head->addWidget(words_);
  auto* rates = new QVBoxLayout;
  rates->addWidget(rate_);
  rates->addWidget(rates_);
  auto* lags = new QVBoxLayout;
  auto* lag_row = new QHBoxLayout;
  lag_row->addWidget(lag_bytes_);
  lag_row->addWidget(lag_time_);
  lags->addLayout(lag_row);
  lags->addWidget(lags_);
  auto* others = new QGridLayout;
  others->setHorizontalSpacing(20);
  others->setVerticalSpacing(12);
  others->addWidget(state_, 0, 0);
  others->addWidget(transactions_, 0, 1);
  others->addWidget(checkpoint_, 1, 0);
  others->addWidget(slot_, 1, 1);
  auto* figures = new QHBoxLayout;
  figures->setSpacing(12);
  figures->addWidget(card(rates), 3);
  figures->addWidget(card(lags), 3);
  figures->addWidget(card(others), 3);

  sorted_->setSourceModel(workspace->status_model());
  table_->setObjectName(QStringLiteral("health"));
  table_->setAccessibleName(tr("Figures of every trend"));
  table_->setModel(sorted_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(StatusModel::kTrend, Qt::AscendingOrder);
  table_->setShowGrid(false);
  table_->setTabKeyNavigation(false);
  table_->setWordWrap(false);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::SingleSelection);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(QFontMetrics(font()).height() + 14);
  table_->horizontalHeader()->setHighlightSections(false);
  // Columns as wide as their names want, whatever the values are: these change all the time.
  QHeaderView* header = table_->horizontalHeader();
  for (int column = StatusModel::kState; column < StatusModel::kColumnCount; ++column) {
    const QString name =
        workspace->status_model()->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    table_->setColumnWidth(column, std::max(84, header->fontMetrics().horizontalAdvance(name) + 36));
  }
  header->setMinimumSectionSize(60);
  header->setSectionResizeMode(StatusModel::kTrend, QHeaderView::Stretch);
  auto* rows = new QVBoxLayout;
  rows->addWidget(table_);
  QWidget* rows_card = card(rows);
  rows->setContentsMargins(4, 4, 4, 4);

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(12);
  layout->addWidget(card(head));
  layout->addLayout(figures);
  layout->addWidget(rows_card, 1);

  connect(workspace, &Workspace::status_changed, this, &HealthPage::show_status);
  connect(workspace, &Workspace::problems_changed, this, &HealthPage::show_verdict);
  connect(&Themes::instance(), &Themes::changed, this, &HealthPage::show_verdict);
  show_verdict();
}

void HealthPage::show_status() {
  const StatusSample& sample = workspace_->status();
  const WorkerStatus& worker = sample.worker;
  const bool running = worker.state == QLatin1String("running");
  state_->set_value(worker.state.isEmpty() ? QStringLiteral("–") : state_in_words(worker.state),
                    running                  ? Figure::Tone::kGood
                    : worker.state.isEmpty() ? Figure::Tone::kPlain
                                             : Figure::Tone::kBad);
  state_->setToolTip(worker.pid > 0 ? tr("Process %1. %2").arg(worker.pid).arg(worker.message)
                                    : worker.message);
  rate_->set_value(or_dash(sample.events_per_second >= 0, text::rate(sample.events_per_second)));
  lag_bytes_->set_value(or_dash(worker.lag_bytes >= 0, text::bytes(worker.lag_bytes)),
                        worker.lag_bytes > (64 << 20) ? Figure::Tone::kWarning : Figure::Tone::kPlain);
  lag_time_->set_value(or_dash(
      worker.lag_seconds >= 0,
      worker.lag_seconds < 0.001 ? tr("< 1 ms") : text::duration(std::llround(worker.lag_seconds * 1000))));
  transactions_->set_value(
      or_dash(worker.transactions_per_second >= 0, text::rate(worker.transactions_per_second)));
  const bool checkpointed = worker.checkpoint_at.isValid() && sample.taken_at.isValid();
  const qint64 age = checkpointed ? worker.checkpoint_at.msecsTo(sample.taken_at) / 1000 * 1000 : 0;
  checkpoint_->set_value(or_dash(checkpointed, age <= 0 ? tr("now") : tr("%1 ago").arg(text::duration(age))));
  slot_->set_value(or_dash(worker.slot_held_bytes >= 0, text::bytes(worker.slot_held_bytes)),
                   worker.slot_wal_status == QLatin1String("lost")         ? Figure::Tone::kBad
                   : worker.slot_wal_status == QLatin1String("unreserved") ? Figure::Tone::kWarning
                                                                           : Figure::Tone::kPlain);
  slot_->setToolTip(
      tr("WAL that slot “%1” keeps from being removed (%2)").arg(worker.slot, worker.slot_wal_status));
  if (sample.events_per_second >= 0) rates_->add(sample.events_per_second);
  if (worker.lag_bytes >= 0) lags_->add(static_cast<double>(worker.lag_bytes));
  show_verdict();
}

void HealthPage::show_verdict() {
  const QList<Problem>& problems = workspace_->problems();
  QColor color = theme().good;
  if (problems.empty()) {
    verdict_->setText(tr("All is well"));
    QString words = tr("The worker runs, and what is committed is counted.");
    const TrendStatus trend = workspace_->trend_status();
    if (workspace_->trend() != nullptr && trend.late > 0) {
      words += u' ' + tr("%1 has left out %2 late events so far.")
                          .arg(workspace_->trend()->name, text::count(trend.late));
    }
    words_->setText(words);
  } else {
    color = problems.first().severity == Problem::Severity::kError     ? theme().bad
            : problems.first().severity == Problem::Severity::kWarning ? theme().warning
                                                                       : theme().accent;
    verdict_->setText(problems.first().title);
    QStringList lines;
    for (const Problem& problem : problems) {
      const QString head = &problem == &problems.first() ? QString() : problem.title + QLatin1String(": ");
      lines.append(head + problem.explanation + u' ' + problem.remedy);
    }
    words_->setText(lines.join(u'\n'));
  }
  QPalette palette = verdict_->palette();
  palette.setColor(QPalette::WindowText, color);
  verdict_->setPalette(palette);
  palette.setColor(QPalette::WindowText, theme().muted);
  words_->setPalette(palette);
}

}  // namespace trending
