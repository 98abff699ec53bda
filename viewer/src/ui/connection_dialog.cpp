// SPDX-License-Identifier: PostgreSQL
#include "ui/connection_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QIntValidator>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>

#include "source/conninfo.h"
#include "ui/theme.h"

namespace trending {

namespace {

QLineEdit* field(const QString& name, const QString& placeholder) {
  auto* edit = new QLineEdit;
  edit->setAccessibleName(name);
  edit->setPlaceholderText(placeholder);
  return edit;
}

}  // namespace

ConnectionDialog::ConnectionDialog(const QString& conninfo, const QString& message, QWidget* parent)
    : QDialog(parent),
      host_(field(tr("Host"), tr("this machine"))),
      port_(field(tr("Port"), QStringLiteral("5432"))),
      database_(field(tr("Database"), tr("as the user"))),
      user_(field(tr("User"), tr("as the system's"))),
      password_(field(tr("Password"), tr("from .pgpass, or none"))),
      service_(field(tr("Service"), tr("none"))),
      line_(field(tr("Connection string"), QStringLiteral("postgresql://…"))),
      tls_(new QComboBox),
      message_(new QLabel(message)),
      connect_(nullptr) {
  setWindowTitle(tr("Connect to PostgreSQL"));
  setMinimumWidth(480);
  password_->setEchoMode(QLineEdit::Password);
  port_->setValidator(new QIntValidator(1, 65535, port_));
  port_->setMaximumWidth(90);
  line_->setObjectName(QStringLiteral("conninfo"));
  tls_->setAccessibleName(tr("TLS"));
  tls_->addItem(tr("As the server offers (prefer)"), QString());
  tls_->addItem(tr("Never (disable)"), QStringLiteral("disable"));
  tls_->addItem(tr("Always (require)"), QStringLiteral("require"));
  tls_->addItem(tr("Always, known authority (verify-ca)"), QStringLiteral("verify-ca"));
  tls_->addItem(tr("Always, and the right host (verify-full)"), QStringLiteral("verify-full"));
  message_->setWordWrap(true);
  message_->setTextFormat(Qt::PlainText);
  message_->setVisible(!message.isEmpty());
  QPalette palette = message_->palette();
  palette.setColor(QPalette::WindowText, theme().bad);
  message_->setPalette(palette);

  auto* place = new QHBoxLayout;
  place->addWidget(host_, 1);
  place->addWidget(port_);
  auto* form = new QFormLayout;
  form->setVerticalSpacing(10);
  form->setHorizontalSpacing(16);
  form->addRow(tr("&Host, port"), place);
  qobject_cast<QLabel*>(form->labelForField(place))->setBuddy(host_);
  form->addRow(tr("&Database"), database_);
  form->addRow(tr("&User"), user_);
  form->addRow(tr("&Password"), password_);
  form->addRow(tr("&TLS"), tls_);
  form->addRow(tr("&Service"), service_);
  form->addRow(tr("Connection &string"), line_);
  auto* hint =
      new QLabel(tr("Fields left empty come from the environment (PGHOST, PGSERVICE, …), as for psql. The "
                    "password is not stored; put it into ~/.pgpass to be asked no more."));
  hint->setWordWrap(true);
  hint->setFont(scaled_font(0.88));
  palette.setColor(QPalette::WindowText, theme().muted);
  hint->setPalette(palette);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  connect_ = buttons->addButton(tr("Connect"), QDialogButtonBox::AcceptRole);
  connect_->setDefault(true);

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(22, 20, 22, 18);
  layout->setSpacing(14);
  layout->addWidget(message_);
  layout->addLayout(form);
  layout->addWidget(hint);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  for (QLineEdit* edit : {host_, port_, database_, user_, service_}) {
    connect(edit, &QLineEdit::textEdited, this, &ConnectionDialog::fields_to_line);
  }
  connect(tls_, &QComboBox::currentIndexChanged, this, &ConnectionDialog::fields_to_line);
  connect(line_, &QLineEdit::textEdited, this, &ConnectionDialog::line_to_fields);
  line_->setText(conninfo);
  line_to_fields();
}

void ConnectionDialog::focus_password() {
  password_->setFocus();
}

void ConnectionDialog::line_to_fields() {
  const QString text = line_->text();
  const QString error = conninfo::error_in(text);
  connect_->setEnabled(error.isEmpty());
  line_->setToolTip(error);
  if (!error.isEmpty()) return;
  filling_ = true;
  const auto fill = [&](QLineEdit* edit, const char* keyword) {
    edit->setText(conninfo::value(text, QLatin1String(keyword)));
  };
  fill(host_, "host");
  fill(port_, "port");
  fill(database_, "dbname");
  fill(user_, "user");
  fill(service_, "service");
  if (const QString password = conninfo::value(text, QStringLiteral("password")); !password.isEmpty()) {
    password_->setText(password);
  }
  const int tls = tls_->findData(conninfo::value(text, QStringLiteral("sslmode")));
  tls_->setCurrentIndex(std::max(tls, 0));
  others_ = conninfo::without(
      text, {QStringLiteral("host"), QStringLiteral("port"), QStringLiteral("dbname"), QStringLiteral("user"),
             QStringLiteral("service"), QStringLiteral("sslmode"), QStringLiteral("password")});
  filling_ = false;
}

void ConnectionDialog::fields_to_line() {
  if (filling_) return;
  QStringList parts{conninfo::parameter(QStringLiteral("host"), host_->text().trimmed()),
                    conninfo::parameter(QStringLiteral("port"), port_->text()),
                    conninfo::parameter(QStringLiteral("dbname"), database_->text()),
                    conninfo::parameter(QStringLiteral("user"), user_->text()),
                    conninfo::parameter(QStringLiteral("service"), service_->text()),
                    conninfo::parameter(QStringLiteral("sslmode"), tls_->currentData().toString()),
                    others_};
  parts.removeAll(QString());
  line_->setText(parts.join(u' '));
  connect_->setEnabled(true);
}

ConnectionSettings ConnectionDialog::settings() const {
  return {conninfo::without_password(line_->text()), password_->text()};
}

}  // namespace trending
