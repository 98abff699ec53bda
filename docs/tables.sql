-- SPDX-License-Identifier: PostgreSQL
-- The tables that the examples of docs/ read. Paste this into psql first, in a database that has the extension.

CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
CREATE TABLE view_events (post_id bigint NOT NULL, viewed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE visits (category text, is_bot bool NOT NULL DEFAULT false, bought bool NOT NULL DEFAULT false,
                     at timestamptz NOT NULL DEFAULT now());
CREATE TABLE clicks (user_id bigint, page text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL,
                     amount numeric NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE sales (region text, product bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE ticks (symbol text NOT NULL, price numeric NOT NULL, volume int NOT NULL,
                    at timestamptz NOT NULL DEFAULT now());
CREATE TABLE articles (author bigint NOT NULL, tags text[], published_at timestamptz NOT NULL DEFAULT now());

INSERT INTO posts VALUES (1, 'Hello'), (2, 'Second thoughts'), (3, 'On names');
INSERT INTO view_events (post_id) SELECT 1 + i % 3 % 2 FROM generate_series(1, 90) i;
INSERT INTO visits (category, bought) SELECT (ARRAY['books', 'music'])[1 + i % 2], i % 7 = 0 FROM generate_series(1, 60) i;
INSERT INTO clicks (user_id, page) SELECT i % 4, '/' || i % 5 FROM generate_series(1, 60) i;
INSERT INTO orders (customer, amount) SELECT i % 5, 10 * i FROM generate_series(1, 40) i;
INSERT INTO sales (region, product) SELECT (ARRAY['north', 'south'])[1 + i % 2], i % 3 FROM generate_series(1, 50) i;
INSERT INTO ticks (symbol, price, volume) SELECT 'ACME', 100 + i, i FROM generate_series(1, 30) i;
INSERT INTO articles (author, tags) SELECT i % 5, (ARRAY['sql', 'c++', 'wal'])[1:1 + i % 3] FROM generate_series(1, 30) i;
