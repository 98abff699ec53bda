// SPDX-License-Identifier: PostgreSQL
// Expressions of a definition in Flink's dialect.
#include "definition/group_row.h"
#include "definition/text/flink_dialect.h"

namespace trending {

namespace {

enum class Over : uint8_t { kTable, kRow, kGroup };
struct Scope {
  const Definition& definition;
  Over over;
};

const char* text_of(const Scope& scope, const Node* node);

enum class Class : uint8_t { kInteger, kDecimal, kFloat, kText, kTime, kBool, kJson, kOther };

Class class_of(Oid type) {
  switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
      return Class::kInteger;
    case NUMERICOID:
      return Class::kDecimal;
    case FLOAT4OID:
    case FLOAT8OID:
      return Class::kFloat;
    case TEXTOID:
    case VARCHAROID:
    case UUIDOID:
      return Class::kText;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return Class::kTime;
    case BOOLOID:
      return Class::kBool;
    case JSONOID:
    case JSONBOID:
      return Class::kJson;
    default:
      return Class::kOther;
  }
}

bool is_number(Class kind) {
  return kind == Class::kInteger || kind == Class::kDecimal || kind == Class::kFloat;
}

[[noreturn]] void refuse_expression(const Scope& scope, const char* what) {
  refuse_flink(scope.definition, "It uses %s, which has no known equal there.", what);
}

const char* decimal_constant(const Scope& scope, const char* digits) {
  const char* point = strchr(digits, '.');
  const size_t length = strlen(digits);
  const int scale = point == nullptr ? 0 : static_cast<int>(length - static_cast<size_t>(point - digits)) - 1;
  int precision = 0;
  for (const char* c = digits; *c != '\0'; c++) {
    if (isalpha(static_cast<unsigned char>(*c))) refuse_expression(scope, psprintf("the number %s", digits));
    if (isdigit(static_cast<unsigned char>(*c))) precision++;
  }
  if (precision > 38) refuse_expression(scope, psprintf("the number %s", digits));
  return psprintf("CAST('%s' AS DECIMAL(%d, %d))", digits, precision, scale);
}

const char* constant_text(const Scope& scope, const Const* constant) {
  if (constant->constisnull) {
    return psprintf("CAST(NULL AS %s)",
                    flink_type(scope.definition, constant->consttype, constant->consttypmod));
  }
  Oid output = InvalidOid;
  bool is_varlena = false;
  getTypeOutputInfo(constant->consttype, &output, &is_varlena);
  const char* value = OidOutputFunctionCall(output, constant->constvalue);
  const auto time_of = [&] {
    return DatumGetCString(DirectFunctionCall1(timestamp_out, constant->constvalue));
  };
  switch (constant->consttype) {
    case BOOLOID:
      return DatumGetBool(constant->constvalue) ? "TRUE" : "FALSE";
    case INT2OID:
    case INT4OID:
    case INT8OID:
      return psprintf("CAST(%s AS %s)", value, flink_type(scope.definition, constant->consttype, -1));
    case NUMERICOID:
      return decimal_constant(scope, value);
    case FLOAT4OID:
    case FLOAT8OID:
      if (isalpha(static_cast<unsigned char>(value[strspn(value, "-")]))) break;  // NaN, Infinity
      return psprintf("CAST('%s' AS %s)", value, flink_type(scope.definition, constant->consttype, -1));
    case TEXTOID:
    case VARCHAROID:
    case UUIDOID:
      return flink_text(value);
    case DATEOID:
      return psprintf("DATE '%s'", value);
    case TIMESTAMPOID:
      return psprintf("TIMESTAMP '%s'", value);
    case TIMESTAMPTZOID:  // the session is in UTC there
      return psprintf("CAST(TIMESTAMP '%s' AS TIMESTAMP_LTZ(6))", time_of());
    default:
      break;
  }
  refuse_expression(scope, psprintf("a constant of type %s", format_type_be(constant->consttype)));
}

const char* group_column(const Scope& scope, const Var* var) {
  const Definition& definition = scope.definition;
  const int aggregate = var->varattno - kGroupFirstKey - definition.keys.count;
  if (aggregate >= 0) return psprintf("g.agg_%d", aggregate + 1);
  if (var->varattno >= kGroupFirstKey) return psprintf("g.key_%d", var->varattno - kGroupFirstKey + 1);
  const char* bound = var->varattno == kGroupStart ? "g.window_start" : "g.window_end";
  return var->vartype == TIMESTAMPTZOID ? psprintf("CAST(%s AS TIMESTAMP_LTZ(3))", bound) : bound;
}

const char* row_column(const Scope& scope, const Var* var) {
  const Definition& definition = scope.definition;
  if (var->varattno <= 0) refuse_expression(scope, "a system column");
  const bool is_alone = scope.over == Over::kTable;
  for (int d = 0; d < definition.dimension_count; d++) {
    const Dimension& dimension = definition.dimensions[d];
    for (int i = 0; i < dimension.column_count; i++) {
      if (dimension.columns[i].place != var->varattno) continue;
      return psprintf("d%d.%s", d + 1, flink_name(dimension.columns[i].column.name));
    }
  }
  const char* name = flink_name(get_attname(definition.source, var->varattno, false));
  return is_alone ? name : psprintf("s.%s", name);
}

// --- documents ---

// Adds the step of a path that a constant is. Digits could mean an element or a member: only integers are that.
void add_step(const Scope& scope, StringInfo path, const char* step, bool is_element) {
  if (is_element) {
    appendStringInfo(path, "[%s]", step);
    return;
  }
  for (const char* c = step; *c != '\0'; c++) {
    if (isalpha(static_cast<unsigned char>(*c)) || *c == '_' ||
        (c > step && isdigit(static_cast<unsigned char>(*c)))) {
      continue;
    }
    refuse_expression(scope, psprintf("the member \"%s\" of a document", step));
  }
  if (*step == '\0') refuse_expression(scope, "a member of a document without a name");
  appendStringInfo(path, ".%s", step);
}

void add_path(const Scope& scope, StringInfo path, const Node* node) {
  if (!IsA(node, Const) || castNode(Const, const_cast<Node*>(node))->constisnull) {
    refuse_expression(scope, "a path of a document that is not constant");
  }
  const auto* constant = reinterpret_cast<const Const*>(node);
  switch (constant->consttype) {
    case TEXTOID:
      return add_step(scope, path, TextDatumGetCString(constant->constvalue), false);
    case INT4OID:
      if (DatumGetInt32(constant->constvalue) < 0)
        refuse_expression(scope, "an element counted from the end");
      return add_step(scope, path, psprintf("%d", DatumGetInt32(constant->constvalue)), true);
    case TEXTARRAYOID: {
      Datum* steps = nullptr;
      bool* nulls = nullptr;
      int count = 0;
      deconstruct_array(DatumGetArrayTypeP(constant->constvalue), TEXTOID, -1, false, TYPALIGN_INT, &steps,
                        &nulls, &count);
      for (int i = 0; i < count; i++) {
        if (nulls[i]) refuse_expression(scope, "a path of a document with NULL");
        add_step(scope, path, TextDatumGetCString(steps[i]), false);
      }
      return;
    }
    default:
      refuse_expression(scope, "a path of a document of this type");
  }
}

// The document that -> and #> are applied to; their steps are added to the path.
const char* document_text(const Scope& scope, const Node* node, StringInfo path) {
  if (IsA(node, OpExpr)) {
    const auto* call = reinterpret_cast<const OpExpr*>(node);
    const char* name = get_opname(call->opno);
    if (call->opno < FirstNormalObjectId && (strcmp(name, "->") == 0 || strcmp(name, "#>") == 0)) {
      const char* document = document_text(scope, static_cast<Node*>(linitial(call->args)), path);
      add_path(scope, path, static_cast<Node*>(lsecond(call->args)));
      return document;
    }
  }
  return text_of(scope, node);
}

const char* member_text(const Scope& scope, const OpExpr* call) {
  StringInfoData path;
  initStringInfo(&path);
  appendStringInfoChar(&path, '$');
  const char* document = document_text(scope, static_cast<Node*>(linitial(call->args)), &path);
  add_path(scope, &path, static_cast<Node*>(lsecond(call->args)));
  return psprintf("JSON_VALUE(%s, %s)", document, flink_text(path.data));
}

// --- operators ---

bool is_nonzero(const Node* node) {
  if (!IsA(node, Const) || reinterpret_cast<const Const*>(node)->constisnull) return false;
  const auto* constant = reinterpret_cast<const Const*>(node);
  return class_of(constant->consttype) == Class::kInteger && constant->constvalue != 0;
}

// What fails in PostgreSQL is NULL in a trend; in Flink it would end the job.
const char* divisor_text(const Scope& scope, const Node* node) {
  const char* text = text_of(scope, node);
  return is_nonzero(node) ? text : psprintf("NULLIF(%s, 0)", text);
}

const char* shifted_time(const Scope& scope, const char* name, const Node* left, const Node* right) {
  const auto* distance = reinterpret_cast<const Const*>(right);
  if (!IsA(right, Const) || distance->constisnull)
    refuse_expression(scope, "an interval that is not constant");
  const Interval* interval = DatumGetIntervalP(distance->constvalue);
  if (interval->month != 0) refuse_expression(scope, "an interval of months");
  if (interval->day != 0 && exprType(left) == TIMESTAMPTZOID) refuse_expression(scope, "days of a time zone");
  return psprintf("(%s %s %s)", text_of(scope, left), name,
                  flink_interval(scope.definition, interval->time + interval->day * USECS_PER_DAY));
}

const char* pattern_text(const Scope& scope, const char* name, const Node* left, const Node* right) {
  if (!IsA(right, Const) || reinterpret_cast<const Const*>(right)->constisnull) {
    refuse_expression(scope, "a pattern that is not constant");
  }
  const char* pattern = TextDatumGetCString(reinterpret_cast<const Const*>(right)->constvalue);
  if (strchr(pattern, '\\') != nullptr) refuse_expression(scope, "a pattern with an escape");
  return psprintf("(%s %s %s)", text_of(scope, left), name[0] == '!' ? "NOT LIKE" : "LIKE",
                  flink_text(pattern));
}

bool is_one_of(const char* name, std::initializer_list<const char*> names) {
  for (const char* other : names) {
    if (strcmp(name, other) == 0) return true;
  }
  return false;
}

bool is_comparable(Class left, Class right, Oid left_type, Oid right_type) {
  if (is_number(left) && is_number(right)) return true;
  if (left != right) return false;
  return left == Class::kText || left == Class::kBool || (left == Class::kTime && left_type == right_type);
}

const char* operator_text(const Scope& scope, const OpExpr* call) {
  const char* name = get_opname(call->opno);
  const auto unknown = [&] {
    refuse_expression(scope, psprintf("operator %s", format_operator(call->opno)));
  };
  if (call->opno >= FirstNormalObjectId) unknown();
  const auto* left = static_cast<const Node*>(linitial(call->args));
  const Class left_class = class_of(exprType(left));
  if (list_length(call->args) == 1) {
    if (strcmp(name, "-") != 0 || !is_number(left_class)) unknown();
    return psprintf("(- %s)", text_of(scope, left));
  }
  const auto* right = static_cast<const Node*>(lsecond(call->args));
  const Class right_class = class_of(exprType(right));
  const bool are_numbers = is_number(left_class) && is_number(right_class);
  if (is_one_of(name, {"->>", "#>>"}) && left_class == Class::kJson) return member_text(scope, call);
  if (is_one_of(name, {"~~", "!~~"}) && left_class == Class::kText)
    return pattern_text(scope, name, left, right);
  if (is_one_of(name, {"+", "-"}) && left_class == Class::kTime && exprType(right) == INTERVALOID) {
    return shifted_time(scope, name, left, right);
  }
  if (strcmp(name, "/") == 0 && are_numbers) {
    return psprintf("(%s / %s)", text_of(scope, left), divisor_text(scope, right));
  }
  if (strcmp(name, "%") == 0 && are_numbers) {
    return psprintf("MOD(%s, %s)", text_of(scope, left), divisor_text(scope, right));
  }
  const bool is_plain =
      (is_one_of(name, {"+", "-", "*"}) && are_numbers) ||
      (strcmp(name, "||") == 0 && left_class == Class::kText && right_class == Class::kText) ||
      (is_one_of(name, {"=", "<>", "<", "<=", ">", ">="}) &&
       is_comparable(left_class, right_class, exprType(left), exprType(right)));
  if (!is_plain) unknown();
  return psprintf("(%s %s %s)", text_of(scope, left), name, text_of(scope, right));
}

// --- functions and casts ---

struct KnownFunction {
  Oid function;
  const char* format;  // of its arguments
};

// What an argument fails for is NULL, as in a trend.
constexpr KnownFunction kKnownFunctions[] = {
    {F_LOWER_TEXT, "LOWER(%1$s)"},
    {F_UPPER_TEXT, "UPPER(%1$s)"},
    {F_LENGTH_TEXT, "CHAR_LENGTH(%1$s)"},
    {F_CHAR_LENGTH_TEXT, "CHAR_LENGTH(%1$s)"},
    {F_CHARACTER_LENGTH_TEXT, "CHAR_LENGTH(%1$s)"},
    {F_BTRIM_TEXT, "TRIM(%1$s)"},
    {F_REPLACE, "REPLACE(%1$s, %2$s, %3$s)"},
    {F_ABS_INT4, "ABS(%1$s)"},
    {F_ABS_INT8, "ABS(%1$s)"},
    {F_ABS_NUMERIC, "ABS(%1$s)"},
    {F_ABS_FLOAT8, "ABS(%1$s)"},
    {F_FLOOR_NUMERIC, "FLOOR(%1$s)"},
    {F_FLOOR_FLOAT8, "FLOOR(%1$s)"},
    {F_CEIL_NUMERIC, "CEIL(%1$s)"},
    {F_CEIL_FLOAT8, "CEIL(%1$s)"},
    {F_ROUND_NUMERIC, "ROUND(%1$s, 0)"},
    {F_ROUND_NUMERIC_INT4, "ROUND(%1$s, %2$s)"},
    {F_SQRT_FLOAT8, "SQRT(CASE WHEN %1$s >= 0 THEN %1$s END)"},
    {F_LN_FLOAT8, "LN(CASE WHEN %1$s > 0 THEN %1$s END)"},
    {F_EXP_FLOAT8, "EXP(%1$s)"},
    {F_TO_TIMESTAMP_FLOAT8, "TO_TIMESTAMP_LTZ(CAST(FLOOR((%1$s) * 1000) AS BIGINT), 3)"},
    {F_TIMESTAMP_DATE, "CAST(%1$s AS TIMESTAMP(6))"},
};

const char* number_cast(const Scope& scope, const FuncExpr* call) {
  const auto* argument = static_cast<const Node*>(linitial(call->args));
  const Oid from = exprType(argument);
  const Oid to = call->funcresulttype;
  const char* text = text_of(scope, argument);
  int32 typmod = exprTypmod(reinterpret_cast<const Node*>(call));
  if (class_of(from) == Class::kFloat && class_of(to) != Class::kFloat) {
    refuse_expression(scope, "a cast from floating point, which rounds otherwise");
  }
  if (class_of(to) == Class::kInteger && class_of(from) == Class::kDecimal)
    text = psprintf("ROUND(%s, 0)", text);
  if (to == NUMERICOID && typmod < 0) {
    if (class_of(from) == Class::kDecimal) return text;
    const int digits = from == INT2OID ? 5 : from == INT4OID ? 10 : 19;
    return psprintf("CAST(%s AS DECIMAL(%d, 0))", text, digits);
  }
  return psprintf("CAST(%s AS %s)", text, flink_type(scope.definition, to, typmod));
}

bool is_number_cast(const FuncExpr* call) {
  if (call->funcformat == COERCE_EXPLICIT_CALL && list_length(call->args) != 1) return false;
  const char* name = get_func_name(call->funcid);
  return is_one_of(name, {"int2", "int4", "int8", "numeric", "float4", "float8"}) &&
         is_number(class_of(call->funcresulttype)) &&
         is_number(class_of(exprType(static_cast<Node*>(linitial(call->args)))));
}

const char* function_text(const Scope& scope, const FuncExpr* call) {
  if (call->funcid < FirstNormalObjectId && call->args != NIL && is_number_cast(call))
    return number_cast(scope, call);
  for (const KnownFunction& known : kKnownFunctions) {
    if (known.function != call->funcid) continue;
    const char* arguments[3] = {"", "", ""};
    ListCell* cell = nullptr;
    foreach (cell, call->args) {
      arguments[foreach_current_index(cell)] = text_of(scope, static_cast<Node*>(lfirst(cell)));
    }
    // The format is one of the table's.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return psprintf(known.format, arguments[0], arguments[1], arguments[2]);
#pragma GCC diagnostic pop
  }
  refuse_expression(scope, psprintf("function %s", format_procedure(call->funcid)));
}

// A cast by way of text. What cannot be read is NULL.
const char* io_cast(const Scope& scope, const CoerceViaIO* cast) {
  const auto* argument = reinterpret_cast<const Node*>(cast->arg);
  const Class from = class_of(exprType(argument));
  const Class to = class_of(cast->resulttype);
  if (from == Class::kText && (is_number(to) || to == Class::kBool || cast->resulttype == UUIDOID)) {
    return psprintf("TRY_CAST(%s AS %s)", text_of(scope, argument),
                    flink_type(scope.definition, cast->resulttype, -1));
  }
  if (to == Class::kText && (from == Class::kInteger || from == Class::kText || from == Class::kBool)) {
    return psprintf("CAST(%s AS STRING)", text_of(scope, argument));
  }
  refuse_expression(scope, psprintf("a cast from %s to %s", format_type_be(exprType(argument)),
                                    format_type_be(cast->resulttype)));
}

// --- conditions ---

const char* joined_text(const Scope& scope, const List* arguments, const char* open, const char* between) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoString(&out, open);
  const ListCell* cell = nullptr;
  foreach (cell, arguments) {
    appendStringInfo(&out, "%s%s", foreach_current_index(cell) == 0 ? "" : between,
                     text_of(scope, static_cast<Node*>(lfirst(cell))));
  }
  appendStringInfoChar(&out, ')');
  return out.data;
}

