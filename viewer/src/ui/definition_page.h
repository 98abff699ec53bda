// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QSyntaxHighlighter>
#include <QWidget>

class QFormLayout;
class QPlainTextEdit;

namespace trending {

class Workspace;

// The trend as SQL, how it is kept, and its options.
class DefinitionPage : public QWidget {
  Q_OBJECT

 public:
  explicit DefinitionPage(Workspace* workspace, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void show_trend();
  void show_explanation();

  Workspace* workspace_;
  QPlainTextEdit *sql_, *explanation_;
  QFormLayout* facts_;
};

// Colours keywords, literals and comments of SQL.
class SqlHighlighter : public QSyntaxHighlighter {
  Q_OBJECT

 public:
  using QSyntaxHighlighter::QSyntaxHighlighter;

 protected:
  void highlightBlock(const QString& text) override;
};

}  // namespace trending
