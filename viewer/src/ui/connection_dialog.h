// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QDialog>

#include "data/connection.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace trending {

// Where to connect: fields for the common case, one line for any connection string. The two follow each
// other. Passwords are handed on, never kept.
class ConnectionDialog : public QDialog {
  Q_OBJECT

 public:
  ConnectionDialog(const QString& conninfo, const QString& message, QWidget* parent = nullptr);

  ConnectionSettings settings() const;
  void focus_password();

 private:
  void fields_to_line();
  void line_to_fields();

  QLineEdit *host_, *port_, *database_, *user_, *password_, *service_, *line_;
  QComboBox* tls_;
  QLabel* message_;
  QPushButton* connect_;
  QString others_;  // parameters of the line that have no field
  bool filling_ = false;
};

}  // namespace trending
