// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QLabel>
#include <QTest>

#include "fake_source.h"
#include "models/workspace.h"
#include "ui/bar_race.h"
#include "ui/main_window.h"
#include "ui/ranking_page.h"
#include "ui/settings.h"

namespace trending {

// A window over a fake source.
struct Bench {
  FakeSource source;
  Workspace workspace{&source};
  Settings settings;
  MainWindow window{&workspace, &settings};
  TrendList trends{FakeSource::trend(1, QStringLiteral("top_posts")),
                   FakeSource::trend(2, QStringLiteral("top_tags"))};

  Bench() {
    window.resize(1280, 800);
    window.show();
    window.activateWindow();
    if (!QTest::qWaitForWindowActive(&window)) qWarning("the window did not become active");
  }
  void run() {
    source.connect_with(trends);
    emit source.ranking_available(FakeSource::ranking(1, 10));
  }
  QTableView* table() { return window.ranking_page()->table(); }
  BarRace* bars() { return window.ranking_page()->bars(); }
  QString text(const char* name) {
    for (QLabel* label : window.findChildren<QLabel*>(QString::fromLatin1(name))) {
      if (label->isVisible()) return label->text();
    }
    return {};
  }
};

}  // namespace trending
