// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QString>

class QWidget;

namespace trending {

class BarRace;
class OverTimePage;
class RankingPage;

// Files. Each returns an empty text, or what went wrong.
namespace exporter {

QString bars_to_file(BarRace* bars, const QString& path);             // .png or .svg
QString chart_to_file(OverTimePage* page, const QString& path);       // .png or .svg
QString table_to_file(const RankingPage* page, const QString& path);  // .csv
QString widget_to_file(QWidget* widget, const QString& path);         // .png

}  // namespace exporter
}  // namespace trending
