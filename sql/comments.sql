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
