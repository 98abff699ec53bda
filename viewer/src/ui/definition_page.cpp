// SPDX-License-Identifier: PostgreSQL
#include "ui/definition_page.h"

#include <QClipboard>
#include <QFontDatabase>
#include <QFormLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpression>

#include "data/text.h"
#include "models/workspace.h"
#include "ui/theme.h"

namespace trending {

namespace {

// The common indentation of a text typed between $$ is not part of it.
QString outdented(const QString& sql) {
  QStringList lines = sql.split(u'\n');
  while (!lines.empty() && lines.first().trimmed().isEmpty()) lines.removeFirst();
  while (!lines.empty() && lines.last().trimmed().isEmpty()) lines.removeLast();
  qsizetype indent = 1000;
  for (const QString& line : lines) {
    if (line.trimmed().isEmpty()) continue;
    qsizetype spaces = 0;
    while (spaces < line.size() && line[spaces].isSpace()) ++spaces;
    indent = std::min(indent, spaces);
  }
  for (QString& line : lines) line = line.mid(std::min(indent, line.size()));
  return lines.join(u'\n');
}

}  // namespace

void SqlHighlighter::highlightBlock(const QString& text) {
  static const QRegularExpression kWords(
      QStringLiteral(
          "\\b(SELECT|FROM|WHERE|GROUP|ORDER|BY|HAVING|AS|AND|OR|NOT|NULL|IS|IN|LIKE|BETWEEN|CASE|WHEN|THEN|"
          "ELSE|END|FILTER|DESC|ASC|NULLS|FIRST|LAST|CROSS|JOIN|LATERAL|ON|DISTINCT|LIMIT)\\b"),
      QRegularExpression::CaseInsensitiveOption);
  static const QRegularExpression kCalls(QStringLiteral("\\b([A-Za-z_][A-Za-z0-9_.]*)(?=\\s*\\()"));
  static const QRegularExpression kLiterals(QStringLiteral("'(?:[^']|'')*'|\\b[0-9]+(?:\\.[0-9]+)?\\b"));
  static const QRegularExpression kComments(QStringLiteral("--.*$"));
  const Theme& t = theme();
  const auto apply = [&](const QRegularExpression& pattern, const QColor& color, bool bold) {
    QTextCharFormat format;
    format.setForeground(color);
    if (bold) format.setFontWeight(QFont::DemiBold);
    for (auto matches = pattern.globalMatch(text); matches.hasNext();) {
      const auto match = matches.next();
      setFormat(static_cast<int>(match.capturedStart()), static_cast<int>(match.capturedLength()), format);
    }
  };
  apply(kCalls, t.dark ? QColor(0xc7, 0xa6, 0xff) : QColor(0x7a, 0x3e, 0xc8), false);
  apply(kWords, t.accent, true);
  apply(kLiterals, t.good, false);
  apply(kComments, t.faint, false);
}

DefinitionPage::DefinitionPage(Workspace* workspace, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      sql_(new QPlainTextEdit),
      explanation_(new QPlainTextEdit),
      facts_(new QFormLayout) {
  sql_->setReadOnly(true);
  sql_->setTabChangesFocus(true);
  sql_->setLineWrapMode(QPlainTextEdit::NoWrap);
  sql_->setObjectName(QStringLiteral("definition"));
  sql_->setAccessibleName(tr("Definition as SQL"));
  QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
  fixed.setPointSizeF(scaled_font(1.05).pointSizeF());
  sql_->setFont(fixed);
  auto* highlighter = new SqlHighlighter(sql_->document());
  connect(&Themes::instance(), &Themes::changed, highlighter, &QSyntaxHighlighter::rehighlight);

  explanation_->setReadOnly(true);
  explanation_->setTabChangesFocus(true);
  explanation_->setObjectName(QStringLiteral("explanation"));
  explanation_->setAccessibleName(tr("How the trend is kept"));
  explanation_->setFont(scaled_font(0.95));

  auto* copy = new QPushButton(tr("Copy SQL"));
  connect(copy, &QPushButton::clicked, this,
          [this] { QGuiApplication::clipboard()->setText(sql_->toPlainText()); });
  auto* side = new QWidget;
  side->setObjectName(QStringLiteral("card"));
  side->setAttribute(Qt::WA_StyledBackground);
  side->setFixedWidth(330);
  facts_->setHorizontalSpacing(18);
  facts_->setVerticalSpacing(9);
  facts_->setLabelAlignment(Qt::AlignLeft);
  auto* column = new QVBoxLayout(side);
  column->setContentsMargins(18, 16, 18, 16);
  column->addLayout(facts_);
  column->addStretch();
  column->addWidget(copy, 0, Qt::AlignLeft);

  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(12);
  auto* texts = new QVBoxLayout;
  texts->setSpacing(12);
  texts->addWidget(sql_, 3);
  texts->addWidget(explanation_, 2);
  layout->addLayout(texts, 1);
  layout->addWidget(side);
  connect(workspace, &Workspace::trend_changed, this, &DefinitionPage::show_trend);
  connect(workspace, &Workspace::explanation_changed, this, &DefinitionPage::show_explanation);
  connect(workspace->trends(), &QAbstractItemModel::modelReset, this, &DefinitionPage::show_trend);
  connect(&Themes::instance(), &Themes::changed, this, &DefinitionPage::show_trend);
}

void DefinitionPage::showEvent(QShowEvent*) {
  workspace_->load_explanation();
}

// As the server words it. A page that nobody sees asks for nothing.
void DefinitionPage::show_explanation() {
  QStringList lines;
  for (const auto& [topic, detail] : workspace_->explanation())
    lines.append(QStringLiteral("%1: %2").arg(topic, detail));
  explanation_->setPlainText(lines.join(u'\n'));
  explanation_->setVisible(!lines.empty());
}

void DefinitionPage::show_trend() {
  show_explanation();
  if (isVisible() && workspace_->explanation().empty()) workspace_->load_explanation();
  while (facts_->rowCount() > 0) facts_->removeRow(0);
  const TrendInfo* trend = workspace_->trend();
  sql_->setPlainText(trend == nullptr ? QString() : outdented(trend->query));
  if (trend == nullptr) return;
  const auto fact = [this](const QString& name, const QString& value) {
    if (value.isEmpty()) return;
    auto* caption = new QLabel(name);
    QPalette palette = caption->palette();
    palette.setColor(QPalette::WindowText, theme().muted);
    caption->setPalette(palette);
    auto* label = new QLabel(value);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    facts_->addRow(caption, label);
  };
  fact(tr("Source"), trend->source);
  fact(tr("Window"), trend->shape.window_in_words());
  fact(tr("Kind"), trend->shape.window_kind());
  fact(tr("Label"), trend->label.isEmpty() ? tr("none") : trend->label);
  fact(tr("Ranked within"), trend->partition_by.join(QLatin1String(", ")));
  fact(tr("Owner"), trend->owner);
  fact(tr("Created"), text::moment(trend->created_at));
  fact(tr("Watermark delay"), text::interval(trend->watermark_delay));
  fact(tr("Allowed lateness"), text::interval(trend->allowed_lateness));
  fact(tr("Late events"), trend->late_events);
  fact(tr("Idle timeout"), text::interval(trend->idle_timeout));
  fact(tr("Max ahead"), text::interval(trend->max_ahead));
  fact(tr("History"), trend->history.isEmpty() ? tr("none")
                      : trend->history_limit.isEmpty()
                          ? tr("every group")
                          : tr("best %1 of a window").arg(text::grouped(trend->history_limit)));
  fact(tr("Retention"), trend->retention.isEmpty() ? tr("for ever") : text::interval(trend->retention));
  fact(tr("Max groups"), text::grouped(trend->max_groups));
}

}  // namespace trending
