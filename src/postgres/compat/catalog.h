// SPDX-License-Identifier: PostgreSQL
// Catalogs and rights. See compat.h.
#pragma once

namespace trending::compat {

// 19 gave the numbers of system caches a type.
#if PG_VERSION_NUM >= 190000
using SystemCache = SysCacheIdentifier;
#else
using SystemCache = int;
#endif

// 16 turned pg_namespace_aclcheck and similar functions into object_aclcheck (c727f511bd7b).
inline AclResult schema_aclcheck(Oid schema, Oid role, AclMode mode) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(NamespaceRelationId, schema, role, mode);
#else
  return pg_namespace_aclcheck(schema, role, mode);
#endif
}

inline AclResult function_aclcheck(Oid function, Oid role, AclMode mode) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, mode);
#else
  return pg_proc_aclcheck(function, role, mode);
#endif
}

inline bool relation_ownercheck(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, relation, role);
#else
  return pg_class_ownercheck(relation, role);
#endif
}

inline bool database_ownercheck(Oid database, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(DatabaseRelationId, database, role);
#else
  return pg_database_ownercheck(database, role);
#endif
}

// have_createdb_privilege is private to the server before 16 (6c3a3ae30f6e).
inline bool may_create_databases(Oid role) {
  HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
  if (!HeapTupleIsValid(tuple)) return false;
  bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcreatedb;
  ReleaseSysCache(tuple);
  return may;
}

// 18 added virtual generated columns (83ea6c54025b). A column that the relation does not have, as those that a
// definition joins to its source, is none.
inline bool is_virtual_column(Oid relation, AttrNumber attribute) {
#if PG_VERSION_NUM >= 180000
  return get_attname(relation, attribute, true) != nullptr &&
         get_attgenerated(relation, attribute) == ATTRIBUTE_GENERATED_VIRTUAL;
#else
  (void)relation;
  (void)attribute;
  return false;
#endif
}

// 16 moved permissions out of range table entries (a61b1f74823c). Raises an error if the user lacks rights.
inline void check_query_rights(Query* query) {
#if PG_VERSION_NUM >= 160000
  ExecCheckPermissions(query->rtable, query->rteperminfos, true);
#else
  ExecCheckRTPerms(query->rtable, true);
#endif
}

}  // namespace trending::compat
