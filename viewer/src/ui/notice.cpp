// SPDX-License-Identifier: PostgreSQL
#include "ui/notice.h"

#include <QClipboard>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>

#include "ui/icons.h"
#include "ui/theme.h"

namespace trending {

namespace {

QColor color_of(Problem::Severity severity) {
  switch (severity) {
    case Problem::Severity::kError:
      return theme().bad;
    case Problem::Severity::kWarning:
      return theme().warning;
    default:
      return theme().accent;
  }
}

const char* icon_of(Problem::Severity severity) {
  switch (severity) {
    case Problem::Severity::kError:
      return "error";
    case Problem::Severity::kWarning:
      return "warning";
    default:
      return "info";
  }
}

}  // namespace

Notice::Notice(Size size, QWidget* parent)
    : QFrame(parent),
      size_(size),
      icon_(new QLabel),
      title_(new QLabel),
      text_(new QLabel),
      sql_(new QLabel),
      copy_(new QPushButton(tr("Copy SQL"))),
      connect_(new QPushButton(tr("Connect…"))),
      retry_(new QPushButton(tr("Try now"))) {
  const bool page = size == Size::kPage;
  setObjectName(page ? QStringLiteral("noticePage") : QStringLiteral("noticeStrip"));
  title_->setObjectName(QStringLiteral("noticeTitle"));
  text_->setObjectName(QStringLiteral("noticeText"));
  title_->setFont(scaled_font(page ? 1.7 : 1.0, QFont::DemiBold));
  if (page) text_->setFont(scaled_font(1.1));
  for (QLabel* label : {title_, text_, sql_}) {
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  }
  sql_->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  sql_->setMargin(page ? 10 : 0);

  auto* buttons = new QHBoxLayout;
  for (QPushButton* button : {copy_, connect_, retry_}) {
    button->setAutoDefault(false);
    buttons->addWidget(button);
  }
  auto* words = new QVBoxLayout;
  words->setSpacing(page ? 12 : 2);
  words->addWidget(title_);
  words->addWidget(text_);
  words->addWidget(sql_);
  auto* row = new QHBoxLayout;
  row->setSpacing(page ? 20 : 12);
  row->addWidget(icon_, 0, Qt::AlignTop);
  row->addLayout(words, 1);
  if (page) {
    buttons->addStretch();
    words->addSpacing(6);
    words->addLayout(buttons);
    auto* outer = new QVBoxLayout(this);
    outer->addStretch(2);
    auto* middle = new QHBoxLayout;
    middle->addStretch(1);
    auto* holder = new QWidget;
    holder->setMaximumWidth(640);
    holder->setMinimumWidth(360);
    row->setContentsMargins(0, 0, 0, 0);
    holder->setLayout(row);
    middle->addWidget(holder, 6);
    middle->addStretch(1);
    outer->addLayout(middle);
    outer->addStretch(3);
  } else {
    row->setContentsMargins(14, 9, 14, 9);
    row->addLayout(buttons);
    setLayout(row);
  }
  connect(copy_, &QPushButton::clicked, this,
          [this] { QGuiApplication::clipboard()->setText(problem_.sql); });
  connect(connect_, &QPushButton::clicked, this, &Notice::connect_wanted);
  connect(retry_, &QPushButton::clicked, this, &Notice::retry_wanted);
  connect(&Themes::instance(), &Themes::changed, this, &Notice::recolor);
  set_buttons(false, false);
}

void Notice::set_buttons(bool connect, bool retry) {
  connect_->setVisible(connect);
  retry_->setVisible(retry);
}

void Notice::show_problem(const Problem& problem) {
  problem_ = problem;
  title_->setText(problem.title);
  QStringList parts;
  for (const QString& part : {problem.explanation, problem.remedy}) {
    if (!part.isEmpty()) parts.append(part);
  }
  text_->setText(parts.join(size_ == Size::kPage ? QStringLiteral("\n\n") : QStringLiteral(" ")));
  text_->setVisible(!parts.isEmpty());
  sql_->setText(problem.sql);
  sql_->setVisible(!problem.sql.isEmpty() && size_ == Size::kPage);
  copy_->setVisible(!problem.sql.isEmpty());
  setAccessibleName(problem.title);
  setAccessibleDescription(parts.join(u' '));
  recolor();
}

void Notice::recolor() {
  const int pixels = size_ == Size::kPage ? 40 : 20;
  icon_->setPixmap(
      icon(QLatin1String(icon_of(problem_.severity)), color_of(problem_.severity)).pixmap(pixels, pixels));
  sql_->setStyleSheet(QStringLiteral("background: %1; border-radius: 6px;").arg(theme().raised.name()));
  update();
}

void Notice::paintEvent(QPaintEvent*) {
  if (size_ == Size::kPage) return;
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  QColor fill = color_of(problem_.severity);
  painter.setPen(Qt::NoPen);
  fill.setAlphaF(theme().dark ? 0.16f : 0.10f);
  painter.setBrush(fill);
  painter.drawRoundedRect(rect(), 8, 8);
}

}  // namespace trending
