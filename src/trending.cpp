// SPDX-License-Identifier: PostgreSQL
// The extension's entry point: wires the parts together, nothing else.
#include "launcher/hooks.h"
#include "launcher/launcher.h"
#include "postgres/guard.h"
#include "postgres/settings.h"
#include "shmem/directory.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void) {
  using namespace trending;
  guarded([] {
    bool preloading = process_shared_preload_libraries_in_progress;
    settings_define(preloading);
    if (!preloading) return;  // functions still load, and say what is missing
    // pg_upgrade moves the catalogs and expects nobody to write: nothing of ours runs.
    if (IsBinaryUpgrade) return;
    directory_install();
    hooks_install();
    launcher_register();
  });
}
}
