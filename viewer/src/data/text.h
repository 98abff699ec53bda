// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QDateTime>
#include <QString>

// How numbers, spans and moments are written. Numbers stay decimal text from the server to the screen, so
// nothing is rounded on the way, however large.
namespace trending::text {

// "1234567.50" → "1,234,567.50" with the locale's signs; text that is no plain decimal is returned as it
// is.
QString grouped(const QString& decimal);
QString count(qint64 number);
// A value of the server for people: grouped, and "NULL" where there is none.
QString value(const QString& server_text);
// For axes and tiles: 950, 1.2 k, 3.4 M.
QString abbreviated(double number);
// The same for a place of an axis with so much from mark to mark: 0.25 where it goes in quarters.
QString axis_mark(double number, double step);
QString bytes(qint64 number);
// "340 ms", "12 s", "5 min 10 s", "2 h 3 min", "4 d 1 h".
QString duration(qint64 milliseconds);
QString rate(double per_second);
// The time, with the date unless it is today's.
QString moment(const QDateTime& time);
QString window(const QDateTime& start, const QDateTime& end);
// An interval as the server writes it ("00:05:00", "1 day") in words ("5 min", "1 day").
QString interval(const QString& server_text);
// "2026-11-21 04:05:06.789+01:30"; without an offset it is taken as UTC, as the server does for windows.
QDateTime parse_timestamp(const QString& text);
// What the server says ("the slot is gone") as a sentence of its own: "The slot is gone."
QString sentence(const QString& message);
// One line, without control characters, safe to paint whatever the text holds.
QString one_line(const QString& text);

}  // namespace trending::text
