// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QList>
#include <QStringList>

namespace trending {

// RFC 4180, with CRLF line ends. A null QString is written as nothing, an empty one as "".
QString to_csv(const QStringList& header, const QList<QStringList>& rows);

// For the clipboard: what spreadsheets take.
QString to_tab_separated(const QStringList& header, const QList<QStringList>& rows);

}  // namespace trending
