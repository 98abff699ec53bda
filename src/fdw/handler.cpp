// SPDX-License-Identifier: PostgreSQL
// The foreign-data wrapper's callbacks. A trend is read only, so there are none for writing: the server
// itself says that the table cannot be inserted into, updated, deleted from or analysed.
#include "fdw/planner.h"
#include "fdw/scan.h"
#include "postgres/guard.h"

namespace trending {

namespace {

extern "C" {

void get_size(PlannerInfo* root, RelOptInfo* rel, Oid relation) {
  guarded([=] {
    version_check();
    relation_size(root, rel, relation);
  });
}

void get_paths(PlannerInfo* root, RelOptInfo* rel, Oid relation) {
  guarded([=] { relation_paths(root, rel, relation); });
}

ForeignScan* get_plan(PlannerInfo* root, RelOptInfo* rel, Oid relation, ForeignPath* path, List* targets,
                      List* clauses, Plan* outer_plan) {
  return guarded([=] { return relation_plan(root, rel, relation, path, targets, clauses, outer_plan); });
}

void begin_scan(ForeignScanState* node, int flags) {
  guarded([=] {
    version_check();
    scan_begin(node, flags);
  });
}

TupleTableSlot* iterate_scan(ForeignScanState* node) {
  return guarded([=] { return scan_next(node); });
}

void rescan(ForeignScanState* node) {
  guarded([=] { scan_again(node); });
}

void end_scan(ForeignScanState* node) {
  guarded([=] { scan_end(node); });
}

void explain(ForeignScanState* node, ExplainState* state) {
  guarded([=] { explain_scan(node, state); });
}

}  // extern "C"

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(fdw_handler) {
  FdwRoutine* routine = makeNode(FdwRoutine);
  routine->GetForeignRelSize = trending::get_size;
  routine->GetForeignPaths = trending::get_paths;
  routine->GetForeignPlan = trending::get_plan;
  routine->BeginForeignScan = trending::begin_scan;
  routine->IterateForeignScan = trending::iterate_scan;
  routine->ReScanForeignScan = trending::rescan;
  routine->EndForeignScan = trending::end_scan;
  routine->ExplainForeignScan = trending::explain;
  PG_RETURN_POINTER(routine);
}

// The wrapper and its server have no options, nor has a trend. Those of a federated trend are described at
// trending.federate.
TRENDING_PURE_FUNCTION(fdw_validator) {
  constexpr const char* kKnown[] = {"nodes",   "status_tables", "remote",  "merging",
                                    "ranking", "placed",        "partial", "patience"};
  List* options = untransformRelOptions(PG_GETARG_DATUM(0));
  ListCell* cell = nullptr;
  foreach (cell, options) {
    const char* name = static_cast<DefElem*>(lfirst(cell))->defname;
    bool is_known = false;
    for (const char* known : kKnown) is_known = is_known || strcmp(known, name) == 0;
    if (is_known && PG_GETARG_OID(1) == ForeignTableRelationId) continue;
    ereport(
        ERROR,
        (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
         errhint(
             "Trends have no foreign-table options; see trending.create_trend() and trending.federate().")));
  }
  PG_RETURN_VOID();
}
