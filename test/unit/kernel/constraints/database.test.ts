import { describe, expect, it } from "vitest";
import { sqlTables, tokenizeSql } from "../../../../sidecar/kernel/constraints/sql.ts";
import { table } from "./harness.ts";

const q = (query: string) => ({ query });

table("table_allowlist", [
  [["orders"], q("SELECT id FROM orders"), true],
  [
    ["orders", "items"],
    q("SELECT o.id FROM orders o JOIN items AS i ON o.id = i.order_id WHERE o.id IN (SELECT order_id FROM items);"),
    true,
  ],
  [["orders", "items"], q("select * from orders, items where 1=1"), true],
  [["orders"], q("INSERT INTO orders (id, note) VALUES (1, 'it''s from users')"), true],
  [["orders"], q("UPDATE orders SET note = 'x' WHERE id = $1"), true],
  [["orders"], q("DELETE FROM orders WHERE id = 1"), true],
  [["orders"], q("INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2"), true],
  [["orders"], q("SELECT id FROM orders FOR UPDATE"), true],
  [["shop.orders"], q('SELECT id FROM "shop"."orders"'), true],
  [["orders"], q("SELECT 1"), true],
  [["orders"], q("SELECT id FROM users"), false],
  [["orders"], q("SELECT id FROM orders, users"), false],
  [["orders"], q("SELECT id FROM orders o, users u"), false],
  [["orders"], q("SELECT id FROM (orders JOIN users ON 1=1)"), false],
  [["orders"], q("SELECT id FROM orders WHERE id IN (SELECT id FROM users)"), false],
  [["orders"], q("SELECT id FROM orders UNION SELECT id FROM users"), false],
  [["orders"], q("SELECT id FROM orders CROSS JOIN LATERAL (SELECT id FROM users) x"), false],
  [["orders"], q("DELETE FROM orders USING users WHERE 1=1"), false],
  [["orders"], q("UPDATE orders SET id = (SELECT id FROM users)"), false],
  [["orders"], q("INSERT INTO orders SELECT id FROM users"), false],
  [["orders"], q("SELECT id INTO copy FROM orders"), false],
  [["orders"], q("SELECT id FROM other.orders"), false],
  [["orders"], q('SELECT id FROM "Orders"'), false],
  [["orders"], q("SELECT id FROM orders; DROP TABLE orders"), false],
  [["orders"], q("SELECT id FROM orders /*! , users */"), false],
  [["orders"], q("SELECT id FROM orders -- , users"), false],
  [["orders"], q("SELECT id FROM orders WHERE note = 'a\\' FROM users'"), false],
  [["orders"], q("WITH orders AS (SELECT 1) SELECT id FROM orders"), false],
  [["orders"], q("TABLE users"), false],
  [["orders"], q("SELECT id FROM orders UNION TABLE users"), false],
  [["orders"], q("INSERT users VALUES (1)"), false],
  [["orders"], q("DELETE users WHERE 1=1"), false],
  [["orders"], q("SELECT pg_read_file('/etc/passwd')"), false],
  [["orders"], q("SELECT query_to_xml('select * from users', true, true, '') FROM orders"), false],
  [["orders"], q("SELECT pg_catalog.lower(id) FROM orders"), false],
  [["orders"], q('SELECT "count"(id) FROM orders'), false],
  [["orders"], q("SELECT id FROM orders CROSS APPLY users"), false],
  [["orders"], q("SELECT lower(name), count(*) FROM orders GROUP BY lower(name) HAVING count(*) > 1"), true],
  [["orders"], q("SELECT sum(a) OVER (PARTITION BY b) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM orders) AND a IN (1, 2)"), true],
  [["orders"], q("COPY orders TO '/tmp/x'"), false],
  [["orders"], q("SELECT id FROM orders INTO OUTFILE '/tmp/x'"), false],
  [["orders"], q("SELECT id FROM pg_read_file('x')"), false],
  [["orders"], q("SELECT id FROM $$orders$$"), false],
  [["orders"], q("SELECT id FROM ((orders)"), false],
  [["orders"], q("SELECT id FROM"), false],
  [["orders"], q(""), false],
  // What some server reads as an alias does not end the list of tables.
  ...["minus", "offset", "fetch", "for", "window", "except", "set", "values", "limit", "returning", "AS set", "minus (a, b)"].map(
    (alias): [string[], { query: string }, boolean] => [["orders"], q(`SELECT * FROM orders ${alias}, users`), false],
  ),
  [["orders"], q("SELECT * FROM orders FOR SYSTEM_TIME ALL, users"), false],
  [["orders"], q("SELECT * FROM orders USE INDEX FOR ORDER BY (i), users"), false],
  [["orders"], q("UPDATE orders SET a = 1 FROM orders set, users"), false],
  [["orders"], q("INSERT INTO orders SELECT * FROM orders returning, users"), false],
  [["orders"], q("SELECT id FROM orders WHERE 5 IN users"), false],
  [["orders"], q("SELECT id FROM orders WHERE id NOT IN main.users"), false],
  // SQL Server takes the next statement without a semicolon.
  [["orders"], q("SELECT id FROM orders DELETE users"), false],
  [["orders"], q("SELECT id FROM orders INSERT users (a) VALUES (1)"), false],
  [["orders"], q("SELECT id FROM orders EXEC sp_helptext 'users'"), false],
  [["orders"], q("UPDATE orders SET a = 1, b = 2 WHERE id = 1 RETURNING id, a"), true],
  [["orders"], q("DELETE FROM orders RETURNING id, a"), true],
  [["orders"], q("INSERT INTO orders SELECT id FROM orders ON CONFLICT (id) DO UPDATE SET a = 1, b = 2"), true],
  [["orders"], q("SELECT o.id FROM orders AS o ORDER BY o.id LIMIT 5, 10"), true],
  [["orders"], q("SELECT id FROM orders OFFSET 5 ROWS FETCH FIRST 1 ROWS ONLY"), true],
  [["orders"], q("SELECT id FROM orders EXCEPT SELECT id FROM orders UNION ALL SELECT id FROM orders"), true],
  [["orders"], q("SELECT id FROM orders WHERE id IN (1) LOCK IN SHARE MODE"), true],
  [["orders"], q("SELECT id, deleted, created, updated FROM orders WHERE orders.use = 1"), true],
  [["orders"], { query: "SELECT id FROM orders", sql: "SELECT id FROM users" }, false],
  [["orders"], { query: ["SELECT id FROM orders"] }, true],
  [["orders"], { query: 7 }, false],
  [["orders"], { text: "SELECT id FROM orders" }, false],
]);

