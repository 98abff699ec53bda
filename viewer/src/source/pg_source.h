// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QThread>

#include "source/source.h"

namespace trending {

class Session;

// A session in a thread of its own, so that nothing the server or the network does stops the windows.
class PgSource : public Source {
  Q_OBJECT

 public:
  explicit PgSource(QObject* parent = nullptr);
  ~PgSource() override;

  void open(const ConnectionSettings& settings) override;
  void close() override;
  void retry_now() override;
  void set_interest(const Interest& interest) override;
  void request_history(TrendId trend) override;
  void request_window(TrendId trend, const WindowSpan& window, int limit) override;
  void request_series(TrendId trend, const QStringList& keys) override;
  void request_explanation(TrendId trend) override;

 private:
  QThread* thread_;
  Session* session_;
};

}  // namespace trending