const char* case_text(const Scope& scope, const CaseExpr* expression) {
  if (expression->arg != nullptr) refuse_expression(scope, "CASE with an operand");
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoString(&out, "CASE");
  const ListCell* cell = nullptr;
  foreach (cell, expression->args) {
    const auto* when = static_cast<const CaseWhen*>(lfirst(cell));
    appendStringInfo(&out, " WHEN %s THEN %s", text_of(scope, reinterpret_cast<const Node*>(when->expr)),
                     text_of(scope, reinterpret_cast<const Node*>(when->result)));
  }
  if (expression->defresult != nullptr) {
    appendStringInfo(&out, " ELSE %s", text_of(scope, reinterpret_cast<const Node*>(expression->defresult)));
  }
  appendStringInfoString(&out, " END");
  return out.data;
}

const char* any_text(const Scope& scope, const ScalarArrayOpExpr* expression) {
  const auto* left = static_cast<const Node*>(linitial(expression->args));
  const auto* right = static_cast<const Node*>(lsecond(expression->args));
  const char* wanted = expression->useOr ? "=" : "<>";
  const Oid element = get_element_type(exprType(right));
  if (expression->opno >= FirstNormalObjectId || strcmp(get_opname(expression->opno), wanted) != 0 ||
      !IsA(right, Const) || reinterpret_cast<const Const*>(right)->constisnull ||
      !is_comparable(class_of(exprType(left)), class_of(element), exprType(left), element)) {
    refuse_expression(scope, "a comparison with an array");
  }
  int16 length = 0;
  bool by_value = false;
  char align = 0;
  get_typlenbyvalalign(element, &length, &by_value, &align);
  Datum* values = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(reinterpret_cast<const Const*>(right)->constvalue), element, length,
                    by_value, align, &values, &nulls, &count);
  List* constants = NIL;
  for (int i = 0; i < count; i++) {
    constants = lappend(constants, makeConst(element, -1, InvalidOid, length, values[i], nulls[i], by_value));
  }
  if (constants == NIL) return expression->useOr ? "FALSE" : "TRUE";
  return psprintf("(%s %s %s)", text_of(scope, left), expression->useOr ? "IN" : "NOT IN",
                  joined_text(scope, constants, "(", ", "));
}

