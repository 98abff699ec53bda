// SPDX-License-Identifier: PostgreSQL
#include "definition/text/float_size.h"

namespace trending {

namespace {

// What makes the size. x and y are the first and the second argument, as PostgreSQL's own order has it: the
// first of regr_sxx(Y, X) is Y.
enum class Rule : uint8_t {
  kNone,
  kSum,      // the sum of |x|
  kAverage,  // the average of |x|
  kOne,      // the value lies between -1 and 1, whatever went in
  kX,        // the greatest |x|
  kXX,
  kY,
  kYY,
  kXY,
  kSlope,      // the ratio of the deviations
  kIntercept,  // the greatest |x|, and that of what the slope makes of y
};

Rule rule_of(Oid function) {
  switch (function) {
    case F_SUM_FLOAT4:
    case F_SUM_FLOAT8:
      return Rule::kSum;
    case F_AVG_FLOAT4:
    case F_AVG_FLOAT8:
      return Rule::kAverage;
    case F_STDDEV_FLOAT4:
    case F_STDDEV_FLOAT8:
    case F_STDDEV_SAMP_FLOAT4:
    case F_STDDEV_SAMP_FLOAT8:
    case F_STDDEV_POP_FLOAT4:
    case F_STDDEV_POP_FLOAT8:
    case F_REGR_AVGY:
      return Rule::kX;
    case F_VARIANCE_FLOAT4:
    case F_VARIANCE_FLOAT8:
    case F_VAR_SAMP_FLOAT4:
    case F_VAR_SAMP_FLOAT8:
    case F_VAR_POP_FLOAT4:
    case F_VAR_POP_FLOAT8:
    case F_REGR_SYY:
      return Rule::kXX;
    case F_REGR_AVGX:
      return Rule::kY;
    case F_REGR_SXX:
      return Rule::kYY;
    case F_REGR_SXY:
    case F_COVAR_POP:
    case F_COVAR_SAMP:
      return Rule::kXY;
    case F_CORR:
    case F_REGR_R2:
      return Rule::kOne;
    case F_REGR_SLOPE:
      return Rule::kSlope;
    case F_REGR_INTERCEPT:
      return Rule::kIntercept;
    default:
      return Rule::kNone;
  }
}

Expr* call(Oid function, List* arguments) {
  return reinterpret_cast<Expr*>(
      makeFuncExpr(function, FLOAT8OID, arguments, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

Expr* constant(double value) {
  return reinterpret_cast<Expr*>(
      makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8), Float8GetDatum(value), false, FLOAT8PASSBYVAL));
}

Expr* times(Expr* left, Expr* right) {
  return call(F_FLOAT8MUL, list_make2(left, right));
}

// `function` over the absolute values of the argument with this index, of the same rows.
Expr* over_absolutes(const Aggref* of, Oid function, int index) {
  auto* made = static_cast<Aggref*>(copyObjectImpl(of));
  auto* entry = list_nth_node(TargetEntry, made->args, index);
  const bool is_real = list_nth_oid(made->aggargtypes, index) == FLOAT4OID;
  Expr* value = is_real ? call(F_FLOAT8_FLOAT4, list_make1(entry->expr)) : entry->expr;
  entry->expr =
      call(F_FLOAT8SMALLER, list_make2(call(F_ABS_FLOAT8, list_make1(value)), constant(kGreatestSize)));
  entry->resno = 1;
  made->args = list_make1(entry);
  made->aggargtypes = list_make1_oid(FLOAT8OID);
  made->aggfnoid = function;
  made->aggtype = FLOAT8OID;
  return reinterpret_cast<Expr*>(made);
}

Expr* greatest(const Aggref* of, int index) {
  return over_absolutes(of, F_MAX_FLOAT8, index);
}

// NULL, like the slope, where all y are the same.
Expr* slope(const Aggref* of) {
  auto* above = static_cast<Aggref*>(copyObjectImpl(of));
  above->aggfnoid = F_REGR_SYY;
  auto* below = static_cast<Aggref*>(copyObjectImpl(of));
  below->aggfnoid = F_REGR_SXX;
  auto* null_if_zero = makeNode(NullIfExpr);
  null_if_zero->opno = OpernameGetOprid(
      list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("="))), FLOAT8OID, FLOAT8OID);
  null_if_zero->opfuncid = F_FLOAT8EQ;
  null_if_zero->opresulttype = FLOAT8OID;
  null_if_zero->args = list_make2(below, constant(0));
  Expr* divisor = call(F_SQRT_FLOAT8, list_make1(null_if_zero));
  return call(F_FLOAT8DIV, list_make2(call(F_SQRT_FLOAT8, list_make1(above)), divisor));
}

}  // namespace

bool has_float_size(Oid function) {
  return rule_of(function) != Rule::kNone;
}

Expr* float_size(const Aggref* aggregate) {
  switch (rule_of(aggregate->aggfnoid)) {
    case Rule::kSum:
      return over_absolutes(aggregate, F_SUM_FLOAT8, 0);
    case Rule::kAverage:
      return over_absolutes(aggregate, F_AVG_FLOAT8, 0);
    case Rule::kOne:
      return constant(1);
    case Rule::kX:
      return greatest(aggregate, 0);
    case Rule::kXX:
      return times(greatest(aggregate, 0), greatest(aggregate, 0));
    case Rule::kY:
      return greatest(aggregate, 1);
    case Rule::kYY:
      return times(greatest(aggregate, 1), greatest(aggregate, 1));
    case Rule::kXY:
      return times(greatest(aggregate, 0), greatest(aggregate, 1));
    case Rule::kSlope:
      return slope(aggregate);
    case Rule::kIntercept:
      return call(F_FLOAT8LARGER,
                  list_make2(greatest(aggregate, 0), times(slope(aggregate), greatest(aggregate, 1))));
    case Rule::kNone:
      break;
  }
  elog(ERROR, "aggregate %u has no size", aggregate->aggfnoid);
}

}  // namespace trending
