// SPDX-License-Identifier: PostgreSQL
#include "scenario.h"

#include <stdexcept>

#include "scenarios/blog.h"
#include "scenarios/pageviews.h"
#include "scenarios/shop.h"
#include "scenarios/ticks.h"
#include "scenarios/weather.h"

namespace trending::loadgen {

namespace {

struct Entry {
  std::string name;
  std::unique_ptr<Scenario> (*make)(const Options&);
};

template <typename T>
std::unique_ptr<Scenario> make(const Options& options) {
  return std::make_unique<T>(options);
}

const Entry kScenarios[] = {{"blog", make<Blog>},
                            {"shop", make<Shop>},
                            {"pageviews", make<Pageviews>},
                            {"ticks", make<Ticks>},
                            {"weather", make<Weather>}};

}  // namespace

const std::vector<std::string>& scenario_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : kScenarios) all.push_back(entry.name);
    return all;
  }();
  return names;
}

std::unique_ptr<Scenario> make_scenario(const Options& options) {
  for (const Entry& entry : kScenarios) {
    if (entry.name == options.scenario) return entry.make(options);
  }
  throw std::invalid_argument("unknown scenario " + options.scenario);
}

}  // namespace trending::loadgen
