// SPDX-License-Identifier: PostgreSQL
// Frames a second while twenty bars change places all the time, in a window on the display there is. Not a
// test: a figure, to be taken on a quiet machine.

#include <QApplication>
#include <QElapsedTimer>
#include <QTimer>
#include <cstdio>

#include "fake_source.h"
#include "ui/bar_race.h"
#include "ui/theme.h"

int main(int argc, char** argv) {
  using namespace trending;
  constexpr int kBars = 20, kRounds = 20, kRoundMs = 400;
  QApplication app(argc, argv);
  Themes::instance();
  ItemColors colors;
  BarRace bars(&colors);
  bars.resize(800, 700);
  bars.show();
  bars.set_ranking(FakeSource::ranking(1, kBars), kBars);
  bars.settle();
  int round = 0, frames_before = 0;
  QElapsedTimer clock;
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, &bars, [&] {
    if (round == 1) {
      clock.start();
      frames_before = bars.frames_painted();
    }
    if (round == kRounds) {
      const double seconds = static_cast<double>(clock.nsecsElapsed()) / 1e9;
      std::printf("%.1f frames a second\n", (bars.frames_painted() - frames_before) / seconds);
      return QApplication::quit();
    }
    bars.set_ranking(FakeSource::ranking(1, kBars, ++round), kBars);
  });
  timer.start(kRoundMs);
  return QApplication::exec();
}
