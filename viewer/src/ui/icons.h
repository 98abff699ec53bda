// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QColor>
#include <QIcon>
#include <QString>

namespace trending {

// Line icons from the resources, in the theme's colours.
QIcon icon(const QString& name, const QColor& color);
QIcon icon(const QString& name);

}  // namespace trending
