-- SPDX-License-Identifier: PostgreSQL
/* sql/trending--0.1.0--0.2.0.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION trending UPDATE" to load this file. \quit

-- What changes here changes in trending--0.2.0.sql, too: a test compares the catalogs that the two ways lead to.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The worker, which does not run under SQL of another version than its own, starts when this transaction commits.
SELECT trending.request_worker();
