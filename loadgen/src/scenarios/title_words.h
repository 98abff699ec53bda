// SPDX-License-Identifier: PostgreSQL
// The material of titles.cpp: what titles are made of. A template's {names} are filled from the lists below.
#pragma once

#include <span>
#include <string_view>

namespace trending::loadgen {

using Words = std::span<const std::string_view>;

struct WordList {
  std::string_view name;
  Words words;
};

struct TitleTemplate {
  std::string_view category;
  std::string_view text;
};

inline constexpr std::string_view kTools[] = {
    "PostgreSQL",    "SQLite",  "Kubernetes",     "Rust",          "Go",
    "TypeScript",    "Redis",   "GraphQL",        "Git",           "Docker",
    "WebAssembly",   "Kafka",   "Terraform",      "feature flags", "static types",
    "plain HTML",    "Elixir",  "Python",         "Ansible",       "Vim",
    "OpenTelemetry", "systemd", "event sourcing", "cron"};
inline constexpr std::string_view kSystems[] = {
    "our billing service", "the login page",     "a legacy monolith",  "our search index",
    "the payroll batch",   "a chat server",      "our build farm",     "the mail queue",
    "a mobile app",        "our data warehouse", "the booking engine", "a photo archive",
    "our monitoring",      "the image resizer",  "the checkout page",  "a hospital intranet",
    "our design system",   "the nightly export", "a public API",       "the ticket system"};
inline constexpr std::string_view kStints[] = {
    "Three weeks", "Six months", "A year",      "Two years",      "Five years", "A decade",
    "One sprint",  "A summer",   "Ninety days", "A long weekend", "Four jobs",  "Eighteen months"};
inline constexpr std::string_view kCities[] = {
    "Lisbon",   "Kyoto",     "Tbilisi",  "Oaxaca",    "Bergen",       "Hanoi",     "Valparaíso",
    "Ghent",    "Marrakesh", "Tallinn",  "Melbourne", "Montréal",     "Naples",    "Sarajevo",
    "Kraków",   "Cape Town", "Seoul",    "Palermo",   "Porto",        "Reykjavík", "Istanbul",
    "Medellín", "Glasgow",   "Zanzibar", "Riga",      "Luang Prabang"};
inline constexpr std::string_view kJourneys[] = {
    "by night train",    "on foot",          "in the rainy season", "with two toddlers",    "without a phone",
    "on a tight budget", "before breakfast", "by bicycle",          "in three days",        "with my father",
    "out of season",     "by ferry",         "for the food alone",  "with a sprained ankle"};
inline constexpr std::string_view kDishes[] = {
    "sourdough",    "ramen broth", "shakshuka", "kimchi",        "focaccia",      "lentil soup",
    "dumplings",    "carbonara",   "pad thai",  "roast chicken", "apple strudel", "hummus",
    "fish tacos",   "pierogi",     "moussaka",  "dal",           "onion tart",    "flatbread",
    "rice pudding", "gnocchi",     "borscht",   "banana bread",  "paella",        "pickles"};
inline constexpr std::string_view kCooks[] = {
    "my grandmother's way", "in one pan",      "for people in a hurry", "from scratch",
    "without an oven",      "for two",         "in forty minutes",      "on a camping stove",
    "with leftovers",       "for a crowd",     "the slow way",          "for absolute beginners",
    "in a tiny kitchen",    "without a recipe"};
inline constexpr std::string_view kPhenomena[] = {
    "sleep",          "coral reefs",       "dark matter",    "the gut",    "earthquakes", "migration",
    "lichens",        "black holes",       "ocean currents", "memory",     "mushrooms",   "volcanoes",
    "bird song",      "the immune system", "tides",          "lightning",  "glaciers",    "ageing",
    "photosynthesis", "left-handedness",   "yawning",        "the aurora", "dreams",      "antibiotics"};
inline constexpr std::string_view kScientists[] = {
    "a beekeeper",       "a retired physicist", "an Arctic field team", "a night-shift nurse",
    "a river ecologist", "a school class",      "a marine biologist",   "a telescope operator",
    "a lab technician",  "a geologist",         "two statisticians",    "a vet",
    "a weather balloon", "a lighthouse keeper"};
inline constexpr std::string_view kHabits[] = {"running",
                                               "cold showers",
                                               "swimming",
                                               "meditation",
                                               "strength training",
                                               "walking",
                                               "intermittent fasting",
                                               "yoga",
                                               "going to bed early",
                                               "stretching",
                                               "quitting sugar",
                                               "cycling to work",
                                               "journaling",
                                               "climbing",
                                               "rowing",
                                               "giving up coffee",
                                               "breathing exercises",
                                               "skipping rope",
                                               "hiking",
                                               "turning off notifications"};
inline constexpr std::string_view kLives[] = {
    "after forty",   "with a newborn",  "on night shifts",         "when you hate mornings",
    "in a big city", "with a bad back", "while working from home", "in winter",
    "for sceptics",  "after an injury", "with no equipment",       "when motivation is gone",
    "on the road",   "with asthma"};
inline constexpr std::string_view kMoneyTopics[] = {
    "an emergency fund", "index funds",    "a mortgage",
    "a pension",         "freelancing",    "a second-hand car",
    "a joint account",   "rent",           "student debt",
    "a salary raise",    "an inheritance", "home insurance",
    "a side business",   "bonds",          "moving abroad",
    "a sabbatical",      "buying a flat",  "heat pumps",
    "childcare",         "subscriptions"};
inline constexpr std::string_view kBooks[] = {"Middlemarch",
                                              "Beloved",
                                              "The Leopard",
                                              "Moby-Dick",
                                              "Dune",
                                              "Solaris",
                                              "Invisible Cities",
                                              "Pride and Prejudice",
                                              "Things Fall Apart",
                                              "The Waves",
                                              "War and Peace",
                                              "Kindred",
                                              "The Trial",
                                              "Don Quixote",
                                              "The Left Hand of Darkness",
                                              "Austerlitz",
                                              "Wuthering Heights",
                                              "My Brilliant Friend",
                                              "The Master and Margarita",
                                              "Stoner",
                                              "Frankenstein",
                                              "A Room of One's Own"};
inline constexpr std::string_view kReaders[] = {
    "at nineteen and at fifty", "on the bus",       "out loud",
    "for the third time",       "in one sitting",   "with a book club",
    "in the wrong order",       "in translation",   "on a beach",
    "at three in the morning",  "with my daughter", "as an audiobook",
    "during a strike",          "after the film"};
inline constexpr std::string_view kInstruments[] = {
    "the cello",        "the accordion", "modular synths",  "the piano",    "a choir",
    "the trumpet",      "the banjo",     "the bass guitar", "drums",        "the church organ",
    "the violin",       "turntables",    "the oud",         "the clarinet", "a brass band",
    "field recordings", "the harp",      "the harmonica",   "the theremin", "a string quartet"};
inline constexpr std::string_view kStyles[] = {"jazz",          "techno",        "fado",    "bluegrass",
                                               "baroque music", "film scores",   "hip-hop", "folk songs",
                                               "minimalism",    "heavy metal",   "samba",   "opera",
                                               "dub",           "chamber music", "soul",    "lullabies"};
inline constexpr std::string_view kSports[] = {
    "handball",   "road cycling", "sumo",       "women's football", "table tennis", "open-water swimming",
    "cricket",    "biathlon",     "judo",       "rugby sevens",     "fencing",      "the marathon",
    "volleyball", "curling",      "ice hockey", "trail running",    "darts",        "rowing",
    "basketball", "bouldering"};
inline constexpr std::string_view kUnderdogs[] = {"a village of 900",       "the oldest club in the league",
                                                  "a team without a coach", "a substitute goalkeeper",
                                                  "a late bloomer",         "the reserve bench",
                                                  "a one-armed captain",    "two sisters",
                                                  "a bankrupt club",        "the worst seed",
                                                  "a school in the hills",  "a retired postman",
                                                  "an island of fishermen", "a kit manager"};
inline constexpr std::string_view kPlants[] = {"tomatoes",
                                               "a fig tree",
                                               "moss",
                                               "climbing roses",
                                               "garlic",
                                               "sweet peas",
                                               "a lemon tree",
                                               "ferns",
                                               "dahlias",
                                               "courgettes",
                                               "a wildflower meadow",
                                               "rhubarb",
                                               "lavender",
                                               "chillies",
                                               "an old apple tree",
                                               "bamboo",
                                               "potatoes",
                                               "sunflowers",
                                               "herbs",
                                               "a hedge",
                                               "peonies",
                                               "winter salads"};
inline constexpr std::string_view kGardens[] = {"on a north-facing balcony",
                                                "in heavy clay",
                                                "without peat",
                                                "in a drought",
                                                "from seed",
                                                "on a windowsill",
                                                "in a shared courtyard",
                                                "despite the slugs",
                                                "by the sea",
                                                "on a roof",
                                                "in pots",
                                                "at 1,200 metres",
                                                "with five minutes a day",
                                                "in the shade"};
inline constexpr std::string_view kWorkTopics[] = {
    "code review",      "remote work",   "one-on-ones", "open-plan offices",     "the four-day week",
    "job interviews",   "being on call", "estimates",   "performance reviews",   "small talk",
    "parental leave",   "saying no",     "onboarding",  "handover notes",        "stand-up meetings",
    "pair programming", "burnout",       "feedback",    "the first ninety days", "deadlines"};
inline constexpr std::string_view kWorkers[] = {
    "introverts",       "new managers",   "a team of three",   "people who inherit a mess", "career changers",
    "public servants",  "freelancers",    "night owls",        "the only designer",         "apprentices",
    "people with kids", "grumpy seniors", "distributed teams", "a family business"};
inline constexpr std::string_view kErasAndPlaces[] = {"the Hanseatic League",
                                                      "Roman roads",
                                                      "the first railways",
                                                      "medieval markets",
                                                      "the Silk Road",
                                                      "the telegraph",
                                                      "lighthouses",
                                                      "the spice trade",
                                                      "Byzantium",
                                                      "the Inca road",
                                                      "coffee houses",
                                                      "the printing press",
                                                      "cathedral builders",
                                                      "the postal service",
                                                      "pirates of the Baltic",
                                                      "the metric system",
                                                      "bathhouses",
                                                      "the canal age",
                                                      "maps",
                                                      "the Great Fire"};
inline constexpr std::string_view kSources[] = {
    "ten objects",   "a tax register", "the letters of a clerk", "one street",   "a shipwreck",
    "a cookbook",    "court records",  "a ship's log",           "three coins",  "a village diary",
    "the wrong map", "old postcards",  "a family album",         "a forged deed"};
inline constexpr std::string_view kNumbers[] = {"Three", "Four",   "Five",   "Six",      "Seven",  "Eight",
                                                "Nine",  "Eleven", "Twelve", "Thirteen", "Twenty", "Forty"};
inline constexpr std::string_view kLessons[] = {
    "mistakes",  "lessons", "small things", "questions", "myths",   "surprises",  "bad ideas",
    "shortcuts", "regrets", "habits",       "rules",     "secrets", "experiments"};

inline constexpr WordList kWordLists[] = {
    {"tool", kTools},     {"system", kSystems},       {"stint", kStints},
    {"city", kCities},    {"journey", kJourneys},     {"dish", kDishes},
    {"cook", kCooks},     {"phenomenon", kPhenomena}, {"scientist", kScientists},
    {"habit", kHabits},   {"life", kLives},           {"money", kMoneyTopics},
    {"book", kBooks},     {"reader", kReaders},       {"instrument", kInstruments},
    {"style", kStyles},   {"sport", kSports},         {"underdog", kUnderdogs},
    {"plant", kPlants},   {"garden", kGardens},       {"work", kWorkTopics},
    {"worker", kWorkers}, {"era", kErasAndPlaces},    {"source", kSources},
    {"number", kNumbers}, {"lesson", kLessons}};

inline constexpr TitleTemplate kTitleTemplates[] = {
    {"technology", "{stint} with {tool}: what we would do again"},
    {"technology", "We moved {system} to {tool} and nobody noticed"},
    {"technology", "How {tool} took down {system}"},
    {"technology", "{number} {lesson} about {tool}"},
    {"technology", "Rewriting {system} with {tool}, one evening at a time"},
    {"technology", "{tool} is boring, and {system} is better for it"},
    {"travel", "{city} {journey}"},
    {"travel", "What I got wrong about {city}, {journey}"},
    {"travel", "{number} {lesson} from {city}"},
    {"travel", "{stint} in {city}, and why I left"},
    {"travel", "From {city} to anywhere, {journey}"},
    {"food", "Perfect {dish} {cook}"},
    {"food", "The {dish} of {city}"},
    {"food", "{number} {lesson} about {dish}"},
    {"food", "I made {dish} {cook} so you don't have to"},
    {"food", "Looking for honest {dish} in {city}"},
    {"science", "What {scientist} taught me about {phenomenon}"},
    {"science", "{number} {lesson} about {phenomenon}"},
    {"science", "{scientist}, {phenomenon} and a very long night"},
    {"science", "Can {scientist} explain {phenomenon}?"},
    {"health", "{habit} {life}: an honest review"},
    {"health", "{stint} of {habit}"},
    {"health", "{number} {lesson} about {habit} {life}"},
    {"health", "Nobody told me this about {habit} {life}"},
    {"money", "{number} {lesson} about {money}"},
    {"money", "{stint} of thinking about {money}"},
    {"money", "{money} explained to {worker}"},
    {"money", "The real cost of {money} in {city}"},
    {"books", "Reading {book} {reader}"},
    {"books", "{number} {lesson} hidden in {book}"},
    {"books", "I finally finished {book}, {reader}"},
    {"books", "{book} makes more sense in {city}"},
    {"music", "Learning {instrument} {life}"},
    {"music", "{style} on {instrument}: a love story"},
    {"music", "The {city} {style} scene nobody writes about"},
    {"music", "{stint} with {instrument} and too much {style}"},
    {"sports", "How {underdog} changed {sport}"},
    {"sports", "{number} {lesson} from a season of {sport}"},
    {"sports", "{sport} in {city}: notes from the cheap seats"},
    {"sports", "{underdog} and the strangest season in {sport}"},
    {"garden", "Growing {plant} {garden}"},
    {"garden", "{number} {lesson} about {plant}"},
    {"garden", "I gave up on {plant} {garden}. Then it rained"},
    {"garden", "{stint} with {plant}: the diary"},
    {"work", "{work} for {worker}"},
    {"work", "{number} {lesson} about {work}"},
    {"work", "What {worker} know about {work}"},
    {"work", "{stint} without {work}"},
    {"history", "A history of {era} in {source}"},
    {"history", "What {source} can tell us about {era}"},
    {"history", "{number} {lesson} about {era}"},
    {"history", "{era}, as seen from {city}"}};

inline constexpr std::string_view kGivenNames[] = {
    "Ana",   "Bilal", "Chiara", "Dmitri", "Elif",  "Femi",  "Grace", "Hugo", "Ingrid", "Jamal",
    "Keiko", "Luís",  "Mara",   "Noor",   "Oskar", "Priya", "Quinn", "Rosa", "Samir",  "Tereza"};
inline constexpr std::string_view kFamilyNames[] = {"Abe",      "Bauer",   "Castillo", "Diallo",  "Eriksen",
                                                    "Ferrari",  "García",  "Haddad",   "Ivanova", "Jensen",
                                                    "Kowalski", "Larsson", "Mensah",   "Novák",   "Okafor",
                                                    "Patel",    "Rossi",   "Şahin",    "Tanaka",  "Weber"};

}  // namespace trending::loadgen