table("column_denylist", [
  [["ssn"], q("SELECT name FROM people"), true],
  [["ssn"], q("SELECT count(*) FROM people"), true],
  [["ssn"], q("SELECT p.name FROM people p WHERE p.id = 1"), true],
  [["ssn"], q("SELECT ssn FROM people"), false],
  [["people.SSN"], q('SELECT "ssn" FROM people'), false],
  [["ssn"], q("SELECT name FROM people WHERE ssn = '1'"), false],
  [["ssn"], q("SELECT * FROM people"), false],
  [["ssn"], q("SELECT p.* FROM people p"), false],
  [["ssn"], q("SELECT name, * FROM people"), false],
  [["ssn"], q("DELETE FROM people RETURNING *"), false],
  [["ssn"], q("INSERT INTO people VALUES (1, 2)"), false],
  [["ssn"], q("INSERT INTO people SELECT 1, 2"), false],
  [["ssn"], q("INSERT INTO people (name) VALUES ('x')"), true],
  [["ssn"], q("INSERT INTO shop.people AS p (name) VALUES ('x')"), false],
  [["ssn"], q("SELECT people FROM people"), false],
  [["ssn"], q("SELECT row_to_json(p) FROM people p"), false],
  [["ssn"], q("SELECT offset FROM people offset"), false],
  [["ssn"], q("INSERT INTO people AS set (name) VALUES ('x') RETURNING set"), false],
  [["ssn"], q("SELECT name FROM people ORDER BY 1; SELECT ssn FROM people"), false],
  [["ssn"], {}, false],
]);

