-- Every object of the extension has a comment, every column of its views and of trending.trend, and every setting. The
-- reference in docs/ is made of them.

SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM   pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE  e.extname = 'trending' AND d.deptype = 'e'
  AND  coalesce(obj_description(d.objid, d.classid::regclass::name), '') = ''
  AND  NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid -- come with a relation or a type
                   WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typcategory = 'A' OR c.relkind <> 'c'))
ORDER  BY 1;

SELECT a.attrelid::regclass AS relation, a.attname AS without_comment
FROM   pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE  c.relnamespace = 'trending'::regnamespace AND (c.relkind = 'v' OR c.relname = 'trend') AND c.relkind <> 'i'
  AND  a.attnum > 0 AND NOT a.attisdropped AND coalesce(col_description(c.oid, a.attnum), '') = ''
ORDER  BY 1, a.attnum;

SELECT name AS without_comment FROM pg_settings
WHERE  name LIKE 'trending.%' AND (coalesce(short_desc, '') = '' OR coalesce(extra_desc, '') = '');

-- Each option of create_trend is described by the column of trending.trend that keeps it.
SELECT a.name AS without_column
FROM   pg_proc p, unnest(p.proargnames) WITH ORDINALITY a(name, number)
WHERE  p.oid = 'trending.create_trend'::regproc AND a.number > p.pronargs - p.pronargdefaults
  AND  NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'trending.trend'::regclass AND attname = a.name);

-- What is in schema trending is for users; tables of the stored state apart, which nobody has rights on.
SELECT pg_describe_object(d.classid, d.objid, 0) AS internal_in_trending
FROM   pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
       JOIN LATERAL (SELECT pronamespace FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid
                     UNION ALL SELECT relnamespace FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid
                     UNION ALL SELECT typnamespace FROM pg_type WHERE d.classid = 'pg_type'::regclass AND oid = d.objid) n(namespace) ON true
WHERE  e.extname = 'trending' AND d.deptype = 'e' AND n.namespace = 'trending'::regnamespace
  AND  obj_description(d.objid, d.classid::regclass::name) LIKE 'internal:%'
ORDER  BY 1;
SELECT c.oid::regclass AS open_table
FROM   pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
WHERE  c.relnamespace = 'trending'::regnamespace AND obj_description(c.oid, 'pg_class') LIKE 'stored state:%'
  AND  EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner);
SELECT p.oid::regprocedure AS not_for_everybody
FROM   pg_proc p WHERE p.pronamespace = 'trending'::regnamespace
  AND  NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0);

-- Internal functions: those that are called with the rights of the caller of another.
SELECT p.oid::regprocedure AS internal_for_everybody
FROM   pg_proc p WHERE p.pronamespace = 'trending_internal'::regnamespace
  AND  EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
ORDER  BY p.proname COLLATE "C";
SELECT count(*) > 30 AS others FROM pg_proc WHERE pronamespace = 'trending_internal'::regnamespace;
SELECT a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a
WHERE  n.nspname = 'trending_internal' AND a.grantee = 0;

-- All of this can fail.
CREATE FUNCTION uncommented() RETURNS int LANGUAGE sql RETURN 1;
ALTER EXTENSION trending ADD FUNCTION uncommented();
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM   pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE  e.extname = 'trending' AND d.deptype = 'e'
  AND  coalesce(obj_description(d.objid, d.classid::regclass::name), '') = ''
  AND  NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid -- come with a relation or a type
                   WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typcategory = 'A' OR c.relkind <> 'c'))
ORDER  BY 1;
ALTER EXTENSION trending DROP FUNCTION uncommented();
DROP FUNCTION uncommented();
