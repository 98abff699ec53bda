// SPDX-License-Identifier: PostgreSQL
#include "ui/exporter.h"

#include <QCoreApplication>
#include <QImage>
#include <QPainter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <functional>

#include "data/csv.h"
#include "ui/bar_race.h"
#include "ui/line_chart.h"
#include "ui/over_time_page.h"
#include "ui/ranking_page.h"
#include "ui/theme.h"

namespace trending::exporter {

namespace {

QString save(const QString& path, const std::function<bool(QIODevice*)>& write) {
  QSaveFile file(path);
  const bool ok = file.open(QIODevice::WriteOnly) && write(&file) && file.commit();
  return ok ? QString()
            : QCoreApplication::translate("exporter", "%1 could not be written: %2")
                  .arg(path, file.errorString());
}

QString picture(const QString& path, QSize size, const QString& title,
                const std::function<void(QPainter&)>& paint) {
  if (path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive)) {
    return save(path, [&](QIODevice* device) {
      QSvgGenerator generator;
      generator.setOutputDevice(device);
      generator.setSize(size);
      generator.setViewBox(QRect(QPoint(0, 0), size));
      generator.setTitle(title);
      QPainter painter(&generator);
      paint(painter);
      return painter.end();
    });
  }
  constexpr int kScale = 2;  // sharp in print and on dense screens
  QImage image(size * kScale, QImage::Format_ARGB32_Premultiplied);
  image.fill(theme().surface);
  QPainter painter(&image);
  painter.scale(kScale, kScale);
  paint(painter);
  painter.end();
  return save(path, [&](QIODevice* device) { return image.save(device, "PNG"); });
}

}  // namespace

QString bars_to_file(BarRace* bars, const QString& path) {
  bars->settle();
  return picture(path, bars->size(), bars->accessibleName(),
                 [bars](QPainter& painter) { bars->paint_all(painter); });
}

QString chart_to_file(OverTimePage* page, const QString& path) {
  return picture(path, page->chart()->size(), page->chart()->accessibleName(),
                 [page](QPainter& painter) { page->chart()->paint_all(&painter); });
}

QString table_to_file(const RankingPage* page, const QString& path) {
  QStringList header;
  QList<QStringList> rows;
  page->read_table(false, &header, &rows);
  const QByteArray text = to_csv(header, rows).toUtf8();
  return save(path, [&](QIODevice* device) { return device->write(text) == text.size(); });
}

QString widget_to_file(QWidget* widget, const QString& path) {
  const QPixmap pixmap = widget->grab();
  return save(path, [&](QIODevice* device) { return pixmap.save(device, "PNG"); });
}

}  // namespace trending::exporter
