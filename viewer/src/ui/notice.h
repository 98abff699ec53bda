// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QFrame>

#include "data/problem.h"

class QLabel;
class QPushButton;

namespace trending {

// A problem in words: what is wrong, what to do, and a statement to copy. As a strip above the content, or
// large in its place.
class Notice : public QFrame {
  Q_OBJECT

 public:
  enum class Size { kStrip, kPage };
  explicit Notice(Size size, QWidget* parent = nullptr);

  void show_problem(const Problem& problem);

 signals:
  void connect_wanted();
  void retry_wanted();

 public:
  void set_buttons(bool connect, bool retry);

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void recolor();

  Size size_;
  Problem problem_;
  QLabel *icon_, *title_, *text_, *sql_;
  QPushButton *copy_, *connect_, *retry_;
};

}  // namespace trending
