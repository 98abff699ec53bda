#include "functions/labels.h"

#include <cstring>

namespace trending {

namespace {

// A session's plan for the labels of one trend. Entries stay for good; those of dropped trends are empty.
struct LabelPlan {
  Oid trend;  // hash key
  bool stale;
  int executing;  // a function called by the label table's row security may come back here
  Oid label_relation;
  SPIPlanPtr plan;
};

HTAB* plans = nullptr;

// The plan cache replans when tables change; this is for what the text of the query depends on, names above
// all.
void mark_stale(Datum, Oid relation) {
  HASH_SEQ_STATUS status;
  hash_seq_init(&status, plans);
  while (auto* entry = static_cast<LabelPlan*>(hash_seq_search(&status))) {
    if (!OidIsValid(relation) || relation == entry->trend || relation == entry->label_relation) {
      entry->stale = true;
    }
  }
}

LabelPlan* plan_entry(Oid trend) {
  if (plans == nullptr) {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(LabelPlan);
    control.hcxt = CacheMemoryContext;
    plans = hash_create("trending label plans", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    CacheRegisterRelcacheCallback(mark_stale, 0);
  }
  bool found = false;
  auto* entry = static_cast<LabelPlan*>(hash_search(plans, &trend, HASH_ENTER, &found));
  if (!found) {
    entry->stale = true;
    entry->executing = 0;
    entry->label_relation = InvalidOid;
    entry->plan = nullptr;
  }
  return entry;
}

// Whether the label's table and column are still there. A label that cannot be shown must not hide the
// ranking.
bool label_exists(const char* label) {
  List* names = textToQualifiedNameList(cstring_to_text(label));
  if (list_length(names) != 3) return false;
  Oid schema = get_namespace_oid(strVal(linitial(names)), true);
  if (!OidIsValid(schema)) return false;
  Oid relation = get_relname_relid(strVal(lsecond(names)), schema);
  return OidIsValid(relation) && get_attnum(relation, strVal(lthird(names))) != InvalidAttrNumber;
}

const char* qualified_operator(Oid operator_id) {
  HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator_id));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator %u", operator_id);
  auto* form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
  const char* text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
                              NameStr(form->oprname));
  ReleaseSysCache(tuple);
  return text;
}

const char* qualified_relation(Oid relation) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

// SELECT key, label FROM table WHERE key = ANY ($1): one execution for all rows.
const char* label_query(const LabelSource& source, Oid key_type) {
  const char* key = quote_identifier(get_attname(source.relation, source.key, false));
  return psprintf("SELECT l.%s::%s, l.%s::pg_catalog.text FROM %s l WHERE l.%s %s ANY ($1)", key,
                  format_type_extended(key_type, -1, FORMAT_TYPE_FORCE_QUALIFY),
                  quote_identifier(get_attname(source.relation, source.column, false)),
                  qualified_relation(source.relation), key, qualified_operator(source.equal_operator));
}

// Within SPI_connect.
void prepare(const Definition& definition, LabelPlan* entry) {
  if (entry->plan != nullptr && entry->executing == 0) SPI_freeplan(entry->plan);
  entry->plan = nullptr;
  LabelSource source = label_resolve(definition.label, &definition);
  Oid key_type = definition.keys.columns[0].type;
  Oid array_type = get_array_type(key_type);
  SPIPlanPtr plan = SPI_prepare(label_query(source, key_type), 1, &array_type);
  if (plan == nullptr || SPI_keepplan(plan) != 0) {
    elog(ERROR, "could not prepare the query for labels: %s", SPI_result_code_string(SPI_result));
  }
  entry->plan = plan;
  entry->label_relation = source.relation;
  entry->stale = false;
}

// The keys that are not NULL, as an array.
ArrayType* key_array(const Definition& definition, const TrendSnapshot& snapshot) {
  const KeyColumn& key = definition.keys.columns[0];
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * snapshot.count));
  int count = 0;
  for (uint64_t i = 0; i < snapshot.count; i++) {
    bool isnull = false;
    key_decode(definition.keys, snapshot.groups[i].group->key(), &values[count], &isnull);
    if (!isnull) count++;
  }
  return construct_array(values, count, key.type, key.length, key.by_value, key.align);
}

// Gives a label to the row whose key this is. Bytes are compared: equal keys have equal bytes.
void assign(const Definition& definition, const TrendSnapshot& snapshot, Datum key, text* label,
            StringInfo buffer, text** labels) {
  bool isnull = false;
  if (!key_encode(definition.keys, &key, &isnull, buffer)) return;
  for (uint64_t i = 0; i < snapshot.count; i++) {
    KeyBytes bytes = snapshot.groups[i].group->key();
    if (bytes.size == static_cast<uint32_t>(buffer->len) &&
        memcmp(bytes.data, buffer->data, bytes.size) == 0) {
      labels[i] = label;
      return;
    }
  }
}

void execute(LabelPlan* entry, Datum keys) {
  entry->executing++;
  PG_TRY();
  {
    int result = SPI_execute_plan(entry->plan, &keys, nullptr, true, 0);
    if (result != SPI_OK_SELECT) elog(ERROR, "could not read labels: %s", SPI_result_code_string(result));
  }
  PG_FINALLY();
  { entry->executing--; }
  PG_END_TRY();
}

void collect(const Definition& definition, const TrendSnapshot& snapshot, MemoryContext caller,
             text** labels) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  TupleDesc columns = SPI_tuptable->tupdesc;
  for (uint64_t row = 0; row < SPI_processed; row++) {
    CHECK_FOR_INTERRUPTS();
    bool isnull = false;
    Datum key = SPI_getbinval(SPI_tuptable->vals[row], columns, 1, &isnull);
    if (isnull) continue;
    Datum label = SPI_getbinval(SPI_tuptable->vals[row], columns, 2, &isnull);
    if (isnull) continue;
    MemoryContext spi = MemoryContextSwitchTo(caller);
    text* copy = DatumGetTextPCopy(label);
    MemoryContextSwitchTo(spi);
    assign(definition, snapshot, key, copy, &buffer, labels);
  }
}

}  // namespace

text** read_labels(const Definition& definition, const TrendSnapshot& snapshot) {
  auto** labels = static_cast<text**>(palloc0(sizeof(text*) * (snapshot.count + 1)));
  if (definition.label == nullptr || definition.keys.count != 1 || snapshot.count == 0) return labels;
  MemoryContext caller = CurrentMemoryContext;
  LabelPlan* entry = plan_entry(definition.relation);
  if (entry->stale && !label_exists(definition.label)) return labels;
  SPI_connect();
  if (entry->stale) prepare(definition, entry);
  execute(entry, PointerGetDatum(key_array(definition, snapshot)));
  collect(definition, snapshot, caller, labels);
  SPI_finish();
  return labels;
}

}  // namespace trending