table("max_rows_returned", [
  [10, q("SELECT id FROM t LIMIT 10"), true],
  [10, q("SELECT id FROM t LIMIT 5, 10"), true],
  [10, q("SELECT id FROM t LIMIT 10 OFFSET 1000"), true],
  [10, q("SELECT id FROM t FETCH FIRST 10 ROWS ONLY"), true],
  [10, q("DELETE FROM t WHERE id = 1"), true],
  [10, q("SELECT id FROM t LIMIT 11"), false],
  [10, q("SELECT id FROM t LIMIT 5, 11"), false],
  [10, q("SELECT id FROM t"), false],
  [10, q("SELECT id FROM t LIMIT ALL"), false],
  [10, q("SELECT id FROM t LIMIT 5 + 100"), false],
  [10, q("SELECT id FROM t LIMIT $1"), false],
  [10, q("SELECT id FROM t WHERE id IN (SELECT id FROM u LIMIT 5)"), false],
  [10, q("SELECT id FROM t FETCH FIRST 10 ROWS WITH TIES"), false],
  [10, q("DELETE FROM t RETURNING id"), false],
  [10, q("UPDATE t SET output = 1"), true],
  [10, q("UPDATE t SET a = 1 OUTPUT inserted.id"), false],
  [10, q("SELECT id FROM t OFFSET 0 ROWS FETCH FIRST 1 ROWS ONLY SELECT id FROM t"), false],
  [10, q("UPDATE t SET a = 1 SELECT id FROM t"), false],
  [10, q("SELECT id FROM t MINUS SELECT id FROM u FETCH FIRST 1 ROWS ONLY"), false],
  [10, q("SELECT id FROM t UNION SELECT id FROM u LIMIT 5"), true],
]);

table("operation_class", [
  ["read_only", q("SELECT id FROM t"), true],
  ["read_only", q("SELECT replace(name, 'a', 'b') FROM t"), true],
  ["read_only", q("WITH x AS (SELECT 1) SELECT * FROM x"), true],
  ["read_only", q("WITH x AS (DELETE FROM t RETURNING id) SELECT * FROM x"), false],
  ["read_only", q("SELECT id INTO copy FROM t"), false],
  ["read_only", q("SELECT id FROM t FOR UPDATE"), false],
  ["read_only", q("SELECT pg_terminate_backend(1)"), false],
  ["read_only", q("SELECT nextval('s')"), false],
  ["read_write", q("SELECT nextval('s')"), true],
  ["read_only", q("EXPLAIN ANALYZE DELETE FROM t"), false],
  ["read_only", q("SELECT 1; DELETE FROM t"), false],
  ["read_only", q("SELECT 1 DROP TABLE t"), false],
  ["read_only", q("SELECT 1 EXEC xp_cmdshell 'dir'"), false],
  ["read_write", q("SELECT 1 SHUTDOWN"), false],
  ["read_write", q("SELECT truncate(price, 2) FROM t"), true],
  ["read_write", q("WITH x AS (DELETE FROM t RETURNING id) INSERT INTO u SELECT id FROM x"), true],
  ["read_only", q("UPDATE t SET a = 1"), false],
  ["read_write", q("UPDATE t SET a = 1"), true],
  ["read_write", q("DROP TABLE t"), false],
  ["read_write", q("SELECT 1; DROP TABLE t"), false],
  ["admin", q("DROP TABLE t"), true],
  ["admin", {}, false],
]);

describe("SQL tokens", () => {
  it("end where two servers would read two things", () => {
    for (const sql of ["SELECT E'a'", "SELECT [a]", "SELECT 'a", 'SELECT "a', "SELECT ä", "SELECT \u0000", "SELECT N'x'", ";", ""]) {
      expect(tokenizeSql(sql), sql).toBeNull();
    }
  });
  it("keep what strings hold out of the statement", () => {
    const tokens = tokenizeSql("SELECT 'FROM users' FROM orders")!;
    expect(sqlTables(tokens)?.tables).toEqual(["orders"]);
  });
});
