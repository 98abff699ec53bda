// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QElapsedTimer>
#include <QHash>
#include <QStaticText>
#include <QTimer>
#include <QWidget>

#include "data/ranking.h"
#include "ui/item_colors.h"

namespace trending {

// Horizontal bars in rank order. Bars glide to their new places and lengths; while nothing moves, nothing is
// painted. Only rows whose pixels change are painted again.
class BarRace : public QWidget {
  Q_OBJECT

 public:
  explicit BarRace(ItemColors* colors, QWidget* parent = nullptr);

  void set_ranking(const Ranking& ranking, int places);
  void set_selected(const QStringList& keys);
  void set_animated(bool animated) { animated_ = animated; }
  // Ends all motion at once, for pictures.
  void settle();
  void paint_all(QPainter& painter);

  bool moving() const { return frames_.isActive(); }
  int frames_painted() const { return frames_painted_; }
  QSize sizeHint() const override { return {620, 480}; }
  QSize minimumSizeHint() const override { return {320, 200}; }

 signals:
  void item_clicked(const QString& key, bool toggle);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  bool event(QEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  // A value that follows its target as a critically damped spring: it starts and ends smoothly, and may be
  // given another target on its way.
  struct Glide {
    double value = 0, velocity = 0, target = 0;
    void jump(double to) { value = target = to, velocity = 0; }
    void advance(double seconds, double smooth_time);
    bool resting(double tolerance) const;
  };

  struct Bar {
    RankedItem item;
    Movement movement = Movement::kNone;
    Glide place;   // in rows from the top
    Glide length;  // the value
    Glide opacity;
    QStaticText rank_text, label_text, value_text, mark_text;
    double value_width = 0;
    bool leaving = false;
    QRect painted;  // where it was painted last
    int painted_length = -1;
  };

  // Stacked: label and value stand above the bar, which has the whole width. Where rows are low they stand
  // beside it.
  struct Layout {
    bool stacked = true;
    double row_height = 30, bar_height = 20;
    double text_middle = 15, bar_middle = 15;  // from the top of the row
    QFont font, value_font, mark_font;
    double rank_x = 0, rank_width = 0, mark_x = 0, mark_width = 0, label_x = 0, label_width = 0, bar_x = 0,
           bar_width = 0;
    double top = 0;
  };

  void lay_out();
  void prepare_texts(Bar& bar, bool other_font);
  void advance();
  void invalidate_changed();
  void start_moving();
  QRect row_rect(const Bar& bar) const;
  double bar_pixels(const Bar& bar) const;
  void paint_axis(QPainter& painter);
  void paint_bar(QPainter& painter, Bar& bar);
  void paint_mark(QPainter& painter, const Bar& bar, double middle);
  const Bar* bar_at(const QPoint& position) const;
  QString tool_tip(const Bar& bar) const;
  void update_accessible_text();

  ItemColors* colors_;
  QList<Bar> bars_;
  QStringList selected_;
  int places_ = 10;
  bool has_previous_ = false;
  bool animated_ = true;
  TrendId trend_ = 0;
  Partition partition_;
  ValueKind kind_ = ValueKind::kNumber;
  Glide scale_;  // the value at the right end of the axis
  double painted_scale_ = 0;
  Layout layout_;
  QTimer frames_;
  QElapsedTimer since_frame_;
  int frames_painted_ = 0;
};

}  // namespace trending
