// SPDX-License-Identifier: PostgreSQL
#include "source/pg_source.h"

#include "source/session.h"

namespace trending {

PgSource::PgSource(QObject* parent) : Source(parent), thread_(new QThread), session_(new Session) {
  thread_->setObjectName(QStringLiteral("trending-source"));
  session_->moveToThread(thread_);
  connect(thread_, &QThread::finished, session_, &QObject::deleteLater);
  connect(session_, &Source::connection_changed, this, &Source::connection_changed);
  connect(session_, &Source::trends_available, this, &Source::trends_available);
  connect(session_, &Source::status_available, this, &Source::status_available);
  connect(session_, &Source::partitions_available, this, &Source::partitions_available);
  connect(session_, &Source::ranking_available, this, &Source::ranking_available);
  connect(session_, &Source::history_available, this, &Source::history_available);
  connect(session_, &Source::series_available, this, &Source::series_available);
  connect(session_, &Source::explanation_available, this, &Source::explanation_available);
  connect(session_, &Source::failed, this, &Source::failed);
  thread_->start();
}

PgSource::~PgSource() {
  session_->disconnect(this);
  thread_->quit();
  // Only a name server that does not answer can hold the thread up; then it is left to end with the process.
  if (thread_->wait(2000)) {
    delete thread_;
  }
}

void PgSource::open(const ConnectionSettings& settings) {
  QMetaObject::invokeMethod(session_, [session = session_, settings] { session->open(settings); });
}

void PgSource::close() {
  QMetaObject::invokeMethod(session_, [session = session_] { session->close(); });
}

void PgSource::retry_now() {
  QMetaObject::invokeMethod(session_, [session = session_] { session->retry_now(); });
}

void PgSource::set_interest(const Interest& interest) {
  QMetaObject::invokeMethod(session_, [session = session_, interest] { session->set_interest(interest); });
}

void PgSource::request_history(TrendId trend) {
  QMetaObject::invokeMethod(session_, [session = session_, trend] { session->request_history(trend); });
}

void PgSource::request_window(TrendId trend, const WindowSpan& window, int limit) {
  QMetaObject::invokeMethod(session_, [session = session_, trend, window, limit] {
    session->request_window(trend, window, limit);
  });
}

void PgSource::request_series(TrendId trend, const QStringList& keys) {
  QMetaObject::invokeMethod(session_,
                            [session = session_, trend, keys] { session->request_series(trend, keys); });
}

void PgSource::request_explanation(TrendId trend) {
  QMetaObject::invokeMethod(session_, [session = session_, trend] { session->request_explanation(trend); });
}

}  // namespace trending
