// SPDX-License-Identifier: PostgreSQL
#include "postgres/version.h"

#include <cstdio>
#include <cstdlib>

#include "postgres/pinned_path.h"

namespace trending {

namespace {

constexpr const char* kLibrary = TRENDING_VERSION;  // of trending.control, by the Makefile

bool known_to_fit = false;

void forget(Datum, compat::SystemCache, uint32) {
  known_to_fit = false;
}

// Every script of the extension makes or replaces functions.
void follow_scripts() {
  static bool follows = false;
  if (!follows) CacheRegisterSyscacheCallback(PROCOID, forget, Datum{0});
  follows = true;
}

// Empty: the extension is not installed.
void read_version(char version[kVersionSize]) {
  version[0] = '\0';
  Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("trending"));
  SysScanDesc scan = systable_beginscan(catalog, ExtensionNameIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) {
    bool isnull = false;
    Datum stored = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(catalog), &isnull);
    if (!isnull) strlcpy(version, TextDatumGetCString(stored), kVersionSize);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
}

// Numbers between dots; what is no number counts as 0.
int compare(const char* a, const char* b) {
  for (;;) {
    char* a_end = nullptr;
    char* b_end = nullptr;
    const long left = strtol(a, &a_end, 10);
    const long right = strtol(b, &b_end, 10);
    if (left != right) return left < right ? -1 : 1;
    if (*a_end != '.' && *b_end != '.') return 0;
    a = *a_end == '.' ? a_end + 1 : "0";
    b = *b_end == '.' ? b_end + 1 : "0";
  }
}

bool looks_by_itself() {
  return !IsTransactionState() || creating_extension || IsBinaryUpgrade || HistoricSnapshotActive() ||
         (MyBgworkerEntry != nullptr && strcmp(MyBgworkerEntry->bgw_library_name, "trending") == 0);
}

// The version that a statement without one leads to; empty: no script is there.
void read_default(char version[kVersionSize]) {
  version[0] = '\0';
  SPI_connect();
  (void)pinned_execute("SELECT default_version::text FROM pg_available_extensions() WHERE name = 'trending'",
                       0, nullptr, nullptr, nullptr, true, 1);
  if (SPI_processed == 1) {
    const char* text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
    if (text != nullptr) strlcpy(version, text, kVersionSize);
  }
  SPI_finish();
}

}  // namespace

bool version_fits(VersionWords* words) {
  char sql[kVersionSize];
  read_version(sql);
  if (sql[0] == '\0' || strcmp(sql, kLibrary) == 0) return true;
  snprintf(
      words->message, sizeof(words->message),
      "extension \"trending\" has version %s in this database, the library that the server has loaded %s",
      sql, kLibrary);
  strlcpy(
      words->hint,
      compare(sql, kLibrary) < 0
          ? "Run ALTER EXTENSION trending UPDATE in this database. Its trends go on from where they are then."
          : "Restart the server, so that it loads the library that was installed with the newer version.",
      sizeof(words->hint));
  return false;
}

void version_check() {
  if (likely(known_to_fit) || looks_by_itself()) return;
  follow_scripts();
  VersionWords words;
  known_to_fit = version_fits(&words);
  if (known_to_fit) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", words.message),
                  errhint("%s", words.hint)));
}

void version_check_command(Node* statement) {
  const char* extension = nullptr;
  List* options = NIL;
  if (IsA(statement, CreateExtensionStmt)) {
    extension = reinterpret_cast<CreateExtensionStmt*>(statement)->extname;
    options = reinterpret_cast<CreateExtensionStmt*>(statement)->options;
  } else if (IsA(statement, AlterExtensionStmt)) {
    extension = reinterpret_cast<AlterExtensionStmt*>(statement)->extname;
    options = reinterpret_cast<AlterExtensionStmt*>(statement)->options;
  }
  if (extension == nullptr || strcmp(extension, "trending") != 0) return;
  char version[kVersionSize] = "";
  ListCell* cell = nullptr;
  foreach (cell, options) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    if (strcmp(option->defname, "new_version") == 0) strlcpy(version, defGetString(option), kVersionSize);
  }
  if (version[0] == '\0') read_default(version);
  if (compare(version, kLibrary) <= 0) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg(
           "the library of extension \"trending\" that the server has loaded has version %s, which is older "
           "than %s",
           kLibrary, version),
       errhint("Restart the server, so that it loads the library that was installed with that version.")));
}

}  // namespace trending