const char* boolean_test_text(const Scope& scope, const BooleanTest* test) {
  constexpr const char* kTests[] = {"TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN"};
  return psprintf("(%s IS %s)", text_of(scope, reinterpret_cast<const Node*>(test->arg)),
                  kTests[test->booltesttype]);
}

const char* logic_text(const Scope& scope, const BoolExpr* expression) {
  switch (expression->boolop) {
    case AND_EXPR:
      return joined_text(scope, expression->args, "(", " AND ");
    case OR_EXPR:
      return joined_text(scope, expression->args, "(", " OR ");
    default:
      return joined_text(scope, expression->args, "(NOT ", "");
  }
}

const char* pair_text(const Scope& scope, const OpExpr* expression, const char* format_open,
                      const char* between) {
  const auto* left = static_cast<const Node*>(linitial(expression->args));
  const auto* right = static_cast<const Node*>(lsecond(expression->args));
  if (!is_comparable(class_of(exprType(left)), class_of(exprType(right)), exprType(left), exprType(right))) {
    refuse_expression(scope, psprintf("a comparison of type %s", format_type_be(exprType(left))));
  }
  return joined_text(scope, expression->args, format_open, between);
}

const char* text_of(const Scope& scope, const Node* node) {
  check_stack_depth();
  switch (nodeTag(node)) {
    case T_Var: {
      const auto* var = reinterpret_cast<const Var*>(node);
      return scope.over == Over::kGroup ? group_column(scope, var) : row_column(scope, var);
    }
    case T_Const:
      return constant_text(scope, reinterpret_cast<const Const*>(node));
    case T_RelabelType:
      return text_of(scope, reinterpret_cast<const Node*>(reinterpret_cast<const RelabelType*>(node)->arg));
    case T_OpExpr:
      return operator_text(scope, reinterpret_cast<const OpExpr*>(node));
    case T_DistinctExpr:
      return pair_text(scope, reinterpret_cast<const OpExpr*>(node), "(", " IS DISTINCT FROM ");
    case T_NullIfExpr:
      return pair_text(scope, reinterpret_cast<const OpExpr*>(node), "NULLIF(", ", ");
    case T_ScalarArrayOpExpr:
      return any_text(scope, reinterpret_cast<const ScalarArrayOpExpr*>(node));
    case T_FuncExpr:
      return function_text(scope, reinterpret_cast<const FuncExpr*>(node));
    case T_CoerceViaIO:
      return io_cast(scope, reinterpret_cast<const CoerceViaIO*>(node));
    case T_BoolExpr:
      return logic_text(scope, reinterpret_cast<const BoolExpr*>(node));
    case T_BooleanTest:
      return boolean_test_text(scope, reinterpret_cast<const BooleanTest*>(node));
    case T_NullTest: {
      const auto* test = reinterpret_cast<const NullTest*>(node);
      return psprintf("(%s IS %s)", text_of(scope, reinterpret_cast<const Node*>(test->arg)),
                      test->nulltesttype == IS_NULL ? "NULL" : "NOT NULL");
    }
    case T_CoalesceExpr:
      return joined_text(scope, reinterpret_cast<const CoalesceExpr*>(node)->args, "COALESCE(", ", ");
    case T_CaseExpr:
      return case_text(scope, reinterpret_cast<const CaseExpr*>(node));
    default:
      refuse_expression(scope, psprintf("an expression of type %s", format_type_be(exprType(node))));
  }
}

}  // namespace

const char* flink_column_expression(const Definition& definition, const Expr* expression) {
  return text_of({definition, Over::kTable}, reinterpret_cast<const Node*>(expression));
}

const char* flink_row_expression(const Definition& definition, const Expr* expression) {
  return text_of({definition, Over::kRow}, reinterpret_cast<const Node*>(expression));
}

const char* flink_group_expression(const Definition& definition, const Expr* expression) {
  return text_of({definition, Over::kGroup}, reinterpret_cast<const Node*>(expression));
}

}  // namespace trending
