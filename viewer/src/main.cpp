// SPDX-License-Identifier: PostgreSQL
#include <QApplication>
#include <QCommandLineParser>
#include <QLibraryInfo>
#include <QLocale>
#include <QTimer>
#include <QTranslator>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "models/workspace.h"
#include "source/conninfo.h"
#include "source/pg_source.h"
#include "ui/bar_race.h"
#include "ui/exporter.h"
#include "ui/main_window.h"
#include "ui/ranking_page.h"
#include "ui/settings.h"

namespace trending {

namespace {

constexpr int kFailed = 1, kWrongUse = 2;

// The context of this file's words for translators.
class MainWords {
  Q_DECLARE_TR_FUNCTIONS(MainWords)
};

struct Options {
  QCommandLineOption connection{
      {QStringLiteral("c"), QStringLiteral("connection")},
      MainWords::tr("libpq connection string, URI or database name; what it leaves out comes from the "
                    "environment, as for psql."),
      MainWords::tr("conninfo")};
  QCommandLineOption trend{
      {QStringLiteral("t"), QStringLiteral("trend")}, MainWords::tr("Trend to show."), MainWords::tr("name")};
  QCommandLineOption top{{QStringLiteral("n"), QStringLiteral("top")},
                         MainWords::tr("Items to show, 5 to 50."),
                         MainWords::tr("count")};
  QCommandLineOption interval{{QStringLiteral("i"), QStringLiteral("interval")},
                              MainWords::tr("Least time between refreshes in seconds (default 1)."),
                              MainWords::tr("seconds")};
  QCommandLineOption page{QStringLiteral("page"),
                          MainWords::tr("Page to open: ranking, time, definition, health."),
                          MainWords::tr("page")};
  QCommandLineOption theme{QStringLiteral("theme"), MainWords::tr("light, dark or desktop."),
                           MainWords::tr("theme")};
  QCommandLineOption size{QStringLiteral("size"), MainWords::tr("Size of the window, as 1280x800."),
                          MainWords::tr("size")};
  QCommandLineOption screenshot{
      QStringLiteral("screenshot"),
      MainWords::tr("Connect, wait for data, write a picture of the window to FILE (PNG) and exit. "
                    "Works without a display with QT_QPA_PLATFORM=offscreen."),
      MainWords::tr("FILE")};
  QCommandLineOption wait{
      QStringLiteral("wait"),
      MainWords::tr("With --screenshot: further seconds to wait after the first data (default 0)."),
      MainWords::tr("seconds")};
  QCommandLineOption full_screen{QStringLiteral("full-screen"), MainWords::tr("Start in full screen.")};
};

int wrong_use(const QString& message) {
  std::fprintf(stderr, "trending-viewer: %s\n", qPrintable(message));
  return kWrongUse;
}

void install_translations(QApplication& app) {
  for (const auto& [name, folder] :
       {std::pair(QStringLiteral("qtbase"), QLibraryInfo::path(QLibraryInfo::TranslationsPath)),
        std::pair(QStringLiteral("trending-viewer"), QStringLiteral(":/i18n"))}) {
    auto* translator = new QTranslator(&app);
    if (translator->load(QLocale(), name, QStringLiteral("_"), folder))
      QCoreApplication::installTranslator(translator);
  }
}

// Writes the picture once there is a ranking, or words instead of one that will not change by waiting.
class Photographer : public QObject {
 public:
  Photographer(Workspace* workspace, MainWindow* window, const QString& path, int wait_ms)
      : workspace_(workspace), window_(window), path_(path), wait_ms_(wait_ms) {
    connect(workspace, &Workspace::live_ranking_changed, this, [this] { arm(wait_ms_); });
    QTimer::singleShot(20'000 + wait_ms, this, [this] { shoot(kFailed); });
  }

 private:
  void arm(int wait_ms) {
    if (armed_) return;
    armed_ = true;
    // One more refresh, so that rates are known too.
    QTimer::singleShot(wait_ms + workspace_->interval() + 500, this, [this] { shoot(0); });
  }

  void shoot(int code) {
    window_->ranking_page()->bars()->settle();
    const QString error = exporter::widget_to_file(window_, path_);
    if (!error.isEmpty()) std::fprintf(stderr, "%s\n", qPrintable(error));
    if (code != 0) {
      for (const Problem& problem : workspace_->problems()) {
        std::fprintf(stderr, "trending-viewer: %s. %s\n", qPrintable(problem.title),
                     qPrintable(problem.explanation));
      }
    }
    QCoreApplication::exit(error.isEmpty() ? code : kFailed);
  }

  Workspace* workspace_;
  MainWindow* window_;
  QString path_;
  int wait_ms_;
  bool armed_ = false;
};

int run(QApplication& app) {
  const Options options;
  QCommandLineParser parser;
  parser.setApplicationDescription(
      MainWords::tr("Shows the live rankings of the trending extension of PostgreSQL."));
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addOptions({options.connection, options.trend, options.top, options.interval, options.page,
                     options.theme, options.size, options.screenshot, options.wait, options.full_screen});
  parser.addPositionalArgument(QStringLiteral("conninfo"), MainWords::tr("As --connection."),
                               QStringLiteral("[conninfo]"));
  parser.process(app);

  Settings settings;
  // What the command line says goes before the environment, and that before what was used last.
  const bool environment = qEnvironmentVariableIsSet("PGDATABASE") ||
                           qEnvironmentVariableIsSet("PGSERVICE") || qEnvironmentVariableIsSet("PGHOST");
  ConnectionSettings connection{environment ? QString() : settings.conninfo(), {}};
  const bool given = parser.isSet(options.connection) || !parser.positionalArguments().empty();
  if (given) {
    const QString text = parser.isSet(options.connection) ? parser.value(options.connection)
                                                          : parser.positionalArguments().constFirst();
    if (const QString error = conninfo::error_in(text); !error.isEmpty()) return wrong_use(error);
    connection = {conninfo::without_password(text), conninfo::value(text, QStringLiteral("password"))};
  }
  bool number = true;
  const double interval =
      parser.isSet(options.interval) ? parser.value(options.interval).toDouble(&number) : 1;
  if (!number || interval < 0.1) return wrong_use(MainWords::tr("--interval wants seconds, at least 0.1"));
  const int top = parser.isSet(options.top) ? parser.value(options.top).toInt(&number) : settings.limit();
  if (!number || top < Workspace::kFewest || top > Workspace::kMost)
    return wrong_use(MainWords::tr("--top wants a number from 5 to 50"));
  const QStringList pages{QStringLiteral("ranking"), QStringLiteral("time"), QStringLiteral("definition"),
                          QStringLiteral("health")};
  const QStringList themes{QStringLiteral("desktop"), QStringLiteral("light"), QStringLiteral("dark")};
  const qsizetype page = parser.isSet(options.page) ? pages.indexOf(parser.value(options.page)) : 0;
  if (page < 0)
    return wrong_use(MainWords::tr("--page wants one of %1").arg(pages.join(QLatin1String(", "))));
  const qsizetype look = parser.isSet(options.theme) ? themes.indexOf(parser.value(options.theme))
                                                     : static_cast<qsizetype>(settings.appearance());
  if (look < 0)
    return wrong_use(MainWords::tr("--theme wants one of %1").arg(themes.join(QLatin1String(", "))));
  const QStringList size = parser.value(options.size).split(u'x');
  if (parser.isSet(options.size) && (size.size() != 2 || size[0].toInt() < 400 || size[1].toInt() < 300)) {
    return wrong_use(MainWords::tr("--size wants a width and a height, as 1280x800"));
  }

  Themes::instance().set_appearance(static_cast<Appearance>(look));
  PgSource source;
  Workspace workspace(&source);
  workspace.set_limit(top);
  workspace.set_interval(static_cast<int>(interval * 1000));
  workspace.prefer_trend(parser.isSet(options.trend) ? parser.value(options.trend) : settings.trend());
  MainWindow window(&workspace, &settings);
  if (parser.isSet(options.size)) window.resize(size[0].toInt(), size[1].toInt());
  window.show_page(static_cast<MainWindow::Page>(page));
  parser.isSet(options.full_screen) ? window.showFullScreen() : window.show();
  std::unique_ptr<Photographer> photographer;
  if (parser.isSet(options.screenshot)) {
    photographer =
        std::make_unique<Photographer>(&workspace, &window, parser.value(options.screenshot),
                                       static_cast<int>(parser.value(options.wait).toDouble() * 1000));
  }
  if (given || environment || !connection.conninfo.isEmpty() || photographer != nullptr) {
    if (given) settings.set_conninfo(connection.conninfo);
    workspace.open(connection);
  } else {
    QTimer::singleShot(0, &window, [&window] { window.ask_connection(); });
  }
  return QApplication::exec();
}

// While the application starts, Qt says of a display that is missing that reinstalling may help, and aborts.
void report_start(QtMsgType type, const QMessageLogContext& /*context*/, const QString& text) {
  if (type != QtFatalMsg) return;
  if (!text.contains(QLatin1String("platform plugin"))) {
    std::fprintf(stderr, "trending-viewer: %s\n", qPrintable(text));
    std::_Exit(kFailed);
  }
  std::fprintf(stderr,
               "trending-viewer: there is no display to open a window on\n"
               "Run it in a desktop session, or with ssh -X; DISPLAY or WAYLAND_DISPLAY names the display.\n"
               "A picture needs none: QT_QPA_PLATFORM=offscreen trending-viewer --screenshot FILE\n");
  std::_Exit(kWrongUse);
}

// What is answered in words needs no display.
bool asks_for_words(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* argument) {
    const QLatin1String text(argument);
    return text == QLatin1String("--help") || text == QLatin1String("-h") ||
           text == QLatin1String("--help-all") || text == QLatin1String("--version") ||
           text == QLatin1String("-v");
  });
}

}  // namespace
}  // namespace trending

int main(int argc, char** argv) {
  if (trending::asks_for_words(argc, argv)) qputenv("QT_QPA_PLATFORM", "offscreen");
  const QtMessageHandler usual = qInstallMessageHandler(trending::report_start);
  QApplication app(argc, argv);
  qInstallMessageHandler(usual);
  QApplication::setApplicationName(QStringLiteral("trending-viewer"));
  QApplication::setOrganizationName(QStringLiteral("trending"));
  QApplication::setApplicationDisplayName(QStringLiteral("Trending"));
  QApplication::setApplicationVersion(QStringLiteral(VIEWER_VERSION));
  QGuiApplication::setDesktopFileName(QStringLiteral("trending-viewer"));
  trending::install_translations(app);
  return trending::run(app);
}
