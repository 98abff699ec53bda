// SPDX-License-Identifier: PostgreSQL
// HAVING: a condition over a group.
#include "definition/clauses/analysis.h"
#include "definition/group_row.h"

namespace trending {

namespace {

// Groups are judged when they change, not when the window moves on.
void refuse_bounds(const Analysis& analysis, Node* having) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("HAVING of a trend may only use its keys and aggregates"),
                  errhint("Use WHERE on the window bounds when you read the trend."),
                  query_position(analysis.text, exprLocation(having))));
}

}  // namespace

void analyze_having(Analysis* analysis) {
  Node* having = analysis->query->havingQual;
  if (having == nullptr) return;
  Expr* condition = prepare_group_expression(analysis, having, "HAVING");
  if (analysis->definition->half_life != 0) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("HAVING is not supported in a trend of decayed aggregates"),
                    errdetail("Their values change with time alone."),
                    errhint("Use WHERE on the trend when you read it."),
                    query_position(analysis->text, exprLocation(having))));
  }
  if (group_expression_reads_window(condition)) refuse_bounds(*analysis, having);
  analysis->definition->having = condition;
}

}  // namespace trending
